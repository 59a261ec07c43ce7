"""A layer as the files that other libraries load: ONNX and TensorFlow Lite models."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np

# Which of the files a library loads; torch is given the weights themselves.
FILES = {"onnxruntime": "onnx", "openvino": "onnx", "litert": "tflite"}


def write_models(peers, layers, tensors, folder):
    """Writes what the peers load for each layer (PATH.json is the layer itself), and returns for each layer the path without its
    ending. A layer that has no such form gets a file PATH.onnx.error or PATH.tflite.error with the reason."""
    pathlib.Path(folder).mkdir(exist_ok=True)
    paths = [pathlib.Path(folder) / str(i) for i in range(len(layers))]
    for path, layer in zip(paths, layers):
        path.with_suffix(".json").write_text(json.dumps(layer))
    wanted = {FILES[p] for p in peers if p in FILES}
    if "onnx" in wanted:
        for path, layer, t in zip(paths, layers, tensors):
            try:
                path.with_suffix(".onnx").write_bytes(onnx_model(layer, t))
            except Exception as error:  # noqa: BLE001 (whatever onnx dislikes; the other peers go on)
                path.with_suffix(".onnx.error").write_text(str(error))
    if "tflite" in wanted:
        convert(paths, tensors)
    return paths


def model_file(path, ending):
    """The file to load; raises RuntimeError with the reason where there is none."""
    reason = path.with_suffix(f".{ending}.error")
    if reason.exists():
        raise RuntimeError(reason.read_text()[:200])
    return str(path.with_suffix(f".{ending}"))


def onnx_model(layer, t):
    """The layer as Conv (one group a channel), Conv 1x1, and what lies between and behind."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rank, channels, multiplier = (
        len(layer["spatial"]),
        layer["cin"],
        layer.get("mult", 1),
    )
    depthwise = np.moveaxis(
        t.depthwise.reshape(*layer["kernel"], channels * multiplier), -1, 0
    )[:, None]
    pointwise = t.pointwise.reshape(channels * multiplier, layer["cout"]).T.reshape(
        layer["cout"], -1, *[1] * rank
    )
    constants = {
        "depthwise": depthwise,
        "pointwise": pointwise,
        "mid_bias": t.mid_bias,
        "out_bias": t.out_bias,
    }
    nodes, last = [], "x"

    def activation(kind):
        nonlocal last
        if kind == "relu":
            nodes.append(helper.make_node("Relu", [last], [last + "_act"]))
        elif kind == "relu6":
            constants["zero"], constants["six"] = np.float32(0), np.float32(6)
            nodes.append(
                helper.make_node("Clip", [last, "zero", "six"], [last + "_act"])
            )
        elif kind not in (None, "none"):
            raise ValueError(f"activation {kind} has no translation")
        if nodes[-1].output[0] != last:
            last = nodes[-1].output[0]

    pads = [before for before, _ in t.pads] + [after for _, after in t.pads]
    inputs = ["x", "depthwise"] + (["mid_bias"] if t.mid_bias is not None else [])
    ones = [1] * rank
    nodes.append(
        helper.make_node(
            "Conv",
            inputs,
            ["middle"],
            group=channels,
            kernel_shape=layer["kernel"],
            strides=layer.get("strides", ones),
            dilations=layer.get("dilation", ones),
            pads=pads,
        )
    )
    last = "middle"
    activation(layer.get("mid_activation"))
    inputs = [last, "pointwise"] + (["out_bias"] if t.out_bias is not None else [])
    nodes.append(helper.make_node("Conv", inputs, ["result"], kernel_shape=ones))
    last = "result"
    activation(layer.get("out_activation"))
    shape = [layer.get("n", 1), channels, *layer["spatial"]]
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(np.ascontiguousarray(v), k)
            for k, v in constants.items()
            if v is not None
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    return onnx.shape_inference.infer_shapes(model).SerializeToString()


# TensorFlow converts in a process of its own, so that its threads are not in the one that times.
CONVERT = """
import sys
import json, keras, numpy as np, tensorflow as tf

def convert(layer, weights):
    rank = len(layer["spatial"]); ones = [1] * rank
    act = lambda k: None if k in (None, "none") else k
    first = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)[rank - 1]
    second = (keras.layers.Conv1D, keras.layers.Conv2D)[rank - 1]
    model = keras.Sequential([
        keras.Input((*layer["spatial"], layer["cin"]), batch_size=layer.get("n", 1)),
        first(layer["kernel"], strides=layer.get("strides", ones), dilation_rate=layer.get("dilation", ones),
              padding=layer.get("padding", "valid"), depth_multiplier=layer.get("mult", 1),
              use_bias="mid_bias" in weights, activation=act(layer.get("mid_activation"))),
        second(layer["cout"], 1, use_bias="out_bias" in weights, activation=act(layer.get("out_activation"))),
    ])
    model.layers[0].set_weights([weights[k] for k in ("depthwise", "mid_bias") if k in weights])
    model.layers[1].set_weights([weights[k] for k in ("pointwise", "out_bias") if k in weights])
    return tf.lite.TFLiteConverter.from_keras_model(model).convert()

for path in sys.argv[1:]:
    try:
        model = convert(json.load(open(path + ".json")), np.load(path + ".npz"))
        open(path + ".tflite", "wb").write(model)
    except Exception as error:
        open(path + ".tflite.error", "w").write(str(error))
"""


def convert(paths, tensors):
    for path, t in zip(paths, tensors):
        names = ("depthwise", "pointwise", "mid_bias", "out_bias")
        weights = {k: getattr(t, k) for k in names if getattr(t, k) is not None}
        np.savez(path.with_suffix(".npz"), **weights)
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-c", CONVERT, *paths]
    result = subprocess.run(
        command, env=quiet, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(f"TensorFlow's converter: {result.stderr[-500:]}")
