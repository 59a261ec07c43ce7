"""What frameworks do with the operation beside running it: derivatives of derivatives, transforms, memory formats, devices."""

import os
import subprocess
import sys

import numpy as np
import pytest
from framework_support import Jax, TensorFlow, Torch

import sepconv

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def problem(rng, dtype="d", data_format="channels_last"):
    x = rng.standard_normal((2, 5, 4, 3)).astype(dtype)
    if data_format == "channels_first":
        x = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    return x, rng.standard_normal((3, 2, 3, 2)).astype(dtype), rng.standard_normal((1, 1, 6, 4)).astype(dtype)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_torch_second_derivatives(data_format, rng):
    """A gradient penalty beside another term, which would hide what is missing; the value is PyTorch's own."""
    torch = Torch().torch
    arrays = problem(rng, data_format=data_format)
    layer = sepconv.Layer(*arrays[1:], 1, "same", data_format, mid_activation="swish", out_activation="tanh")
    reference = Torch().conv()._torch_reference
    g = layer.geometry

    def derivatives(conv, one_layer):
        x, dw, pw = (torch.from_numpy(a).requires_grad_() for a in arrays)
        y = conv(x, dw, pw).pow(3).sum() + one_layer(x).sum()
        (slope,) = torch.autograd.grad(y, x, create_graph=True)
        (slope.square().sum() + y).backward()
        return x.grad, dw.grad, pw.grad

    ours = derivatives(
        lambda *t: sepconv.separable_conv(*t, padding="same", data_format=data_format), lambda x: layer(x)
    )
    theirs = derivatives(lambda *t: reference.conv(g, *t), lambda x: reference.run_layer(layer, x, None))
    for found, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("arguments", [(1, "same"), ((1, 2), [(1, 0), (2, 1)]), (2, "same", None, 2)], ids=str)
