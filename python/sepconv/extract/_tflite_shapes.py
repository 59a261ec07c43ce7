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
    interpreter = interpreter_for(path, 1, whole=False)
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


def interpreter_for(path: pathlib.Path, threads: int, whole: bool = True) -> Any:
    """TensorFlow Lite's interpreter; as people use it, or, where it is not for the `whole` model, without what replaces tensors.

    Raises:
        ImportError: neither package that has it is installed.
    """
    try:
        from ai_edge_litert import interpreter as litert
    except ImportError:
        try:
            from tensorflow import lite as litert
        except ImportError:
            raise ImportError("input_shape of a .tflite file needs the package ai-edge-litert or tensorflow") from None
    if whole:
        return litert.Interpreter(model_path=str(path), num_threads=threads)
    resolvers = getattr(litert, "OpResolverType", None) or litert.experimental.OpResolverType
    plain = resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return litert.Interpreter(model_path=str(path), num_threads=threads, experimental_op_resolver_type=plain)
