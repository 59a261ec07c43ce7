"""Keras on sepconv, on the backend that KERAS_BACKEND names (`./dev test-python --frameworks` runs all four)."""

import os

import golden
import numpy as np
import pytest
import reference

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
keras = pytest.importorskip("keras")

import sepconv
import sepconv.keras
from sepconv.keras import _enable

BACKEND = keras.backend.backend()
layers = keras.layers


@pytest.fixture(autouse=True)
def afterwards():
    yield
    sepconv.keras.disable()
    keras.utils.clear_session()


@pytest.fixture
def rng():
    return np.random.default_rng(11)


class Runs:
    """Counts the convolutions of a block."""

    def __enter__(self):
        self.before = sepconv.run_count()
        return self

    def __exit__(self, *_):
        self.count = sepconv.run_count() - self.before


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


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
    with sepconv.keras.enable(), Runs() as runs:
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
    with sepconv.keras.enable(), Runs() as runs:
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
    with sepconv.keras.enable(), Runs() as runs:
        y = numpy(layer(x))
    assert runs.count == 1
    kernel = numpy(layer.kernel)
    expected = reference.separable_conv(x, kernel, None, 1, "same", data_format, (2, 1))
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_what_is_left_to_keras(rng):
    x, dw, pw = (rng.integers(0, 9, s).astype("f") for s in ((1, 6, 6, 2), (2, 2, 2, 1), (1, 1, 2, 3)))
    with sepconv.keras.enable(), Runs() as runs:
        with pytest.raises(ValueError, match="input channels"):
            keras.ops.separable_conv(x[..., :1], dw, pw)
        with pytest.raises(ValueError, match="zero or negative"):
            keras.ops.separable_conv(x[:, :1], dw, pw)
    assert runs.count == 0


def test_enable_and_disable(rng):
    x = rng.standard_normal((1, 5, 5, 2)).astype("f")
    layer = layers.SeparableConv2D(3, 2)
    expected = numpy(layer(x))
    nn = _enable._backend()
    original = nn.separable_conv
    with sepconv.keras.enable():
        with sepconv.keras.enable(), Runs() as runs:
            np.testing.assert_allclose(numpy(layer(x)), expected, atol=1e-6)
        assert sepconv.keras.is_enabled() and runs.count == 1
    assert not sepconv.keras.is_enabled() and nn.separable_conv is original
    sepconv.keras.enable()
    assert sepconv.keras.is_enabled()
    sepconv.keras.disable()
    sepconv.keras.disable()
    with Runs() as runs:
        layer(x)
    assert runs.count == 0


def small_model(data_format="channels_last"):
    shape = (12, 10, 3) if data_format == "channels_last" else (3, 12, 10)
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.SeparableConv2D(8, 3, activation="relu", data_format=data_format),
            layers.DepthwiseConv2D(3, padding="same", data_format=data_format),
            layers.SeparableConv2D(4, (3, 2), 2, "same", data_format=data_format),
            layers.GlobalAveragePooling2D(data_format=data_format),
            layers.Dense(2),
        ]
    )


@pytest.mark.skipif(BACKEND == "numpy", reason="the NumPy backend does not train")
def test_training(rng):
    x, y = rng.standard_normal((8, 12, 10, 3)).astype("f"), rng.standard_normal((8, 2)).astype("f")
    initial = small_model().get_weights()

    def trained(use):
        model = small_model()
        model.set_weights(initial)
        model.compile("sgd", "mse")
        if use:
            sepconv.keras.enable()
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
    with sepconv.keras.enable(), Runs() as runs:
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(loaded.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)
    assert runs.count == 3


# ------------------------------------------------------------------------------------------------------------ optimize


def randomized(model, rng):
    """Statistics that a fold which forgets something gets wrong."""
    for weight in model.weights:
        if "variance" in weight.path:
            weight.assign(rng.uniform(0.5, 2, weight.shape))
        elif len(weight.shape) == 1:
            weight.assign(rng.uniform(-0.5, 0.5, weight.shape) + ("gamma" in weight.path))
        else:
            weight.assign(rng.standard_normal(weight.shape) / np.sqrt(np.prod(weight.shape[:-1])))
    return model


