"""What layers and chains of them have in common: the call, also inside graphs of frameworks."""

from typing import Any

import numpy as np

from . import _arrays, _device, _native, frameworks
from ._registry import remember, revive
from ._state import write


class Runnable:
    """A `Layer` or a `Chain`."""

    __slots__ = ("__weakref__", "_layer", "dtype", "key", "number")

    dtype: str
    """The dtype of weights, inputs and outputs."""
    number: int
    """Its number in graphs of frameworks, which no other has, in this process or another."""
    key: str
    """The number as text: torch.compile may make a symbol of a number."""
    is_chain: bool
    layers: tuple[Any, ...]
    """The `Layer`s that run, in their order."""

    def __init__(self, layer: _native.Runnable) -> None:
        self._layer = layer
        self.dtype, self.number = layer.dtype, layer.number
        self.key = str(self.number)
        remember(self)

    def __call__(self, inputs: Any, residual: Any = None, out: Any = None) -> Any:
        """Runs the layer, or the chain.

        Args:
            inputs: array of the weights' dtype, as in `separable_conv`.
            residual: contiguous array of the output's shape, added before the last activation.
            out: contiguous, writable array of the output's shape, which must not overlap the others: the result is
                written there. Of NumPy, or another with a buffer.

        Returns:
            `out`, or a new array of the kind of `inputs`.

        Raises:
            ValueError: as `separable_conv`.
        """
        inputs = frameworks.plain(inputs)
        if out is None:
            call = frameworks.of(inputs)
            if call is not None:
                return call.run_layer(self, inputs, residual)
        if type(inputs) is not np.ndarray and _device.on_device(inputs):
            return _device.run(self, inputs, residual, out)
        result = self._layer.run(inputs, residual, out)
        return result if out is not None else _arrays.like(result, inputs)

    def __reduce__(self) -> tuple[Any, ...]:
        return revive, (self.state(),)

    def state(self) -> bytes:
        """All that it is: what pickle keeps, and graphs that are saved."""
        return write(self)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the output for an input of this shape. Raises `ValueError` if there is none."""
        return self._layer.output_shape(input_shape)
