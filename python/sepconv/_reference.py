"""A layer in NumPy and double precision, one tap at a time: what results are compared with. It uses nothing of the compiled
module."""

from typing import Any

import numpy as np

from sepconv_layers import activations, axis_padding


def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = 1,
    *,
    mid_bias: Any = None,
    out_bias: Any = None,
    input_activation: Any = None,
    mid_activation: Any = None,
    out_activation: Any = None,
) -> np.ndarray:
    """`padding` may be a list of pairs. A pointwise kernel of None is a depthwise convolution. Biases and activations as
    `sepconv.Layer` has them."""
    before, middle, after = (
        activations.function(activations.standard(given), np)
        for given in (input_activation, mid_activation, out_activation)
    )
    mid_bias, out_bias = (np.asarray(0 if b is None else b).astype(np.float64) for b in (mid_bias, out_bias))
    first = data_format == "channels_first"
    x = np.asarray(inputs).astype(np.float64)
    x = before(np.moveaxis(x, 1, -1) if first else x)
    y = middle(
        _depthwise(x, np.asarray(depthwise_kernel).astype(np.float64), strides, padding, dilation_rate) + mid_bias
    )
    if pointwise_kernel is not None:
        y = after(y @ np.asarray(pointwise_kernel).astype(np.float64).reshape(y.shape[-1], -1) + out_bias)
    return np.moveaxis(y, -1, 1) if first else y


def _depthwise(x: np.ndarray, kernel: np.ndarray, strides: Any, padding: Any, dilation_rate: Any) -> np.ndarray:
    rank = x.ndim - 2
    strides, dilation_rate = np.broadcast_to(strides, rank), np.broadcast_to(dilation_rate, rank)
    axes = list(zip(x.shape[1:-1], kernel.shape, strides, dilation_rate, strict=False))
    pads = [axis_padding(padding, *axis) for axis in axes] if isinstance(padding, str) else padding
    x = np.pad(x, [(0, 0), *pads, (0, 0)])
    out = [(n - (k - 1) * d - 1) // s + 1 for n, (_, k, s, d) in zip(x.shape[1:-1], axes, strict=True)]
    y = np.zeros((x.shape[0], *out, kernel.shape[-2] * kernel.shape[-1]))
    for tap in np.ndindex(kernel.shape[:-2]):
        window = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, n, s in zip(tap, dilation_rate, out, strides, strict=True)
        )
        y += (x[(slice(None), *window)][..., None] * kernel[tap]).reshape(y.shape)
    return y
