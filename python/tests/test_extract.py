"""sepconv.extract: the layers of Keras's networks, from all three formats, against the layer files of the benchmark."""

import collections
import json
import os
import pathlib

import numpy as np
import pytest

import sepconv.extract

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
KNOWN = pathlib.Path(__file__).parents[2] / "bench" / "layers"
NETWORKS = {"MobileNet": "mobilenet_v1", "MobileNetV2": "mobilenet_v2", "Xception": "xception"}
DEFAULTS = {"mult": 1, "padding": "valid", "mid_bias": False, "out_bias": False}
DEFAULTS |= {"mid_activation": "none", "out_activation": "none"}
KEYS = ["spatial", "cin", "cout", "kernel", "strides", "dilation", *DEFAULTS]


def shapes(layers, keys=KEYS):
    """How often each shape occurs."""
    counter = collections.Counter()
    for layer in layers:
        counter[json.dumps([layer.get(key, DEFAULTS.get(key)) for key in keys])] += layer.get("repeat", 1)
    return counter


def check_network(name, layers):
    known = json.loads((KNOWN / f"{NETWORKS[name]}.json").read_text())["layers"]
    # In Xception a relu stands between two layers: the file has it on the input of the second.
    keys = [key for key in KEYS if name != "Xception" or key != "out_activation"]
    assert shapes(layers, keys) == shapes(known, keys)
    assert all(layer.get("fusable", True) for layer in layers)


def network(name):
    keras = pytest.importorskip("keras")
    model = getattr(keras.applications, name)(weights=None)
    rng = np.random.default_rng(1)
    for weight in model.weights:  # the exporters leave biases out that are zero
        if len(weight.shape) == 1:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return model


def needs_tensorflow():
    pytest.importorskip("tensorflow")
    if pytest.importorskip("keras").backend.backend() != "tensorflow":
        pytest.skip("exporting needs Keras on TensorFlow")


@pytest.mark.parametrize("name", NETWORKS)
def test_keras(name, tmp_path):
    path = tmp_path / "model.keras"
    network(name).save(path)
    check_network(name, sepconv.extract.extract(path))


@pytest.mark.parametrize("name", NETWORKS)
def test_tflite(name, tmp_path):
    needs_tensorflow()
    import tensorflow

    path = tmp_path / "model.tflite"
    path.write_bytes(tensorflow.lite.TFLiteConverter.from_keras_model(network(name)).convert())
    check_network(name, sepconv.extract.extract(path))


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx(name, tmp_path):
    needs_tensorflow()
    pytest.importorskip("tf2onnx")
    path = tmp_path / "model.onnx"
    model = network(name)
    model(np.zeros((1, *model.input_shape[1:]), "f"))
    model.export(path, format="onnx", verbose=False)
    layers = sepconv.extract.extract(path, "channels_last")
    check_network(name, layers)
    assert {layer["data_format"] for layer in layers} == {"channels_last"}


def test_keras_squeeze_and_excite(tmp_path):
    path = tmp_path / "model.keras"
    network("EfficientNetB0").save(path)
    layers = sepconv.extract.extract(path)
    assert sum(layer.get("repeat", 1) for layer in layers) == 16
    for layer in layers:
        assert not layer["fusable"] and "Multiply" in layer["between"] and layer["mid_activation"] == "swish"


def test_keras_one_dimension_and_odd_cases(tmp_path):
    keras = pytest.importorskip("keras")
    layers = keras.layers
    inputs = keras.Input((40, 6))
    a = layers.SeparableConv1D(8, 5, 2, "same", depth_multiplier=2, activation="tanh", name="a")(inputs)
    b = layers.ZeroPadding1D((4, 0))(a)
    c = layers.DepthwiseConv1D(3, dilation_rate=2, use_bias=False, name="c")(b)
    d = layers.Conv1D(4, 1, activation="softsign")(c)
    e = layers.DepthwiseConv1D(3, name="alone")(d)
    keras.Model(inputs, e).save(tmp_path / "model.keras")
    first, second = sepconv.extract.extract(tmp_path / "model.keras")
    assert first == {
        "name": "model/a", "spatial": [40], "cin": 6, "mult": 2, "cout": 8, "kernel": [5], "strides": [2],
        "dilation": [1], "padding": "same", "data_format": "channels_last", "dtype": "float32", "out_bias": True,
        "out_activation": "tanh", "source": "model.keras",
    }  # fmt: skip
    assert (second["padding"], second["dilation"], second["spatial"]) == ("causal", [2], [20])
    assert "mid_bias" not in second and "out_activation" not in second


