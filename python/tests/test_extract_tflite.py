"""sepconv.extract of TensorFlow Lite files: what the converter makes of Keras's layers."""

import re

import numpy as np
import pytest
from extract_support import extracted, layer, needs_tensorflow, randomized

import sepconv.extract

needs_tensorflow()
import keras
import tensorflow as tf

layers = keras.layers


def convert(model, path, types=None, integers=False):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if types or integers:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if types:
        converter.target_spec.supported_types = types
    if integers:
        shape = [1, *model.input_shape[1:]]
        converter.representative_dataset = lambda: ([np.full(shape, value, "f")] for value in (-1, 0, 1))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    path.write_bytes(converter.convert())
    return path


def small(shape):
    return randomized(
        keras.Sequential(
            [
                keras.Input(shape),
                layers.SeparableConv2D(8, 3, padding="same", activation="relu"),
                layers.DepthwiseConv2D(3, padding="same"),
                layers.BatchNormalization(),
                layers.ReLU(6.0),
                layers.Conv2D(6, 1),
                layers.BatchNormalization(),
                layers.ReLU(),
            ]
        )
    )


def small_layers(spatial):
    outer = {"padding": "same", "out_bias": True, "out_activation": "relu"}
    return [
        layer(spatial, 3, 8, [3, 3], **outer),
        layer(spatial, 8, 6, [3, 3], **outer, mid_bias=True, mid_activation="relu6"),
    ]


def test_float16(tmp_path):
    """Weights and biases are dequantised when they are used; the layers are float32."""
    path = convert(small((16, 16, 3)), tmp_path / "model.tflite", types=[tf.float16])
    assert extracted(path) == (small_layers([16, 16]), {})
    assert {fields["dtype"] for fields in sepconv.extract.extract(path)} == {"float32"}


def test_int8(tmp_path):
    path = convert(small((16, 16, 3)), tmp_path / "model.tflite", integers=True)
    found, left = extracted(path)
    assert found == [] and len(left) == 2
    assert all(reason.startswith("is quantised (int8)") for reason in left.values())


