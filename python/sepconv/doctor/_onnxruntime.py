"""ONNX files beside ONNX Runtime, layer by layer: each is cut out of the model."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np


def open_model(path: pathlib.Path, input_shape: Any, threads: int) -> tuple[str, Any, Any]:
    """The framework with its version, what to say at the end, and how to run what lies between two tensors."""
    try:
        import onnxruntime
    except ImportError:
        sentence = "not compared: the package onnxruntime is not installed"
        return "", lambda _: [sentence], None
    import onnx
    from onnx.utils import Extractor

    from ..extract._onnx_constants import load

    model, _ = load(path, None if input_shape is None else tuple(input_shape))
    extractor = Extractor(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1

    def part(first: str, last: str) -> Callable[[], Any]:
        cut = extractor.extract_model([first], [last])
        session = onnxruntime.InferenceSession(cut.SerializeToString(), options, providers=["CPUExecutionProvider"])
        (given,) = cut.graph.input
        tensor = given.type.tensor_type
        shape = [dim.dim_value for dim in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        x = np.random.default_rng(2).standard_normal(shape).astype(dtype)
        return lambda: session.run(None, {first: x})

    return f"onnxruntime {onnxruntime.__version__}", lambda _: [], part
