"""TensorFlow Lite files beside their interpreter, which runs whole models only."""

import pathlib
from typing import Any

import numpy as np

from .. import _bench
from ..extract._tflite_shapes import interpreter_for


def open_model(path: pathlib.Path, input_shape: Any, threads: int) -> tuple[str, Any, Any]:
    """The framework with its version, what to say at the end, and no way to run a part."""
    try:
        interpreter = interpreter_for(path, threads)
    except ImportError:
        sentence = "not compared: neither the package ai-edge-litert nor tensorflow is installed"
        return "", lambda _: [sentence], None
    for entry in interpreter.get_input_details():
        shape = entry["shape"] if input_shape is None else input_shape
        interpreter.resize_tensor_input(entry["index"], shape)
    interpreter.allocate_tensors()
    for entry in interpreter.get_input_details():
        interpreter.set_tensor(entry["index"], np.zeros(entry["shape"], entry["dtype"]))

    def remarks(diagnosis: Any) -> list[str]:
        (times,) = _bench.in_turns([interpreter.invoke])
        return [
            (
                f"the whole model takes {min(times):.3f} ms in the interpreter of TensorFlow Lite, which runs no parts: its layers"
                f" listed above take {diagnosis.sum('ms_min'):.3f} ms here"
            )
        ]

    return "", remarks, None
