"""sepconv.Chain: layers one after another, with NumPy."""

import concurrent.futures
import gc

import numpy as np
import pytest

import sepconv


def layers(rng, dtype="f", data_format="channels_last"):
    """Three separable ones, whose outputs shrink and grow, and a depthwise one."""
    draw = lambda *shape: (rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]))).astype(dtype)
    return [
        sepconv.Layer(draw(3, 3, 4, 2), draw(1, 1, 8, 6), 1, "same", data_format, out_activation="relu6"),
        sepconv.Layer(draw(3, 3, 6, 1), draw(1, 1, 6, 16), 2, "same", data_format, mid_bias=draw(6)),
        sepconv.Layer(draw(2, 2, 16, 1), None, 1, "same", data_format, mid_activation="swish"),
        sepconv.Layer(draw(3, 2, 16, 1), draw(1, 1, 16, 5), 1, "valid", data_format, out_bias=draw(5)),
    ]


def one_by_one(parts, x, residual=None):
    for part in parts[:-1]:
        x = part(x)
    return parts[-1](x, residual)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_same_bits(dtype, data_format, rng):
    parts = layers(rng, dtype, data_format)
    chain = sepconv.Chain(parts)
    assert chain.layers == tuple(parts) and chain.dtype == dtype
    for shape in [(1, 12, 10), (3, 7, 16), (1, 12, 10), (0, 9, 9), (2, 30, 30)]:
        whole = (*shape, 4) if data_format == "channels_last" else (shape[0], 4, *shape[1:])
        x = rng.standard_normal(whole).astype(dtype)
        before = sepconv.run_count()
        expected = one_by_one(parts, x)
        runs = sepconv.run_count() - before
        found = chain(x)
        assert sepconv.run_count() == before + 2 * runs and runs == (4 if x.size else 0)
        assert found.shape == chain.output_shape(whole) == expected.shape and found.dtype == x.dtype
        np.testing.assert_array_equal(found, expected)


def test_residual_out_and_slices(rng):
    parts = layers(rng)
    x = rng.standard_normal((2, 14, 14, 8)).astype("f")[:, 1:-1, :, 2:6]
    residual = rng.standard_normal(sepconv.Chain(parts).output_shape(x.shape)).astype("f")
    out = np.empty_like(residual)
    assert sepconv.Chain(parts)(x, residual, out) is out
    np.testing.assert_array_equal(out, one_by_one(parts, x, residual))
    one = sepconv.Chain(parts[:1])
    np.testing.assert_array_equal(one(x), parts[0](x))


def test_threads_share_a_chain(rng):
    parts = layers(rng)
    chain = sepconv.Chain(parts)
    arrays = [rng.standard_normal((1 + i % 2, 20 + i % 3, 24, 4)).astype("f") for i in range(12)]
    expected = [one_by_one(parts, x) for x in arrays]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(10):
            for found, wanted in zip(pool.map(chain, arrays), expected, strict=True):
                np.testing.assert_array_equal(found, wanted)


def test_a_chain_keeps_its_layers(rng):
    parts = layers(rng)
    x = rng.standard_normal((1, 8, 8, 4)).astype("f")
    expected = one_by_one(parts, x)
    chain = sepconv.Chain(parts)
    del parts
    gc.collect()
    np.testing.assert_array_equal(chain(x), expected)


def test_errors(rng):
    a, b, c, d = layers(rng)
    with pytest.raises(ValueError, match="layers must have at least one entry"):
        sepconv.Chain([])
    with pytest.raises(TypeError, match=r"layers must be of the class sepconv\.Layer, received 3"):
        sepconv.Chain([a, 3])
    with pytest.raises(
        ValueError, match=r"layers\[1\] takes float32, .* axes, 16 channels, layers\[0\] gives float32, .* 6 chan"
    ):
        sepconv.Chain([a, c])
    for other in (layers(rng, "d")[1], layers(rng, data_format="channels_first")[1]):
        with pytest.raises(ValueError, match=r"layers must follow one another: layers\[1\] takes float"):
            sepconv.Chain([a, other])
    chain = sepconv.Chain([a, b, c, d])
    before = sepconv.run_count()
    for x in (np.ones((1, 8, 8, 5), "f"), np.ones((1, 4, 8, 4), "f")):  # the last layer is larger than its input
        with pytest.raises(ValueError):
            chain(x)
    with pytest.raises(ValueError, match="inputs"):
        chain(np.ones((1, 8, 8, 4)))
    assert sepconv.run_count() == before
    assert repr(chain) == f"<sepconv.Chain {chain.number} of 4 layers, float32>"
