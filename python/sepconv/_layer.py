"""Layers that keep their weights, packed."""

from typing import Any

import numpy as np

from sepconv_layers import activations

from . import _device, _native, frameworks
from ._arrays import in_float32
from ._geometry import geometry, shape_or_none
from ._runnable import Runnable
from ._runtime import beginning, checked_threads
from ._types import Activation, Axes, Padding


class Layer(Runnable):
    """A separable convolution, or one of its two stages, with weights that are packed once.

        D = mid_activation(mid_bias + depthwise(input_activation(inputs)))
        Y = out_activation(out_bias + residual + pointwise(D))

    The weights are copied when the layer is made: later changes of the arrays do not reach it. Any number of threads
    may call one layer at the same time; the GIL is released while it computes.

    Args:
        depthwise_kernel: array of shape `(kernel..., channels, depth_multiplier)`; `None` for a pointwise stage alone.
        pointwise_kernel: array of shape `(1..., channels * depth_multiplier, out_channels)`; `None` for a depthwise
            stage alone.
        strides, padding, data_format, dilation_rate: as in `separable_conv`.
        mid_bias: array of shape `(channels * depth_multiplier,)`, added between the stages.
        out_bias: array of shape `(out_channels,)`, added after the pointwise stage.
        input_activation, mid_activation, out_activation: `None`, a word of layer files, such as `"relu6"`,
            `"hard_swish"` or `"gelu"` (its tanh form), Keras's name for one, such as `"silu"`, or a pair `(lo, hi)` to
            clamp to, either of which may be `None`. That of the input leaves the padding 0.
        threads: how many threads a call uses; `None` for `get_num_threads()` at the time of the call.
        input_shape: if given, plans and packs for inputs of this shape now, and not at the first call.

    Raises:
        ValueError: as `separable_conv`; a bias without its stage or of the wrong shape; an unknown activation;
            `threads` not from 1 to 1024.
        TypeError: a weight is not an array.
    """

    __slots__ = ("activations", "depthwise_only", "geometry")
    is_chain = False

    def __init__(
        self,
        depthwise_kernel: Any,
        pointwise_kernel: Any,
        strides: Axes = 1,
        padding: Padding = "valid",
        data_format: str | None = None,
        dilation_rate: Axes = 1,
        *,
        mid_bias: Any = None,
        out_bias: Any = None,
        input_activation: Activation = None,
        mid_activation: Activation = None,
        out_activation: Activation = None,
        threads: int | None = None,
        input_shape: tuple[int, ...] | None = None,
    ) -> None:
        arguments = strides, padding, data_format, dilation_rate
        weights = (frameworks.readable(w) for w in (depthwise_kernel, pointwise_kernel, mid_bias, out_bias))
        self.activations = tuple(map(activations.standard, (input_activation, mid_activation, out_activation)))
        layer = _native.Layer(*map(_device.host, weights), *arguments, *self.activations, _threads(threads))
        shapes = map(shape_or_none, layer.weights()[:2])  # those given may have no attribute `shape`
        self.geometry = geometry(*shapes, *arguments)
        self.depthwise_only = pointwise_kernel is None
        super().__init__(layer)
        if input_shape is not None:
            self._layer.prepare(input_shape)

    @property
    def layers(self) -> "tuple[Layer, ...]":
        """The layer itself, as a chain of one."""
        return (self,)

    @property
    def threads(self) -> int | None:
        """How many threads a call uses; `None` for `get_num_threads()` at the time of the call. It may be changed."""
        return self._layer.threads or None

    @threads.setter
    def threads(self, threads: int | None) -> None:
        self._layer.threads = _threads(threads)

    def variant(self, input_shape: tuple[int, ...]) -> str:
        """The name of the variant that inputs of this shape run, such as `"2d_f32_nhwc_k3s1d1m1_x86_avx2"`."""
        return self._layer.variant(input_shape)

    def explain(self, input_shape: tuple[int, ...], full: bool = False) -> str:
        """That variant, and why: a text for people. With `full` also the other variants, and why not they."""
        text = self._layer.explain(input_shape)
        return text if full else beginning(text)

    def weights(self) -> tuple[np.ndarray | None, ...]:
        """Copies of depthwise kernel, pointwise kernel, mid bias and output bias; `None` for what the layer does not
        have. Those of the 16-bit types are float32."""
        return tuple(map(in_float32, self._layer.weights()))

    def __repr__(self) -> str:
        return f"<sepconv.Layer {self.number}, {self.dtype}>"


def _threads(threads: int | None) -> int:
    """As the compiled module has it, where 0 is None."""
    return 0 if threads is None else checked_threads(threads)
