"""sepconv.extract of Keras files: what is hard to see in them."""

import re

import numpy as np
import pytest
from extract_support import extracted, layer, network

import sepconv.extract

keras = pytest.importorskip("keras")
layers = keras.layers


def test_squeeze_and_excite(tmp_path):
    path = tmp_path / "model.keras"
    network("EfficientNetB0").save(path)
    found = sepconv.extract.extract(path)
    assert sum(fields.get("repeat", 1) for fields in found) == 16
    for fields in found:
        assert not fields["fusable"] and "Multiply" in fields["between"] and fields["mid_activation"] == "swish"


def test_one_dimension_and_odd_cases(tmp_path):
    inputs = keras.Input((40, 6))
    a = layers.SeparableConv1D(8, 5, 2, "same", depth_multiplier=2, activation="tanh", name="a")(inputs)
    b = layers.ZeroPadding1D((4, 0))(a)
    c = layers.DepthwiseConv1D(3, dilation_rate=2, use_bias=False, name="c")(b)
    d = layers.Conv1D(4, 1, activation="softsign")(c)
    e = layers.DepthwiseConv1D(3, name="alone")(d)
    keras.Model(inputs, e).save(tmp_path / "model.keras")
    found = sepconv.extract.extract(tmp_path / "model.keras")
    first, second = found
    reason = "needs a pointwise convolution behind it; behind it is an output of the model"
    assert found.left == [("model/alone", reason)]
    assert first == {
        "name": "model/a", "spatial": [40], "cin": 6, "mult": 2, "cout": 8, "kernel": [5], "strides": [2],
        "dilation": [1], "padding": "same", "data_format": "channels_last", "dtype": "float32", "out_bias": True,
        "out_activation": "tanh", "source": "model.keras",
    }  # fmt: skip
    assert (second["padding"], second["dilation"], second["spatial"]) == ("causal", [2], [20])
    assert "mid_bias" not in second and "out_activation" not in second


def saved(tmp_path, inputs, outputs):
    path = tmp_path / "model.keras"
    keras.Model(inputs, outputs).save(path)
    return path


def test_normalisation_with_the_statistics_of_the_batch(tmp_path):
    """It cannot be folded."""
    inputs = keras.Input((9, 9, 4))
    middle = layers.BatchNormalization()(layers.DepthwiseConv2D(3, use_bias=False)(inputs), training=True)
    (found,), _ = extracted(saved(tmp_path, inputs, layers.Conv2D(6, 1)(middle)))
    assert (found["fusable"], found["between"]) == (False, "BatchNormalization (training=True)")
    assert "mid_bias" not in found


def test_dense(tmp_path):
    inputs = keras.Input((9, 9, 4))
    found, left = extracted(saved(tmp_path, inputs, layers.Dense(6, "relu")(layers.DepthwiseConv2D(3)(inputs))))
    assert found == [layer([9, 9], 4, 6, [3, 3], mid_bias=True, out_bias=True, out_activation="relu")]
    assert left == {}


def test_groups(tmp_path):
    """As many as there are channels: a depthwise convolution; fewer: none."""
    inputs = keras.Input((9, 9, 4))
    a = layers.Conv2D(4, 1)(layers.Conv2D(8, 3, groups=4, use_bias=False)(inputs))
    b = layers.Conv2D(4, 1)(layers.Conv2D(8, 3, groups=2)(a))
    assert extracted(saved(tmp_path, inputs, b)) == ([layer([9, 9], 4, 4, [3, 3], mult=2, out_bias=True)], {})


@keras.saving.register_keras_serializable("sepconv_tests")
def between(x):
    return keras.ops.minimum(keras.ops.maximum(x, -1), 2)


def test_arithmetic_of_operations(tmp_path):
    """Hard swish, a transposition and back, and a causal convolution as a slice."""
    ops = keras.ops
    inputs = keras.Input((9, 9, 4))
    x = layers.DepthwiseConv2D(3, use_bias=False)(inputs)
    x = x * ops.relu6(x + 3) / 6
    found, _ = extracted(saved(tmp_path, inputs, layers.Conv2D(6, 1, use_bias=False)(x)))
    assert found == [layer([9, 9], 4, 6, [3, 3], mid_activation="hard_swish")]
    inputs = keras.Input((20, 4))
    x = layers.DepthwiseConv1D(3, use_bias=False)(layers.ZeroPadding1D(2)(inputs))[:, :-2, :]
    x = layers.Activation(between)(x)
    found, _ = extracted(
        saved(tmp_path, inputs, layers.Conv1D(6, 1, use_bias=False)(x)),
    )
    assert found == [layer([20], 4, 6, [3], padding="causal", mid_activation={"clamp": [-1.0, 2.0]})]