def test_weights_in_int8(tmp_path):
    """The inputs are float32; weights of 1024 numbers or more are integers."""
    inputs = keras.Input((8, 8, 128))
    model = keras.Model(inputs, layers.Conv2D(4, 1)(layers.DepthwiseConv2D(3)(inputs)))
    converter = tf.lite.TFLiteConverter.from_keras_model(randomized(model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    (tmp_path / "model.tflite").write_bytes(converter.convert())
    found, left = extracted(tmp_path / "model.tflite")
    assert found == [] and [reason.split(";")[0] for reason in left.values()] == ["is quantised (int8)"]


def test_open_extents(tmp_path):
    path = convert(small((None, None, 3)), tmp_path / "model.tflite")
    with pytest.raises(
        ValueError, match=r"extents of its input .*, \(\?, \?, \?, 3\), are not known: give input_shape"
    ):
        sepconv.extract.extract(path)
    assert extracted(path, input_shape=(1, 32, 24, 3)) == (small_layers([32, 24]), {})
    with pytest.raises(ValueError, match=r"input_shape \(1, 32, 24, 4\) does not fit"):
        sepconv.extract.extract(path, input_shape=(1, 32, 24, 4))


def one_dimension():
    model = keras.Sequential(
        [
            keras.Input((100, 4)),
            layers.SeparableConv1D(8, 5, padding="same", activation="relu"),
            layers.SeparableConv1D(8, 5, padding="same", activation="relu", dilation_rate=2),
            layers.SeparableConv1D(8, 5, padding="same", dilation_rate=4, activation="tanh"),
            layers.DepthwiseConv1D(3, padding="valid", dilation_rate=3, activation="relu"),
            layers.Conv1D(6, 1, activation="relu"),
            layers.SeparableConv1D(8, 3, strides=2),
        ]
    )
    same = {"padding": "same", "out_bias": True}
    expected = [
        layer([100], 4, 8, [5], **same, out_activation="relu"),
        layer([100], 8, 8, [5], **same, dilation=[2], out_activation="relu"),
        layer([100], 8, 8, [5], **same, dilation=[4], out_activation="tanh"),
        layer([100], 8, 6, [3], dilation=[3], mid_bias=True, mid_activation="relu", out_bias=True, out_activation="relu"),
        layer([94], 6, 8, [3], strides=[2], out_bias=True),
    ]  # fmt: skip
    return randomized(model), expected


def test_one_dimension(tmp_path):
    model, expected = one_dimension()
    assert extracted(convert(model, tmp_path / "model.tflite")) == (expected, {})


def test_one_dimension_of_tf2onnx(tmp_path):
    pytest.importorskip("tf2onnx")
    model, expected = one_dimension()
    model(np.zeros((1, *model.input_shape[1:]), "f"))  # an export needs one call
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    assert extracted(tmp_path / "model.onnx") == (expected, {})


def test_dilation_and_matrix_product(tmp_path):
    """A multiplier of 3 keeps the converter from writing the dilation as one; Dense is a matrix product between reshapes."""
    model = keras.Sequential(
        [
            keras.Input((20, 20, 4)),
            layers.SeparableConv2D(8, 3, padding="same", dilation_rate=2, depth_multiplier=3, activation="relu"),
            layers.SeparableConv2D(8, 3, dilation_rate=2),
            layers.DepthwiseConv2D(3, dilation_rate=3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("hard_silu"),
            layers.Conv2D(5, 1),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.Dense(7, activation="relu"),
        ]
    )
    same = {"padding": "same", "out_bias": True}
    expected = [
        layer([20, 20], 4, 8, [3, 3], **same, mult=3, dilation=[2, 2], out_activation="relu"),
        layer([20, 20], 8, 8, [3, 3], dilation=[2, 2], out_bias=True),
        layer([16, 16], 8, 5, [3, 3], **same, dilation=[3, 3], mid_bias=True, mid_activation="hard_swish"),
        layer([16, 16], 5, 7, [3, 3], **same, mid_bias=True, out_activation="relu"),
    ]
    randomized(model).save(tmp_path / "model.keras")
    for path in (tmp_path / "model.keras", convert(model, tmp_path / "model.tflite")):
        assert extracted(path) == (expected, {})


def test_between(tmp_path):
    """Groups as depthwise, and activations that are no part of a layer."""
    model = keras.Sequential(
        [
            keras.Input((20, 20, 4)),
            layers.Conv2D(8, 3, groups=4, padding="same"),
            layers.Conv2D(4, 1),
            layers.DepthwiseConv2D(3),
            layers.PReLU(alpha_initializer="ones", shared_axes=[1, 2]),
            layers.Conv2D(4, 1),
            layers.DepthwiseConv2D(3),
        ]
    )
    expected = [
        layer([20, 20], 4, 4, [3, 3], mult=2, padding="same", mid_bias=True, out_bias=True),
        layer([20, 20], 4, 4, [3, 3], mid_bias=True, out_bias=True, fusable=False, between="PRELU"),
    ]
    found, left = extracted(convert(randomized(model), tmp_path / "model.tflite"))
    assert found == expected
    (reason,) = left.values()
    assert re.fullmatch("needs a pointwise convolution behind it; behind it is an output of the model", reason)


def changed(path, change):
    """The file with its tables changed, by TensorFlow's own classes for them."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(str(path))
    change(model)
    return flatbuffer_utils.convert_object_to_bytearray(model)


def test_other_subgraphs_are_not_read(tmp_path):
    """Those of branches and loops: their depthwise convolutions are listed."""
    path = convert(small((16, 16, 3)), tmp_path / "model.tflite")

    def change(model):
        model.subgraphs.append(model.subgraphs[0])

    path.write_bytes(changed(path, change))
    found, left = extracted(path)
    assert found == small_layers([16, 16]) and len(left) == 2
    assert all(re.fullmatch(r"is in the subgraph \S+, which is not read", reason) for reason in left.values())


def test_weights_behind_the_flatbuffer(tmp_path):
    """Where files of more than 2 GB have them."""
    path = convert(small((16, 16, 3)), tmp_path / "model.tflite")
    behind = bytearray()

    def change(model):
        size = len(path.read_bytes()) + 4096
        for buffer in model.buffers:
            if buffer.data is not None and len(buffer.data):
                buffer.offset, buffer.size = size + len(behind), len(buffer.data)
                behind.extend(bytes(buffer.data))
                buffer.data = None

    start = len(path.read_bytes()) + 4096
    table = changed(path, change)
    path.write_bytes(bytes(table).ljust(start, b"\0") + bytes(behind))
    assert extracted(path) == (small_layers([16, 16]), {})


def test_damaged_files(tmp_path):
    """An answer or a ValueError, whatever the bytes are."""
    whole = bytearray(convert(small((16, 16, 3)), tmp_path / "model.tflite").read_bytes())
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(300):
        content = whole.copy()
        for place in rng.integers(0, len(content), 8):
            content[place] = rng.integers(0, 256)
        (tmp_path / "model.tflite").write_bytes(content[: rng.integers(len(whole) // 2, len(whole) + 1)])
        try:
            sepconv.extract.extract(tmp_path / "model.tflite")
        except ValueError:
            refused += 1
    assert refused > 30
