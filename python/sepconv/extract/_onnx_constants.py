"""What of an ONNX model is known without running it: extents and constants."""

import pathlib
from typing import Any

import numpy as np
import onnx
from onnx import inliner, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from ._graph import Extents

_NAMES = (
    "Abs Add Celu Clip Div Elu Erf Exp Gelu HardSigmoid HardSwish Identity LeakyRelu Log Max Min Mish Mul Neg Pow"
    " Reciprocal Relu Selu Sigmoid Softplus Softsign Sqrt Sub Sum Swish Tanh ThresholdedRelu"
)
ELEMENTWISE = frozenset(_NAMES.split())
"""Operators that compute each value from those at the same place."""
_KEPT = frozenset(
    ("DequantizeLinear", "QuantizeLinear", "DynamicQuantizeLinear")
)  # whether weights were quantised matters
_SMALL = 64  # numbers; a shape has fewer
_RANDOM = frozenset(("RandomNormal", "RandomUniform", "Bernoulli", "Multinomial"))


def load(path: pathlib.Path, input_shape: tuple[int, ...] | None) -> "tuple[Any, Constants]":
    """The model with functions inlined and extents inferred, and its constants.

    Raises:
        ValueError: it is no ONNX file, or does not take an input of that shape.
    """
    try:
        model = inliner.inline_local_functions(onnx.load(str(path)))
    except Exception as error:  # protobuf's and onnx's own kinds
        raise ValueError(f"{path} is not an ONNX file: {error}") from error
    if input_shape is not None:
        _fix_input(model, path, input_shape)
    else:
        _fix_batch(model)
    try:
        return _inferred(model, strict=input_shape is not None)
    except Exception as error:
        given = (
            "its shapes contradict one another" if input_shape is None else f"input_shape {input_shape} does not fit it"
        )
        raise ValueError(f"{path}: {given}: {error}") from error


def _inferred(model: Any, strict: bool) -> "tuple[Any, Constants]":
    """Extents give constants, such as the targets of reshapes, and constants give extents."""
    count = -1
    while True:
        model = shape_inference.infer_shapes(model, strict_mode=strict, data_prop=True)
        shapes = known_shapes(model)
        constants = Constants(model, shapes)
        known = sum(None not in shape for shape in shapes.values())
        if known <= count:
            return model, constants
        count = known
        initial = {tensor.name for tensor in model.graph.initializer}
        for name, array in constants.items():
            if name not in initial and array.dtype == np.int64 and array.size <= _SMALL:
                model.graph.initializer.append(numpy_helper.from_array(array, name))
        initial = {tensor.name for tensor in model.graph.initializer}
        nodes = [node for node in model.graph.node if not all(name in initial for name in node.output)]
        del model.graph.node[:]
        model.graph.node.extend(nodes)


def known_shapes(model: Any) -> dict[str, Extents]:
    shapes = {}
    for value in (*model.graph.input, *model.graph.value_info, *model.graph.output):
        if value.type.tensor_type.HasField("shape"):
            dims = value.type.tensor_type.shape.dim
            shapes[value.name] = [d.dim_value if d.dim_value > 0 else None for d in dims]
    return shapes


def _fix_batch(model: Any) -> None:
    """Where the batch alone is open it is 1: layers do not depend on it, but reshapes do."""
    initial = {tensor.name for tensor in model.graph.initializer}
    values = [value.type.tensor_type.shape.dim for value in model.graph.input if value.name not in initial]
    opened = [[dim.dim_value < 1 for dim in dims] for dims in values]
    if all(not any(axes[1:]) for axes in opened) and any(any(axes) for axes in opened):
        for dims in values:
            if dims and dims[0].dim_value < 1:
                dims[0].dim_value = 1
        _forget(model)


def _forget(model: Any) -> None:
    """What was inferred of open extents."""
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")


def _fix_input(model: Any, path: pathlib.Path, input_shape: tuple[int, ...]) -> None:
    initial = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initial]
    if len(inputs) != 1:
        raise ValueError(f"input_shape needs a model with one input; {path} has {len(inputs)}")
    old = inputs[0].type.tensor_type.shape.dim
    given = [dim.dim_value for dim in old]
    fits = len(given) == len(input_shape) and all(a in (b, 0, -1) for a, b in zip(given, input_shape, strict=True))
    if not fits:
        raise ValueError(f"input_shape {tuple(input_shape)} does not fit {path}, whose input has {_shown(given)}")
    for dim, extent in zip(old, input_shape, strict=True):
        dim.dim_value = extent
    _forget(model)


def _shown(shape: list[int]) -> str:
    return f"({', '.join(str(n) if n > 0 else '?' for n in shape)})"


class Constants(dict[str, np.ndarray]):
    """Initial values, and what operators make of constants alone, and of extents that are known."""

    def __init__(self, model: Any, shapes: dict[str, Any]) -> None:
        super().__init__({t.name: numpy_helper.to_array(t) for t in model.graph.initializer})
        for node in model.graph.node:
            shape = shapes.get(node.input[0]) if node.op_type == "Shape" and node.input else None
            if shape is not None and None not in shape:
                ends = {a.name: a.i for a in node.attribute}
                self[node.output[0]] = np.array(shape[ends.get("start", 0) : ends.get("end")], np.int64)
            elif node.op_type not in _KEPT | _RANDOM and all(name in self for name in node.input if name):
                self.fold(model, node)

    def fold(self, model: Any, node: Any) -> None:
        if any(a.type in (a.GRAPH, a.GRAPHS) for a in node.attribute):
            return
        arrays = {name: self[name] for name in node.input if name}
        try:
            results = _evaluator(model, node).run(None, arrays)
        except Exception:  # noqa: BLE001 - of an operator that the reference does not have, the output is no constant
            return
        self |= {n: v for n, v in zip(node.output, results, strict=True) if n and isinstance(v, np.ndarray)}


def _evaluator(model: Any, node: Any) -> ReferenceEvaluator:
    anything = onnx.TypeProto()
    inputs = [onnx.helper.make_value_info(name, anything) for name in dict.fromkeys(node.input) if name]
    outputs = [onnx.helper.make_value_info(name, anything) for name in node.output]
    graph = onnx.helper.make_graph([node], "one", inputs, outputs)
    return ReferenceEvaluator(onnx.helper.make_model(graph, opset_imports=model.opset_import))


def evaluate(model: Any, node: Any, arrays: tuple[Any, ...]) -> Any:
    """The output of an operator, given all its inputs that are there, in float64."""
    names = [name for name in node.input if name]
    values = {name: np.asarray(array, np.float64) for name, array in zip(names, arrays, strict=True)}
    return _evaluator(model, node).run(None, values)[0]
