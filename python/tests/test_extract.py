"""sepconv.extract: the layers of Keras's networks, from all three formats, against the layer files of the benchmark."""

import collections
import json
import pathlib

import numpy as np
import pytest
from extract_support import needs_tensorflow, network

import sepconv.extract

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


def test_errors(tmp_path):
    with pytest.raises(ValueError, match=r"model must end in .onnx, .keras or .tflite, received model.pt"):
        sepconv.extract.extract("model.pt")
    for name, hint in (("m.h5", "save it as a .keras file"), ("m.pt", "torch.onnx.export"), ("m", "TFLiteConverter")):
        with pytest.raises(ValueError, match=f"received {name}: .*{hint}"):
            sepconv.extract.extract(name)
    with pytest.raises(FileNotFoundError, match="no such file"):
        sepconv.extract.extract(tmp_path / "absent.tflite")
    wrong = tmp_path / "wrong.tflite"
    for content in (b"", b"wrong", b"\x10\0\0\0TFL3" + b"\xff" * 40):
        wrong.write_bytes(content)
        with pytest.raises(ValueError, match="is not a TensorFlow Lite file|damaged"):
            sepconv.extract.extract(wrong)
