"""TensorFlow Lite files: FlatBuffers, of which the few tables that matter here are read."""

import pathlib
import struct

from sepconv_layers.activations import TABLE

from ._graph import Graph, Node

# Field numbers of https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
_MODEL_CODES, _MODEL_GRAPHS, _MODEL_BUFFERS = 1, 2, 4
_GRAPH_TENSORS, _GRAPH_OUTPUTS, _GRAPH_OPERATORS = 0, 2, 3
_TENSOR_SHAPE, _TENSOR_TYPE, _TENSOR_BUFFER, _TENSOR_NAME = 0, 1, 2, 3
_OPERATOR_CODE, _OPERATOR_INPUTS, _OPERATOR_OUTPUTS, _OPERATOR_OPTIONS = 0, 1, 2, 4
_CODE_OLD, _CODE_CUSTOM, _CODE = 0, 1, 3
_CONV_FIELDS = {"padding": 0, "stride_w": 1, "stride_h": 2, "activation": 3, "dilation_w": 4, "dilation_h": 5}
_DEPTHWISE_FIELDS = {"padding": 0, "stride_w": 1, "stride_h": 2, "activation": 4, "dilation_w": 5, "dilation_h": 6}

_NAMES = {0: "ADD", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 18: "MUL", 22: "RESHAPE", 34: "PAD", 40: "MEAN", 41: "SUB"}
_NAMES |= {42: "DIV", 60: "PADV2"} | {entry.tflite[1]: entry.tflite[0] for entry in TABLE.values() if entry.tflite}
_ACTIVATIONS = {entry.tflite[0]: word for word, entry in TABLE.items() if entry.tflite}
_FUSED = {entry.tflite_fused: word for word, entry in TABLE.items() if entry.tflite_fused is not None}
_FUSED[2] = {"clamp": [-1.0, 1.0]}
_DTYPES = {0: "float32", 1: "float16", 10: "float64"}


