"""sepconv.separable_conv and depthwise_conv on NumPy arrays, and on whatever has a buffer or DLPack."""

import array
import os
import subprocess
import sys
import threading

import golden
import numpy as np
import pytest
import reference

import sepconv
from sepconv import _native

SEED = int(os.environ.get("SEPCONV_TEST_SEED", "1"))


@pytest.fixture
def rng():
    print("seed", SEED)
    return np.random.default_rng(SEED)


def bound(x, dw, pw, dtype):
    """The error that rounding may cause: one epsilon an addition, relative to the sum of magnitudes."""
    terms = np.prod(dw.shape[:-2]) + (0 if pw is None else pw.shape[-2])
    size = np.abs(x).max() * np.abs(dw).sum(axis=tuple(range(dw.ndim - 2))).max()
    if pw is not None:
        size *= np.abs(pw).sum(axis=-2).max()
    return terms * np.finfo(dtype).eps * size


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", golden.CASES, ids=str)
def test_golden(case, dtype):
    rank, data_format, strides, padding, dilation_rate, *expected = case
    x, dw, pw = golden.tensors(rank, data_format, dtype)
    result = sepconv.separable_conv(x, dw, pw, strides, padding, data_format, dilation_rate)
    assert result.dtype == dtype
    golden.check(result, *expected)
    layer = sepconv.Layer(dw, pw, strides, padding, data_format, dilation_rate)
    np.testing.assert_array_equal(layer(x), result)


