"""sepconv.Layer: biases, activations, single stages, the residual, shapes."""

import gc

import numpy as np
import pytest

import sepconv
from sepconv import _reference as reference
from sepconv_layers import activations

ACTIVATIONS = [None, *activations.NAMES, (-0.5, 1), (None, 0.25)]
ACTIVATIONS.remove("clamp")


def tensors(rng, dtype="f"):
    x = rng.standard_normal((2, 8, 9, 6)).astype(dtype)
    dw, pw = rng.standard_normal((3, 2, 6, 2)).astype(dtype) / 2, rng.standard_normal((1, 1, 12, 5)).astype(dtype) / 3
    return x, dw, pw, rng.standard_normal(12).astype(dtype), rng.standard_normal(5).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ACTIVATIONS, ids=str)
def test_activations_and_biases(kind, dtype, rng):
    x, dw, pw, mid, out = tensors(rng, dtype)
    arguments = (dw, pw, 2, "same")
    given = {"mid_bias": mid, "out_bias": out} | {f"{place}_activation": kind for place in ("input", "mid", "out")}
    layer = sepconv.Layer(*arguments, **given)
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(layer(x), reference.separable_conv(x, *arguments, **given), rtol=0, atol=tolerance)
    residual = rng.standard_normal(layer.output_shape(x.shape)).astype(dtype)
    expected = reference.separable_conv(x, *arguments, **given | {"out_bias": out + residual})
    np.testing.assert_allclose(layer(x, residual), expected, rtol=0, atol=tolerance)


def test_single_stages(rng):
    x, dw, pw, mid, out = tensors(rng)
    depthwise = sepconv.Layer(dw, None, mid_bias=mid, mid_activation="relu")
    pointwise = sepconv.Layer(None, pw, out_bias=out, out_activation="relu6")
    both = sepconv.Layer(dw, pw, mid_bias=mid, mid_activation="relu", out_bias=out, out_activation="relu6")
    np.testing.assert_allclose(pointwise(depthwise(x)), both(x), rtol=1e-5, atol=1e-5)
    assert pointwise.output_shape((3, 5, 6, 12)) == (3, 5, 6, 5)


def test_many_shapes(rng):
    """More than a layer remembers, back and forth."""
    _, dw, pw, _, _ = tensors(rng)
    layer = sepconv.Layer(dw, pw, input_shape=(1, 9, 9, 6))
    for size in [*range(3, 40), *range(39, 2, -3)]:
        x = rng.standard_normal((1, size, 9, 6)).astype("f")
        np.testing.assert_array_equal(layer(x), sepconv.separable_conv(x, dw, pw))


def test_weights_are_kept(rng):
    _x, dw, pw, mid, out = tensors(rng)
    layer = sepconv.Layer(dw.transpose(1, 0, 2, 3), pw, mid_bias=mid, out_bias=out)
    for kept, given in zip(layer.weights(), (dw.transpose(1, 0, 2, 3), pw, mid, out), strict=True):
        np.testing.assert_array_equal(kept, given)
    assert sepconv.Layer(dw, None).weights()[1:] == (None, None, None)
    assert (layer.dtype, layer.threads) == ("float32", None)
    assert sepconv.Layer(dw, pw, threads=2).threads == 2


def test_threads_may_be_changed(rng):
    _, dw, pw, _, _ = tensors(rng)
    layer = sepconv.Layer(dw, pw)
    shape = (1, 64, 64, 6)
    for threads in (1, 3, None):
        layer.threads = threads
        assert layer.threads == threads
        assert f"workspace for {threads or sepconv.get_num_threads()} threads" in layer.explain(shape)
    for wrong in (0, -1, 1025, 2**40):
        with pytest.raises(ValueError, match=f"threads must be from 1 to 1024, received {wrong}"):
            layer.threads = wrong
    with pytest.raises(TypeError, match="threads must be an integer or None, received 'two'"):
        layer.threads = "two"
    assert layer.threads is None


def test_errors(rng):
    x, dw, pw, mid, out = tensors(rng)
    for arguments, message in [
        ({"mid_bias": out}, r"mid_bias must have shape \(12,\), received shape \(5,\)"),
        ({"out_bias": mid}, r"out_bias must have shape \(5,\), received shape \(12,\)"),
        ({"out_bias": out.astype("d")}, "same dtype: received float32, but out_bias is float64"),
        (
            {"mid_activation": "softmax"},
            "mid_activation must be None, \"relu\", .* or a pair .* received 'softmax'",
        ),
        ({"out_activation": "clamp"}, "out_activation must be None, .* received 'clamp'"),
        ({"mid_activation": (1, 0)}, r"mid_activation must be a pair \(lo, hi\) with lo <= hi, received \(1, 0\)"),
        ({"threads": 0}, "threads must be from 1 to 1024, received 0"),
        ({"threads": 5000}, "threads must be from 1 to 1024, received 5000"),
        ({"input_shape": (1, 1, 9, 6)}, "Computed output size would be zero or negative"),
        ({"input_shape": (1, 9, 9, 5)}, "input channels must match the kernel"),
    ]:
        with pytest.raises(ValueError, match=message):
            sepconv.Layer(dw, pw, **arguments)
    with pytest.raises(ValueError, match="both None"):
        sepconv.Layer(None, None)
    with pytest.raises(ValueError, match="out_bias"):
        sepconv.Layer(dw, None, out_bias=np.ones(12, "f"))
    layer = sepconv.Layer(dw, pw)
    shape = layer.output_shape(x.shape)
    for call, message in [
        (lambda: layer(x.astype("d")), "same dtype: received float32, but inputs is float64"),
        (lambda: layer(x, np.ones((1, 2), "f")), r"residual must have the shape of the output, \(2, 6, 8, 5\)"),
        (lambda: layer(x, out=np.empty((2, 6, 8, 4), "f")), "out must have the shape of the output"),
        (lambda: layer(x, out=np.empty(shape, "d")), "but out is float64"),
        (lambda: layer(x, out=np.empty(shape, "f").transpose(0, 2, 1, 3)), "out must be C-contiguous"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    frozen = np.empty(shape, "f")
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="out must be writable"):
        layer(x, out=frozen)
    same = np.zeros((2, 8, 9, 6), "f")
    with pytest.raises(ValueError, match="overlap"):
        sepconv.Layer(np.ones((1, 1, 6, 1), "f"), None)(same, out=same)


def test_layers_go(rng):
    x, dw, pw, _, _ = tensors(rng)
    layer = sepconv.Layer(dw, pw)
    y = layer(x)
    del layer
    gc.collect()
    assert np.isfinite(y).all()
