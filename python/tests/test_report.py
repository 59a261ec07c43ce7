"""sepconv.keras.report, and what optimize says where it replaces nothing, on the backend that KERAS_BACKEND names."""

import warnings

import numpy as np
import pytest
from keras_support import afterwards, keras, layers  # noqa: F401 (a fixture)

import sepconv
import sepconv.keras


def double(x):
    return x * 2


def test_optimize_warns_where_nothing_is_replaced():
    inputs = keras.Input((9, 9, 4))

    class Own(layers.DepthwiseConv2D):
        pass

    depthwise = layers.BatchNormalization(name="bn")(layers.DepthwiseConv2D(3, activation=double, name="a")(inputs))
    pointwise = layers.Conv2D(5, 1, activation=double, name="c")(Own(3, name="b")(depthwise))
    inner = keras.Sequential([keras.Input((9, 9, 4)), layers.SeparableConv2D(5, 3, activation="elu", name="d")])
    model = keras.Model(inputs, [pointwise, depthwise, inner(inputs)], name="unlucky")
    lines = [
        "sepconv.keras.optimize replaced nothing in unlucky:",
        "a  not replaced: it has the activation double, which sepconv does not have",
        "b  not replaced: it is of the class Own, which may compute something else than the class of Keras",
        "d  not replaced: it has the activation elu, which sepconv does not have",
    ]
    with pytest.warns(UserWarning) as warned:
        fast = sepconv.keras.optimize(model)
    (message,) = [str(w.message) for w in warned if "sepconv" in str(w.message)]
    assert sorted(message.splitlines()[1:]) == lines[1:] and message.splitlines()[0] == lines[0]
    assert repr(sepconv.keras.report(fast)) == message.split("\n", 1)[1]
    with pytest.warns(UserWarning, match="replaced nothing in plain:\nno separable layers were found"):
        sepconv.keras.optimize(keras.Sequential([keras.Input((4,)), layers.Dense(3)], name="plain"))


def test_grouped_convolutions_are_listed():
    """A group for each channel makes an ordinary convolution a depthwise one, which extract takes and optimize leaves."""
    inputs = keras.Input((9, 9, 4))
    taken = layers.Conv2D(4, 1)(layers.DepthwiseConv2D(3)(inputs))
    model = keras.Model(inputs, layers.Conv2D(6, 1)(layers.Conv2D(4, 3, groups=4, name="grouped")(taken)))
    ((name, reason),) = sepconv.keras.report(sepconv.keras.optimize(model)).left
    assert name == "grouped" and reason.startswith("is an ordinary convolution with a group for each channel")


def test_report_of_a_model_that_is_not_optimized():
    class Block(layers.Layer):
        def __init__(self):
            super().__init__(name="block")
            self.conv = layers.SeparableConv1D(2, 3, name="hidden")

        def call(self, inputs):
            return self.conv(inputs)

    model = keras.Sequential([keras.Input((9, 4)), layers.SeparableConv1D(2, 3, name="seen"), Block()], name="two")
    hidden = ("hidden", "is a part of block, which optimize cannot see into")
    assert sepconv.keras.report(model).left == [("seen", "waits for optimize(two)"), hidden]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fast = sepconv.keras.optimize(model)
    report = sepconv.keras.report(fast)
    assert report == [("seen_fused", ("seen",))] and report.left == [hidden]
    assert str(report).splitlines() == ["seen_fused  seen", f"hidden      not replaced: it {hidden[1]}"]


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
