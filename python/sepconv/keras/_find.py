"""Finds the layers of a model that make up separable ones."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras.src import layers
from keras.src.layers.convolutional.base_conv import BaseConv
from keras.src.layers.convolutional.base_depthwise_conv import BaseDepthwiseConv
from keras.src.layers.convolutional.base_separable_conv import BaseSeparableConv

from ._activations import of_function, of_layer
from ._graph import Graph

_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)


@dataclasses.dataclass
class Separable:
    """Nodes that one fused layer computes, with its weights."""

    nodes: list[Any]
    """The first takes the fused layer's input, the last has its output."""
    convolution: Any
    """The layer with the depthwise kernel."""
    depthwise_kernel: np.ndarray
    pointwise_kernel: np.ndarray
    mid_bias: np.ndarray | None
    out_bias: np.ndarray | None
    mid_activation: Any
    out_activation: Any
    padding: Any
    input_activation: Any = "none"

    @property
    def layers(self) -> list[Any]:
        return [node.operation for node in self.nodes]


@dataclasses.dataclass
class Chain:
    """Separable layers of which each reads nothing but the one before it, and nothing else does."""

    links: list[Separable]

    @property
    def nodes(self) -> list[Any]:
        """The first takes the chain's input, the last has its output."""
        return [node for link in self.links for node in link.nodes]


@dataclasses.dataclass
class Fold:
    """Another convolution, and the batch normalisation behind it."""

    nodes: list[Any]
    kernel: np.ndarray
    bias: np.ndarray


def is_candidate(layer: Any) -> bool:
    """Whether it is a layer of Keras that a separable one may begin with."""
    return isinstance(layer, (BaseSeparableConv, BaseDepthwiseConv))


def find_separable(graph: Graph) -> tuple[list[Separable], dict[str, str]]:
    """The separable layers; and for each candidate that is not one, by name, the reason: the end of a sentence about it."""
    separable, reasons, taken = [], {}, set()
    for node in graph.nodes:
        if not is_candidate(node.operation):
            continue
        found = (_separable if isinstance(node.operation, BaseSeparableConv) else _depthwise)(graph, node)
        if isinstance(found, str):
            reasons[node.operation.name] = found
        elif not taken & {id(n) for n in found.nodes}:
            taken |= {id(n) for n in found.nodes}
            separable.append(found)
    for found in separable:
        _take_input_activation(graph, found, taken)
    return separable, reasons


def find_chains(graph: Graph, separable: list[Separable]) -> list[Chain]:
    """The separable layers, in chains that are as long as possible; one that follows no other is a chain by itself."""
    chains: list[Chain] = []
    by_end: dict[int, Chain] = {}
    for found in separable:
        chain = by_end.get(id(graph.previous(found.nodes[0])))
        if chain is not None and _agree(chain.links[-1].convolution, found.convolution):
            chain.links.append(found)
        else:
            chain = Chain([found])
            chains.append(chain)
        by_end[id(found.nodes[-1])] = chain
    return chains


def _agree(before: Any, after: Any) -> bool:
    return before.data_format == after.data_format and before.compute_dtype == after.compute_dtype


def find_folds(graph: Graph, taken: set[int]) -> list[Fold]:
    """Convolutions among the nodes that are not taken whose batch normalisation can be folded into their weights."""
    folds = []
    for node in graph.nodes:
        layer = node.operation
        if id(node) in taken or type(layer) not in _CONVOLUTIONS or of_function(layer.activation) != "none":
            continue
        nodes = [node]
        bias = _array(layer.bias) if layer.use_bias else None
        kernel, bias = _fold(graph, nodes, _array(layer.kernel), bias, layer.data_format)
        if len(nodes) > 1:
            folds.append(Fold(nodes, kernel, bias))
    return folds


def _separable(graph: Graph, node: Any) -> Separable | str:
    layer = node.operation
    activation = of_function(layer.activation)
    if activation is None:
        return _unknown_activation(layer)
    nodes = [node]
    pointwise, bias = _array(layer.pointwise_kernel), _array(layer.bias) if layer.use_bias else None
    if activation == "none":
        pointwise, bias, activation = _follow(graph, nodes, pointwise, bias, layer.data_format)
    found = Separable(
        nodes, layer, _array(layer.depthwise_kernel), pointwise, None, bias, "none", activation, layer.padding
    )
    return _with_padding(graph, found)


