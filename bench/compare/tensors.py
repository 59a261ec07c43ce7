"""The operands of a layer, the same for every library."""

import numpy as np


class Tensors:
    """Inputs and weights of a layer, in Keras's layouts, channels last."""

    def __init__(self, layer):
        rng = np.random.default_rng(20)
        fields, rank, middle = layer.fields, layer.rank, layer.middle

        def draw(shape, fan_in):
            return (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)

        channels, outputs = fields["cin"], fields["cout"]
        x = rng.standard_normal((fields["n"], *layer.spatial, channels))
        self.x = aligned(x)
        self.depthwise = draw((*layer.kernel, channels, fields["mult"]), layer.taps)
        self.pointwise = draw((*[1] * rank, middle, outputs), middle)
        self.mid_bias = draw(middle, 8) if fields["mid_bias"] else None
        self.out_bias = draw(outputs, 8) if fields["out_bias"] else None

    def filters_first(self):
        """Both kernels as convolutions in ONNX and PyTorch have them: (filters, channels of a group, spatial...)."""
        *kernel, channels, multiplier = self.depthwise.shape
        depthwise = self.depthwise.reshape(*kernel, channels * multiplier)
        pointwise = np.moveaxis(self.pointwise, (-1, -2), (0, 1))
        return (
            np.ascontiguousarray(np.moveaxis(depthwise, -1, 0)[:, None]),
            np.ascontiguousarray(pointwise),
        )


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
