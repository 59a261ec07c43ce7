"""Keras files."""

import pathlib
from typing import Any

from ._graph import Graph, Node, clamp


def read(path: pathlib.Path) -> Graph:
    import keras

    try:
        model = keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: not loaded: {error}") from error
    reader = _Reader(path)
    reader.add(model)
    return reader.graph()


class _Reader:
    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.nodes: list[Node] = []
        self.spatial: dict[str, list[int | None]] = {}
        self.outputs: set[str] = set()
        self.data_format, self.dtype = "channels_last", "float32"

    def graph(self) -> Graph:
        return Graph(self.nodes, self.spatial, self.outputs, self.data_format, self.dtype, self.path.name)

    def add(self, model: Any) -> None:
        """The nodes of a functional or sequential model; those of models inside, each by itself."""
        import keras
        from keras.src.models.functional import Functional

        from ..keras._graph import Graph as Nodes

        functional = model._functional if isinstance(model, keras.Sequential) else model
        if not isinstance(functional, Functional):
            raise ValueError(f"{self.path}: the model is neither functional nor sequential")
        self.outputs |= {self.tensor(t) for t in keras.tree.flatten(functional.outputs)}
        for node in Nodes(functional).nodes:
            if isinstance(node.operation, (Functional, keras.Sequential)):
                self.add(node.operation)
            inputs = [self.tensor(t) for t in node.arguments.keras_tensors]
            self.operation(node.operation, inputs, [self.tensor(t) for t in node.outputs], node)

    def tensor(self, tensor: Any) -> str:
        name = str(id(tensor))
        if len(tensor.shape) > 2:
            self.spatial.setdefault(name, list(tensor.shape[1:-1]))
        return name

    def operation(self, layer: Any, inputs: list[str], outputs: list[str], node: Any) -> None:
        from keras import layers
        from keras.src.layers.convolutional.base_conv import BaseConv
        from keras.src.layers.convolutional.base_depthwise_conv import BaseDepthwiseConv
        from keras.src.layers.convolutional.base_separable_conv import BaseSeparableConv

        from ..keras._activations import of_layer

        plain = Node("other", layer.name, type(layer).__name__, inputs, outputs)
        if isinstance(layer, (BaseConv, BaseDepthwiseConv, BaseSeparableConv)):
            self.convolution(layer, plain, node)
            return
        if isinstance(layer, layers.BatchNormalization):
            plain.kind = "norm"
        elif (activation := of_layer(layer)) is not None:
            plain.kind = "activation"
            plain.activation = activation if isinstance(activation, str) else clamp(*activation)
        elif isinstance(layer, (layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)):
            pairs = layer.padding if isinstance(layer.padding[0], (tuple, list)) else (layer.padding,)
            plain.kind, plain.padding = "pad", [tuple(pair) for pair in pairs]
        elif isinstance(layer, (layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D)):
            plain.kind = "none"
        self.nodes.append(plain)

    def convolution(self, layer: Any, plain: Node, node: Any) -> None:
        """One or two nodes, and one for an activation that a layer file has no name for."""
        from ..keras._activations import of_function

        shape = node.arguments.keras_tensors[0].shape
        first = layer.data_format == "channels_first"
        if first:
            self.data_format = "channels_first"
            for name, tensor in zip(
                (*plain.inputs, *plain.outputs), (*node.arguments.keras_tensors, *node.outputs), strict=True
            ):
                self.spatial[name] = list(tensor.shape[2:])
        plain.kernel, plain.strides = list(layer.kernel_size), list(layer.strides)
        plain.dilation, plain.cin = list(layer.dilation_rate), shape[1 if first else -1]
        plain.padding, plain.bias = layer.padding, bool(layer.use_bias)
        if layer.padding == "causal":
            plain.padding = [((k - 1) * d, 0) for k, d in zip(plain.kernel, plain.dilation, strict=True)]
        activation = of_function(layer.activation)
        output = plain.outputs
        if activation is None:
            plain.outputs = [f"{output[0]} before its activation"]
            self.spatial[plain.outputs[0]] = self.spatial.get(output[0], [])
        plain.activation = activation or "none"
        if hasattr(layer, "depth_multiplier"):
            self.dtype = layer.compute_dtype
            plain.kind, plain.multiplier, plain.groups = "depthwise", layer.depth_multiplier, plain.cin
            plain.cout = plain.cin * plain.multiplier
        else:
            plain.kind, plain.cout, plain.groups = "conv", layer.filters, layer.groups
        if hasattr(layer, "pointwise_kernel"):
            middle = f"{output[0]} between the stages"
            self.spatial[middle] = self.spatial.get(output[0], [])
            ones = [1] * len(plain.kernel)
            pointwise = Node("conv", layer.name, plain.operation, [middle], plain.outputs, ones, ones, ones)
            pointwise.cin, pointwise.cout = plain.cout, layer.filters
            pointwise.bias, pointwise.activation = plain.bias, plain.activation
            plain.outputs, plain.bias, plain.activation = [middle], False, "none"
            self.nodes += [plain, pointwise]
        else:
            self.nodes.append(plain)
        if activation is None:
            self.nodes.append(Node("other", layer.name, str(layer.activation), self.nodes[-1].outputs, output))
