"""sepconv.keras.optimize, on the backend that KERAS_BACKEND names."""

import numpy as np
import pytest
from keras_support import (  # noqa: F401 (a fixture)
    BACKEND,
    Runs,
    afterwards,
    check_training,
    keras,
    layers,
    numpy,
    randomized,
    small_model,
)

import sepconv
import sepconv.keras

POINTWISE = BACKEND != "tensorflow"
"""Whether pointwise stages alone are replaced."""


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
        before = "conv1_relu " if i == 1 else f"conv_pad_{i} " if i in (2, 4, 6, 12) else ""
        parts = (f"conv_{stage}_{i}{end}" for stage in ("dw", "pw") for end in ("", "_bn", "_relu"))
        names.append(before + " ".join(parts))
    names += ["conv_preds"] if POINTWISE else []
    check_optimized(model, rng.standard_normal((2, 64, 64, 3)).astype("f"), names, tmp_path)


def test_optimize_mobilenet_v2(rng, tmp_path):
    model = keras.applications.MobileNetV2(weights=None, input_shape=(64, 64, 3), alpha=0.35, classes=7)
    x = rng.standard_normal((2, 64, 64, 3)).astype("f")
    expected = randomized(model, rng).predict(x, verbose=0)
    fast = sepconv.keras.optimize(model)
    # And the expansions, and the convolution at the end.
    assert len(sepconv.keras.report(fast)) == 17 + (17 if POINTWISE else 0)
    np.testing.assert_allclose(fast.predict(x, verbose=0), expected, atol=1e-4 * np.abs(expected).max())


def test_optimize_xception(rng):
    model = randomized(keras.applications.Xception(weights=None, input_shape=(71, 71, 3), classes=7), rng)
    x = rng.standard_normal((1, 71, 71, 3)).astype("f")
    expected = model.predict(x, verbose=0)
    fast = sepconv.keras.optimize(model, threads=1)
    assert len(sepconv.keras.report(fast)) == 34 + (4 if POINTWISE else 0)
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


def test_optimize_takes_in_activations_in_front(rng, tmp_path):
    inputs = keras.Input((9, 10, 8))
    x = layers.ReLU(6, name="six")(inputs)
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name="pad")(x)
    x = layers.DepthwiseConv2D(3, 2, name="a")(x)
    x = layers.Conv2D(12, 1, name="b")(x)
    between = layers.Activation("sigmoid", name="between")(x)  # the end of the layer before, not the next one's
    x = layers.SeparableConv2D(6, 3, padding="same", name="c")(between)
    x = layers.Conv2D(6, 2, padding="same", name="other")(x)
    x = layers.Activation("silu", name="swish")(x)
    x = layers.SeparableConv2D(6, 3, padding="same", name="d")(x)
    twice = layers.ReLU(name="read_twice")(layers.Conv2D(6, 2, padding="same", name="last")(x))
    x = keras.layers.Add()([layers.SeparableConv2D(6, 3, padding="same", name="e")(twice), twice])
    model = randomized(keras.Model(inputs, x), rng)
    names = ["six pad a b between", "c", "swish d", "e"]
    check_optimized(model, 5 * rng.standard_normal((2, 9, 10, 8)).astype("f"), names, tmp_path)


def double(x):
    return x * 2


def test_optimize_leaves_alone_what_is_read_elsewhere(rng, tmp_path):
    inputs = keras.Input((9, 9, 4))
    a = layers.DepthwiseConv2D(3, padding="same", name="read_twice")(inputs)
    b = layers.Conv2D(5, 1, name="b")(a)
    c = layers.Conv2D(5, 1, name="c")(a)
    d = layers.SeparableConv2D(5, 3, padding="same", name="d")(keras.ops.add(b, c))
    e = layers.BatchNormalization(name="e")(d)
    f = layers.SeparableConv2D(5, 3, name="f", activation=double)(e)  # a function that sepconv does not have
    g = layers.DepthwiseConv2D(3, name="g")(f)
    h = layers.Conv2D(5, 1, 2, name="strided")(g)
    model = keras.Model(inputs, [d, e, h])
    fast = sepconv.keras.optimize(randomized(model, rng))
    report = sepconv.keras.report(fast)
    pointwise = [("b",), ("c",), ("strided",)] if POINTWISE else []
    assert sorted(r.replaces for r in report) == sorted([("read_twice",), ("d",), ("g",), *pointwise])
    needs = "needs a convolution with a 1x1 kernel and strides 1 behind it"
    assert dict(report.alone) == {
        "read_twice_fused": f"{needs}; read_twice is followed by b and c",
        "g_fused": f"{needs}; g is followed by strided",
    }
    assert report.left == [("f", "has the activation double, which sepconv does not have")]
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
    e = layers.BatchNormalization(name="e")(layers.Conv2D(3, 2, activation="relu", name="not_folded")(d))
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
    names = ["separable_conv2d", "depthwise_conv2d", "separable_conv2d_1"]
    check_optimized(randomized(small_model("channels_first"), rng), x, names, tmp_path)


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
    if BACKEND == "tensorflow":
        with pytest.warns(
            UserWarning, match=f"it is of {policy.removeprefix('mixed_')}, for which TensorFlow is faster"
        ):
            fast = sepconv.keras.optimize(model)
    else:
        fast = sepconv.keras.optimize(model)
    found = fast(x)
    assert keras.backend.standardize_dtype(found.dtype) == policy.removeprefix("mixed_")
    found = numpy(keras.ops.cast(found, "float32"))
    np.testing.assert_allclose(found, expected, atol=np.abs(expected).max() * (0.05 if "b" in policy else 0.01))


@pytest.mark.skipif(BACKEND == "numpy", reason="the NumPy backend has no gradients")
def test_gradients_pass_through_a_fused_layer(rng):
    """A layer in front of it can be trained."""
    x, y = rng.standard_normal((4, 9, 9, 3)).astype("f"), rng.standard_normal((4, 9, 9, 5)).astype("f")
    front, back = layers.Conv2D(4, 1), layers.SeparableConv2D(5, 3, padding="same", activation="relu")
    back.trainable = False
    model = randomized(keras.Sequential([keras.Input((9, 9, 3)), front, back]), rng)
    check_training((model, sepconv.keras.optimize(model)), front, x, y)
