"""A layer as the files that other libraries load: ONNX and TensorFlow Lite models."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
from layers import function
from tensors import Tensors

CONVERT = pathlib.Path(__file__).with_name("convert_tflite.py")
CONVERT_SECONDS = 60  # for each layer


def write_models(kinds, layers, folder):
    """Writes the models of these kinds for each layer, and returns for each layer the path without its ending. A layer that has no
    such form gets a file PATH.onnx.error or PATH.tflite.error with the reason."""
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    paths = [folder / str(i) for i in range(len(layers))]
    for kind in kinds:
        WRITERS[kind](layers, paths)
    return paths


def model_file(path, kind):
    """The file to load; raises ValueError with the reason where there is none."""
    reason = path.with_suffix(f".{kind}.error")
    if reason.exists():
        raise ValueError(reason.read_text()[:200])
    return str(path.with_suffix(f".{kind}"))


def write_onnx(layers, paths):
    for layer, path in zip(layers, paths, strict=True):
        try:
            path.with_suffix(".onnx").write_bytes(onnx_model(layer, Tensors(layer)))
        except Exception as error:  # noqa: BLE001 (whatever onnx dislikes; the other peers go on)
            path.with_suffix(".onnx.error").write_text(str(error))


class Nodes:
    """The nodes of an ONNX graph, and its constants."""

    def __init__(self):
        self.nodes, self.constants = [], {}

    def __call__(self, operator, *inputs, **attributes):
        """Adds a node and returns its output's name. An input is a name, a constant, or "" or None for one that is absent."""
        from onnx import helper

        names = [self._name(value) for value in inputs]
        output = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [output], **attributes))
        return output

    def _name(self, value):
        if value is None or isinstance(value, str):
            return value or ""
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value, np.float32)
        return name

    def activate(self, layer, place, x):
        kind = layer.activation(place)
        return x if kind == "none" else function(kind, self)(x)


def onnx_model(layer, tensors):
    """The layer as Conv (one group a channel), Conv 1x1, and what lies before, between and behind."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    op, fields = Nodes(), layer.fields
    depthwise, pointwise = tensors.filters_first()
    x = op(
        "Conv",
        op.activate(layer, "input", "x"),
        depthwise,
        tensors.mid_bias,
        group=fields["cin"],
        kernel_shape=layer.kernel,
        strides=layer.strides,
        dilations=layer.dilation,
        pads=[begin for begin, _ in layer.pads] + [end for _, end in layer.pads],
    )
    x = op.activate(layer, "mid", x)
    x = op("Conv", x, pointwise, tensors.out_bias, kernel_shape=[1] * layer.rank)
    x = op.activate(layer, "out", x)
    shape = [fields["n"], fields["cin"], *layer.spatial]
    arrays = op.constants.items()
    made = helper.make_graph(
        op.nodes,
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in arrays],
    )
    opset = helper.make_opsetid("", 20)  # the first with Gelu
    model = helper.make_model(made, opset_imports=[opset], ir_version=9)
    return onnx.shape_inference.infer_shapes(model).SerializeToString()


def write_tflite(layers, paths):
    """TensorFlow converts in a process of its own, so that its threads are not in the one that times."""
    for layer, path in zip(layers, paths, strict=True):
        path.with_suffix(".json").write_text(json.dumps(layer.fields))
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, CONVERT, *paths]
    limit = CONVERT_SECONDS * (1 + len(paths))
    try:
        run = subprocess.run(
            command,
            env=quiet,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
        )
        reason = f"TensorFlow's converter ended with {run.returncode}: {run.stderr[-150:].strip()}"
    except subprocess.TimeoutExpired:
        reason = f"TensorFlow's converter did not end in {limit} s"
    for path in paths:
        error = path.with_suffix(".tflite.error")
        if not path.with_suffix(".tflite").exists() and not error.exists():
            error.write_text(reason)


WRITERS = {"onnx": write_onnx, "tflite": write_tflite}