class _Table:
    """One table of a FlatBuffer: fields by number, found through its vtable."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data, self.position = data, position
        self.vtable = position - struct.unpack_from("<i", data, position)[0]

    def field(self, number: int) -> int:
        """Where the field lies; 0 where it is absent."""
        (size,) = struct.unpack_from("<H", self.data, self.vtable)
        if 4 + 2 * number >= size:
            return 0
        (offset,) = struct.unpack_from("<H", self.data, self.vtable + 4 + 2 * number)
        return self.position + offset if offset else 0

    def number(self, field: int, form: str, default: int = 0) -> int:
        place = self.field(field)
        return struct.unpack_from("<" + form, self.data, place)[0] if place else default

    def _target(self, field: int) -> int:
        place = self.field(field)
        return place + struct.unpack_from("<I", self.data, place)[0] if place else 0

    def table(self, field: int) -> "_Table | None":
        place = self._target(field)
        return _Table(self.data, place) if place else None

    def _vector(self, field: int) -> tuple[int, int]:
        place = self._target(field)
        return (place + 4, struct.unpack_from("<I", self.data, place)[0]) if place else (0, 0)

    def numbers(self, field: int, form: str) -> list[int]:
        start, length = self._vector(field)
        return list(struct.unpack_from(f"<{length}{form}", self.data, start)) if length else []

    def tables(self, field: int) -> list["_Table"]:
        start, length = self._vector(field)
        places = [start + 4 * i for i in range(length)]
        return [_Table(self.data, p + struct.unpack_from("<I", self.data, p)[0]) for p in places]

    def bytes(self, field: int) -> bytes:
        start, length = self._vector(field)
        return self.data[start : start + length]


def read(path: pathlib.Path) -> Graph:
    data = path.read_bytes()
    if data[4:8] != b"TFL3":
        raise ValueError(f"{path} is not a TensorFlow Lite file")
    try:
        return _Reader(_Table(data, struct.unpack_from("<I", data)[0]), path).graph()
    except (struct.error, IndexError) as error:
        raise ValueError(f"{path}: damaged: {error}") from error


class _Reader:
    def __init__(self, model: _Table, path: pathlib.Path) -> None:
        self.path = path
        self.codes = [max(code.number(_CODE_OLD, "b"), code.number(_CODE, "i")) for code in model.tables(_MODEL_CODES)]
        self.buffers = model.tables(_MODEL_BUFFERS)
        self.own = model.tables(_MODEL_GRAPHS)[0]
        self.tensors = self.own.tables(_GRAPH_TENSORS)
        self.shapes = [tensor.numbers(_TENSOR_SHAPE, "i") for tensor in self.tensors]

    def data(self, tensor: int) -> bytes:
        return self.buffers[self.tensors[tensor].number(_TENSOR_BUFFER, "I")].bytes(0)

    def graph(self) -> Graph:
        operators = self.own.tables(_GRAPH_OPERATORS)
        nodes = [self.node(operator) for operator in operators]
        types = {
            self.tensors[operator.numbers(_OPERATOR_INPUTS, "i")[0]].number(_TENSOR_TYPE, "b")
            for operator, node in zip(operators, nodes, strict=True)
            if node.kind == "depthwise"
        }
        return Graph(
            nodes,
            {
                str(i): [n if n > 0 else None for n in shape[1:-1]]
                for i, shape in enumerate(self.shapes)
                if len(shape) > 2
            },
            {str(i) for i in self.own.numbers(_GRAPH_OUTPUTS, "i")},
            "channels_last",
            _DTYPES.get(next(iter(types), 0), "float32"),  # of int8 layers, the shape in float32
            self.path.name,
        )

    def node(self, operator: _Table) -> Node:
        code = self.codes[operator.number(_OPERATOR_CODE, "I")]
        name = _NAMES.get(code, f"operation {code}")
        inputs, outputs = (operator.numbers(f, "i") for f in (_OPERATOR_INPUTS, _OPERATOR_OUTPUTS))
        variable = [i for i in inputs if i >= 0 and not self.data(i)]
        label = self.tensors[outputs[0]].bytes(_TENSOR_NAME).decode(errors="replace").split(";")[0]
        plain = Node("other", label, name, [str(i) for i in variable], [str(i) for i in outputs])
        options = operator.table(_OPERATOR_OPTIONS)
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D") and options is not None:
            self.convolution(plain, inputs, options)
        elif name in _ACTIVATIONS:
            option = TABLE[_ACTIVATIONS[name]].tflite_option
            if option is None or (options is not None and options.number(option, "B")):
                plain.kind, plain.activation = "activation", _ACTIVATIONS[name]
        elif name in ("ADD", "SUB", "MUL", "DIV") and len(variable) == 1 and not (options and options.number(0, "b")):
            constant = next(self.shapes[i] for i in inputs if i not in variable)
            if [n for n in constant if n != 1] in ([], self.shapes[variable[0]][-1:]) and inputs[0] == variable[0]:
                plain.kind = "bias" if name in ("ADD", "SUB") else "norm"
        elif name in ("PAD", "PADV2"):
            self.pad(plain, inputs)
        return plain

    def convolution(self, plain: Node, inputs: list[int], options: _Table) -> None:
        depthwise = plain.operation == "DEPTHWISE_CONV_2D"
        fields = _DEPTHWISE_FIELDS if depthwise else _CONV_FIELDS
        value = {key: options.number(field, "b") for key, field in fields.items() if key in ("padding", "activation")}
        value |= {key: options.number(field, "i", 1) for key, field in fields.items() if key not in value}
        if value["activation"] not in _FUSED:
            plain.operation += " with an unknown activation"
            return
        weights = self.shapes[inputs[1]]  # (cout, h, w, cin / groups); depthwise (1, h, w, cin * multiplier)
        plain.inputs = [str(inputs[0])]
        plain.cin, plain.kernel = self.shapes[inputs[0]][-1], weights[1:3]
        plain.strides = [value["stride_h"], value["stride_w"]]
        plain.dilation = [value["dilation_h"], value["dilation_w"]]
        plain.padding = "valid" if value["padding"] else "same"
        plain.activation = _FUSED[value["activation"]]
        # The converter gives a convolution without a bias one of zeros.
        plain.bias = len(inputs) > 2 and inputs[2] >= 0 and any(self.data(inputs[2]))
        if depthwise:
            plain.kind, plain.cout, plain.groups = "depthwise", weights[-1], plain.cin
            plain.multiplier = weights[-1] // plain.cin
        else:
            plain.kind, plain.cout, plain.groups = "conv", weights[0], plain.cin // weights[-1]

    def pad(self, plain: Node, inputs: list[int]) -> None:
        raw = self.data(inputs[1])
        rank = len(self.shapes[inputs[0]])
        if len(raw) not in (8 * rank, 16 * rank) or (len(inputs) > 2 and any(self.data(inputs[2]))):
            return
        flat = struct.unpack(f"<{2 * rank}{'i' if len(raw) == 8 * rank else 'q'}", raw)
        pairs = list(zip(flat[::2], flat[1::2], strict=True))
        if not any(map(any, (pairs[0], pairs[-1]))):
            plain.kind, plain.padding, plain.inputs = "pad", pairs[1:-1], [str(inputs[0])]
