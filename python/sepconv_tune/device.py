"""What is different where a GPU is tuned for."""

import math
from typing import Any

_LANES = 4
"""Output channels of a thread's vector."""
_LEAST_FILLED = 0.2
"""Of a block's pixels and channels. Low, since a small layer fills few blocks whatever their size, and a wide one may still win."""


_MANY_BLOCKS = 4096
"""Each waits for its loads while others compute: threads that share the channels to have fewer waits gain nothing."""


def is_device(schedule: str) -> bool:
    return schedule == "gpu"


def is_worthwhile(point: dict[str, int], default: dict[str, int], layer: Any) -> bool:
    """Whether a point is worth compiling for a layer: no block that is mostly empty, no loop that is unrolled for nothing, no
    chunk of more channels than the layer has, no window that is mostly beyond the image, no sums shared out where blocks are many."""
    along_pixels, along_channels = point["threads_y"], point["threads_x"]
    if layer.channels_first:
        along_pixels, along_channels = along_channels, along_pixels
    pixels = layer.fields["n"] * layer.pixels
    filled = share_filled(pixels, along_pixels * point["thread_pixels"])
    filled *= share_filled(layer.fields["cout"], along_channels * point["thread_vectors"] * _LANES)
    if filled < _LEAST_FILLED or point["chunk"] >= 2 * max(layer.fields["cin"], 8):
        return False
    if point["window"] >= 2 * layer.output[max(layer.rank - 2, 0)]:
        return False
    blocks = -(-pixels // (along_pixels * point["thread_pixels"]))
    blocks *= -(-layer.fields["cout"] // (along_channels * point["thread_vectors"] * _LANES))
    if point["threads_z"] > 1 and blocks > _MANY_BLOCKS:
        return False
    # Of two limits that unroll the same taps, the lower one is enough; the default always is. A window's own axis is always unrolled.
    taps = [math.prod(layer.kernel[-axes:]) for axes in range(1, len(layer.kernel) + 1)]
    if point["window"] > 1:
        taps = taps[-1:]
    return point["tap_unroll"] == default["tap_unroll"] or point["tap_unroll"] in (1, *taps)


def share_filled(size: int, granule: int) -> float:
    """Of whole granules that hold so many elements, the share that is not padding."""
    return size / (-(-size // granule) * granule)
