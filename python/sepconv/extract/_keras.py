"""Keras files."""

import pathlib
from typing import Any

import keras
import numpy as np
from keras import layers
from keras.src.layers.convolutional.base_separable_conv import BaseSeparableConv

from ..keras._activations import of_function, of_layer
from ..keras._find import is_candidate
from ..keras._graph import extra_arguments
from ._constants import cuts
from ._graph import Extents, Graph, Left, Node, clamp
from ._keras_graph import CONVOLUTIONS, nodes_of, own_call

_LAYERS = frozenset(
    ("Activation", "ReLU", "LeakyReLU", "ELU", "Add", "Subtract", "Multiply", "Maximum", "Minimum", "Rescaling")
)
_NAMES = (
    "Abs Absolute Add Clip Divide Elu Erf Exp Gelu HardSigmoid HardSilu LeakyRelu Maximum Minimum Multiply Negative Power"
    " Reciprocal Relu Relu6 Rsqrt Sigmoid Silu Softplus Softsign Sqrt Square Subtract Tanh TrueDivide"
)
_OPERATIONS = frozenset(_NAMES.split())
_AT_INFERENCE_NOTHING = (
    layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D, layers.GaussianNoise,
    layers.GaussianDropout, layers.AlphaDropout, layers.ActivityRegularization, layers.Identity,
)  # fmt: skip


def read(path: pathlib.Path, input_shape: tuple[int, ...] | None) -> Graph:
    try:
        model = keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: Keras does not load it: {_sentence(error)}") from error
    return _Reader().graph(model, _shapes(model, path, input_shape))


def _shapes(model: Any, path: pathlib.Path, input_shape: tuple[int, ...] | None) -> list[Any]:
    """The model's inputs, as symbolic tensors."""
    try:
        inputs = keras.tree.flatten(model.inputs)
    except (AttributeError, ValueError):
        inputs = []
    if not inputs:
        known = input_shape or (getattr(model, "_build_shapes_dict", None) or {}).get("input_shape")
        if known is None:
            raise ValueError(f"{path}: the model does not say what it takes: give input_shape")
        return [keras.Input(batch_shape=tuple(known))]
    if input_shape is None:
        return [keras.Input(batch_shape=t.shape, dtype=t.dtype, name=t.name) for t in inputs]
    own = inputs[0].shape
    if len(inputs) != 1:
        raise ValueError(f"input_shape needs a model with one input; {path} has {len(inputs)}")
    if len(own) != len(input_shape) or any(a not in (None, b) for a, b in zip(own, input_shape, strict=True)):
        raise ValueError(f"input_shape {tuple(input_shape)} does not fit {path}, whose input has {own}")
    return [keras.Input(batch_shape=tuple(input_shape), dtype=inputs[0].dtype, name=inputs[0].name)]


