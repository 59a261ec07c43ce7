"""Layers, and chains of them, by number: graphs of frameworks carry numbers, not objects."""

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from ._geometry import output_shape

_layers: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


def remember(layer: Any) -> None:
    _layers[layer.number] = layer


def layer_of(number: int) -> Any:
    layer = _layers.get(number)
    if layer is None:
        raise ValueError(f"sepconv layer {number} no longer exists: keep the Layer as long as what was traced with it")
    return layer


def shape_after(runnable: Any, shape: Sequence[Any]) -> list[Any]:
    """The shape of a layer's or a chain's output; extents may be symbols, or `None` where they are not known."""
    for layer in runnable.layers:
        shape = output_shape(layer.geometry, shape)
    return list(shape)


def through(runnable: Any, run: Callable[[Any, Any, Any], Any], inputs: Any, residual: Any) -> Any:
    """`run(layer, inputs, residual)` for one layer after another; the residual is the last one's."""
    *before, last = runnable.layers
    for layer in before:
        inputs = run(layer, inputs, None)
    return run(last, inputs, residual)
