"""ONNX files."""

import pathlib
from typing import Any

import onnx

from sepconv_layers import activations

from ._constants import SEVERAL, cuts, varying, with_constants
from ._graph import Extents, Graph, Left, Node, clamp
from ._onnx_constants import ELEMENTWISE, Constants, evaluate, known_shapes, load

_ACTIVATIONS = activations.onnx_operators()
_QUANTIZED = {"QLinearConv": 3, "ConvInteger": 1}  # and which input has the weights
_FUSED = ("FusedConv", "NhwcFusedConv", "NhwcConv")  # of ONNX Runtime, which optimised files have


def read(path: pathlib.Path, input_shape: tuple[int, ...] | None) -> Graph:
    model = load(path, input_shape)
    try:
        return _Reader(*model).graph()
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"{path}: damaged: {error}") from error


class _Reader:
    def __init__(self, model: Any, constants: Constants) -> None:
        self.model, self.own = model, model.graph
        self.shapes: dict[str, Extents] = known_shapes(model)
        values = (*self.own.input, *self.own.value_info, *self.own.output)
        self.types = {value.name: _type_name(value.type.tensor_type.elem_type) for value in values}
        self.constants = constants
        self.hidden: list[Left] = []
        self.quantized = {node.output[0]: node.input[0] for node in self.own.node if node.op_type == "DequantizeLinear"}

    def graph(self) -> Graph:
        nodes = [
            self.node(i, node)
            for i, node in enumerate(self.own.node)
            if not all(o in self.constants for o in node.output if o)
        ]
        initial = {tensor.name for tensor in self.own.initializer}
        inputs = {v.name: self.shapes.get(v.name, []) for v in self.own.input if v.name not in initial}
        self.hidden += [Left(name, f"is inside {outer}, which is not read") for name, outer in _inside(self.own)]
        return Graph(nodes, self.shapes, {v.name for v in self.own.output}, inputs, self.hidden)

    def node(self, index: int, node: Any) -> Node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute if a.type != a.GRAPH}
        inputs = [name for name in node.input if name and name not in self.constants]
        outputs = [name for name in node.output if name]
        plain = Node("other", node.name or f"{node.op_type}_{index}", node.op_type, inputs, outputs)
        if node.op_type in ELEMENTWISE:
            plain.formula = with_constants(
                lambda *arrays: evaluate(self.model, node, arrays),
                [self.constants.get(name) for name in node.input if name],
            )
        if node.op_type == "Conv" or node.op_type in _QUANTIZED:
            self.convolution(plain, node, attributes)
        elif node.op_type in _FUSED:
            if attributes.get("group", 1) > 1:
                reason = f"is a {node.op_type}, which an optimiser has made: extract the model from before"
                self.hidden.append(Left(plain.name, reason))
        elif node.op_type in ("MatMul", "Gemm"):
            self.product(plain, node, attributes)
        elif node.op_type == "BatchNormalization":
            if not attributes.get("training_mode", 0) and len(inputs) == 1:
                plain.kind, plain.axis, plain.outputs = "norm", 1, outputs[:1]
        elif node.op_type == "Dropout":
            if len(node.input) < 3 or not node.input[2] or not self.constants.get(node.input[2], True):
                plain.kind, plain.inputs, plain.outputs = "none", inputs[:1], outputs[:1]
        elif node.op_type in _ACTIVATIONS:
            word, needed = _ACTIVATIONS[node.op_type]
            if all(attributes.get(key) == value.encode() for key, value in needed.items()):
                plain.kind, plain.activation = "none" if word == "none" else "activation", word
        elif node.op_type == "Clip":
            self.clip(plain, node, attributes)
        elif node.op_type in ("Add", "Sub", "Mul", "Div") and len(inputs) == 1:
            self.elementwise(plain, node)
        elif node.op_type == "Pad":
            self.pad(plain, node, attributes)
        elif node.op_type == "Transpose":
            rank = len(self.shapes.get(plain.inputs[0], []))
            plain.kind = "transpose"
            plain.permutation = list(attributes.get("perm", range(rank)[::-1]))
        elif node.op_type in ("Reshape", "Squeeze", "Unsqueeze", "Flatten"):
            plain.kind, plain.inputs = "reshape", [node.input[0]]
        elif node.op_type in ("Shape", "Size"):
            plain.kind = "shape"
        elif node.op_type == "Slice":
            self.slice(plain, node, attributes)
        return plain

    def convolution(self, plain: Node, node: Any, attributes: dict[str, Any]) -> None:
        place = _QUANTIZED.get(node.op_type, 1)
        weights = self.constants.get(node.input[place])
        shape = list(weights.shape) if weights is not None else self.shapes.get(node.input[place])
        if shape is None or None in shape:
            if attributes.get("group", 1) > 1:
                self.hidden.append(Left(plain.name, f"is a {node.op_type}, whose weights have no known shape"))
            return
        plain.inputs, plain.groups, plain.axis = [node.input[0]], attributes.get("group", 1), 1
        plain.kernel, rank = shape[2:], len(shape) - 2
        plain.cin, plain.cout = shape[1] * plain.groups, shape[0]
        plain.strides = list(attributes.get("strides", [1] * rank))
        plain.dilation = list(attributes.get("dilations", [1] * rank))
        plain.bias = len(node.input) > 2 and bool(node.input[2]) and node.op_type == "Conv"
        plain.kind, plain.dtype = "conv", self.dtype(node, place)
        if plain.groups > 1 and plain.groups == plain.cin:
            plain.kind, plain.multiplier = "depthwise", plain.cout // plain.cin
        automatic = attributes.get("auto_pad", b"NOTSET").decode()
        if automatic == "NOTSET":
            pads = list(attributes.get("pads", [0] * 2 * rank))
            plain.padding = list(zip(pads[:rank], pads[rank:], strict=True))
        else:
            plain.padding = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower"}.get(automatic, "valid")

    def dtype(self, node: Any, place: int) -> str:
        """Of a convolution; of one that is quantised, the type of its input or its weights."""
        for name in (node.input[0], node.input[place]):
            source = self.quantized.get(name)
            if source is not None:
                constant = self.constants.get(source)
                return self.types.get(source, "int8") if constant is None else str(constant.dtype)
        weights = self.constants.get(node.input[place])
        name = self.types.get(node.input[place], "undefined") if weights is None else str(weights.dtype)
        return "float32" if name == "undefined" else name

    def product(self, plain: Node, node: Any, attributes: dict[str, Any]) -> None:
        """With constant weights: a matrix product over the last axis."""
        weights = self.constants.get(node.input[1])
        if weights is None or weights.ndim != 2 or node.input[0] in self.constants or attributes.get("transA", 0):
            return
        plain.kind, plain.axis, plain.inputs = "conv", -1, [node.input[0]]
        plain.cin, plain.cout = weights.shape[::-1] if attributes.get("transB", 0) else weights.shape
        plain.bias = len(node.input) > 2 and bool(node.input[2])

    def clip(self, plain: Node, node: Any, attributes: dict[str, Any]) -> None:
        bounds = []
        for position, name in ((1, "min"), (2, "max")):
            bound = attributes.get(name)
            if len(node.input) > position and node.input[position]:
                if node.input[position] not in self.constants:
                    return
                bound = self.constants[node.input[position]].item()
            bounds.append(None if bound is None or abs(bound) > 3e38 else float(bound))
        activation = clamp(*bounds)
        plain.kind, plain.activation = "none" if activation == "none" else "activation", activation
        plain.inputs = [node.input[0]]

    def elementwise(self, plain: Node, node: Any) -> None:
        """With a constant: a number a channel, or one for all, shifts or scales as a bias or a normalisation does."""
        constant = next(self.constants[name] for name in node.input if name in self.constants)
        axis = varying(constant.shape, self.shapes.get(plain.inputs[0]))
        if axis is not SEVERAL and not (node.op_type in ("Sub", "Div") and node.input[0] in self.constants):
            plain.kind, plain.axis = ("bias" if node.op_type in ("Add", "Sub") else "norm"), axis

    def pad(self, plain: Node, node: Any, attributes: dict[str, Any]) -> None:
        given = [self.constants.get(name) if name else None for name in node.input[1:]] + [None] * 3
        pads = attributes.get("pads", None if given[0] is None else given[0].tolist())
        shape = self.shapes.get(node.input[0])
        value = attributes.get("value", 0) if given[1] is None else given[1].item()
        known = all(name == "" or name in self.constants for name in node.input[1:])
        if pads is None or not known or shape is None or value or attributes.get("mode", b"constant") != b"constant":
            return
        rank, half = len(shape), len(pads) // 2
        axes = list(range(rank)) if given[2] is None else [axis % rank for axis in given[2].tolist()]
        by_axis = dict(zip(axes, zip(pads[:half], pads[half:], strict=True), strict=True))
        plain.kind, plain.inputs = "pad", [node.input[0]]
        plain.pairs = [by_axis.get(axis, (0, 0)) for axis in range(rank)]

    def slice(self, plain: Node, node: Any, attributes: dict[str, Any]) -> None:
        shape = self.shapes.get(node.input[0])
        given = [self.constants.get(name) for name in node.input[1:]]
        if shape is None or any(array is None for array in given):
            return
        lists = [array.reshape(-1).tolist() for array in given]
        starts, ends = (lists[0], lists[1]) if lists else (list(attributes["starts"]), list(attributes["ends"]))
        axes = lists[2] if len(lists) > 2 else list(attributes.get("axes", range(len(starts))))
        if len(lists) > 3 and any(step != 1 for step in lists[3]):
            return
        begin, end = [0] * len(shape), [None] * len(shape)
        for axis, first, last in zip(axes, starts, ends, strict=True):
            begin[axis], end[axis] = first, last if last < 2**31 - 1 else None
        pairs = cuts(shape, begin, end)
        if pairs is not None:
            plain.kind, plain.pairs, plain.inputs = "slice", pairs, [node.input[0]]


def _type_name(code: int) -> str:
    name = onnx.TensorProto.DataType.Name(code).lower()
    return {"float": "float32", "double": "float64"}.get(name, name)


def _inside(graph: Any, outer: str = "", weights: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    """Depthwise convolutions in the branches and loops of a graph, and in what they lie; also those of which it is not known."""
    found: list[tuple[str, str]] = []
    weights = (weights or {}) | {tensor.name: tensor.dims for tensor in graph.initializer}
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g] if attribute.type == attribute.GRAPH else attribute.graphs:
                found += _inside(inner, f"{node.name or node.op_type} ({node.op_type})", weights)
        group = next((a.i for a in node.attribute if a.name == "group"), 1)
        if outer and node.op_type == "Conv" and group > 1 and weights.get(node.input[1], (0, 1))[1] == 1:
            found.append((node.name or node.output[0], outer))
    return found