def block(channels):
    inputs = keras.Input((None, None, channels))
    return keras.Model(inputs, layers.SeparableConv2D(channels, 3, padding="same")(inputs))


def test_models_inside(tmp_path):
    """Entered, also where one is called twice; its own extents are open."""
    inputs = keras.Input((9, 9, 4))
    inner = block(4)
    twice = inner(layers.MaxPooling2D()(inner(inputs)))
    found, left = extracted(saved(tmp_path, inputs, keras.Sequential([block(4), layers.ReLU()])(twice)))
    one = layer([9, 9], 4, 4, [3, 3], padding="same", out_bias=True)
    other = one | {"spatial": [4, 4]}
    assert found == [one, other, other | {"out_activation": "relu"}] and left == {}


@keras.saving.register_keras_serializable("sepconv_tests")
class Written(keras.Model):
    """A model with a call of its own."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.first, self.second = layers.DepthwiseConv2D(3, name="first"), layers.Conv2D(6, 1)

    def call(self, inputs):
        return keras.ops.relu(self.second(self.first(inputs)))


@keras.saving.register_keras_serializable("sepconv_tests")
class OfNumbers(Written):
    """One whose call cannot be followed without them."""

    def call(self, inputs):
        return super().call(inputs) + float(np.sum(keras.ops.convert_to_numpy(inputs)))


def test_models_with_a_call_of_their_own(tmp_path):
    model = Written()
    model(np.zeros((1, 9, 9, 4), "f"))
    model.save(tmp_path / "model.keras")
    expected = layer([9, 9], 4, 6, [3, 3], mid_bias=True, out_bias=True, out_activation="relu")
    assert extracted(tmp_path / "model.keras", input_shape=(1, 9, 9, 4)) == ([expected], {})
    model = OfNumbers()
    model(np.zeros((1, 9, 9, 4), "f"))
    model.save(tmp_path / "model.keras")
    found, left = extracted(tmp_path / "model.keras", input_shape=(1, 9, 9, 4))
    assert found == [] and list(left) == ["model/first"]
    assert re.fullmatch(
        r"is a part of \w+ \(OfNumbers\), which cannot be entered(: its call raises \w+ without numbers)?",
        left["model/first"],
    )


def test_wrappers(tmp_path):
    inputs = keras.Input((5, 9, 9, 4))
    outputs = layers.TimeDistributed(layers.SeparableConv2D(8, 3, name="inner"), name="each")(inputs)
    reason = "is a part of each (TimeDistributed), which cannot be entered"
    assert extracted(saved(tmp_path, inputs, outputs)) == ([], {"model/inner": reason})


@keras.saving.register_keras_serializable("sepconv_tests")
class Scaled(layers.DepthwiseConv2D):
    def call(self, inputs):
        return 2 * super().call(inputs)


def test_subclasses_with_a_call_of_their_own(tmp_path):
    inputs = keras.Input((9, 9, 4))
    outputs = layers.Conv2D(6, 1)(Scaled(3, name="scaled")(inputs))
    reason = "has a call of its own, Scaled: what it computes is not known"
    assert extracted(saved(tmp_path, inputs, outputs)) == ([], {"model/scaled": reason})


def test_open_extents(tmp_path):
    inputs = keras.Input((None, None, 4))
    path = saved(tmp_path, inputs, layers.SeparableConv2D(6, 3)(inputs))
    with pytest.raises(
        ValueError, match=r"extents of its input .*, \(\?, \?, \?, 4\), are not known: give input_shape"
    ):
        sepconv.extract.extract(path)
    assert extracted(path, input_shape=(1, 9, 8, 4)) == ([layer([9, 8], 4, 6, [3, 3], out_bias=True)], {})
    with pytest.raises(ValueError, match=r"input_shape \(1, 9, 8, 3\) does not fit"):
        sepconv.extract.extract(path, input_shape=(1, 9, 8, 3))


def test_mixed_precision(tmp_path):
    inputs = keras.Input((9, 9, 4))
    outputs = layers.SeparableConv2D(6, 3, dtype="mixed_bfloat16")(inputs)
    (found,) = sepconv.extract.extract(saved(tmp_path, inputs, outputs))
    assert found["dtype"] == "bfloat16"


def test_classes_that_are_not_known(tmp_path):
    """A sentence that names the class and says what to do."""
    inputs = keras.Input((9, 9, 4))
    path = saved(tmp_path, inputs, Scaled(3)(inputs))
    known = keras.saving.get_custom_objects()
    taken = {name: known.pop(name) for name in list(known) if name == "sepconv_tests>Scaled"}
    try:
        with pytest.raises(ValueError, match="Keras does not load it: .*'Scaled'.*; import what defines it") as error:
            sepconv.extract.extract(path)
        assert len(str(error.value)) < 600
    finally:
        known.update(taken)