@pytest.mark.parametrize("seed", range(40))
def test_random(seed):
    rng = np.random.default_rng([SEED, seed])
    rank = rng.integers(1, 4)
    first = rng.random() < 0.5
    spatial = rng.integers(1, 12 if rank < 3 else 6, rank)
    taps = np.minimum(rng.integers(1, 5, rank), spatial)
    channels, multiplier, out = rng.integers(1, 20), rng.integers(1, 3), rng.integers(1, 20)
    dilation = [
        int(rng.integers(1, (n - 1) // (k - 1) + 1)) if k > 1 else 1 for n, k in zip(spatial, taps, strict=True)
    ]
    strides = rng.integers(1, 4, rank).tolist()
    padding = ["same", "valid", [tuple(p) for p in rng.integers(0, 3, (rank, 2)).tolist()]][rng.integers(3)]
    batch = int(rng.integers(0, 3))
    shape = (batch, channels, *spatial) if first else (batch, *spatial, channels)
    x = rng.standard_normal(shape).astype("f")
    dw = rng.standard_normal((*taps, channels, multiplier)).astype("f")
    pw = None if rng.random() < 0.3 else rng.standard_normal((*[1] * rank, channels * multiplier, out)).astype("f")
    arguments = (strides, padding, "channels_first" if first else "channels_last", dilation)
    print("seed", SEED, seed, shape, dw.shape, None if pw is None else pw.shape, arguments)
    if pw is None:
        result = sepconv.depthwise_conv(x, dw, *arguments)
    else:
        result = sepconv.separable_conv(x, dw, pw, *arguments)
    expected = reference.separable_conv(x, dw, pw, *arguments)
    assert result.shape == expected.shape
    if batch:
        np.testing.assert_allclose(result, expected, rtol=0, atol=bound(x, dw, pw, "f"))


def float16_like(name):
    if name == "float16":
        return np.dtype("float16")
    return np.dtype(pytest.importorskip("ml_dtypes").bfloat16)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_16_bits_are_rounded_once(name, data_format, rng):
    dtype = float16_like(name)
    shape = (2, 9, 8, 6) if data_format == "channels_last" else (2, 6, 9, 8)
    x = rng.standard_normal(shape).astype(dtype)
    dw, pw = rng.standard_normal((3, 3, 6, 2)).astype(dtype), rng.standard_normal((1, 1, 12, 5)).astype(dtype)
    result = sepconv.separable_conv(x, dw, pw, padding="same", data_format=data_format)
    assert result.dtype == dtype
    wide = [t.astype(np.float32) for t in (x, dw, pw)]
    inside = sepconv.separable_conv(*wide, padding="same", data_format=data_format)
    np.testing.assert_array_equal(result, inside.astype(dtype))
    layer = sepconv.Layer(dw, pw, padding="same", data_format=data_format)
    np.testing.assert_array_equal(layer(x), result)


def test_every_float16_survives_the_conversion():
    x = np.arange(1 << 16, dtype=np.uint16).view(np.float16).reshape(1, 256, 256, 1)
    one = np.ones((1, 1, 1, 1), np.float16)
    result = sepconv.depthwise_conv(x, one)
    expected = x.copy()
    expected[x == 0] = 0  # the sum with a zero has no sign
    np.testing.assert_array_equal(np.where(result == 0, np.float16(0), result), expected)


def test_float16_rounds_to_nearest_even(rng):
    """Halfway between neighbours, above the largest number, subnormal: as NumPy rounds."""
    wide = np.concatenate(
        [
            np.array([1 + 2**-11, 1 + 3 * 2**-11, 65504, 65519.99, 65520, 1e9, 2**-24, 2**-25, 2**-26, 3 * 2**-25]),
            rng.standard_normal(1000) * 10.0 ** rng.integers(-8, 5, 1000),
        ]
    )
    with np.errstate(over="ignore"):
        low = wide.astype(np.float16).astype(np.float64)
    rest = (wide - low).astype(np.float16)  # two float16 numbers whose exact sum float32 holds
    x = np.stack([low.astype(np.float16), rest], axis=-1)[None]
    dw, pw = np.ones((1, 2, 1), np.float16), np.ones((1, 2, 1), np.float16)
    x[~np.isfinite(x)] = 0
    result = sepconv.separable_conv(x, dw, pw)[0, :, 0]
    with np.errstate(over="ignore"):
        expected = x.astype(np.float32).sum(axis=-1)[0].astype(np.float16)
    np.testing.assert_array_equal(result, expected)


def layer_problem(rng):
    x = rng.standard_normal((2, 7, 9, 8)).astype("f")
    dw, pw = rng.standard_normal((3, 3, 8, 1)).astype("f"), rng.standard_normal((1, 1, 8, 5)).astype("f")
    return x, dw, pw


def test_contiguous_arrays_are_not_copied(rng):
    x, dw, pw = layer_problem(rng)
    for tensor in (x, dw, pw, x[:, 1:5], memoryview(x)):
        assert _native.address_of(tensor) == np.asarray(tensor).ctypes.data
    layer = sepconv.Layer(dw, pw)
    copies = _native.copy_count()
    out = np.empty(layer.output_shape(x.shape), "f")
    sepconv.separable_conv(x, dw, pw)
    assert layer(x, out=out) is out
    wide = rng.standard_normal((2, 12, 12, 16)).astype("f")
    for piece in (wide[:, 2:9, 1:10, 4:12], wide[::2, ::2, ::3, :8]):
        np.testing.assert_array_equal(layer(piece), layer(np.ascontiguousarray(piece)))
    assert _native.copy_count() == copies
    result = layer(x)
    assert result.ctypes.data % 64 == 0


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[..., ::2],
        lambda x: x[:, ::-1],
        lambda x: x.transpose(0, 2, 1, 3),
        lambda x: np.broadcast_to(x[:1, :1], x.shape),
        lambda x: np.asfortranarray(x),
    ],
)
def test_other_strides_are_copied(view, rng):
    x = view(rng.standard_normal((2, 7, 7, 8)).astype("f"))
    dw = rng.standard_normal((3, 3, x.shape[-1], 1)).astype("f").transpose(1, 0, 2, 3)
    pw = np.asfortranarray(rng.standard_normal((1, 1, x.shape[-1], 5)).astype("f"))
    expected = sepconv.separable_conv(*(np.ascontiguousarray(t) for t in (x, dw, pw)))
    np.testing.assert_array_equal(sepconv.separable_conv(x, dw, pw), expected)
    np.testing.assert_array_equal(sepconv.Layer(dw, pw)(x), expected)


