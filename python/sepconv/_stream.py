"""Signals that arrive in pieces."""

from typing import Any

import numpy as np

from . import _arrays, _native
from ._runnable import Runnable


class Stream:
    """A `Layer` or a `Chain` of one spatial axis, over signals that arrive in pieces.

    The outputs are those of the whole signal, bit for bit, wherever it is cut. Output frame `o` comes with the piece that
    holds input frame `o * stride + delay`. With padding `"causal"` the delay is 0. With `"valid"`, pairs, and `"same"`
    without strides, outputs read frames to come, and `finish` gives the last ones.

    It computes with NumPy, on the calling thread, whatever the `threads` of its layers; calls from several threads take
    turns. The GIL is released while it computes.

    Args:
        layer: a `Layer` or a `Chain`.
        batch: how many signals move together.
        residual: whether `push` and `finish` get a residual.

    Raises:
        ValueError: a layer that has more axes than one; padding `"same"` with strides, whose zeros the whole length
            decides; padding of more frames than the kernel reaches over; `batch` is not positive; a dtype that NumPy does
            not have here.
        TypeError: `layer` is neither a `Layer` nor a `Chain`.
    """

    __slots__ = ("_own_dtype", "_stream", "batch", "dtype", "layers")

    batch: int
    """How many signals move together."""
    dtype: str
    """The dtype of weights, inputs and outputs."""

    def __init__(self, layer: Runnable, batch: int = 1, *, residual: bool = False) -> None:
        if not isinstance(layer, Runnable):
            raise TypeError(f"layer must be a sepconv.Layer or a sepconv.Chain, received {layer!r}")
        self.layers = layer.layers
        self._own_dtype = _arrays.numpy_dtype(layer.dtype)
        self._stream = _native.Stream([one._layer for one in self.layers], batch, residual)
        self.batch, self.dtype = batch, layer.dtype

    @property
    def delay(self) -> int:
        """How many input frames behind frame `o * stride` output `o` waits for."""
        return self._stream.delay

    @property
    def stride(self) -> int:
        """How many input frames there are to an output frame: the product of the layers' strides."""
        return self._stream.stride

    @property
    def positions(self) -> tuple[int, ...]:
        """The frames that each signal has taken since its start."""
        return tuple(self._stream.position(signal) for signal in range(self.batch))

    def push(self, inputs: Any, residual: Any = None, out: Any = None) -> np.ndarray:
        """Takes the next frames of all signals, and gives the output frames that they complete, which may be none.

        Args:
            inputs: array of shape `(batch, frames, channels)`, or `(batch, channels, frames)` with `channels_first`.
            residual, out: contiguous arrays of the output's shape, as in a call of the layer.

        Raises:
            ValueError: a wrong shape or dtype; nothing was taken.
        """
        return self._result(self._stream.push(inputs, residual, out), out)

    def finish(self, residual: Any = None, out: Any = None) -> np.ndarray:
        """Ends the signals: gives the output frames that read the zeros behind them, and starts again at frame 0.

        Args:
            residual, out: contiguous arrays of the output's shape.

        Raises:
            ValueError: a wrong shape or dtype; nothing starts again.
        """
        return self._result(self._stream.finish(residual, out), out)

    def save(self, signal: int | None = None) -> bytes:
        """What the stream remembers, of one signal of the batch or of all, for `restore` in this process or another."""
        return self._stream.save(self._index(signal))

    def restore(self, state: bytes, signal: int | None = None) -> None:
        """Goes on from a saved state, here or in another stream of the same layers; the state of one signal may take the
        place of any. Weights and batch may differ.

        Raises:
            ValueError: the state is of other layers, of another number of signals or another version, or damaged. One
                signal of several can be restored only where its outputs are its own from then on: without a delay, and
                in step with the others where there are strides. Nothing was changed.
            NotImplementedError: one signal of several, with a delay.
            TypeError: `state` is not bytes.
        """
        if not isinstance(state, bytes | bytearray | memoryview):
            raise TypeError(f"state must be bytes, received {type(state)}")
        self._stream.restore(self._index(signal), bytes(state))

    def reset(self, signal: int | None = None) -> None:
        """Back to frame 0: all signals, or one while the others go on.

        Raises:
            ValueError, NotImplementedError: one signal of several, as in `restore`.
        """
        self._stream.reset(self._index(signal))

    def _index(self, signal: int | None) -> int:
        if signal is None:
            return _native.all_signals
        if not 0 <= signal < self.batch:
            raise ValueError(f"signal must be None or from 0 to {self.batch - 1}, received {signal}")
        return signal

    def _result(self, result: np.ndarray, out: Any) -> np.ndarray:
        return result if out is not None or result.dtype.kind != "u" else result.view(self._own_dtype)

    def __repr__(self) -> str:
        return f"<sepconv.Stream of {self.batch} signals through {len(self.layers)} layers, {self.dtype}>"
