"""Keras models as one graph: models and layers inside are entered."""

from collections.abc import Callable
from typing import Any

import keras
from keras.src.layers.convolutional.base_conv import BaseConv
from keras.src.layers.convolutional.base_depthwise_conv import BaseDepthwiseConv
from keras.src.layers.convolutional.base_separable_conv import BaseSeparableConv
from keras.src.models.functional import Functional
from keras.src.ops.function import Function

from ..keras._find import is_candidate

CONVOLUTIONS = (BaseConv, BaseDepthwiseConv, BaseSeparableConv)


def own_call(layer: Any) -> bool:
    """Whether what the layer computes is written by Keras."""
    methods = (getattr(type(layer), name, None) for name in ("call", "convolution_op"))
    return all(method is None or method.__module__.split(".")[0] == "keras" for method in methods)


def nodes_of(model: Any, inputs: list[Any]) -> tuple[list[Any], list[Any]]:
    """The nodes between these symbolic inputs and the model's outputs, in an order in which they can be computed; and the outputs.

    Raises:
        Exception: whatever the code of the model's own `call` raises.
    """
    outputs = keras.tree.flatten(_enter(model)(*inputs) if len(inputs) == 1 else _enter(model)(inputs))
    order: list[Any] = []
    done: set[int] = set()
    waiting = [(node, False) for node in map(_writer, reversed(outputs)) if node is not None]
    while waiting:
        node, ready = waiting.pop()
        if ready:
            order.append(node)
        elif id(node) not in done:
            done.add(id(node))
            waiting.append((node, True))
            sources = map(_writer, reversed(node.arguments.keras_tensors))
            waiting += [(source, False) for source in sources if source is not None]
    return [node for node in order if not node.is_input], outputs


def _writer(tensor: Any) -> Any:
    history = getattr(tensor, "_keras_history", None)
    return None if history is None else history.operation._inbound_nodes[history.node_index]


def _enter(operation: Any) -> Callable[..., Any]:
    """The operation as a function that leaves nodes of the operations inside it, where it can be entered."""
    if isinstance(operation, keras.Sequential) and operation._functional is not None:
        operation = operation._functional
    if isinstance(operation, Functional):
        return lambda inputs, *_, **__: Function._run_through_graph(operation, inputs, operation_fn=_enter)
    inner = isinstance(operation, keras.Layer) and not own_call(operation)
    if not inner or not any(is_candidate(layer) for layer in operation._flatten_layers(include_self=False)):
        return operation

    def call(*arguments: Any, **keywords: Any) -> Any:
        try:
            return operation.call(*arguments, **keywords)
        except Exception:  # noqa: BLE001 - the code is the user's, and may need values
            return operation(*arguments, **keywords)

    return call
