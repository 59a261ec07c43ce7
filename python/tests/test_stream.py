"""sepconv.Stream: a signal in pieces gives the bits of the whole signal."""

import importlib.util
import pathlib
import sys

import numpy as np
import pytest

import sepconv

DTYPES = ("float32", "float64", "float16", "bfloat16")


@pytest.fixture
def dtype(request):
    """One of NumPy's, or of ml_dtypes."""
    return np.dtype(request.param if request.param != "bfloat16" else pytest.importorskip("ml_dtypes").bfloat16)


def layer(rng, channels, filters, kernel, dtype="f", **options):
    depthwise = rng.standard_normal((kernel, channels, 1)) / kernel**0.5
    pointwise = None if filters is None else (rng.standard_normal((1, channels, filters)) / channels**0.5).astype(dtype)
    return sepconv.Layer(depthwise.astype(dtype), pointwise, **options)


def cut(x, data_format, begin, end):
    return x[:, begin:end] if data_format == "channels_last" else x[:, :, begin:end]


def streamed(rng, stream, x, data_format="channels_last", residual=None, largest=9):
    """All outputs, of pieces of random lengths."""
    axis = 1 if data_format == "channels_last" else 2
    parts, at, got = [], 0, 0
    while at < x.shape[axis]:
        piece = cut(x, data_format, at, at + int(rng.integers(0, largest)))
        at += piece.shape[axis]
        complete = at - stream.delay
        count = (-(-complete // stream.stride) if complete > 0 else 0) - got
        added = None if residual is None else np.ascontiguousarray(cut(residual, data_format, got, got + count))
        parts.append(stream.push(piece, added))
        assert parts[-1].shape[axis] == count, "as soon as the last frame that an output reads is there"
        got += count
        assert stream.positions == (at,) * stream.batch
    rest = None if residual is None else np.ascontiguousarray(cut(residual, data_format, got, None))
    parts.append(stream.finish(rest))
    assert stream.positions == (0,) * stream.batch
    return np.concatenate(parts, axis)


def check_equal(found, expected):
    assert found.dtype == expected.dtype and found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("dtype", DTYPES, indirect=True)
def test_layers_equal_the_whole_signal(dtype, data_format, rng):
    for case in range(40):
        kernel, dilation, stride = (int(n) for n in rng.integers(1, [7, 4, 4]))
        reach = (kernel - 1) * dilation + 1
        paddings = ["causal", "valid", [(int(rng.integers(reach)), int(rng.integers(reach)))]]
        paddings += ["same"] if stride == 1 else []
        own = layer(
            rng, int(rng.integers(1, 20)), [None, 7][case % 2], kernel, dtype, strides=stride,
            dilation_rate=dilation, padding=paddings[case % len(paddings)], data_format=data_format,
            input_activation="sigmoid" if case % 3 == 0 else None,
        )  # fmt: skip
        channels, batch, frames = own.weights()[0].shape[1], int(rng.integers(1, 4)), reach + int(rng.integers(0, 60))
        shape = (batch, frames, channels) if data_format == "channels_last" else (batch, channels, frames)
        x = rng.standard_normal(shape).astype(dtype)
        stream = sepconv.Stream(own, batch)
        assert stream.dtype == dtype.name and stream.stride == stride
        check_equal(streamed(rng, stream, x, data_format), own(x))
        check_equal(streamed(rng, stream, x, data_format, largest=100), own(x))


def network(rng, dtype="f", data_format="channels_last", padding="same"):
    options = {"dtype": dtype, "data_format": data_format}
    return sepconv.Chain([
        layer(rng, 4, 8, 5, padding=padding, mid_activation="relu", **options),
        layer(rng, 8, 6, 4, padding="causal" if padding == "causal" else [(1, 2)], strides=2, **options),
        layer(rng, 6, None, 3, padding=padding, dilation_rate=2, **options),
        layer(rng, 6, 3, 2, padding="causal" if padding == "causal" else "valid", strides=3, **options),
    ])  # fmt: skip


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("dtype", DTYPES, indirect=True)
@pytest.mark.parametrize("padding", ["causal", "same"])
def test_chains_equal_the_whole_signal(padding, dtype, data_format, rng):
    chain = network(rng, dtype, data_format, padding)
    stream = sepconv.Stream(chain, 2, residual=True)
    assert stream.stride == 6 and stream.delay == (0 if padding == "causal" else 2 + 2 + 2 * 2 + 2 * 1)
    for frames in (13, 14, 60, 61, 97):
        x = rng.standard_normal((2, frames, 4) if data_format == "channels_last" else (2, 4, frames))
        x = x.astype(dtype)
        residual = rng.standard_normal(chain.output_shape(x.shape)).astype(dtype)
        check_equal(streamed(rng, stream, x, data_format, residual), chain(x, residual))


def test_states_are_saved_and_restored(rng):
    chain = network(rng)
    x = rng.standard_normal((2, 80, 4)).astype("f")
    stream = sepconv.Stream(chain, 2)
    parts = [stream.push(x[:, :31])]
    state = stream.save()
    stream.push(x[:, 3:20])
    other = sepconv.Stream(chain, 2)
    for goes_on in (stream, other):
        goes_on.restore(state)
        assert goes_on.positions == (31, 31)
        check_equal(np.concatenate([*parts, goes_on.push(x[:, 31:]), goes_on.finish()], 1), chain(x))


def test_one_signal_of_a_batch(rng):
    chain = network(rng, padding="causal")
    streams = [sepconv.Stream(chain) for _ in range(3)]
    batch = sepconv.Stream(chain, 3)

    def push(frames):
        x = rng.standard_normal((3, frames, 4)).astype("f")
        check_equal(batch.push(x), np.concatenate([own.push(x[i : i + 1]) for i, own in enumerate(streams)]))

    push(18)
    batch.reset(1)
    streams[1].reset()
    push(7)
    assert batch.positions == (25, 7, 25) == tuple(own.positions[0] for own in streams)
    batch.restore(batch.save(1), 0)
    streams[0].restore(streams[1].save(0))
    push(20)
    elsewhere = sepconv.Stream(chain)
    elsewhere.push(rng.standard_normal((1, 45 + 6 * 7, 4)).astype("f"))
    batch.restore(elsewhere.save(), 2)
    streams[2].restore(elsewhere.save())
    push(34)
    before = batch.save()
    with pytest.raises(ValueError, match=r"layers\[\d\]: signal is 1: after 0 frames it would fall out of step"):
        batch.reset(1)
    with pytest.raises(ValueError, match="out of step"):
        batch.restore(sepconv.Stream(chain).save(), 2)
    assert batch.save() == before, "all layers, or none"
    push(9)


def test_a_delay_keeps_signals_together(rng):
    stream = sepconv.Stream(network(rng), 2)
    stream.push(rng.standard_normal((2, 20, 4)).astype("f"))
    before = stream.save()
    with pytest.raises(NotImplementedError, match="signal is 1: .* a delay of 2 frames"):
        stream.reset(1)
    with pytest.raises(NotImplementedError, match="signal is 0"):
        stream.restore(stream.save(1), 0)
    assert stream.save() == before
    stream.reset()
    assert stream.positions == (0, 0)


def test_wrong_states_are_refused(rng):
    chain = network(rng)
    stream = sepconv.Stream(chain, 2)
    stream.push(rng.standard_normal((2, 20, 4)).astype("f"))
    state = stream.save()
    for at in range(len(state)):
        damaged = bytearray(state)
        damaged[at] ^= 16
        with pytest.raises(ValueError, match=r"layers\[\d\]: state "):
            stream.restore(damaged)
    with pytest.raises(
        ValueError, match=f"state has {len(state) - 1} bytes, that of 2 signals of this stream {len(state)}"
    ):
        stream.restore(state[:-1])
    with pytest.raises(ValueError, match=r"that of 1 signals of this stream \d+"):
        stream.restore(state, 0)
    with pytest.raises(TypeError, match="state must be bytes, received <class 'str'>"):
        stream.restore("state")
    one = layer(rng, 4, 8, 5, padding="causal")
    other = layer(rng, 4, 8, 5, padding="causal", out_activation="relu")
    with pytest.raises(ValueError, match="^state is of another plan"):
        sepconv.Stream(other).restore(sepconv.Stream(one).save())
    sepconv.Stream(layer(rng, 4, 8, 5, padding="causal")).restore(sepconv.Stream(one).save())  # other weights
    assert stream.save() == state


def test_out_and_slices(rng):
    own = layer(rng, 4, 8, 5, padding="causal")
    stream = sepconv.Stream(own, 2)
    x = rng.standard_normal((2, 30, 9)).astype("f")[:, ::3, 2:6]
    out = np.empty((2, 10, 8), "f")
    assert stream.push(x, out=out) is out
    check_equal(out, own(np.ascontiguousarray(x)))
    assert stream.push(x[:, :0]).shape == stream.finish().shape == (2, 0, 8)


def test_what_is_wrong_is_named_and_takes_nothing(rng):
    own = layer(rng, 4, 8, 5, padding="causal")
    stream = sepconv.Stream(own, 2)
    good = np.ones((2, 3, 4), "f")
    for message, call in {
        "inputs must have the batch of the stream, 2, received shape": lambda: stream.push(good[:1]),
        "the number of input channels must match the kernel": lambda: stream.push(np.ones((2, 3, 5), "f")),
        "inputs must have the rank of the kernels, 3": lambda: stream.push(np.ones((2, 3, 4, 1), "f")),
        "but inputs is float64": lambda: stream.push(good.astype("d")),
        "residual is given": lambda: stream.push(good, np.ones((2, 3, 8), "f")),
        "out must have the shape of the output": lambda: stream.push(good, out=np.ones((2, 2, 8), "f")),
        "signal must be None or from 0 to 1, received 2": lambda: stream.reset(2),
        "signal must be None or from 0 to 1, received -1": lambda: stream.save(-1),
        "batch must be positive, received 0": lambda: sepconv.Stream(own, 0),
        "residual is missing": lambda: sepconv.Stream(own, 2, residual=True).push(good),
        'padding "same" with strides 2 cannot be streamed': lambda: sepconv.Stream(
            layer(rng, 4, 8, 3, padding="same", strides=2)
        ),
        r"padding \(3, 0\) cannot be streamed": lambda: sepconv.Stream(layer(rng, 4, 8, 3, padding=[(3, 0)])),
        "one spatial axis, received one of 2": lambda: sepconv.Stream(
            sepconv.Layer(np.ones((3, 3, 4, 1), "f"), np.ones((1, 1, 4, 8), "f"))
        ),
    }.items():
        with pytest.raises(ValueError, match=message):
            call()
    assert stream.positions == (0, 0)
    with pytest.raises(TypeError, match=r"layer must be a sepconv\.Layer or a sepconv\.Chain, received 3"):
        sepconv.Stream(3)
    assert repr(stream) == "<sepconv.Stream of 2 signals through 1 layers, float32>"


def test_a_stream_keeps_its_layers(rng):
    own = layer(rng, 4, 8, 5, padding="causal")
    x = rng.standard_normal((1, 30, 4)).astype("f")
    expected = own(x)
    stream = sepconv.Stream(own)
    del own
    check_equal(streamed(rng, stream, x), expected)


EXAMPLE = pathlib.Path(__file__).resolve().parents[1] / "examples" / "keyword_spotter.py"


@pytest.fixture
def spotter():
    spec = importlib.util.spec_from_file_location("keyword_spotter", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    return example


@pytest.mark.parametrize("piece", ["25", "3.1", "1000"])
def test_the_keyword_spotter_hears_what_is_said(piece, spotter, tmp_path, monkeypatch, capsys):
    wav = tmp_path / "said.wav"
    monkeypatch.setattr(sys, "argv", ["keyword_spotter.py", "--piece", piece, "--wav", str(wav)])
    spotter.main()
    lines = capsys.readouterr().out.splitlines()
    words = [line.split()[-1] for line in lines[:-1]]
    assert words == ["up", "again", "down", "down", "up", "again", "up", "down"]
    seconds = [float(line.split()[0]) for line in lines[:-1]]
    np.testing.assert_allclose(seconds, 0.8 + 0.8 * np.arange(8), atol=0.03)  # each word ends after 0.8 s
    assert lines[-1].endswith("the same bits as the whole")
    assert wav.stat().st_size == 44 + 2 * 16000 * (8 * 0.8 + 0.5)


def test_the_keyword_spotter_hears_nothing_in_noise(spotter):
    network = spotter.make_network()
    assert spotter.spotted(network(spotter.loudness(spotter.make_sound([])))) == []
    noise = np.random.default_rng(3).normal(0, 3000, 5 * spotter.RATE).astype(np.int16)
    assert spotter.spotted(network(spotter.loudness(noise))) == []