def check_optimized(model, x, names, tmp_path):
    """The optimized model has these fused layers, computes the same with them, and so it does once reloaded."""
    expected = model.predict(x, verbose=0)
    fast = sepconv.keras.optimize(model)
    assert [r.replaces for r in sepconv.keras.report(fast)] == [tuple(n.split()) for n in names]
    with Runs() as runs:
        found = fast.predict(x, verbose=0)
    assert runs.count == len(names)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=1e-4)
    fast.save(tmp_path / "fast.keras")
    loaded = keras.models.load_model(tmp_path / "fast.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), found)
    return fast


def test_optimize_mobilenet(rng, tmp_path):
    model = randomized(keras.applications.MobileNet(weights=None, input_shape=(64, 64, 3), alpha=0.25, classes=7), rng)
    names = []
    for i in range(1, 14):
        pad = f"conv_pad_{i} " if i in (2, 4, 6, 12) else ""
        parts = (f"conv_{stage}_{i}{end}" for stage in ("dw", "pw") for end in ("", "_bn", "_relu"))
        names.append(pad + " ".join(parts))
    check_optimized(model, rng.standard_normal((2, 64, 64, 3)).astype("f"), names, tmp_path)


def test_optimize_mobilenet_v2(rng, tmp_path):
    model = keras.applications.MobileNetV2(weights=None, input_shape=(64, 64, 3), alpha=0.35, classes=7)
    x = rng.standard_normal((2, 64, 64, 3)).astype("f")
    expected = randomized(model, rng).predict(x, verbose=0)
    fast = sepconv.keras.optimize(model)
    assert len(sepconv.keras.report(fast)) == 17
    np.testing.assert_allclose(fast.predict(x, verbose=0), expected, atol=1e-4 * np.abs(expected).max())


def test_optimize_xception(rng):
    model = randomized(keras.applications.Xception(weights=None, input_shape=(71, 71, 3), classes=7), rng)
    x = rng.standard_normal((1, 71, 71, 3)).astype("f")
    expected = model.predict(x, verbose=0)
    fast = sepconv.keras.optimize(model, threads=1)
    assert len(sepconv.keras.report(fast)) == 34
    np.testing.assert_allclose(fast.predict(x, verbose=0), expected, atol=1e-4 * np.abs(expected).max())


def test_optimize_sequential_one_dimension(rng, tmp_path):
    model = keras.Sequential(
        [
            keras.Input((30, 4)),
            layers.ZeroPadding1D((2, 1), name="pad"),
            layers.SeparableConv1D(6, 3, 2, depth_multiplier=2, name="a"),
            layers.BatchNormalization(name="a_bn", scale=False),
            layers.Activation("tanh", name="a_act"),
            layers.DepthwiseConv1D(3, padding="same", activation="relu", use_bias=False, name="b"),
            layers.Conv1D(5, 1, activation="sigmoid", name="c"),
            layers.SeparableConv1D(6, 3, dilation_rate=2, activation="silu", use_bias=False, name="d"),
        ]
    )
    names = ["pad a a_bn a_act", "b c", "d"]
    check_optimized(randomized(model, rng), rng.standard_normal((3, 30, 4)).astype("f"), names, tmp_path)


def test_optimize_leaves_alone_what_is_read_elsewhere(rng, tmp_path):
    inputs = keras.Input((9, 9, 4))
    a = layers.DepthwiseConv2D(3, padding="same", name="read_twice")(inputs)
    b = layers.Conv2D(5, 1, name="b")(a)
    c = layers.Conv2D(5, 1, name="c")(a)
    d = layers.SeparableConv2D(5, 3, padding="same", name="d")(keras.ops.add(b, c))
    e = layers.BatchNormalization(name="e")(d)
    f = layers.SeparableConv2D(5, 3, name="f", activation=lambda x: x * 2)(e)  # a function that sepconv has not
    g = layers.DepthwiseConv2D(3, name="g")(f)
    h = layers.Conv2D(5, 1, 2, name="strided")(g)
    model = keras.Model(inputs, [d, e, h])
    fast = sepconv.keras.optimize(randomized(model, rng))
    assert [r.replaces for r in sepconv.keras.report(fast)] == [("d",)]
    x = rng.standard_normal((2, 9, 9, 4)).astype("f")
    for found, expected in zip(fast.predict(x, verbose=0), model.predict(x, verbose=0), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("axis", [-1, 1])
def test_optimize_folds_into_other_convolutions(axis, rng):
    inputs = keras.Input((9, 9, 9))
    a = layers.Conv2D(9, 3, padding="same", use_bias=False, kernel_regularizer="l2", name="a")(inputs)
    b = layers.BatchNormalization(axis, name="b", center=False)(a)
    c = layers.Conv2D(9, 3, groups=3, name="c")(layers.LeakyReLU()(b))
    d = layers.BatchNormalization(name="d")(c)
    e = layers.BatchNormalization(name="e")(layers.Conv2D(3, 1, activation="relu", name="not_folded")(d))
    model = randomized(keras.Model(inputs, e), rng)
    fast = sepconv.keras.optimize(model)
    names = {layer.name for layer in fast.layers}
    assert ("a_folded" in names) == ("b" not in names) == (axis == -1)
    assert {"c_folded", "not_folded", "e"} < names and "d" not in names
    x = rng.standard_normal((2, 9, 9, 9)).astype("f")
    np.testing.assert_allclose(fast.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, atol=1e-4)


def test_optimize_models_inside_models(rng, tmp_path):
    block = keras.Sequential([keras.Input((8, 8, 4)), layers.SeparableConv2D(4, 3, padding="same", name="inner")])
    inputs = keras.Input((8, 8, 4))
    model = keras.Model(inputs, block(layers.ReLU()(block(inputs))))
    x = rng.standard_normal((2, 8, 8, 4)).astype("f")
    expected = randomized(model, rng).predict(x, verbose=0)
    fast = sepconv.keras.optimize(model)
    with Runs() as runs:
        np.testing.assert_allclose(fast.predict(x, verbose=0), expected, atol=1e-4)
    assert runs.count == 2


@pytest.mark.skipif(BACKEND in ("tensorflow", "numpy"), reason="the backend has no channels_first pooling on CPUs")
def test_optimize_channels_first(rng, tmp_path):
    x = rng.standard_normal((2, 3, 12, 10)).astype("f")
    check_optimized(
        randomized(small_model("channels_first"), rng), x, ["separable_conv2d", "separable_conv2d_1"], tmp_path
    )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_optimize_narrow_types(policy, rng):
    model = keras.Sequential(
        [
            keras.Input((9, 9, 4)),
            layers.DepthwiseConv2D(3, use_bias=False, dtype=policy),
            layers.BatchNormalization(dtype=policy),
            layers.ReLU(6.0, dtype=policy),
            layers.Conv2D(5, 1, dtype=policy),
        ]
    )
    x = rng.standard_normal((2, 9, 9, 4)).astype("f")
    expected = numpy(keras.ops.cast(randomized(model, rng)(x), "float32"))
    fast = sepconv.keras.optimize(model)
    found = fast(x)
    assert keras.backend.standardize_dtype(found.dtype) == policy.removeprefix("mixed_")
    found = numpy(keras.ops.cast(found, "float32"))
    np.testing.assert_allclose(found, expected, atol=np.abs(expected).max() * (0.05 if "b" in policy else 0.01))


def test_optimize_errors():
    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    for model in (Own(), keras.Sequential([layers.SeparableConv2D(3, 3)])):
        with pytest.raises(ValueError, match="model must be functional or sequential, and built"):
            sepconv.keras.optimize(model)
    assert str(sepconv.keras.report(Own())) == "no separable layers were found"
    fused = sepconv.keras.FusedSeparableConv((3, 3), 2, 1, 3)
    with pytest.raises(RuntimeError, match="has no weights yet"):
        fused(np.ones((1, 5, 5, 2), "f"))


@pytest.mark.skipif(BACKEND == "numpy", reason="the NumPy backend has no gradients")
def test_gradients_pass_through_a_fused_layer(rng):
    """A layer in front of it can be trained."""
    x, y = rng.standard_normal((4, 9, 9, 3)).astype("f"), rng.standard_normal((4, 9, 9, 5)).astype("f")
    front, back = layers.Conv2D(4, 1), layers.SeparableConv2D(5, 3, padding="same", activation="relu")
    back.trainable = False
    model = keras.Sequential([keras.Input((9, 9, 3)), front, back])
    fast = sepconv.keras.optimize(model)
    initial = front.get_weights()
    results = []
    for trained in (model, fast):
        front.set_weights(initial)
        trained.compile("sgd", "mse")
        trained.fit(x, y, epochs=2, verbose=0)
        results.append(front.get_weights())
    for a, b, start in zip(*results, initial, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
        assert np.abs(a - start).max() > 1e-4
