"""The operation in NumPy and double precision, one tap at a time."""

import numpy as np


def pads(extent, taps, stride, dilation, padding):
    reach = (taps - 1) * dilation
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return reach, 0
    if padding == "same":
        total = max((-(-extent // stride) - 1) * stride + reach + 1 - extent, 0)
        return total // 2, total - total // 2
    return padding


def separable_conv(
    inputs, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format="channels_last", dilation_rate=1
):
    """`padding` may be a list of pairs, as in sepconv. A pointwise kernel of None is a depthwise convolution."""
    x = np.asarray(inputs).astype(np.float64)
    if data_format == "channels_first":
        x = np.moveaxis(x, 1, -1)
    rank = x.ndim - 2
    dw = np.asarray(depthwise_kernel).astype(np.float64)
    strides, dilation_rate = np.broadcast_to(strides, rank), np.broadcast_to(dilation_rate, rank)
    zeros = [
        pads(
            x.shape[a + 1],
            dw.shape[a],
            strides[a],
            dilation_rate[a],
            padding if isinstance(padding, str) else padding[a],
        )
        for a in range(rank)
    ]
    x = np.pad(x, [(0, 0), *zeros, (0, 0)])
    out = [(x.shape[a + 1] - (dw.shape[a] - 1) * dilation_rate[a] - 1) // strides[a] + 1 for a in range(rank)]
    y = np.zeros((x.shape[0], *out, dw.shape[-2] * dw.shape[-1]))
    for tap in np.ndindex(dw.shape[:-2]):
        window = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, n, s in zip(tap, dilation_rate, out, strides, strict=True)
        )
        part = x[(slice(None), *window)]
        y += (part[..., None] * dw[tap]).reshape(y.shape)
    if pointwise_kernel is not None:
        y = y @ np.asarray(pointwise_kernel).astype(np.float64).reshape(y.shape[-1], -1)
    return np.moveaxis(y, -1, 1) if data_format == "channels_first" else y
