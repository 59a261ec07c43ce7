"""The separable layers of a network, as a layer file: `sepconv extract MODEL -o layers.json`.

layers = sepconv.extract.extract("model.onnx")     # also .keras and .tflite
sepconv.extract.write(layers, "layers.json", "the layers of model.onnx")
"""

import json
import os
import pathlib
from typing import Any

import sepconv_layers

from ._layers import find_layers

__all__ = ["extract", "write"]


def extract(model: str | os.PathLike, data_format: str | None = None) -> list[dict[str, Any]]:
    """The layers of a file of ONNX, Keras or TensorFlow Lite, in the format of `schema/layers.schema.json`.

    A layer is a depthwise convolution and the 1x1 convolution that follows. Biases, batch normalisations and
    activations belong to it; whatever else lies between is named in `between`, and such a layer is marked as not
    fusable. Layers of the same shape are listed once, with their number as `repeat`.

    Args:
        model: path of a file that ends in `.onnx`, `.keras` or `.tflite`. Reading ONNX needs the package onnx, reading
            Keras's needs keras.
        data_format: of the layers that are to be compiled; `None` for the one that the file has.

    Raises:
        ValueError: the file's ending is another, or the file is damaged.
        OSError: the file cannot be read.
        ImportError: the package that reads it is not installed.
    """
    path = pathlib.Path(model)
    if path.suffix == ".onnx":
        from ._onnx import read
    elif path.suffix == ".keras":
        from ._keras import read
    elif path.suffix == ".tflite":
        from ._tflite import read
    else:
        raise ValueError(f"model must end in .onnx, .keras or .tflite, received {path}")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    layers = find_layers(read(path), path.stem)
    if data_format is not None:
        for layer in layers:
            layer["data_format"] = data_format
    return layers


def write(layers: list[dict[str, Any]], path: str | os.PathLike, description: str) -> None:
    """Writes a layer file, one layer a line. Raises ValueError for what would not be one."""
    sepconv_layers.parse({"version": 1, "layers": layers})
    lines = ",\n".join(f"    {json.dumps(layer)}" for layer in layers)
    head = f'{{\n  "version": 1,\n  "description": {json.dumps(description)},\n  "layers": [\n'
    sepconv_layers.write_text(path, f"{head}{lines}\n  ]\n}}\n")
