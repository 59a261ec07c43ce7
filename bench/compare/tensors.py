"""The operands of a layer, the same for every library."""

import numpy as np


class Tensors:
    """Inputs and weights of a layer, in Keras's layouts, channels last."""

    def __init__(self, layer):
        rng = np.random.default_rng(20)
        rank, channels, multiplier, outputs = (
            len(layer["spatial"]),
            layer["cin"],
            layer.get("mult", 1),
            layer["cout"],
        )
        taps = int(np.prod(layer["kernel"]))

        def draw(shape, fan_in):
            return (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)

        self.x = aligned(
            rng.standard_normal((layer.get("n", 1), *layer["spatial"], channels))
        )
        self.depthwise = draw((*layer["kernel"], channels, multiplier), taps)
        self.pointwise = draw(
            (*[1] * rank, channels * multiplier, outputs), channels * multiplier
        )
        self.mid_bias = (
            draw(channels * multiplier, 8) if layer.get("mid_bias") else None
        )
        self.out_bias = draw(outputs, 8) if layer.get("out_bias") else None
        self.pads = []
        for i, axis in enumerate(layer["spatial"]):
            stride, dilation = (
                layer.get("strides", [1] * rank)[i],
                layer.get("dilation", [1] * rank)[i],
            )
            reach = (layer["kernel"][i] - 1) * dilation + 1
            total = (
                max((-(-axis // stride) - 1) * stride + reach - axis, 0)
                if layer.get("padding") == "same"
                else 0
            )
            self.pads.append((total // 2, total - total // 2))


def aligned(a):
    """A copy as dense float32 that begins at a cache line, as the tensors of every library do; NumPy's need not."""
    memory = np.empty(a.size * 4 + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copy = memory[start : start + a.size * 4].view(np.float32).reshape(a.shape)
    copy[...] = a
    return copy


def channels_first(a):
    return aligned(np.moveaxis(a, -1, 1))


def channels_last(a):
    return np.ascontiguousarray(np.moveaxis(a, 1, -1))
