"""Layers in a row."""

from collections.abc import Sequence

from . import _native, _state
from ._layer import Layer
from ._registry import read_with
from ._runnable import Runnable


class Chain(Runnable):
    """Layers that run one after another, in one call.

    What lies between them stays in memory that the calling thread keeps, two blocks of the size of the largest: it is
    not allocated anew, and the next layer finds it in the processor's caches. In graphs of frameworks, a chain is one
    operation. Any number of threads may call one chain at the same time; the GIL is released while it computes.

    Args:
        layers: `Layer`s, each of which takes what the one before it gives: the same dtype, data format and number of
            axes, and as many channels.

    Raises:
        ValueError: there are no layers, or one does not follow the one before it.
        TypeError: something in the list is no `Layer`.
    """

    __slots__ = ("layers",)
    is_chain = True

    def __init__(self, layers: Sequence[Layer]) -> None:
        if not isinstance(layers, Sequence):
            raise TypeError(f"layers must be a sequence of sepconv.Layer, received {layers!r}")
        for layer in layers:
            if not isinstance(layer, Layer):
                raise TypeError(f"layers must be of the class sepconv.Layer, received {layer!r}")
        super().__init__(_native.Chain([layer._layer for layer in layers]))
        self.layers = tuple(layers)

    def __repr__(self) -> str:
        return f"<sepconv.Chain {self.number} of {len(self.layers)} layers, {self.dtype}>"


def _revived(state: bytes) -> Runnable:
    is_chain, arguments = _state.read(state)
    layers = [Layer(**given) for given in arguments]
    return Chain(layers) if is_chain else layers[0]


read_with(_revived)
