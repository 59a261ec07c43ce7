"""ONNX files."""

import pathlib
from typing import Any

import numpy as np
import onnx

from sepconv_layers import BYTES, activations, axis_padding

from ._graph import Graph, Node, clamp

_ACTIVATIONS = activations.onnx_operators()
_DTYPES = {"float": "float32", "double": "float64"}  # the others have the names of layer files


def read(path: pathlib.Path) -> Graph:
    try:
        model = onnx.shape_inference.infer_shapes(onnx.load(str(path)))
    except Exception as error:  # protobuf's and onnx's own kinds
        raise ValueError(f"{path} is not an ONNX file: {error}") from error
    return _Reader(model, path).graph()


class _Reader:
    def __init__(self, model: Any, path: pathlib.Path) -> None:
        self.own, self.path = model.graph, path
        self.constants = {t.name: onnx.numpy_helper.to_array(t) for t in self.own.initializer}
        for node in self.own.node:
            if node.op_type == "Constant":
                value = next((a.t for a in node.attribute if a.name == "value"), None)
                if value is not None:
                    self.constants[node.output[0]] = onnx.numpy_helper.to_array(value)
        self.shapes = {}
        for value in (*self.own.input, *self.own.value_info, *self.own.output):
            if value.type.tensor_type.HasField("shape"):
                dims = value.type.tensor_type.shape.dim
                self.shapes[value.name] = [d.dim_value if d.HasField("dim_value") else None for d in dims]

    def graph(self) -> Graph:
        nodes = [self.node(i, n) for i, n in enumerate(self.own.node) if n.op_type != "Constant"]
        return Graph(
            nodes,
            {name: shape[2:] for name, shape in self.shapes.items() if len(shape) > 2},
            {v.name for v in self.own.output},
            "channels_first",
            self.dtype(),
            self.path.name,
        )

    def dtype(self) -> str:
        """Of the first input; of quantized networks, the shapes in float32."""
        codes = [v.type.tensor_type.elem_type for v in self.own.input if v.name not in self.constants]
        name = onnx.TensorProto.DataType.Name(codes[0]).lower() if codes else ""
        name = _DTYPES.get(name, name)
        return name if name in BYTES else "float32"

    def node(self, index: int, node: Any) -> Node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        inputs = [name for name in node.input if name and name not in self.constants]
        plain = Node("other", node.name or f"{node.op_type}_{index}", node.op_type, inputs, list(node.output))
        if node.op_type == "Conv":
            return self.convolution(plain, node, attributes)
        if node.op_type == "BatchNormalization":
            plain.kind = "norm"
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
        return plain

    def convolution(self, plain: Node, node: Any, attributes: dict[str, Any]) -> Node:
        weights = self.constants.get(node.input[1])
        shape = list(weights.shape) if weights is not None else self.shapes.get(node.input[1])
        if shape is None or None in shape:
            return plain
        plain.inputs, plain.groups = [node.input[0]], attributes.get("group", 1)
        plain.kernel, rank = shape[2:], len(shape) - 2
        plain.cin, plain.cout = shape[1] * plain.groups, shape[0]
        plain.strides = list(attributes.get("strides", [1] * rank))
        plain.dilation = list(attributes.get("dilations", [1] * rank))
        plain.bias = len(node.input) > 2 and bool(node.input[2])
        plain.kind = "conv"
        if plain.groups > 1 and plain.groups == plain.cin:
            plain.kind, plain.multiplier = "depthwise", plain.cout // plain.cin
        automatic = attributes.get("auto_pad", b"NOTSET").decode()
        if automatic == "SAME_UPPER":
            plain.padding = "same"
        elif automatic == "SAME_LOWER":
            plain.padding = self.same_lower(plain)
        elif automatic == "NOTSET":
            pads = list(attributes.get("pads", [0] * 2 * rank))
            plain.padding = list(zip(pads[:rank], pads[rank:], strict=True))
        return plain

    def same_lower(self, plain: Node) -> Any:
        pairs = []
        spatial = (self.shapes.get(plain.inputs[0]) or [None] * (len(plain.kernel) + 2))[2:]
        for n, k, s, d in zip(spatial, plain.kernel, plain.strides, plain.dilation, strict=True):
            if n is None:
                raise ValueError(f"{plain.name}: the extents of its input are not known: fix the network's input shape")
            pairs.append(axis_padding("same", n, k, s, d)[::-1])
        return pairs

    def clip(self, plain: Node, node: Any, attributes: dict[str, Any]) -> None:
        bounds = []
        for position, name in ((1, "min"), (2, "max")):
            bound = attributes.get(name)
            if len(node.input) > position and node.input[position]:
                if node.input[position] not in self.constants:
                    return
                bound = self.constants[node.input[position]].item()
            bounds.append(None if bound is None or abs(bound) > 3e38 else float(bound))
        plain.kind, plain.activation = "activation", clamp(*bounds)
        plain.inputs = [node.input[0]]

    def elementwise(self, plain: Node, node: Any) -> None:
        """With a constant: a number a channel, or one for all, shifts or scales as a bias or a normalisation does."""
        constant = next(self.constants[name] for name in node.input if name in self.constants)
        shape = self.shapes.get(plain.inputs[0])
        per_channel = shape is not None and np.broadcast_shapes(constant.shape, (1, *(1,) * (len(shape) - 1)))[1:] in (
            (shape[1], *(1,) * (len(shape) - 2)),
            (1,) * (len(shape) - 1),
        )
        if per_channel and not (node.op_type in ("Sub", "Div") and node.input[0] in self.constants):
            plain.kind = "bias" if node.op_type in ("Add", "Sub") else "norm"

    def pad(self, plain: Node, node: Any, attributes: dict[str, Any]) -> None:
        pads = attributes.get("pads")
        if pads is None and len(node.input) > 1 and node.input[1] in self.constants:
            pads = self.constants[node.input[1]].tolist()
        zero = len(node.input) < 3 or not node.input[2] or not np.any(self.constants.get(node.input[2], 1))
        if pads is None or not zero or attributes.get("mode", b"constant") != b"constant" or len(node.input) > 3:
            return
        half = len(pads) // 2
        if any(pads[:2]) or any(pads[half : half + 2]):
            return
        plain.kind, plain.padding = "pad", list(zip(pads[2:half], pads[half + 2 :], strict=True))
        plain.inputs = [node.input[0]]
