"""sepconv.separable_conv and depthwise_conv on NumPy arrays: what they compute."""

import os

import golden
import numpy as np
import pytest

import sepconv
from sepconv import _reference as reference

SEED = int(os.environ.get("SEPCONV_TEST_SEED", "1"))
DW, PW, X = np.ones((2, 2, 3, 2), "f"), np.ones((1, 1, 6, 5), "f"), np.ones((1, 4, 4, 3), "f")


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
    assert any(variant.runnable for variant in sepconv.variants())
    text = sepconv.explain(X, DW, PW)
    assert sepconv.Layer(DW, PW).variant(X.shape) in text
    assert sepconv.explain(X.shape, DW.shape, PW.shape) == text
    assert "f64" in sepconv.explain(X.shape, DW.shape, PW.shape, dtype="float64")
    assert "depthwise" in sepconv.explain(X, DW)
    assert len(text.splitlines()) < 10 and "variants were considered: full=True lists them" in text
    full = sepconv.explain(X, DW, PW, full=True)
    assert full.startswith(text.rsplit("\n", 2)[0]) and full == sepconv.Layer(DW, PW).explain(X.shape, full=True)
    assert full.count(": chosen\n") == 1 and len(full.splitlines()) > len(sepconv.variants())
    with pytest.raises(ValueError, match="dtype must be"):
        sepconv.explain(X.shape, DW.shape, dtype="int8")


def test_runs_are_counted():
    before = sepconv.run_count()
    sepconv.separable_conv(X, DW, PW)
    sepconv.Layer(DW, PW)(X)
    assert sepconv.run_count() == before + 2
