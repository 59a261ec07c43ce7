"""sepconv.keras.optimize takes in what it knows exactly, stages alone too, and its models live like others; on the backend that
KERAS_BACKEND names."""

import numpy as np
import pytest
from keras_support import BACKEND, Runs, afterwards, keras, layers, numpy, randomized  # noqa: F401 (a fixture)

import sepconv
import sepconv.keras

NEEDS = "needs a convolution with a 1x1 kernel and strides 1 behind it"


class Shifted(layers.Layer):
    """Mixed into a layer of Keras: it computes something else."""

    def call(self, inputs):
        return super().call(inputs) + 1


def check_equal(model, x):
    """The optimized model, which computes the same."""
    expected = numpy(model(x))
    fast = sepconv.keras.optimize(model)
    np.testing.assert_allclose(numpy(fast(x)), expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    return fast


@pytest.mark.parametrize("place", ["depthwise", "separable", "pointwise", "other"])
def test_batch_normalization_in_training_mode(place, rng):
    inputs = keras.Input((12, 12, 8))
    x = layers.DepthwiseConv2D(3, name="before")(inputs) if place == "pointwise" else inputs
    first = {
        "depthwise": layers.DepthwiseConv2D(3, use_bias=False, name="conv"),
        "separable": layers.SeparableConv2D(6, 3, name="conv"),
        "pointwise": layers.Conv2D(6, 1, name="conv"),
        "other": layers.Conv2D(6, 3, name="conv"),
    }[place]
    x = layers.BatchNormalization(name="norm")(first(x), training=True)
    model = randomized(keras.Model(inputs, layers.SeparableConv2D(4, 3, name="last")(x)), rng)
    fast = check_equal(model, rng.standard_normal((2, 12, 12, 8)).astype("f") + 5)
    assert "norm" in {layer.name for layer in fast.layers}
    if place == "depthwise":
        reason = f"{NEEDS}; conv is followed by norm with training=True"
        assert sepconv.keras.report(fast).alone == [("conv_fused", reason)]


SUBCLASSES = {
    "depthwise": (layers.DepthwiseConv2D, {"kernel_size": 3}),
    "separable": (layers.SeparableConv2D, {"filters": 8, "kernel_size": 3}),
    "pointwise": (layers.Conv2D, {"filters": 8, "kernel_size": 1}),
    "norm": (layers.BatchNormalization, {}),
    "padding": (layers.ZeroPadding2D, {}),
    "relu": (layers.ReLU, {}),
    "activation": (layers.Activation, {"activation": "relu"}),
    "convolution": (layers.Conv2D, {"filters": 8, "kernel_size": 3}),
}


@pytest.mark.parametrize("name", SUBCLASSES)
def test_subclasses_are_left(name, rng):
    base, arguments = SUBCLASSES[name]
    own = type("Own", (Shifted, base), {})(**arguments, name="own")
    inputs = x = keras.Input((12, 12, 8))
    for layer in (
        layers.ZeroPadding2D(), layers.DepthwiseConv2D(3), own, layers.Conv2D(8, 1), layers.BatchNormalization(),
        layers.SeparableConv2D(8, 3),
    ):  # fmt: skip
        x = layer(x)
    model = randomized(keras.Model(inputs, x), rng)
    x = rng.standard_normal((2, 12, 12, 8)).astype("f")
    fast = check_equal(model, x)
    assert own in fast.layers
    left = sepconv.keras.report(fast).left
    reason = "is of the class Own, which may compute something else than the class of Keras"
    assert left == ([("own", reason)] if name in ("depthwise", "separable") else [])


def test_a_layer_whose_call_was_replaced(rng):
    layer = layers.SeparableConv2D(8, 3, name="own")
    model = keras.Sequential([keras.Input((9, 9, 4)), layer, layers.SeparableConv2D(8, 3)])
    original = layer.call
    layer.call = lambda inputs: original(inputs) * 2
    check_equal(randomized(model, rng), rng.standard_normal((2, 9, 9, 4)).astype("f"))


def test_models_inside_in_training_mode(rng):
    block = keras.Sequential(
        [keras.Input((9, 9, 4)), layers.SeparableConv2D(4, 3, name="inner"), layers.BatchNormalization()], name="block"
    )
    inputs = keras.Input((9, 9, 4))
    model = keras.Model(inputs, layers.SeparableConv2D(3, 3, name="outer")(block(inputs, training=True)))
    fast = check_equal(randomized(model, rng), rng.standard_normal((2, 9, 9, 4)).astype("f") + 3)
    assert sepconv.keras.report(fast).left == [("inner", "is a part of block with training=True")]


def test_models_with_a_call_of_their_own(rng):
    class Own(keras.Model):
        def call(self, inputs, training=None, mask=None):
            return super().call(inputs) + 1

    def own(name):
        inputs = keras.Input((9, 9, 4))
        return Own(inputs, layers.SeparableConv2D(4, 3, name="inner")(inputs), name=name)

    with pytest.raises(ValueError, match="without a call of its own"):
        sepconv.keras.optimize(own("alone"))
    inputs = keras.Input((9, 9, 4))
    model = keras.Model(inputs, layers.SeparableConv2D(3, 3)(own("part")(inputs)))
    fast = check_equal(randomized(model, rng), rng.standard_normal((2, 9, 9, 4)).astype("f"))
    assert sepconv.keras.report(fast).left == [("inner", "is a part of part, which optimize cannot see into")]


def squeeze_and_excite(rng):
    inputs = keras.Input((12, 12, 8))
    x = layers.Conv2D(8, 1, use_bias=False, name="expand")(inputs)
    x = layers.Activation("silu", name="expand_act")(layers.BatchNormalization(name="expand_bn")(x))
    x = layers.DepthwiseConv2D(3, 2, use_bias=False, name="dw")(layers.ZeroPadding2D(name="pad")(x))
    x = layers.Activation("silu", name="dw_act")(layers.BatchNormalization(name="dw_bn")(x))
    gate = layers.Conv2D(8, 1, activation="sigmoid", name="gate")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Multiply(name="gated")([x, gate])
    x = layers.BatchNormalization(name="project_bn")(layers.Conv2D(6, 1, use_bias=False, name="project")(x))
    x = layers.SeparableConv2D(4, 3, activation="relu", name="a")(x)
    return randomized(keras.Model(inputs, layers.SeparableConv2D(4, 3, name="b", padding="same")(x)), rng)


def test_stages_alone(rng):
    x = rng.standard_normal((2, 12, 12, 8)).astype("f")
    fast = check_equal(squeeze_and_excite(rng), x)
    report = sepconv.keras.report(fast)
    expected = ["pad dw dw_bn dw_act", "a", "b", "expand expand_bn expand_act", "gate"]
    expected += [] if BACKEND == "tensorflow" else ["project project_bn"]  # a matrix product
    assert sorted(" ".join(r.replaces) for r in report) == sorted(expected)
    assert report.alone == [("dw_fused", f"{NEEDS}; dw_act is followed by global_average_pooling2d and gated")]
    assert "(alone: it needs" in str(report) and report.left == []
    with Runs() as runs:
        fast(x)
    assert runs.count == len(expected)


@pytest.mark.parametrize("way", ["clone", "h5", "keras", "weights.h5"])
def test_weights_by_every_way(way, rng, tmp_path):
    model = squeeze_and_excite(rng)
    x = rng.standard_normal((2, 12, 12, 8)).astype("f")
    fast = sepconv.keras.optimize(model)
    expected = fast.predict(x, verbose=0)
    np.testing.assert_array_equal(fast.predict(x, verbose=0), expected)  # once more: predict has put the weights back
    if way == "clone":
        other = keras.models.clone_model(fast)
        other.set_weights(fast.get_weights())
    elif way == "weights.h5":
        fast.save_weights(tmp_path / "a.weights.h5")
        other = keras.models.clone_model(fast)
        other.load_weights(tmp_path / "a.weights.h5")
    else:
        fast.save(tmp_path / f"a.{way}")
        other = keras.models.load_model(tmp_path / f"a.{way}")
    np.testing.assert_array_equal(other.predict(x, verbose=0), expected)
    halved = [weight / 2 for weight in fast.get_weights()]
    other.set_weights(halved)
    again = keras.models.clone_model(fast)
    again.set_weights(halved)
    np.testing.assert_array_equal(numpy(other(x)), numpy(again(x)))
    assert np.abs(numpy(other(x)) - expected).max() > 1e-3


@pytest.mark.skipif(BACKEND != "tensorflow", reason="a SavedModel is TensorFlow's")
def test_export(rng, tmp_path):
    import tensorflow

    inputs = keras.Input((None, None, 8))
    x = layers.SeparableConv2D(4, 3, activation="relu")(inputs)
    fast = sepconv.keras.optimize(keras.Model(inputs, layers.SeparableConv2D(4, 3)(x)))
    x = rng.standard_normal((2, 12, 12, 8)).astype("f")
    expected = fast.predict(x, verbose=0)
    fast.export(tmp_path / "exported", verbose=False)
    loaded = tensorflow.saved_model.load(tmp_path / "exported")
    np.testing.assert_array_equal(loaded.serve(x), expected)


def test_variables_as_weights(rng):
    arrays = [rng.standard_normal(s).astype("f") for s in ((2, 6, 5, 4), (3, 3, 4, 1), (1, 1, 4, 3))]
    expected = sepconv.separable_conv(*arrays)
    variables = [keras.Variable(a) for a in arrays]
    for inputs in (arrays[0], keras.ops.convert_to_tensor(arrays[0]), variables[0]):
        np.testing.assert_array_equal(numpy(sepconv.separable_conv(inputs, *variables[1:])), expected)
        np.testing.assert_array_equal(numpy(sepconv.Layer(*variables[1:])(inputs)), expected)