def onnx_model(path, nodes, constants, channels, spatial):
    onnx = pytest.importorskip("onnx")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node(op, ins, outs, **attributes) for op, ins, outs, attributes in nodes],
        "g",
        [helper.make_tensor_value_info("x", floats, [1, channels, *spatial])],
        [helper.make_tensor_value_info("y", floats, None)],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), path)


def test_onnx_operators(tmp_path):
    """Padding in front, normalisation as arithmetic, x * sigmoid(x), explicit padding, a number for all channels."""
    constants = {
        "dw": np.ones((8, 1, 3, 5), "f"), "pw": np.ones((6, 8, 1, 1), "f"), "bias": np.ones(6, "f"),
        "scale": np.ones((1, 8, 1, 1), "f"), "shift": np.ones((8, 1, 1), "f"), "lo": np.float32(-1), "hi": np.float32(1),
        "pads": np.array([0, 0, 1, 2, 0, 0, 0, 3]),
    }  # fmt: skip
    nodes = [
        ("Pad", ["x", "pads"], ["p"], {}),
        ("Conv", ["p", "dw"], ["d"], {"group": 4, "strides": [2, 1], "pads": [0, 0, 1, 0], "name": "dw1"}),
        ("Mul", ["d", "scale"], ["m"], {}),
        ("Add", ["shift", "m"], ["n"], {}),
        ("Sigmoid", ["n"], ["s"], {}),
        ("Mul", ["s", "n"], ["t"], {}),
        ("Conv", ["t", "pw", "bias"], ["o"], {}),
        ("Clip", ["o", "lo", "hi"], ["y"], {}),
    ]
    path = tmp_path / "model.onnx"
    onnx_model(path, nodes, constants, 4, [9, 9])
    (layer,) = sepconv.extract.extract(path)
    assert layer == {
        "name": "model/dw1", "spatial": [9, 9], "cin": 4, "mult": 2, "cout": 6, "kernel": [3, 5], "strides": [2, 1],
        "dilation": [1, 1], "padding": {"before": [1, 2], "after": [1, 3]}, "data_format": "channels_first",
        "dtype": "float32", "mid_bias": True, "mid_activation": "swish", "out_bias": True,
        "out_activation": {"clamp": [-1.0, 1.0]}, "source": "model.onnx",
    }  # fmt: skip


def test_onnx_what_is_no_layer(tmp_path):
    """A dense convolution behind a depthwise one, and a depthwise result that is also an output."""
    constants = {"dw": np.ones((4, 1, 3, 3), "f"), "k3": np.ones((4, 4, 3, 3), "f")}
    path = tmp_path / "model.onnx"
    onnx_model(
        path, [("Conv", ["x", "dw"], ["d"], {"group": 4}), ("Conv", ["d", "k3"], ["y"], {})], constants, 4, [9, 9]
    )
    assert sepconv.extract.extract(path) == []


def test_errors(tmp_path):
    with pytest.raises(ValueError, match=r"model must end in .onnx, .keras or .tflite, received model.pt"):
        sepconv.extract.extract("model.pt")
    with pytest.raises(FileNotFoundError, match="no such file"):
        sepconv.extract.extract(tmp_path / "absent.tflite")
    wrong = tmp_path / "wrong.tflite"
    for content in (b"", b"wrong", b"\x10\0\0\0TFL3" + b"\xff" * 40):
        wrong.write_bytes(content)
        with pytest.raises(ValueError, match="is not a TensorFlow Lite file|damaged"):
            sepconv.extract.extract(wrong)
