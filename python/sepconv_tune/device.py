"""What is different where a GPU is tuned for: the parameters, the rules that keep hopeless candidates out, and how they are linked."""

import math
from typing import Any

GROUPS = (
    ("chunk", "threads_x", "threads_y", "thread_pixels", "thread_vectors"),
    ("tap_unroll", "split"),
)
"""Parameters of a GPU row: the block, and the rest."""

RENAMED = {
    f"halide_{name}": f"sepconv_gpu_{name}"
    for name in (
        "copy_to_device",
        "device_malloc",
        *(
            f"{api}_{call}"
            for api in ("cuda", "opencl")
            for call in ("device_interface", "initialize_kernels", "run", "finalize_kernels")
        ),
    )
}
"""What GPU rows ask of Halide's runtime, and sepconv::gpu has (cmake/SepconvVariants.cmake)."""

_LANES = 4


def is_device(schedule: str) -> bool:
    return schedule == "gpu"


def is_plausible(point: dict[str, int], default: dict[str, int], layer: Any) -> bool:
    """Whether a point is worth compiling for a layer: no block that is mostly empty, no loop that is unrolled for nothing, no
    chunk of channels that the layer has not."""
    along_pixels, along_channels = point["threads_y"], point["threads_x"]
    if layer.channels_first:
        along_pixels, along_channels = along_channels, along_pixels
    pixels = layer.fields.get("n", 1) * layer.pixels
    filled = _filled(pixels, along_pixels * point["thread_pixels"])
    filled *= _filled(layer.fields["cout"], along_channels * point["thread_vectors"] * _LANES)
    if filled < 0.2 or point["chunk"] >= 2 * max(layer.fields["cin"], 8):
        return False
    # Of two limits that unroll the same taps, the lower one is enough; the default always is.
    taps = [math.prod(layer.kernel[-axes:]) for axes in range(1, len(layer.kernel) + 1)]
    return point["tap_unroll"] == default["tap_unroll"] or point["tap_unroll"] in (1, *taps)


def _filled(size: int, granule: int) -> float:
    return size / (-(-size // granule) * granule)