class _Reader:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.shapes: dict[str, Extents] = {}
        self.hidden: list[Left] = []
        self.tensors: list[Any] = []
        """All that were named, so that no other gets the identity of one."""

    def graph(self, model: Any, inputs: list[Any]) -> Graph:
        try:
            nodes, outputs = nodes_of(model, inputs)
            why = ""
        except Exception as error:  # noqa: BLE001 - the code of the model's own call
            nodes, outputs, why = [], [], f": its call raises {type(error).__name__} without numbers"
        seen = set()
        for node in nodes:
            self.operation(node)
            seen.add(id(node.operation))
        for outer in [node.operation for node in nodes] + [model]:
            for layer in outer._flatten_layers(include_self=False) if isinstance(outer, keras.Layer) else ():
                if is_candidate(layer) and id(layer) not in seen:
                    seen.add(id(layer))
                    reason = f"is a part of {outer.name} ({type(outer).__name__}), which cannot be entered{why}"
                    self.hidden.append(Left(layer.name, reason))
        known = {tensor.name: list(tensor.shape) for tensor in inputs}
        return Graph(self.nodes, self.shapes, {self.tensor(t) for t in outputs}, known, self.hidden)

    def tensor(self, tensor: Any) -> str:
        name = str(id(tensor))
        if name not in self.shapes:
            self.tensors.append(tensor)
            self.shapes[name] = list(tensor.shape)
        return name

    def operation(self, node: Any) -> None:
        layer = node.operation
        inputs = [self.tensor(t) for t in node.arguments.keras_tensors]
        plain = Node("other", layer.name, type(layer).__name__, inputs, [self.tensor(t) for t in node.outputs])
        self.nodes.append(plain)
        if isinstance(layer, CONVOLUTIONS):
            self.nodes.pop()
            self.convolution(layer, plain, node)
            return
        if plain.operation in (_LAYERS if isinstance(layer, keras.Layer) else _OPERATIONS) and own_call(layer):
            plain.formula = _formula(node)
        extra = extra_arguments(node) if isinstance(layer, keras.Layer) else []
        if (extra or (layer.name and not own_call(layer))) and inputs:
            plain.operation += f" ({', '.join(extra)})" if extra else ""
            return
        activation = of_layer(layer)
        if isinstance(layer, layers.BatchNormalization):
            plain.kind, plain.axis = "norm", layer.axis if isinstance(layer.axis, int) else layer.axis[0]
        elif activation is not None:
            activation = activation if isinstance(activation, str) else clamp(*activation)
            plain.kind, plain.activation = "none" if activation == "none" else "activation", activation
        elif isinstance(layer, _AT_INFERENCE_NOTHING):
            plain.kind = "none"
        elif isinstance(layer, layers.Dense):
            self.product(layer, plain, node)
        else:
            self.axes(layer, plain, node)

    def axes(self, layer: Any, plain: Node, node: Any) -> None:
        """What moves, adds or takes away elements."""
        shape = node.arguments.keras_tensors[0].shape if node.arguments.keras_tensors else ()
        padding = isinstance(layer, (layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D))
        if padding or isinstance(layer, (layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)):
            pairs = layer.padding if padding else layer.cropping
            pairs = [tuple(pair) for pair in (pairs if isinstance(pairs[0], (tuple, list)) else (pairs,))]
            first = getattr(layer, "data_format", None) == "channels_first"
            plain.kind = "pad" if padding else "slice"
            plain.pairs = [(0, 0), (0, 0), *pairs] if first else [(0, 0), *pairs, (0, 0)]
        elif isinstance(layer, layers.Permute):
            plain.kind, plain.permutation = "transpose", [0, *layer.dims]
        elif plain.operation == "Transpose":
            plain.kind, plain.permutation = "transpose", list(layer.axes or range(len(shape))[::-1])
        elif plain.operation in ("Reshape", "ExpandDims", "Squeeze"):
            plain.kind = "reshape"
        elif plain.operation == "GetItem":
            key = [*node.arguments.args, *node.arguments.kwargs.values()][-1]
            self.slice(plain, shape, tuple(key) if isinstance(key, (tuple, list)) else (key,))

    def slice(self, plain: Node, shape: Any, key: tuple[Any, ...]) -> None:
        if Ellipsis in key:
            place = key.index(Ellipsis)
            key = (*key[:place], *(slice(None),) * (len(shape) - len(key) + 1), *key[place + 1 :])
        key = (*key, *(slice(None),) * (len(shape) - len(key)))
        if not all(isinstance(part, slice) and part.step in (None, 1) for part in key):
            return
        pairs = cuts(list(shape), [part.start or 0 for part in key], [part.stop for part in key])
        if pairs is not None:
            plain.kind, plain.pairs = "slice", pairs

    def product(self, layer: Any, plain: Node, node: Any) -> None:
        plain.kind, plain.axis = "conv", -1
        plain.cin, plain.cout = node.arguments.keras_tensors[0].shape[-1], layer.units
        plain.bias = bool(layer.use_bias)
        self.nodes.pop()
        self.activated(layer, [plain])

    def convolution(self, layer: Any, plain: Node, node: Any) -> None:
        """The stages that the layer has."""
        if not own_call(layer):
            if is_candidate(layer):  # listed, and not followed
                reason = f"has a call of its own, {type(layer).__name__}: what it computes is not known"
                self.hidden.append(Left(layer.name, reason))
            self.nodes.append(plain)
            return
        shape = node.arguments.keras_tensors[0].shape
        plain.axis = 1 if layer.data_format == "channels_first" else -1
        plain.kernel, plain.strides = list(layer.kernel_size), list(layer.strides)
        plain.dilation, plain.cin = list(layer.dilation_rate), shape[plain.axis]
        plain.padding, plain.bias, plain.dtype = layer.padding, bool(layer.use_bias), layer.compute_dtype
        if layer.padding == "causal":
            plain.padding = [((k - 1) * d, 0) for k, d in zip(plain.kernel, plain.dilation, strict=True)]
        if hasattr(layer, "depth_multiplier"):
            plain.kind, plain.groups = "depthwise", plain.cin
            plain.cout = plain.cin * layer.depth_multiplier
        else:
            plain.cout, plain.groups = layer.filters, layer.groups
            plain.kind = "depthwise" if 1 < plain.groups == plain.cin else "conv"
        plain.multiplier = plain.cout // plain.cin
        stages = [plain]
        if isinstance(layer, BaseSeparableConv):
            ones = [1] * len(plain.kernel)
            middle = f"{plain.outputs[0]} between the stages"
            pointwise = Node("conv", layer.name, plain.operation, [middle], plain.outputs, ones, ones, ones)
            pointwise.axis, pointwise.cin, pointwise.cout = plain.axis, plain.cout, layer.filters
            pointwise.bias, plain.bias, plain.outputs = plain.bias, False, [middle]
            self.shapes[middle] = list(node.outputs[0].shape)
            self.shapes[middle][plain.axis] = plain.cout
            stages.append(pointwise)
        self.activated(layer, stages)

    def activated(self, layer: Any, stages: list[Node]) -> None:
        """The nodes, with the layer's activation: of the last one, or a node of its own where layer files have no name for it."""
        last = stages[-1]
        activation = of_function(layer.activation)
        if activation is not None:
            last.activation = activation
        else:
            output = last.outputs
            last.outputs = [f"{output[0]} before its activation"]
            self.shapes[last.outputs[0]] = self.shapes[output[0]]
            name = getattr(layer.activation, "__name__", type(layer.activation).__name__)
            behind = Node("other", layer.name, name, last.outputs, output)
            behind.formula = lambda x: _array(layer.activation(keras.ops.convert_to_tensor(x.astype("float32"))))
            stages.append(behind)
        self.nodes += stages


def _sentence(error: Exception) -> str:
    """Of Keras's errors, which repeat the configuration of everything around, what went wrong inside."""
    text = str(error).rpartition("Exception encountered: ")[2].partition("Full object config")[0].strip()
    first = text.splitlines()[0] if text else type(error).__name__
    hint = "; import what defines it, and call sepconv.extract.extract" if "Could not locate" in first else ""
    return first[:300].rstrip(" .") + hint


def _array(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float64)


def _formula(node: Any) -> Any:
    """What the operation computes of numbers."""
    tensors = [id(t) for t in node.arguments.keras_tensors]

    def formula(*arrays: Any) -> Any:
        values = {key: keras.ops.convert_to_tensor(a.astype("float32")) for key, a in zip(tensors, arrays, strict=True)}
        arguments, keywords = node.arguments.fill_in(values)
        return _array(node.operation.call(*arguments, **keywords))

    return formula
