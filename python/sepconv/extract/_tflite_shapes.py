"""Extents of a TensorFlow Lite model whose input may have several, as its interpreter works them out."""

import pathlib
from typing import Any

from ._graph import Extents


def shapes(path: pathlib.Path, input_shape: tuple[int, ...]) -> dict[int, Extents]:
    """Of each tensor, by its number, for an input of this shape.

    Raises:
        ImportError: there is no interpreter.
        ValueError: the model does not take the shape.
    """
    interpreter = _interpreter(path)
    inputs = interpreter.get_input_details()
    if len(inputs) != 1:
        raise ValueError(f"input_shape needs a model with one input; {path} has {len(inputs)}")
    try:
        interpreter.resize_tensor_input(inputs[0]["index"], input_shape)
        interpreter.allocate_tensors()
        interpreter.invoke()  # extents that are computed are known after it
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"input_shape {tuple(input_shape)} does not fit {path}: {error}") from error
    return {tensor["index"]: [int(n) for n in tensor["shape"]] for tensor in interpreter.get_tensor_details()}


def _interpreter(path: pathlib.Path) -> Any:
    try:
        from ai_edge_litert import interpreter as litert
    except ImportError:
        try:
            from tensorflow import lite as litert
        except ImportError:
            raise ImportError("input_shape of a .tflite file needs the package ai-edge-litert or tensorflow") from None
    try:
        plain = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    except AttributeError:
        plain = litert.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return litert.Interpreter(model_path=str(path), experimental_op_resolver_type=plain)
