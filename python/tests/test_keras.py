"""Keras's operations and layers on sepconv, on the backend that KERAS_BACKEND names (`./dev test-python --frameworks` runs
all four)."""

import golden
import numpy as np
import pytest
from keras_support import BACKEND, Runs, afterwards, keras, layers, numpy, small_model  # noqa: F401 (a fixture)

import sepconv
import sepconv.keras
from sepconv import _reference as reference
from sepconv.keras import _enable


def traced(function):
    """The function as the backend compiles it."""
    if BACKEND == "tensorflow":
        import tensorflow

        return tensorflow.function(function)
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    if BACKEND == "torch":
        import torch

        torch.compiler.reset()
        return torch.compile(function, backend="aot_eager")
    return function


@pytest.mark.parametrize("case", golden.CASES, ids=str)
def test_golden(case):
    rank, data_format, strides, padding, dilation_rate, *expected = case
    x, dw, pw = golden.tensors(rank, data_format, "f")
    layer = (layers.SeparableConv1D, layers.SeparableConv2D)[rank - 1](
        12, 2, strides, padding, data_format, dilation_rate, depth_multiplier=2, use_bias=False
    )
    layer.build(x.shape)
    layer.set_weights([dw, pw])
    with sepconv.keras.enable(always=True), Runs() as runs:
        op = keras.ops.separable_conv(x, dw, pw, strides, padding, data_format, dilation_rate)
        golden.check(numpy(op), *expected)
        golden.check(numpy(layer(x)), *expected)
        golden.check(numpy(traced(lambda x: layer(x))(keras.ops.convert_to_tensor(x))), *expected)
        symbolic = keras.ops.separable_conv(
            keras.KerasTensor((None, *x.shape[1:])), dw, pw, strides, padding, data_format, dilation_rate
        )
        assert symbolic.shape[1:] == op.shape[1:]
    assert runs.count == 3


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_dtypes(dtype, rng):
    if BACKEND == "jax" and dtype == "float64":
        import jax

        jax.config.update("jax_enable_x64", True)
    x, dw = rng.standard_normal((2, 9, 8, 4)), rng.standard_normal((3, 3, 4, 2))
    tensors = [keras.ops.cast(t, dtype) for t in (x, dw, rng.standard_normal((1, 1, 8, 5)))]
    with sepconv.keras.enable(always=True), Runs() as runs:
        results = (
            keras.ops.separable_conv(*tensors, padding="same"),
            keras.ops.depthwise_conv(*tensors[:2], 2, data_format="channels_last"),
        )
    assert runs.count == 2
    wide = [np.asarray(numpy(keras.ops.cast(t, "float32" if dtype != "float64" else dtype)), "d") for t in tensors]
    expected = reference.separable_conv(*wide, padding="same"), reference.separable_conv(*wide[:2], None, 2)
    epsilon = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float64": 1e-14}[dtype]
    for result, wanted in zip(results, expected, strict=True):
        assert keras.backend.standardize_dtype(result.dtype) == dtype
        found = numpy(keras.ops.cast(result, "float32" if dtype != "float64" else dtype))
        np.testing.assert_allclose(found, wanted, rtol=epsilon, atol=epsilon)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_depthwise_layers(data_format, rng):
    shape = (2, 9, 8, 4) if data_format == "channels_last" else (2, 4, 9, 8)
    x = rng.standard_normal(shape).astype("f")
    layer = layers.DepthwiseConv2D(3, 1, "same", 2, data_format, (2, 1))
    layer.build(x.shape)
    with sepconv.keras.enable(always=True), Runs() as runs:
        y = numpy(layer(x))
    assert runs.count == 1
    kernel = numpy(layer.kernel)
    expected = reference.separable_conv(x, kernel, None, 1, "same", data_format, (2, 1))
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_what_is_left_to_keras(rng):
    x, dw, pw = (rng.integers(0, 9, s).astype("f") for s in ((1, 6, 6, 2), (2, 2, 2, 1), (1, 1, 2, 3)))
    with sepconv.keras.enable(always=True), Runs() as runs:
        with pytest.raises(ValueError, match="input channels"):
            keras.ops.separable_conv(x[..., :1], dw, pw)
        with pytest.raises(ValueError, match="zero or negative"):
            keras.ops.separable_conv(x[:, :1], dw, pw)
    assert runs.count == 0