def _depthwise(graph: Graph, node: Any) -> Separable | str:
    layer = node.operation
    mid_activation = of_function(layer.activation)
    if mid_activation is None:
        return _unknown_activation(layer)
    nodes = [node]
    depthwise, mid_bias = _array(layer.kernel), _array(layer.bias) if layer.use_bias else None
    shape = depthwise.shape
    if mid_activation == "none":
        columns = depthwise.reshape(*shape[:-2], -1)
        columns, mid_bias, mid_activation = _follow(graph, nodes, columns, mid_bias, layer.data_format)
        depthwise = columns.reshape(shape)
    last = graph.next(nodes[-1])
    if last is None or not _is_pointwise(last.operation, layer):
        return f"needs a convolution with a 1x1 kernel and strides 1 behind it; {graph.behind(nodes[-1])}"
    conv = last.operation
    out_activation = of_function(conv.activation)
    if out_activation is None:
        return f"is followed by {conv.name}, which {_unknown_activation(conv)}"
    nodes.append(last)
    pointwise, out_bias = _array(conv.kernel), _array(conv.bias) if conv.use_bias else None
    if out_activation == "none":
        pointwise, out_bias, out_activation = _follow(graph, nodes, pointwise, out_bias, conv.data_format)
    found = Separable(
        nodes, layer, depthwise, pointwise, mid_bias, out_bias, mid_activation, out_activation, layer.padding
    )
    return _with_padding(graph, found)


def _follow(graph: Graph, nodes: list[Any], kernel: np.ndarray, bias: np.ndarray | None, data_format: str) -> tuple:
    """Appends a batch normalisation and an activation that follow. The kernel's last axis is that of the channels."""
    kernel, bias = _fold(graph, nodes, kernel, bias, data_format)
    following = graph.next(nodes[-1])
    activation = None if following is None else of_layer(following.operation)
    if activation is None:
        return kernel, bias, "none"
    nodes.append(following)
    return kernel, bias, activation


def _fold(graph: Graph, nodes: list[Any], kernel: np.ndarray, bias: np.ndarray | None, data_format: str) -> tuple:
    """Appends a batch normalisation that follows."""
    following = graph.next(nodes[-1])
    if following is None or not _is_folded(following.operation, nodes[-1].operation, data_format):
        return kernel, bias
    norm = following.operation
    gamma = _array(norm.gamma) if norm.scale else 1.0
    beta = _array(norm.beta) if norm.center else 0.0
    scale = gamma / np.sqrt(_array(norm.moving_variance) + norm.epsilon)
    nodes.append(following)
    return kernel * scale, (0.0 if bias is None else bias) * scale + (beta - _array(norm.moving_mean) * scale)


def _is_folded(layer: Any, convolution: Any, data_format: str) -> bool:
    if not isinstance(layer, layers.BatchNormalization) or layer.compute_dtype != convolution.compute_dtype:
        return False
    rank = len(convolution.kernel_size) + 2
    axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0]
    return axis % rank == (rank - 1 if data_format == "channels_last" else 1)


def _is_pointwise(layer: Any, depthwise: Any) -> bool:
    return (
        isinstance(layer, BaseConv)
        and type(layer) in _CONVOLUTIONS
        and all(k == 1 for k in layer.kernel_size)
        and all(s == 1 for s in layer.strides)
        and layer.groups == 1
        and layer.data_format == depthwise.data_format
        and layer.compute_dtype == depthwise.compute_dtype
    )


def _with_padding(graph: Graph, found: Separable) -> Separable:
    """Takes in a layer of zero padding in front, as stride 2 has it in many models."""
    before = graph.previous(found.nodes[0])
    layer = None if before is None else before.operation
    if found.padding != "valid" or not isinstance(layer, (layers.ZeroPadding1D, layers.ZeroPadding2D)):
        return found
    if getattr(layer, "data_format", found.convolution.data_format) != found.convolution.data_format:
        return found
    pairs = layer.padding if isinstance(layer.padding[0], (tuple, list)) else (layer.padding,)
    found.padding = tuple(tuple(pair) for pair in pairs)
    found.nodes.insert(0, before)
    return found


def _take_input_activation(graph: Graph, found: Separable, taken: set[int]) -> None:
    """Takes in an activation in front that no layer before it has taken, which saves a pass over the input."""
    before = graph.previous(found.nodes[0])
    activation = None if before is None or id(before) in taken else of_layer(before.operation)
    if activation is None:
        return
    found.input_activation = activation
    found.nodes.insert(0, before)
    taken.add(id(before))


def _unknown_activation(layer: Any) -> str:
    return f"has the activation {getattr(layer.activation, '__name__', layer.activation)}, which sepconv does not have"


def _array(variable: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable)).astype(np.float64)
