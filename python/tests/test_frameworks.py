"""The operation on arrays of PyTorch, JAX and TensorFlow: eager, traced, differentiated. Each framework's tests are
skipped where it is not installed."""

import os

import golden
import numpy as np
import pytest
from framework_support import Jax, TensorFlow, TensorFlowThroughNumPy, Torch

import sepconv
from sepconv import _reference as reference
from sepconv_layers.activations import TABLE

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(params=[Torch, Jax, TensorFlow, TensorFlowThroughNumPy])
def framework(request, monkeypatch):
    framework = request.param()
    if request.param is TensorFlowThroughNumPy:
        monkeypatch.setattr(framework.conv(), "operations", lambda: None)
    elif request.param is TensorFlow:
        assert framework.conv().operations() is not None
    return framework


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_golden(framework, dtype):
    for rank, data_format, strides, padding, dilation_rate, *expected in golden.CASES:
        tensors = [framework.array(t) for t in golden.tensors(rank, data_format, dtype)]
        before = sepconv.run_count()
        result = sepconv.separable_conv(*tensors, strides, padding, data_format, dilation_rate)
        assert sepconv.run_count() == before + 1
        assert isinstance(result, framework.kind)
        assert dtype in str(result.dtype)
        golden.check(framework.numpy(result), *expected)