def test_tensorflow_second_derivatives(arguments, rng):
    tf = TensorFlow().tf
    reference = TensorFlow().conv()._reference
    arrays = [tf.constant(a) for a in problem(rng)]
    geometry = sepconv.Layer(*arrays[1:], *arguments).geometry

    def derivatives(conv):
        with tf.GradientTape() as outer:
            outer.watch(arrays)
            with tf.GradientTape() as inner:
                inner.watch(arrays[0])
                y = tf.reduce_sum(conv(*arrays) ** 3)
            penalty = tf.reduce_sum(inner.gradient(y, arrays[0]) ** 2)
        return outer.gradient(penalty, arrays)

    ours = derivatives(lambda *t: sepconv.separable_conv(*t, *arguments))
    for found, expected in zip(ours, derivatives(lambda *t: reference(geometry, *t)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("kind", ["operation", "layer"])
def test_torch_func(kind, rng):
    torch = Torch().torch
    x, dw, pw = (torch.from_numpy(a) for a in problem(rng))
    layer = sepconv.Layer(dw, pw, padding="same", out_activation="tanh")
    run = layer if kind == "layer" else lambda x: sepconv.separable_conv(x, dw, pw, padding="same")
    loss = lambda x: run(x).square().sum()
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(loss(leaf), leaf)
    torch.testing.assert_close(torch.func.grad(loss)(x), expected)
    value, pull = torch.func.vjp(run, x)
    torch.testing.assert_close(pull(2 * value)[0], expected)
    torch.testing.assert_close(torch.func.vmap(run)(x[:, None])[:, 0], run(x))
    each = torch.func.vmap(torch.func.grad(loss))(x[:, None])
    torch.testing.assert_close(each[:, 0], expected)
    small = x[:1, :2, :2]
    jacobian = torch.func.jacrev(run)(small)
    _, forward = torch.func.jvp(run, (small,), (torch.ones_like(small),))
    torch.testing.assert_close(jacobian.sum((-1, -2, -3, -4)), forward)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(small, torch.ones_like(small))
        torch.testing.assert_close(torch.autograd.forward_ad.unpack_dual(run(dual)).tangent, forward)


def test_torch_autocast(rng):
    torch = Torch().torch
    x, dw, pw = (torch.from_numpy(a) for a in problem(rng, "f"))
    layer = sepconv.Layer(dw, pw, padding="same")
    expected = layer(x)
    leaf = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        results = [layer(given) for given in (x, x.bfloat16())]
        results += [sepconv.separable_conv(given, dw, pw, padding="same") for given in (leaf, x.bfloat16())]
        results[2].sum().backward()
        doubles = sepconv.separable_conv(x.double(), dw.double(), pw.double(), padding="same")
    assert {r.dtype for r in results} == {torch.bfloat16} and doubles.dtype == torch.float64
    for result in results:  # inputs and weights of 8 bits, six of them in a sum of sums
        torch.testing.assert_close(result.float(), expected, rtol=0.02, atol=0.15)
    torch.testing.assert_close(doubles.float(), expected)
    assert leaf.grad.dtype == torch.float32
    with pytest.raises(ValueError, match="same dtype"):
        layer(x.bfloat16())


def test_torch_transforms_refuse_what_calls_do(rng):
    """PyTorch's own operators compute inside of torch.func: they would broadcast and crop."""
    torch = Torch().torch
    x, dw, pw = map(Torch().array, problem(rng))
    layer, each = sepconv.Layer(dw, pw), torch.func.vmap
    residual = layer(x)
    with pytest.raises(ValueError, match="residual must have the shape of the output"):
        each(lambda one: layer(one[None], residual[:1, :1])[0])(x)
    with pytest.raises(ValueError, match="residual is given, but the layer has no pointwise stage"):
        each(lambda one: sepconv.Layer(dw, None)(one[None], residual)[0])(x)
    with pytest.raises(ValueError, match='"causal" needs inputs of rank 3'):
        each(lambda one: sepconv.separable_conv(one[None], dw, pw, padding="causal")[0])(x)
    with pytest.raises(ValueError, match="padding must not be negative"):
        each(lambda one: sepconv.separable_conv(one[None], dw, pw, padding=[(-1, 0), (0, 0)])[0])(x)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_torch_channels_last_memory(rank, rng):
    """Tensors of channels_first whose channels are adjacent are read where they lie, and give such."""
    torch = Torch().torch
    spatial = (6, 5, 4)[:rank]
    dense = torch.from_numpy(rng.standard_normal((2, 3, *spatial)).astype("f"))
    x = dense.movedim(1, -1).contiguous().movedim(-1, 1)
    kernels = rng.standard_normal((*[2] * rank, 3, 2)).astype("f"), rng.standard_normal((*[1] * rank, 6, 4)).astype("f")
    layer = sepconv.Layer(*kernels, padding="same", data_format="channels_first", out_activation="relu")
    last = sepconv.Layer(rng.standard_normal((*[2] * rank, 4, 1)).astype("f"), None, data_format="channels_first")
    chain = sepconv.Chain([layer, last])
    calls = [
        lambda x: sepconv.separable_conv(x, *map(torch.from_numpy, kernels), data_format="channels_first"),
        lambda x: layer(x, layer(x)),
        chain,
    ]
    for call in calls:
        copies = sepconv._native.copy_count()
        found = call(x)
        assert sepconv._native.copy_count() == copies
        assert found.movedim(1, -1).is_contiguous()
        torch.testing.assert_close(found, call(dense), rtol=1e-5, atol=1e-5)
        compiled = Torch().compile(call)(x)
        torch.testing.assert_close(compiled, found, rtol=0, atol=0)
        assert compiled.stride() == found.stride()


BOTH = """
import tensorflow, torch, sepconv, numpy as np
x, dw, pw = np.ones((1, 5, 5, 2), "f"), np.ones((3, 3, 2, 1), "f"), np.ones((1, 1, 2, 3), "f")
for array in (torch.from_numpy, tensorflow.constant):
    y = sepconv.separable_conv(array(x), array(dw), array(pw))
    assert (np.asarray(y) == 18).all(), y
"""


def test_tensorflow_and_torch_in_one_process():
    Torch(), TensorFlow()
    subprocess.run([sys.executable, "-c", BOTH], check=True, timeout=300)


def test_tensorflow_knows_nothing_of_the_extents(rng):
    tf = TensorFlow().tf
    x, dw, pw = (tf.constant(a) for a in problem(rng, "f"))
    layer = sepconv.Layer(dw, pw, 2, "same")
    chain = sepconv.Chain([layer, sepconv.Layer(np.ones((2, 2, 4, 1), "f"), None)])
    for shape, static in [
        ([None, None, None, 3], [None, None, None, 4]),
        ([None] * 4, [None, None, None, 4]),
        (None, None),
    ]:

        @tf.function(input_signature=[tf.TensorSpec(shape)])
        def run(x):
            return sepconv.separable_conv(x, dw, pw, 2, "same"), layer(x), chain(x)

        if static is not None:
            assert [y.shape.as_list() for y in run.get_concrete_function().outputs] == [static] * 3
        for found, expected in zip(run(x), (layer(x), layer(x), chain(x)), strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", ["operation", "layer"])
def test_tensorflow_xla_refuses_what_was_traced_without_it(kind, rng):
    tf = TensorFlow().tf
    x, dw, pw = (tf.constant(a) for a in problem(rng, "f"))
    layer = sepconv.Layer(dw, pw)
    run = layer if kind == "layer" else lambda x: sepconv.separable_conv(x, dw, pw)
    inner, fresh = tf.function(lambda x: run(x)), tf.function(lambda x: run(x))
    expected = inner(x)
    with pytest.raises(tf.errors.UnimplementedError, match="XLA cannot call sepconv's operation"):
        tf.function(lambda x: inner(x), jit_compile=True)(x)
    np.testing.assert_allclose(tf.function(lambda x: fresh(x), jit_compile=True)(x), expected, atol=1e-5)


SHARDED = """
import jax, numpy as np, sepconv
from jax.sharding import Mesh, NamedSharding, PartitionSpec
rng = np.random.default_rng(0)
x, dw, pw = (rng.standard_normal(s).astype("f") for s in ((8, 6, 5, 3), (3, 3, 3, 1), (1, 1, 3, 4)))
layer = sepconv.Layer(dw, pw, padding="same")
expected = layer(x)
mesh = Mesh(np.array(jax.devices()), ("batch",))
sharding = NamedSharding(mesh, PartitionSpec("batch"))
for run, runs in (
    (lambda x: sepconv.separable_conv(x, dw, pw, padding="same"), 4),
    (layer, 4),
    (lambda x: layer(x, layer(x)) - layer(x), 12),
):
    before = sepconv.run_count()
    y = jax.jit(run)(jax.device_put(x, sharding))
    assert y.sharding.is_equivalent_to(sharding, 4), y.sharding
    assert sepconv.run_count() <= before + runs, "every device computes all of the batch"
    np.testing.assert_allclose(y, expected, atol=1e-5)
    np.testing.assert_allclose(jax.vmap(run)(x[:, None])[:, 0], expected, atol=1e-5)
each = jax.vmap(lambda x, d: sepconv.separable_conv(x, d, pw, padding="same"))(x[:, None], dw[None].repeat(8, 0))
np.testing.assert_allclose(each[:, 0], expected, atol=1e-5)
"""


def test_jax_shards_the_batch():
    Jax()
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    subprocess.run([sys.executable, "-c", SHARDED], check=True, timeout=300, env=environment)


def test_jax_symbolic_export(rng):
    jax = Jax().jax
    export = pytest.importorskip("jax.export")
    x, dw, pw = problem(rng, "f")
    layer = sepconv.Layer(dw, pw, 2, "same")
    checks = [export.DisabledSafetyCheck.custom_call(name) for name in ("sepconv_conv", "sepconv_layer")]
    symbolic = jax.ShapeDtypeStruct(export.symbolic_shape("batch, height, width, 3"), np.float32)
    for run in (lambda x: sepconv.separable_conv(x, dw, pw, 2, "same"), layer):
        exported = export.export(jax.jit(lambda x, run=run: run(x)), disabled_checks=checks)(symbolic)
        loaded = export.deserialize(exported.serialize())
        for batch in (1, 2):
            np.testing.assert_array_equal(loaded.call(x[:batch]), layer(x[:batch]))
