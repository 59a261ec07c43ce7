"""TensorFlow Lite files: FlatBuffers, of which the few tables that matter here are read."""

import dataclasses
import pathlib
import struct
from typing import Any

import numpy as np

from sepconv_layers.activations import TABLE

from ._constants import SEVERAL, cuts, varying, with_constants
from ._flatbuffer import Table
from ._graph import Extents, Graph, Left, Node
from ._tflite_operators import ACTIVATIONS, FORMULAS, FUSED, NAMES, formula_of

# Field numbers of https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
_MODEL_CODES, _MODEL_GRAPHS, _MODEL_BUFFERS = 1, 2, 4
_GRAPH_TENSORS, _GRAPH_INPUTS, _GRAPH_OUTPUTS, _GRAPH_OPERATORS, _GRAPH_NAME = 0, 1, 2, 3, 4
_TENSOR_SHAPE, _TENSOR_TYPE, _TENSOR_BUFFER, _TENSOR_NAME, _TENSOR_SIGNATURE = 0, 1, 2, 3, 7
_BUFFER_DATA, _BUFFER_OFFSET, _BUFFER_SIZE = 0, 1, 2
_OPERATOR_CODE, _OPERATOR_INPUTS, _OPERATOR_OUTPUTS, _OPERATOR_OPTIONS = 0, 1, 2, 4
_CODE_OLD, _CODE = 0, 3
_CONV_FIELDS = {"padding": 0, "stride_w": 1, "stride_h": 2, "activation": 3, "dilation_w": 4, "dilation_h": 5}
_DEPTHWISE_FIELDS = {"padding": 0, "stride_w": 1, "stride_h": 2, "activation": 4, "dilation_w": 5, "dilation_h": 6}
_BEGIN_MASK, _END_MASK, _ELLIPSIS_MASK, _NEW_AXIS_MASK, _SHRINK_AXIS_MASK = range(5)

_DTYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 7: "int16", 9: "int8", 10: "float64"}
_OTHER_TYPES = {17: "int4", 18: "bfloat16"}
_RESHAPES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


