"""Finds the layers of a model that make up separable ones."""

from typing import Any

import keras
import numpy as np
from keras.src import layers
from keras.src.layers.convolutional.base_conv import BaseConv
from keras.src.layers.convolutional.base_depthwise_conv import BaseDepthwiseConv
from keras.src.layers.convolutional.base_separable_conv import BaseSeparableConv

from ._activations import of_function, of_layer
from ._faster import keeps_dtype, keeps_pointwise
from ._found import Chain, Fold, Separable
from ._graph import Graph, call_of, is_plain

_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
_DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
_PADDINGS = (layers.ZeroPadding1D, layers.ZeroPadding2D)


def is_candidate(layer: Any) -> bool:
    """Whether it is a depthwise or separable convolution of Keras."""
    return isinstance(layer, (BaseSeparableConv, BaseDepthwiseConv)) or is_grouped(layer)


def is_grouped(layer: Any) -> bool:
    """Whether it is an ordinary convolution with a group for each channel."""
    return isinstance(layer, BaseConv) and layer.built and layer.groups > 1 and layer.kernel.shape[-2] == 1


def find_separable(graph: Graph) -> tuple[list[Separable], dict[str, str]]:
    """The separable layers, and their stages that stand alone, in the graph's order; and for each candidate that is left, by
    name, the reason: the end of a sentence about it."""
    separable, reasons, taken = [], {}, set()
    for node in graph.nodes:
        if not is_candidate(node.operation):
            continue
        found = _candidate(graph, node)
        if isinstance(found, str):
            reasons[node.operation.name] = found
        elif not taken & {id(n) for n in found.nodes}:
            taken |= {id(n) for n in found.nodes}
            separable.append(found)
    for node in graph.nodes:
        found = None if id(node) in taken else _pointwise(graph, node)
        if found is not None and not taken & {id(n) for n in found.nodes}:
            taken |= {id(n) for n in found.nodes}
            separable.append(found)
    order = {id(node): i for i, node in enumerate(graph.nodes)}
    separable.sort(key=lambda found: order[id(found.nodes[-1])])
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
        if id(node) in taken or not _is_convolution(node) or of_function(layer.activation) != "none":
            continue
        nodes = [node]
        bias = _array(layer.bias) if layer.use_bias else None
        kernel, bias = _fold(graph, nodes, _array(layer.kernel), bias, layer.data_format)
        if len(nodes) > 1:
            folds.append(Fold(nodes, kernel, bias))
    return folds


def _candidate(graph: Graph, node: Any) -> Separable | str:
    layer = node.operation
    if not is_plain(node, *_DEPTHWISE, *_SEPARABLE):
        if type(layer) in (*_DEPTHWISE, *_SEPARABLE):
            return f"is called as {call_of(node)}"
        if is_grouped(layer):
            return "is an ordinary convolution with a group for each channel, not one of Keras's depthwise layers"
        return f"is of the class {type(layer).__name__}, which may compute something else than the class of Keras"
    kept = keeps_dtype(layer.compute_dtype)
    if kept:
        return kept
    return (_separable if type(layer) in _SEPARABLE else _depthwise)(graph, node)


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
    pointwise, out_bias, out_activation, alone = None, None, "none", ""
    last = graph.next(nodes[-1])
    if last is None or not _is_pointwise(last, layer):
        alone = f"needs a convolution with a 1x1 kernel and strides 1 behind it; {graph.behind(nodes[-1])}"
    elif of_function(last.operation.activation) is None:
        alone = f"is followed by {last.operation.name}, which {_unknown_activation(last.operation)}"
    else:
        pointwise, out_bias, out_activation = _take_pointwise(graph, nodes, last)
    found = Separable(
        nodes, layer, depthwise, pointwise, mid_bias, out_bias, mid_activation, out_activation, layer.padding,
        alone=alone,
    )  # fmt: skip
    return _with_padding(graph, found)


def _pointwise(graph: Graph, node: Any) -> Separable | None:
    """A pointwise stage alone."""
    conv = node.operation
    if not _is_convolution(node) or any(k != 1 for k in conv.kernel_size) or conv.groups != 1:
        return None
    if of_function(conv.activation) is None or keeps_dtype(conv.compute_dtype):
        return None
    nodes: list[Any] = []
    weights, bias, activation = _take_pointwise(graph, nodes, node)
    if keeps_pointwise(activation):
        return None
    return Separable(nodes, conv, None, weights, None, bias, "none", activation, "valid")


def _take_pointwise(graph: Graph, nodes: list[Any], node: Any) -> tuple:
    """Appends a convolution with a 1x1 kernel, and what follows it: kernel, bias and activation of all."""
    conv = node.operation
    nodes.append(node)
    kernel, bias, activation = (
        _array(conv.kernel),
        _array(conv.bias) if conv.use_bias else None,
        of_function(conv.activation),
    )
    return _follow(graph, nodes, kernel, bias, conv.data_format) if activation == "none" else (kernel, bias, activation)


def _follow(graph: Graph, nodes: list[Any], kernel: np.ndarray, bias: np.ndarray | None, data_format: str) -> tuple:
    """Appends a batch normalisation and an activation that follow. The kernel's last axis is that of the channels."""
    kernel, bias = _fold(graph, nodes, kernel, bias, data_format)
    following = graph.next(nodes[-1])
    activation = None if following is None or not is_plain(following) else of_layer(following.operation)
    if activation is None:
        return kernel, bias, "none"
    nodes.append(following)
    return kernel, bias, activation


def _fold(graph: Graph, nodes: list[Any], kernel: np.ndarray, bias: np.ndarray | None, data_format: str) -> tuple:
    """Appends a batch normalisation that follows."""
    following = graph.next(nodes[-1])
    if following is None or not _is_folded(following, nodes[-1].operation, data_format):
        return kernel, bias
    norm = following.operation
    gamma = _array(norm.gamma) if norm.scale else 1.0
    beta = _array(norm.beta) if norm.center else 0.0
    scale = gamma / np.sqrt(_array(norm.moving_variance) + norm.epsilon)
    nodes.append(following)
    return kernel * scale, (0.0 if bias is None else bias) * scale + (beta - _array(norm.moving_mean) * scale)


def _is_folded(node: Any, convolution: Any, data_format: str) -> bool:
    layer = node.operation
    if not is_plain(node, layers.BatchNormalization) or layer.compute_dtype != convolution.compute_dtype:
        return False
    rank = len(convolution.kernel_size) + 2
    axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0]
    return axis % rank == (rank - 1 if data_format == "channels_last" else 1)


def _is_convolution(node: Any) -> bool:
    return is_plain(node, *_CONVOLUTIONS) and not node.operation.lora_enabled


def _is_pointwise(node: Any, depthwise: Any) -> bool:
    layer = node.operation
    return (
        _is_convolution(node)
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
    if found.padding != "valid" or before is None or not is_plain(before, *_PADDINGS):
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
    known = before is not None and id(before) not in taken and is_plain(before)
    activation = of_layer(before.operation) if known else None
    if activation is None:
        return
    found.input_activation = activation
    found.nodes.insert(0, before)
    taken.add(id(before))


def _unknown_activation(layer: Any) -> str:
    return f"has the activation {getattr(layer.activation, '__name__', layer.activation)}, which sepconv does not have"


def _array(variable: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable)).astype(np.float64)
