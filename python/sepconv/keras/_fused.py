"""The Keras layer that takes the place of a chain of layers."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import sepconv

from .._arrays import numpy_dtype
from .._geometry import geometry, output_shape
from ._packed import PackedLayer, call_on_change


@keras.saving.register_keras_serializable("sepconv")
class FusedSeparableConv(PackedLayer):
    """A whole separable layer, for inference: both stages or one of them, biases and activations, in one pass.

    `optimize` makes these. The weights are variables that are not trained, and are saved with the model. They are packed
    whenever they are assigned to, as `set_weights` and loading do; after a change by other means call `pack()`. What was
    traced before, such as a model's `predict`, has to be traced anew then.

    Args:
        kernel_size: taps along each spatial axis; of a pointwise stage alone, 1 for each.
        in_channels, depth_multiplier, filters: channels of the input, depthwise filters for each, output channels.
            Without the depthwise stage `depth_multiplier` is None, without the pointwise one `filters` is.
        strides, padding, data_format, dilation_rate: as in `sepconv.separable_conv`, with explicit padding as pairs.
        mid_bias, out_bias: whether there is one after each stage.
        input_activation, mid_activation, out_activation: as in `sepconv.Layer`.
        threads: as in `sepconv.Layer`.
        replaces, alone: for `report`: names of the layers whose place it takes; why there is no pointwise stage.
    """

    def __init__(
        self,
        kernel_size: tuple[int, ...],
        in_channels: int,
        depth_multiplier: int | None,
        filters: int | None,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        mid_bias: bool = True,
        out_bias: bool = True,
        mid_activation: Any = None,
        out_activation: Any = None,
        threads: int | None = None,
        replaces: tuple[str, ...] = (),
        input_activation: Any = None,
        alone: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_size = tuple(kernel_size)
        self.in_channels, self.depth_multiplier, self.filters = in_channels, depth_multiplier, filters
        self.data_format = data_format or keras.config.image_data_format()
        self.mid_bias, self.out_bias = mid_bias, out_bias
        self.input_activation = _tuple(input_activation)
        self.mid_activation, self.out_activation = _tuple(mid_activation), _tuple(out_activation)
        self.threads, self.replaces, self.alone = threads, tuple(replaces), alone
        rank = len(self.kernel_size)
        middle = in_channels * (depth_multiplier or 1)
        self._depthwise_shape = None if depth_multiplier is None else (*self.kernel_size, in_channels, depth_multiplier)
        self._pointwise_shape = None if filters is None else (*(1,) * rank, middle, filters)
        self.strides, self.dilation_rate = strides, dilation_rate
        self.padding = padding if isinstance(padding, str) else tuple(tuple(pair) for pair in padding)
        self._geometry = geometry(
            self._depthwise_shape, self._pointwise_shape, strides, self.padding, self.data_format, dilation_rate
        )
        self.after_pack: Callable[[], None] | None = None  # of the chain that this is a part of

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shapes = {
            "depthwise_kernel": self._depthwise_shape,
            "pointwise_kernel": self._pointwise_shape,
            "mid_bias": (self.in_channels * self.depth_multiplier,) if self.mid_bias else None,
            "out_bias": (self.filters,) if self.out_bias else None,
        }
        self._variables_by_name = {
            name: self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False)
            for name, shape in shapes.items()
            if shape is not None
        }
        call_on_change(self._variables_by_name, self.pack)
        self.built = True

    def pack(self) -> None:
        """Packs the variables' present values."""
        dtype = numpy_dtype(self.compute_dtype)
        weights = {
            name: np.asarray(keras.ops.convert_to_numpy(variable)).astype(dtype)
            for name, variable in self._variables_by_name.items()
        }
        kernels = [weights.pop(f"{stage}_kernel", None) for stage in ("depthwise", "pointwise")]
        names = "strides padding data_format dilation_rate input_activation mid_activation out_activation threads"
        self.packed = sepconv.Layer(*kernels, **weights, **{name: getattr(self, name) for name in names.split()})
        if self.after_pack is not None:
            self.after_pack()

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(output_shape(self._geometry, input_shape))

    def get_config(self) -> dict[str, Any]:
        names = (
            "kernel_size in_channels depth_multiplier filters strides padding data_format dilation_rate mid_bias "
            "out_bias input_activation mid_activation out_activation threads replaces alone"
        )
        return super().get_config() | {name: getattr(self, name) for name in names.split()}


def _tuple(activation: Any) -> Any:
    return tuple(activation) if isinstance(activation, list) else activation