def read(path: pathlib.Path, input_shape: tuple[int, ...] | None) -> Graph:
    data = path.read_bytes()
    if data[4:8] != b"TFL3":
        raise ValueError(f"{path} is not a TensorFlow Lite file")
    try:
        reader = _Reader(data)
        graph = reader.graph()
    except (struct.error, LookupError, ValueError, OverflowError) as error:
        raise ValueError(f"{path}: damaged: {error}") from error
    if input_shape is not None:
        from ._tflite_shapes import shapes

        graph.shapes |= {str(index): shape for index, shape in shapes(path, input_shape).items()}
    return graph


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.file = data
        model = Table(data, struct.unpack_from("<I", data)[0])
        self.codes = [max(code.number(_CODE_OLD, "b"), code.number(_CODE, "i")) for code in model.tables(_MODEL_CODES)]
        self.buffers = model.tables(_MODEL_BUFFERS)
        self.own, *self.others = model.tables(_MODEL_GRAPHS)
        self.tensors = self.own.tables(_GRAPH_TENSORS)
        self.types = [self.type(tensor) for tensor in self.tensors]
        self.shapes: list[Extents] = []
        for tensor in self.tensors:
            # Where an extent is open, `shape` has 1.
            signature, shape = tensor.numbers(_TENSOR_SIGNATURE, "i"), tensor.numbers(_TENSOR_SHAPE, "i")
            known = signature if len(signature) == len(shape) else shape
            self.shapes.append([n if n > 0 else None for n in known])
        self.constants = {i: array for i in range(len(self.tensors)) if (array := self.array(i)) is not None}
        self.inner: dict[str, Extents] = {}
        self.hidden: list[Left] = []
        self.operators = self.own.tables(_GRAPH_OPERATORS)
        for operator in self.operators:
            # Weights of another type than they are used in.
            inputs, outputs = (operator.numbers(f, "i") for f in (_OPERATOR_INPUTS, _OPERATOR_OUTPUTS))
            if self.name(operator) == "DEQUANTIZE" and inputs[0] in self.constants:
                self.constants[outputs[0]] = self.constants[inputs[0]]
                if self.types[inputs[0]] not in ("float16", "bfloat16"):
                    self.types[outputs[0]] = self.types[inputs[0]]

    @staticmethod
    def type(tensor: Table) -> str:
        code = tensor.number(_TENSOR_TYPE, "b")
        return (_DTYPES | _OTHER_TYPES).get(code, f"type {code}")

    def array(self, index: int) -> np.ndarray | None:
        """The numbers of a constant; None for what is computed."""
        tensor = self.tensors[index]
        buffer = self.buffers[tensor.number(_TENSOR_BUFFER, "I")]
        data = buffer.bytes(_BUFFER_DATA)
        offset = buffer.number(_BUFFER_OFFSET, "Q")
        if offset > 1:  # behind the FlatBuffer, which has at most 2 GB
            data = self.file[offset : offset + buffer.number(_BUFFER_SIZE, "Q")]
        if not data:
            return None
        kind = np.dtype(_DTYPES.get(tensor.number(_TENSOR_TYPE, "b"), "uint8"))
        array = np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind.newbyteorder("<"))
        shape = tensor.numbers(_TENSOR_SHAPE, "i")
        return array.reshape(shape) if array.size == np.prod(shape, dtype=np.int64) else array

    def name(self, operator: Table) -> str:
        code = self.codes[operator.number(_OPERATOR_CODE, "I")]
        return NAMES.get(code, f"operation {code}")

    def graph(self) -> Graph:
        nodes = [
            node
            for operator in self.operators
            if operator.numbers(_OPERATOR_OUTPUTS, "i")[:1]
            and operator.numbers(_OPERATOR_OUTPUTS, "i")[0] not in self.constants
            for node in self.nodes(operator)
        ]
        for graph in self.others:
            name = graph.bytes(_GRAPH_NAME).decode(errors="replace")
            for operator in graph.tables(_GRAPH_OPERATORS):
                if self.name(operator) == "DEPTHWISE_CONV_2D":
                    tensor = graph.tables(_GRAPH_TENSORS)[operator.numbers(_OPERATOR_OUTPUTS, "i")[0]]
                    label = tensor.bytes(_TENSOR_NAME).decode(errors="replace")
                    self.hidden.append(Left(label, f"is in the subgraph {name}, which is not read"))
        return Graph(
            nodes,
            {str(i): shape for i, shape in enumerate(self.shapes)} | self.inner,
            {str(i) for i in self.own.numbers(_GRAPH_OUTPUTS, "i")},
            {self.label(i): self.shapes[i] for i in self.own.numbers(_GRAPH_INPUTS, "i")},
            self.hidden,
        )

    def label(self, tensor: int) -> str:
        return self.tensors[tensor].bytes(_TENSOR_NAME).decode(errors="replace").split(";")[0]

    def nodes(self, operator: Table) -> list[Node]:
        """One node, or two where an activation is a part of an operation."""
        name = self.name(operator)
        inputs, outputs = (operator.numbers(f, "i") for f in (_OPERATOR_INPUTS, _OPERATOR_OUTPUTS))
        variable = [i for i in inputs if i >= 0 and i not in self.constants]
        plain = Node("other", self.label(outputs[0]), name, [str(i) for i in variable], [str(i) for i in outputs])
        options = operator.table(_OPERATOR_OPTIONS)
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D") and options is not None:
            self.convolution(plain, inputs, options)
        elif name == "FULLY_CONNECTED" and options is not None:
            self.product(plain, inputs, options)
        elif name in ACTIVATIONS:
            option = TABLE[ACTIVATIONS[name]].tflite_option
            if option is None or (options is not None and options.number(option, "B")):
                plain.kind, plain.activation = "activation", ACTIVATIONS[name]
                plain.formula = FORMULAS[name]
        elif name in FORMULAS:
            return self.elementwise(plain, inputs, variable, options)
        elif name in ("PAD", "PADV2"):
            zero = len(inputs) < 3 or (inputs[2] in self.constants and not self.constants[inputs[2]].any())
            if zero and inputs[1] in self.constants:
                plain.kind, plain.pairs = "pad", self.pairs(inputs[1])
        elif name in ("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"):
            self.blocks(plain, inputs)
        elif name == "TRANSPOSE" and inputs[1] in self.constants:
            plain.kind, plain.permutation = "transpose", self.constants[inputs[1]].tolist()
        elif name == "SHAPE":
            plain.kind = "shape"
        elif name in _RESHAPES:
            plain.kind, plain.inputs = "reshape", [str(inputs[0])]
        elif name == "STRIDED_SLICE" and options is not None:
            self.strided_slice(plain, inputs, options)
        elif name == "SLICE":
            self.slice(plain, inputs)
        return [plain]

    def elementwise(self, plain: Node, inputs: list[int], variable: list[int], options: Table | None) -> list[Node]:
        has_activation = plain.operation in ("ADD", "SUB", "MUL", "DIV")
        activation = FUSED.get(options.number(0, "b") if has_activation and options is not None else 0)
        if activation is None or not variable:
            return [plain]
        plain.formula = with_constants(FORMULAS[plain.operation], [self.constants.get(i) for i in inputs])
        if has_activation and len(variable) == 1 and (plain.operation in ("ADD", "MUL") or inputs[0] == variable[0]):
            constant = next(i for i in inputs if i not in variable)
            axis = varying(self.shapes[constant], self.shapes[variable[0]])
            if axis is not SEVERAL:
                plain.kind, plain.axis = ("bias" if plain.operation in ("ADD", "SUB") else "norm"), axis
        if activation == "none":
            return [plain]
        whole, plain.outputs = plain.outputs, [f"{plain.outputs[0]} before its activation"]
        self.inner[plain.outputs[0]] = self.shapes[int(whole[0])]
        formula = formula_of(activation)
        behind = Node("activation", plain.name, plain.operation, plain.outputs, whole, activation=activation)
        return [plain, dataclasses.replace(behind, formula=formula)]

    def convolution(self, plain: Node, inputs: list[int], options: Table) -> None:
        depthwise = plain.operation == "DEPTHWISE_CONV_2D"
        fields = _DEPTHWISE_FIELDS if depthwise else _CONV_FIELDS
        value = {key: options.number(field, "b") for key, field in fields.items() if key in ("padding", "activation")}
        value |= {key: options.number(field, "i", 1) for key, field in fields.items() if key not in value}
        weights = self.shapes[inputs[1]]  # (cout, h, w, cin / groups); depthwise (1, h, w, cin * multiplier)
        cin = self.shapes[inputs[0]][-1]
        if value["activation"] not in FUSED or cin is None or None in weights:
            plain.operation += " with an unknown activation" if cin is not None else " of an unknown number of channels"
            if depthwise:
                self.hidden.append(Left(plain.name, f"is a {plain.operation}"))
            return
        plain.kind, plain.inputs, plain.axis = "conv", [str(inputs[0])], -1
        plain.cin, plain.kernel = cin, weights[1:3]
        plain.strides = [value["stride_h"], value["stride_w"]]
        plain.dilation = [value["dilation_h"], value["dilation_w"]]
        plain.padding = "valid" if value["padding"] else "same"
        plain.activation = FUSED[value["activation"]]
        plain.cout = weights[-1] if depthwise else weights[0]
        plain.groups = cin if depthwise else cin // weights[-1]
        self.weighted(plain, inputs)
        if depthwise or (plain.groups == cin > 1):
            plain.kind, plain.multiplier = "depthwise", plain.cout // cin

    def product(self, plain: Node, inputs: list[int], options: Table) -> None:
        """A matrix product over the last axis."""
        activation = FUSED.get(options.number(0, "b"))
        shape, weights = self.shapes[inputs[0]], self.shapes[inputs[1]]
        result = self.shapes[int(plain.outputs[0])]
        if activation is None or len(weights) != 2 or None in weights or len(result) != len(shape):
            return
        plain.kind, plain.inputs, plain.axis = "conv", [str(inputs[0])], -1
        (plain.cout, plain.cin), plain.activation = weights, activation
        self.weighted(plain, inputs)

    def weighted(self, plain: Node, inputs: list[int]) -> None:
        # The converter gives a convolution without a bias one of zeros.
        bias = inputs[2] if len(inputs) > 2 else -1
        plain.bias = bias >= 0 and (bias not in self.constants or bool(self.constants[bias].any()))
        types = [self.types[i] for i in inputs[:2]]
        plain.dtype = next((name for name in types if name not in ("float32", "float64")), types[0])

    def pairs(self, tensor: int) -> list[tuple[int, int]]:
        return [tuple(pair) for pair in self.constants[tensor].reshape(-1, 2).tolist()]

    def blocks(self, plain: Node, inputs: list[int]) -> None:
        if inputs[1] not in self.constants or inputs[2] not in self.constants:
            return
        rank = len(self.shapes[inputs[0]])
        block, pairs = self.constants[inputs[1]].reshape(-1).tolist(), self.pairs(inputs[2])
        rest = rank - 1 - len(block)
        plain.kind = "to_batch" if plain.operation == "SPACE_TO_BATCH_ND" else "from_batch"
        plain.inputs = [str(inputs[0])]
        plain.block, plain.pairs = [1, *block, *[1] * rest], [(0, 0), *pairs, *[(0, 0)] * rest]

    def strided_slice(self, plain: Node, inputs: list[int], options: Table) -> None:
        if any(i not in self.constants for i in inputs[1:4]):
            return
        begin, end, step = (self.constants[i].reshape(-1).tolist() for i in inputs[1:4])
        masks = [options.number(field, "i") for field in range(5)]
        if any(s != 1 for s in step) or masks[_ELLIPSIS_MASK] or masks[_NEW_AXIS_MASK] or masks[_SHRINK_AXIS_MASK]:
            return
        begin = [0 if masks[_BEGIN_MASK] >> i & 1 else b for i, b in enumerate(begin)]
        ends = [None if masks[_END_MASK] >> i & 1 else e for i, e in enumerate(end)]
        self.cut(plain, inputs[0], begin, ends)

    def slice(self, plain: Node, inputs: list[int]) -> None:
        if any(i not in self.constants for i in inputs[1:3]):
            return
        begin, size = (self.constants[i].reshape(-1).tolist() for i in inputs[1:3])
        self.cut(plain, inputs[0], begin, [None if s < 0 else b + s for b, s in zip(begin, size, strict=True)])

    def cut(self, plain: Node, tensor: int, begin: list[int], ends: list[Any]) -> None:
        pairs = cuts(self.shapes[tensor], begin, ends)
        if pairs is not None:
            plain.kind, plain.pairs, plain.inputs = "slice", pairs, [str(tensor)]