def test_channels_first_slices(rng):
    wide = rng.standard_normal((2, 8, 12, 16)).astype("f")
    dw, pw = rng.standard_normal((3, 3, 4, 1)).astype("f"), rng.standard_normal((1, 1, 4, 5)).astype("f")
    for piece in (wide[:, 2:6, 1:9, 3:15], wide[:, ::2], wide[:, 4:, :, ::2]):
        expected = sepconv.separable_conv(np.ascontiguousarray(piece), dw, pw, data_format="channels_first")
        np.testing.assert_array_equal(sepconv.separable_conv(piece, dw, pw, data_format="channels_first"), expected)


def test_unaligned_and_read_only_arrays(rng):
    x, dw, pw = layer_problem(rng)
    expected = sepconv.separable_conv(x, dw, pw)
    memory = np.empty(x.nbytes + 1, np.uint8)
    shifted = memory[1:].view("f").reshape(x.shape)
    shifted[...] = x
    assert shifted.ctypes.data % 4
    np.testing.assert_array_equal(sepconv.separable_conv(shifted, dw, pw), expected)
    record = np.zeros(x.shape, np.dtype([("a", "u1"), ("x", "f")]))
    record["x"] = x
    np.testing.assert_array_equal(sepconv.separable_conv(record["x"], dw, pw), expected)
    x.flags.writeable = False
    np.testing.assert_array_equal(sepconv.separable_conv(x, dw, pw), expected)


