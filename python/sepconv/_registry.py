"""Layers, and chains of them, by number: graphs of frameworks carry numbers, not objects. A number is of one process; a
graph that is saved carries what it takes to make the layer anew in another."""

import atexit
import weakref
from collections.abc import Callable
from typing import Any

from . import _native

_layers: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
_restored: dict[int, Any] = {}  # of other processes' numbers; kept, because their graphs do not hold them
_reader: list[Callable[[bytes], Any]] = []


def remember(layer: Any) -> None:
    _layers[layer.number] = layer


def layer_of(number: int) -> Any:
    layer = _layers.get(number) or _restored.get(number)
    if layer is None:
        raise ValueError(
            f"sepconv layer {number} does not exist: keep the Layer as long as what was traced with it, in its process"
        )
    return layer


def read_with(reader: Callable[[bytes], Any]) -> None:
    """What makes a layer or a chain of its bytes."""
    _reader[:] = [reader]


def revive(state: bytes) -> Any:
    """The layer or the chain whose bytes these are, as a new one."""
    return _reader[0](state)


def restore(number: int, state: Callable[[], bytes]) -> Any:
    """The layer or the chain with this number; if it does not exist, from its bytes."""
    layer = _layers.get(number) or _restored.get(number)
    if layer is None:
        layer = _restored[number] = revive(state())
    return layer


atexit.register(_restored.clear)  # before the compiled module looks for what is left
_native.set_restorer(lambda number, state: restore(number, lambda: state).number)