@pytest.mark.parametrize(
    ("dtype", "kernel", "data_format", "dilation_rate", "stays"),
    [
        ("float32", (3, 3), "channels_last", 1, True),
        ("float32", (3,), "channels_last", 1, True),
        ("float32", (5, 3), "channels_last", 1, False),
        ("float32", (3, 3), "channels_last", 2, False),
        ("float32", (3, 3), "channels_first", 1, False),
        ("float64", (3, 3), "channels_last", 1, False),
        ("bfloat16", (5, 5), "channels_last", 1, True),
        ("float16", (5,), "channels_last", 1, True),
    ],
)
def test_keras_stays_where_tensorflow_is_faster(dtype, kernel, data_format, dilation_rate, stays, rng):
    if BACKEND == "jax" and dtype == "float64":
        pytest.skip("JAX has float64 only where it is asked for")
    x = keras.ops.cast(rng.standard_normal((1, *(9 for _ in kernel), 9)), dtype)
    weights = keras.ops.cast(rng.standard_normal((*kernel, 9, 1)), dtype)
    arguments = (x, weights, 1, "valid", data_format, dilation_rate)
    with sepconv.keras.enable(), Runs() as runs:
        keras.ops.depthwise_conv(*arguments)
        with sepconv.keras.enable(always=True):
            keras.ops.depthwise_conv(*arguments)
        keras.ops.depthwise_conv(*arguments) if not stays else None
    expected = 1 if stays and BACKEND == "tensorflow" else 3 if not stays else 2
    assert runs.count == expected


@pytest.mark.skipif(BACKEND != "tensorflow", reason="of TensorFlow's XLA")
def test_xla_is_given_up_only_for_what_comes_here():
    from keras.src.trainers import trainer

    models = [keras.Sequential([keras.Input((9, 9, 4)), layers.DepthwiseConv2D(k)]) for k in (3, 5)]
    supported = [trainer.model_supports_jit(model) for model in models]
    with sepconv.keras.enable():
        assert [trainer.model_supports_jit(model) for model in models] == [supported[0], False]
        with sepconv.keras.enable(always=True):
            assert not any(map(trainer.model_supports_jit, models))
    assert [trainer.model_supports_jit(model) for model in models] == supported


def test_enable_and_disable(rng):
    x = rng.standard_normal((1, 5, 5, 2)).astype("f")
    layer = layers.SeparableConv2D(3, 2)
    expected = numpy(layer(x))
    nn = _enable._backend()
    original = nn.separable_conv
    with sepconv.keras.enable(always=True):
        with sepconv.keras.enable(always=True), Runs() as runs:
            np.testing.assert_allclose(numpy(layer(x)), expected, atol=1e-6)
        assert sepconv.keras.is_enabled() and runs.count == 1
    assert not sepconv.keras.is_enabled() and nn.separable_conv is original
    sepconv.keras.enable(always=True)
    assert sepconv.keras.is_enabled()
    sepconv.keras.disable()
    sepconv.keras.disable()
    with Runs() as runs:
        layer(x)
    assert runs.count == 0


@pytest.mark.skipif(BACKEND == "numpy", reason="the NumPy backend does not train")
def test_training(rng):
    x, y = rng.standard_normal((8, 12, 10, 3)).astype("f"), rng.standard_normal((8, 2)).astype("f")
    initial = small_model().get_weights()

    def trained(use):
        model = small_model()
        model.set_weights(initial)
        model.compile("sgd", "mse")
        if use:
            sepconv.keras.enable(always=True)
        with Runs() as runs:
            history = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"]
        sepconv.keras.disable()
        return [history, *model.get_weights()], runs.count

    own, none = trained(False)
    ours, some = trained(True)
    assert none == 0 and some >= 3 * 4
    for a, b in zip(own, ours, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_predict_save_and_load(rng, tmp_path):
    x = rng.standard_normal((5, 12, 10, 3)).astype("f")
    model = small_model()
    expected = model.predict(x, verbose=0)
    with sepconv.keras.enable(always=True), Runs() as runs:
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(loaded.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)
    assert runs.count == 3