class WithDLPack:
    """An array of a library that is not known."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **arguments):
        return self.array.__dlpack__(**arguments)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_buffers_and_dlpack(rng):
    x, dw, pw = layer_problem(rng)
    expected = sepconv.separable_conv(x, dw, pw)
    np.testing.assert_array_equal(sepconv.separable_conv(memoryview(x), dw, memoryview(pw)), expected)
    np.testing.assert_array_equal(sepconv.separable_conv(WithDLPack(x), WithDLPack(dw), pw), expected)
    assert _native.address_of(WithDLPack(x)) == x.ctypes.data
    with pytest.raises(ValueError, match=r"inputs must have the rank of the kernels, 4, received shape \(3,\)"):
        sepconv.separable_conv(array.array("f", [1, 2, 3]), dw, pw)


def test_weights_changed_in_place_count(rng):
    x, dw, pw = layer_problem(rng)
    before = sepconv.separable_conv(x, dw, pw)
    layer = sepconv.Layer(dw, pw)
    dw *= 2
    np.testing.assert_array_equal(sepconv.separable_conv(x, dw, pw), 2 * before)
    np.testing.assert_array_equal(layer(x), before)


DW, PW, X = np.ones((2, 2, 3, 2), "f"), np.ones((1, 1, 6, 5), "f"), np.ones((1, 4, 4, 3), "f")
ERRORS = [
    ({"inputs": np.ones((4, 4), "f")}, r"inputs must have the rank of the kernels, 4, received shape \(4, 4\)"),
    (
        {"depthwise_kernel": np.ones((2, 2), "f")},
        r"depthwise_kernel must have rank 3, 4 or 5, received shape \(2, 2\)",
    ),
    ({"inputs": np.ones((1, 4, 4, 4), "f")}, r"input channels must match the kernel: inputs of shape \(1, 4, 4, 4\)"),
    ({"data_format": "channels_first"}, "input channels must match the kernel"),
    ({"pointwise_kernel": np.ones((1, 1, 5, 5), "f")}, r"depth_multiplier = 6 rows, received shape \(1, 1, 5, 5\)"),
    ({"pointwise_kernel": np.ones((2, 1, 6, 5), "f")}, r"extent 1 along each spatial axis, received .*\(2, 1, 6, 5\)"),
    ({"pointwise_kernel": np.ones((1, 6, 5), "f")}, r"pointwise_kernel must have the rank of depthwise_kernel"),
    ({"depthwise_kernel": np.ones((2, 2, 0, 2), "f")}, r"depthwise_kernel must not be empty.*\(2, 2, 0, 2\)"),
    ({"pointwise_kernel": np.ones((1, 1, 6, 0), "f")}, r"pointwise_kernel must not be empty"),
    ({"depthwise_kernel": np.ones((0, 2, 3, 2), "f")}, r"depthwise_kernel must not be empty"),
    ({"strides": 0}, "strides must be positive, received 0"),
    ({"strides": (1, 2, 3)}, r"strides .* one entry for each of the 2 spatial axes, received \(1, 2, 3\)"),
    ({"strides": "2"}, "strides must be an integer or a sequence of integers, received '2'"),
    ({"dilation_rate": (1, -1)}, r"dilation_rate must be positive, received \(1, -1\)"),
    ({"dilation_rate": 1.5}, "dilation_rate must be an integer or a sequence of integers, received 1.5"),
    ({"padding": "full"}, 'padding must be .* received "full"'),
    ({"padding": "causal"}, 'padding "causal" needs inputs of rank 3'),
    ({"padding": 3}, "padding must be .* received 3"),
    ({"padding": [(1, 1)] * 3}, r"padding must .* each of the 2 spatial axes"),
    ({"padding": [(1, -1), (1, 1)]}, r"padding must not be negative, received \(-1, 1\)"),
    ({"data_format": "NHWC"}, 'data_format must be .* received "NHWC"'),
    ({"data_format": 1}, "data_format must be .* received 1"),
    ({"inputs": np.ones((1, 1, 4, 3), "f")}, "Computed output size would be zero or negative"),
    ({"dilation_rate": 4}, "Computed output size would be zero or negative"),
    ({"inputs": np.ones((1, 0, 4, 3), "f")}, "Computed output size would be zero or negative"),
    ({"inputs": X.astype("d")}, "same dtype: received float64, but depthwise_kernel is float32"),
    ({"pointwise_kernel": PW.astype("e")}, "same dtype: received float32, but pointwise_kernel is float16"),
    ({"inputs": X.astype("i")}, "inputs must be float16, bfloat16, float32 or float64, received int32"),
    ({"depthwise_kernel": DW.astype(">f4")}, "depthwise_kernel must be float16.* received >f4"),
    ({"inputs": np.ones((1,) * 6, "f")}, "inputs has rank 6, more than 5"),
]


@pytest.mark.parametrize(("change", "message"), ERRORS, ids=[m for _, m in ERRORS])
def test_errors(change, message):
    arguments = {"inputs": X, "depthwise_kernel": DW, "pointwise_kernel": PW} | change
    with pytest.raises(ValueError, match=message):
        sepconv.separable_conv(**arguments)


def test_what_is_no_array():
    with pytest.raises(TypeError, match="inputs must be an array .* received <class 'list'>"):
        sepconv.separable_conv([[1.0]], DW, PW)
    with pytest.raises(TypeError, match="depthwise_kernel must be an array"):
        sepconv.separable_conv(X, 3.0, PW)


@pytest.mark.parametrize("zeros", [1 << 20, 1 << 40, (1 << 63) - 1])
def test_huge_sizes_are_refused(zeros):
    with pytest.raises((ValueError, MemoryError)):
        sepconv.separable_conv(X, DW, PW, padding=[(zeros, zeros)] * 2)
    with pytest.raises(ValueError, match="overflow|64 bits|too large"):
        sepconv.explain((1 << 40, 1 << 22, 4, 3), DW.shape, PW.shape, padding="same")


def test_any_case_and_numpy_integers():
    expected = sepconv.separable_conv(X, DW, PW, 2, "same", "channels_last", 1)
    result = sepconv.separable_conv(X, DW, PW, np.int64(2), "SAME", "Channels_Last", np.ones(2, int))
    np.testing.assert_array_equal(result, expected)


def test_empty_batch():
    assert sepconv.separable_conv(X[:0], DW, PW).shape == (0, 3, 3, 5)
    assert sepconv.Layer(DW, PW)(X[:0]).shape == (0, 3, 3, 5)


def test_causal(rng):
    x, dw = rng.standard_normal((2, 20, 4)).astype("f"), rng.standard_normal((3, 4, 1)).astype("f")
    pw = rng.standard_normal((1, 4, 6)).astype("f")
    result = sepconv.separable_conv(x, dw, pw, 2, "causal", None, 3)
    np.testing.assert_allclose(
        result, reference.separable_conv(x, dw, pw, 2, "causal", dilation_rate=3), rtol=0, atol=bound(x, dw, pw, "f")
    )


def test_explain_and_variants():
    rows = sepconv.variants()
    assert any(row.runnable for row in rows)
    text = sepconv.explain(X, DW, PW)
    assert sepconv.Layer(DW, PW).variant(X.shape) in text
    assert sepconv.explain(X.shape, DW.shape, PW.shape) == text
    assert "f64" in sepconv.explain(X.shape, DW.shape, PW.shape, dtype="float64")
    assert "depthwise" in sepconv.explain(X, DW)
    with pytest.raises(ValueError, match="dtype must be"):
        sepconv.explain(X.shape, DW.shape, dtype="int8")


def test_threads():
    before = sepconv.get_num_threads()
    try:
        sepconv.set_num_threads(3)
        assert sepconv.get_num_threads() == 3
        for wrong in (0, -1, 1025):
            with pytest.raises(ValueError, match=f"threads must be from 1 to 1024, received {wrong}"):
                sepconv.set_num_threads(wrong)
    finally:
        sepconv.set_num_threads(before)


def test_many_callers_and_many_threads(rng):
    x = rng.standard_normal((2, 64, 64, 32)).astype("f")
    dw, pw = rng.standard_normal((3, 3, 32, 1)).astype("f"), rng.standard_normal((1, 1, 32, 48)).astype("f")
    expected = sepconv.Layer(dw, pw, threads=1)(x)
    layer = sepconv.Layer(dw, pw, threads=3)
    results = [None] * 8

    def call(i):
        for _ in range(5):
            results[i] = layer(x) if i % 2 else sepconv.separable_conv(x, dw, pw)

    callers = [threading.Thread(target=call, args=(i,)) for i in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    for result in results:
        np.testing.assert_array_equal(result, expected)


FORK = """
import os, sys, numpy as np, sepconv
x, dw, pw = np.ones((1, 64, 64, 32), "f"), np.ones((3, 3, 32, 1), "f"), np.ones((1, 1, 32, 48), "f")
layer = sepconv.Layer(dw, pw, threads=4)
y = layer(x)
child = os.fork()
if child == 0:
    os._exit(0 if (layer(x) == y).all() else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_fork():
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60)


def test_environment():
    def run(**environment):
        program = (
            "import sepconv; print(sepconv.get_num_threads(), *{v.name for v in sepconv.variants() if v.runnable})"
        )
        result = subprocess.run(
            [sys.executable, "-c", program], env=os.environ | environment, check=True, capture_output=True, text=True
        )
        return result.stdout.split()

    threads, *names = run(SEPCONV_NUM_THREADS="5", SEPCONV_TARGETS="portable")
    assert threads == "5"
    assert names and all(name.endswith("_portable") for name in names)


def test_runs_are_counted():
    before = sepconv.run_count()
    sepconv.separable_conv(X, DW, PW)
    sepconv.Layer(DW, PW)(X)
    assert sepconv.run_count() == before + 2