def problem(rng, rank=2, dtype="f", data_format="channels_last"):
    spatial = (9, 8, 7)[:rank]
    shape = (2, *spatial, 4) if data_format == "channels_last" else (2, 4, *spatial)
    x = rng.standard_normal(shape).astype(dtype)
    dw = rng.standard_normal((*(3, 2, 2)[:rank], 4, 2)).astype(dtype)
    return x, dw, rng.standard_normal((*[1] * rank, 8, 5)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bits(framework, dtype, rng):
    tensors = [framework.cast(framework.array(t), dtype) for t in problem(rng)]
    result = sepconv.separable_conv(*tensors, padding="same")
    assert dtype in str(result.dtype)
    expected = reference.separable_conv(*map(framework.numpy, tensors), padding="same")
    epsilon = 2.0**-11 if dtype == "float16" else 2.0**-8
    np.testing.assert_allclose(framework.numpy(result), expected, rtol=epsilon, atol=1e-4)
    layer = sepconv.Layer(*tensors[1:], padding="same")
    np.testing.assert_array_equal(framework.numpy(layer(tensors[0])), framework.numpy(result))


ARGUMENTS = [
    (1, 1, "same", "channels_last", 2),
    (1, 2, "causal", "channels_last", 1),
    (1, 2, "valid", "channels_first", 1),
    (2, (2, 1), "same", "channels_last", (1, 2)),
    (2, 2, [(0, 1), (2, 0)], "channels_first", 2),
    (3, 1, "valid", "channels_last", 1),
    (3, (1, 2, 1), "same", "channels_first", 1),
]


@pytest.mark.parametrize("pointwise", [True, False])
@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_traced_and_differentiated(framework, arguments, pointwise, rng):
    rank, *arguments = arguments
    x, dw, pw = problem(rng, rank, "float64", arguments[2])

    def call(x, dw, *pw):
        return sepconv.separable_conv(x, dw, pw[0] if pw else None, *arguments)

    arrays = (x, dw, pw) if pointwise else (x, dw)
    tensors = [framework.array(a) for a in arrays]
    eager = framework.numpy(call(*tensors))
    expected = reference.separable_conv(x, dw, pw if pointwise else None, *arguments)
    np.testing.assert_allclose(eager, expected, rtol=1e-12, atol=1e-12)
    before = sepconv.run_count()
    np.testing.assert_array_equal(framework.numpy(framework.compile(call)(*tensors)), eager)
    assert sepconv.run_count() == before + 1

    # The derivative in a direction, from values.
    gradients = framework.gradients(call, *arrays)
    directions = [rng.standard_normal(a.shape) for a in arrays]
    step = 1e-6

    def loss(t):
        moved = [a + t * d for a, d in zip(arrays, directions, strict=True)]
        return (reference.separable_conv(*moved, *[None] * (not pointwise), *arguments) ** 2).sum()

    expected = (loss(step) - loss(-step)) / (2 * step)
    found = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("kind", [*[w for w in TABLE if w not in ("none", "clamp")], (-0.5, 1), (None, 1)], ids=str)
def test_layers(framework, kind, data_format, rng):
    x, dw, pw = problem(rng, dtype="float64", data_format=data_format)
    layer = sepconv.Layer(
        dw, pw, 2, "same", data_format, mid_bias=rng.standard_normal(8), out_bias=rng.standard_normal(5),
        mid_activation=kind, out_activation=kind,
    )  # fmt: skip
    residual = rng.standard_normal(layer.output_shape(x.shape))
    expected = layer(x, residual)
    tensors = framework.array(x), framework.array(residual)
    before = sepconv.run_count()
    np.testing.assert_array_equal(framework.numpy(layer(tensors[0])), layer(x))
    np.testing.assert_array_equal(framework.numpy(layer(*tensors)), expected)
    np.testing.assert_array_equal(framework.numpy(framework.compile(lambda x, r: layer(x, r))(*tensors)), expected)
    assert sepconv.run_count() == before + 4

    gradients = framework.gradients(lambda x, r: layer(x, r), x, residual)
    directions, step = (rng.standard_normal(x.shape), rng.standard_normal(residual.shape)), 1e-6

    def loss(t):
        return (layer(x + t * directions[0], residual + t * directions[1]) ** 2).sum()

    expected = (loss(step) - loss(-step)) / (2 * step)
    found = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_pointwise_layer_with_strides(framework, rng):
    x = rng.standard_normal((2, 5, 6, 4))
    layer = sepconv.Layer(None, rng.standard_normal((1, 1, 4, 3)), strides=(2, 1), out_activation="relu")
    np.testing.assert_array_equal(framework.numpy(layer(framework.array(x))), layer(x))
    (gradient,) = framework.gradients(lambda x: layer(x), x)
    np.testing.assert_array_equal(gradient[:, 1::2], 0)


def test_empty_batch(framework, rng):
    x, dw, pw = problem(rng)
    assert sepconv.separable_conv(*map(framework.array, (x[:0], dw, pw))).shape == (0, 7, 7, 5)


def test_errors(framework, rng):
    x, dw, pw = map(framework.array, problem(rng))
    with pytest.raises(ValueError, match="input channels must match the kernel"):
        sepconv.separable_conv(x[..., :3], dw, pw)
    with pytest.raises(ValueError, match="Computed output size would be zero or negative"):
        sepconv.separable_conv(x, dw, pw, dilation_rate=8)
    with pytest.raises(ValueError, match="same dtype"):
        sepconv.separable_conv(framework.cast(x, "float64"), dw, pw)
    with pytest.raises(ValueError, match="padding"):
        sepconv.separable_conv(x, dw, pw, padding="full")
    with pytest.raises(ValueError, match="strides"):
        sepconv.separable_conv(x, dw, pw, strides=(1, 2, 3))
    with pytest.raises(ValueError, match="data_format"):
        sepconv.separable_conv(x, dw, pw, data_format="NHWC")
    with pytest.raises(ValueError, match="same dtype: received float32, but inputs is float64"):
        sepconv.Layer(dw, pw)(framework.cast(x, "float64"))
    layer = sepconv.Layer(dw, pw)
    residual = layer(x)
    with pytest.raises(ValueError, match="residual must have .*shape"):
        layer(x, residual[..., :1])


def test_torch_inputs_that_require_gradients_and_slices(rng):
    torch = Torch()
    x, dw, pw = map(torch.array, problem(rng))
    wide = torch.array(rng.standard_normal((2, 12, 12, 16)).astype("f"))
    piece = wide[:, 1:8, 2:9, 4:8]
    np.testing.assert_array_equal(
        sepconv.separable_conv(piece, dw, pw), sepconv.separable_conv(piece.contiguous(), dw, pw)
    )
    layer = sepconv.Layer(dw.requires_grad_(), pw)
    assert not layer(x).requires_grad
    assert sepconv.separable_conv(x, dw, pw).requires_grad


def test_torch_dynamic_shapes(rng):
    torch = Torch()
    x, dw, pw = map(torch.array, problem(rng))
    layer = sepconv.Layer(dw, pw, 2, "same")
    compiled = torch.torch.compile(lambda x: layer(x) * 2, fullgraph=True, dynamic=True, backend="aot_eager")
    for size in (5, 6, 9):
        piece = x[:, :size].contiguous()
        np.testing.assert_array_equal(compiled(piece), 2 * layer(piece))


def test_torch_opcheck(rng):
    torch = Torch()
    x, dw, pw = map(torch.array, problem(rng, dtype="float64"))
    given = [t.requires_grad_() for t in (x, dw, pw)]
    torch.torch.library.opcheck(
        torch.torch.ops.sepconv.conv.default, (*given, [2, 1], "same", [], "channels_last", [1, 1])
    )


def test_jax_transforms(rng):
    jax = Jax().jax
    x, dw, pw = map(jax.numpy.asarray, problem(rng, dtype="float64"))
    plain = lambda x: sepconv.separable_conv(x, dw, pw, padding="same")
    tangent = jax.numpy.ones_like(x)
    y, forward = jax.jvp(plain, [x], [tangent])
    np.testing.assert_allclose(forward, plain(tangent), rtol=1e-12)
    stacked = jax.vmap(plain)(x[None].repeat(3, 0))
    np.testing.assert_array_equal(stacked[2], y)
    jax.test_util.check_grads(plain, (x,), order=2) if hasattr(jax, "test_util") else None


def test_tensorflow_unknown_shapes_and_xla(rng):
    tensorflow = TensorFlow()
    tf = tensorflow.tf
    x, dw, pw = map(tf.constant, problem(rng))
    layer = sepconv.Layer(dw, pw, 2, "same")

    @tf.function(input_signature=[tf.TensorSpec([None, None, 8, 4])])
    def conv(x):
        y = sepconv.separable_conv(x, dw, pw, 2, "same")
        z = layer(x)
        assert y.shape.as_list() == z.shape.as_list() == [None, None, 4, 5]
        return y, z

    for size in (4, 9):
        for result in conv(x[:, :size]):
            np.testing.assert_array_equal(result, layer(x[:, :size]))
    compiled = tf.function(lambda x: layer(x) + sepconv.separable_conv(x, dw, pw, 2, "same"), jit_compile=True)
    before = sepconv.run_count()
    expected = 2 * layer(x).numpy()
    np.testing.assert_allclose(compiled(x), expected, rtol=1e-4, atol=1e-4)
    assert sepconv.run_count() == before + 1  # XLA had TensorFlow's own operations
