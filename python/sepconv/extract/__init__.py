"""The separable layers of a network, as a layer file: `sepconv extract MODEL -o layers.json`.

layers = sepconv.extract.extract("model.onnx")     # also .keras and .tflite
sepconv.extract.write(layers, "layers.json", "the layers of model.onnx")
"""

import importlib
import json
import os
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import sepconv_layers

from .. import _native
from ._graph import Graph, Left
from ._layers import Found, find_layers, merge

__all__ = ["Layers", "Left", "extract", "write"]


_HINTS = dict.fromkeys((".h5", ".hdf5"), "load it with Keras, and save it as a .keras file")
_HINTS |= dict.fromkeys((".pt", ".pth", ".pt2"), "load it with PyTorch, and write it with torch.onnx.export")
_HINTS |= dict.fromkeys((".pb", ""), "of a SavedModel, tf.lite.TFLiteConverter.from_saved_model makes a .tflite file")


class Layers(list[dict[str, Any]]):
    """The layers of a model, and `left`, a list of `Left`: its depthwise convolutions that are not among them, each with the
    reason."""

    def __init__(self, layers: Iterable[dict[str, Any]], left: Iterable[Left]) -> None:
        super().__init__(layers)
        self.left = list(left)


def extract(
    model: str | os.PathLike, data_format: str | None = None, input_shape: Sequence[int] | None = None
) -> Layers:
    """The layers of a file of ONNX, Keras or TensorFlow Lite, in the format of `schema/layers.schema.json`.

    A layer is a depthwise convolution and the pointwise one that follows: a convolution with a 1x1 kernel, or a matrix
    product over the channels. Biases, batch normalisations and activations belong to it; whatever else lies between is
    named in `between`, and such a layer is marked as not fusable. Layers of the same shape are listed once, with their
    number as `repeat`.

    Args:
        model: path of a file that ends in `.onnx`, `.keras` or `.tflite`. Reading ONNX needs the package onnx, reading
            Keras's needs keras.
        data_format: of the layers that are to be compiled; `None` for the one that the file has.
        input_shape: all axes of the model's input, in the model's order and with the batch, in elements; for models that
            leave some of them open. Of a `.tflite` file it needs the package ai-edge-litert or tensorflow.

    Raises:
        ValueError: an unknown data_format; the file's ending is another, the file is damaged, the model leaves extents of its input open and
            `input_shape` is not given, or it does not fit the model.
        OSError: the file cannot be read.
        ImportError: the package that reads it is not installed.
    """
    if data_format is not None and data_format not in _native.data_formats:
        words = ", ".join(f'"{word}"' for word in _native.data_formats)
        raise ValueError(f"data_format must be {words} or None, received {data_format!r}")
    found, left = find(model, input_shape)
    layers = Layers(merge(found, pathlib.Path(model).name), left)
    if data_format is not None:
        for layer in layers:
            layer["data_format"] = data_format
    return layers


def find(model: str | os.PathLike, input_shape: Sequence[int] | None) -> tuple[list[Found], list[Left]]:
    """Every layer, with the tensors between which it lies; and what is left."""
    graph = read(model, input_shape)
    try:
        return find_layers(graph, pathlib.Path(model).stem)
    except (TypeError, ValueError, LookupError, ArithmeticError) as error:
        raise ValueError(f"{model}: damaged: {error}") from error


def read(model: str | os.PathLike, input_shape: Sequence[int] | None) -> Graph:
    """The model as a graph."""
    path = pathlib.Path(model)
    if path.suffix not in (".onnx", ".keras", ".tflite"):
        hint = f": {_HINTS[path.suffix]}" if path.suffix in _HINTS else ""
        raise ValueError(f"model must end in .onnx, .keras or .tflite, received {path}{hint}")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if input_shape is not None:
        input_shape = tuple(input_shape)
        if not all(isinstance(n, int) and n > 0 for n in input_shape):
            raise ValueError(f"input_shape must have positive integers, received {input_shape}")
    reader = importlib.import_module(f"._{path.suffix[1:]}", __package__)
    graph = reader.read(path, input_shape)
    _check_order(graph, path)
    depthwise = any(node.kind == "depthwise" for node in graph.nodes)
    for name, shape in graph.inputs.items():
        # The batch, in front, is no extent of a layer.
        if depthwise and None in shape[1:] and input_shape is None:
            shown = ", ".join("?" if n is None else str(n) for n in shape)
            raise ValueError(
                f"{path}: the extents of its input {name}, ({shown}), are not known: give input_shape (--input-shape)"
            )
    return graph


def _check_order(graph: Graph, path: pathlib.Path) -> None:
    """Every tensor is written once, and before it is read: ways through the graph end."""
    unwritten = {name for node in graph.nodes for name in node.outputs}
    for node in graph.nodes:
        if any(name in unwritten for name in node.inputs) or not unwritten.issuperset(node.outputs):
            raise ValueError(f"{path}: damaged: {node.name} ({node.operation}) is not behind what it reads")
        unwritten.difference_update(node.outputs)


def write(layers: list[dict[str, Any]], path: str | os.PathLike, description: str) -> None:
    """Writes a layer file, one layer a line. Raises ValueError for what would not be one."""
    sepconv_layers.parse({"version": 1, "layers": layers})
    lines = ",\n".join(f"    {json.dumps(layer)}" for layer in layers)
    head = f'{{\n  "version": 1,\n  "description": {json.dumps(description)},\n  "layers": [\n'
    sepconv_layers.write_text(path, f"{head}{lines}\n  ]\n}}\n")
