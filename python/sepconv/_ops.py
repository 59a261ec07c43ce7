"""The operation, as `keras.ops` has it."""

from typing import Any

import numpy as np

from . import _arrays, _device, _native, frameworks
from ._runtime import beginning
from ._types import Axes, Padding


def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Axes = 1,
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Axes = 1,
) -> Any:
    """A depthwise convolution followed by a pointwise one, in one pass.

    Takes one, two or three spatial axes, and float16, bfloat16, float32 or float64. The 16-bit types are computed with in
    float32, and the result is rounded once, at the end.

    The weights are packed at each call, because they may have changed since the last one. `Layer` packs them once. With
    `inputs` in a GPU's memory that means a copy to the host and back, and a wait.

    Args:
        inputs: array of shape `(batch, spatial..., channels)`, or `(batch, channels, spatial...)` with
            `data_format="channels_first"`. A NumPy array may be a slice of a larger one; slices whose innermost axis is
            contiguous are read where they lie. `batch` may be 0.
        depthwise_kernel: array of shape `(kernel..., channels, depth_multiplier)`, whatever the data format.
        pointwise_kernel: array of shape `(1..., channels * depth_multiplier, out_channels)`.
        strides: distance between neighbouring outputs, in input samples: an integer, or one a spatial axis.
        padding: `"valid"`, `"same"`, `"causal"` (one spatial axis only), any case; or a sequence with the numbers of
            zeros `(before, after)` for each spatial axis.
        data_format: `"channels_last"` or `"channels_first"`. `None` is `"channels_last"`, unless Keras is imported and
            its `image_data_format` says otherwise.
        dilation_rate: distance between neighbouring taps, in input samples: an integer, or one a spatial axis.

    Returns:
        An array of the kind and the dtype of `inputs`, of shape `(batch, out_spatial..., out_channels)` or, with
        `channels_first`, `(batch, out_channels, out_spatial...)`. Arrays of PyTorch, JAX and TensorFlow may be traced
        and differentiated; their gradients are computed by the framework.

    Raises:
        ValueError: shapes that do not fit together, an output without elements in a spatial axis ("Computed output size
            would be zero or negative"), dtypes that differ, an unknown padding or data format, strides or dilations
            that are not positive, an array in the memory of a device that is not CUDA's.
        NotImplementedError: an array in a GPU's memory, and no GPU variant for it.
        TypeError: an argument is not an array.
    """
    inputs = frameworks.plain(inputs)
    kernels = frameworks.plain(depthwise_kernel), frameworks.plain(pointwise_kernel)
    arguments = strides, padding, data_format, dilation_rate
    call = frameworks.of(inputs)
    if call is not None:
        return call.conv(inputs, *kernels, *arguments)
    if type(inputs) is not np.ndarray and _device.on_device(inputs):
        return _device.conv(inputs, *kernels, *arguments)
    return _arrays.like(_native.conv(inputs, *map(frameworks.readable, kernels), *arguments), inputs)


def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Axes = 1,
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Axes = 1,
) -> Any:
    """A depthwise convolution: every channel is filtered by itself.

    Output channel `c * depth_multiplier + m` is channel `c` of the input filtered with `kernel[..., c, m]`.

    Args:
        inputs: array of shape `(batch, spatial..., channels)`, or `(batch, channels, spatial...)`.
        kernel: array of shape `(kernel..., channels, depth_multiplier)`.
        strides, padding, data_format, dilation_rate: as in `separable_conv`.

    Returns:
        An array of the kind and the dtype of `inputs`, with `channels * depth_multiplier` channels.

    Raises:
        ValueError, TypeError: as `separable_conv`.
    """
    return separable_conv(inputs, kernel, None, strides, padding, data_format, dilation_rate)


def explain(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any = None,
    strides: Axes = 1,
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Axes = 1,
    *,
    dtype: str = "float32",
    full: bool = False,
) -> str:
    """Which variant `separable_conv` with these arguments would run, and why: a text for people.

    Args:
        inputs, depthwise_kernel, pointwise_kernel: arrays, or their shapes. Without a `pointwise_kernel` it explains
            `depthwise_conv`.
        strides, padding, data_format, dilation_rate: as in `separable_conv`.
        dtype: of the tensors, where `inputs` is a shape.
        full: also lists the other variants, and why not they.

    Raises:
        ValueError: as `separable_conv`.
        NotImplementedError: `inputs` is in a GPU's memory: only its shape can be asked about, and what runs on a CPU.
    """
    if _device.on_device(inputs):
        raise NotImplementedError(
            "inputs is in a GPU's memory: explain says what runs on a CPU; give it the shape of inputs"
        )
    name = getattr(inputs, "dtype", None)
    shapes = (None if array is None else _shape(array) for array in (inputs, depthwise_kernel, pointwise_kernel))
    dtype = dtype if name is None else str(getattr(name, "name", name)).removeprefix("torch.")
    text = _native.ShapedCall(*shapes, dtype, strides, padding, data_format, dilation_rate).explain()
    return text if full else beginning(text)


def _shape(array: Any) -> tuple[int, ...]:
    return tuple(getattr(array, "shape", array))
