"""Layers, and chains of them, by number: graphs of frameworks carry numbers, not objects."""

import weakref
from typing import Any

_layers: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


def remember(layer: Any) -> None:
    _layers[layer.number] = layer


def layer_of(number: int) -> Any:
    layer = _layers.get(number)
    if layer is None:
        raise ValueError(f"sepconv layer {number} no longer exists: keep the Layer as long as what was traced with it")
    return layer
