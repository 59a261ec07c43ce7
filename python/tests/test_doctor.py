"""sepconv.doctor: what it says of models of each format."""

import re

import numpy as np
import pytest

import sepconv.doctor

pytest.importorskip("keras")
from keras_support import BACKEND, keras, layers, randomized


def model():
    """A layer that runs in one pass, twice; one as two stages; a depthwise convolution alone."""
    return keras.Sequential(
        [
            keras.Input((12, 12, 8)),
            layers.SeparableConv2D(8, 3, padding="same", activation="relu", name="first"),
            layers.SeparableConv2D(8, 3, padding="same", activation="relu", name="second"),
            layers.DepthwiseConv2D(3, name="third"),
            layers.PReLU(shared_axes=[1, 2], name="slopes"),
            layers.Conv2D(4, 1),
            layers.DepthwiseConv2D(3, name="alone"),
        ]
    )


def check(diagnosis, name):
    (result,) = diagnosis.results
    assert (result["repeat"], result["max_error"] < 1e-5) == (2, True)
    assert (
        result["variant"]
        == sepconv.explain((1, 12, 12, 8), (3, 3, 8, 1), (1, 1, 8, 8)).split("variant: ")[1].split()[0]
    )
    assert len(diagnosis.apart) == len(diagnosis.left) == 1
    text = str(diagnosis)
    first = f"{name}: of 4 depthwise convolutions 2 run here in one pass with the pointwise convolution behind, 1 as two stages, "
    assert text.startswith(first + "1 are left\n")
    assert re.search(r"\ntogether: \d+\.\d{3} ms here \(threads: 1\)", text)
    assert re.search(
        r"\ntwo stages: \S+ has \w+ between them\nleft: \S+ needs a pointwise convolution behind it;", text
    )
    return text


def test_keras(tmp_path):
    randomized(model(), np.random.default_rng(1)).save(tmp_path / "model.keras")
    text = check(sepconv.doctor.examine(tmp_path / "model.keras"), "model.keras")
    assert re.search(
        rf"the whole model takes \S+ ms in Keras \S+ on {BACKEND}, .* \S+ ms after sepconv.keras.optimize: ", text
    )


def test_tflite(tmp_path):
    from extract_support import needs_tensorflow

    needs_tensorflow()
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(randomized(model(), np.random.default_rng(1)))
    (tmp_path / "model.tflite").write_bytes(converter.convert())
    text = check(sepconv.doctor.examine(tmp_path / "model.tflite"), "model.tflite")
    assert re.search(r"the whole model takes \S+ ms in the interpreter of TensorFlow Lite, .* take \S+ ms here", text)


def test_onnx(tmp_path):
    """Each layer is cut out of the model, and timed in turns."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    weights = {"dw": np.ones((8, 1, 3, 3), "f"), "pw": np.ones((8, 8, 1, 1), "f")}
    nodes = [
        helper.make_node("Conv", ["x", "dw"], ["a"], name="dw", group=8),
        helper.make_node("Conv", ["a", "pw"], ["b"], name="pw"),
        helper.make_node("Relu", ["b"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", floats, ["n", 8, "h", "w"])],
        [helper.make_tensor_value_info("y", floats, None)],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), tmp_path / "m.onnx")
    with pytest.raises(ValueError, match="give input_shape"):
        sepconv.doctor.examine(tmp_path / "m.onnx")
    diagnosis = sepconv.doctor.examine(tmp_path / "m.onnx", (1, 8, 40, 40), threads=2)
    assert diagnosis.results[0]["beside_ms_min"] > 0 and diagnosis.framework.startswith("onnxruntime ")
    assert re.search(r"ms here \(threads: 2\); \S+ ms in onnxruntime \S+, \d+\.\d\d times as long", str(diagnosis))


def test_command(tmp_path):
    pytest.importorskip("click")
    from cli_support import sepconv as command

    assert "must end in .onnx" in command("doctor", __file__, status=1)
    model().save(tmp_path / "model.keras")
    assert "together: " in command("doctor", tmp_path / "model.keras")
    assert "model.keras: of 4" in command("doctor", tmp_path / "model.keras", "--threads", 2)
