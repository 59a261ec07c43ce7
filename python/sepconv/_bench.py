"""Times layers, after a check of their results."""

import statistics
import time
from typing import Any

import numpy as np

from ._layer_file import FileLayer
from .frameworks._geometry import pads

_LIMIT = 1e-5
"""The largest error of a float32 result, relative to the layer's largest magnitude."""
_CHECKED = 64
"""Pixels that are computed in double precision."""
_SECONDS = 0.5


def run(layer: FileLayer, threads: int) -> dict[str, Any]:
    """name, variant, ms_min, ms_median, gflops and max_error of a layer.

    Raises:
        ValueError: the result is wrong.
    """
    own = layer.make(threads)
    x = np.random.default_rng(2).standard_normal(layer.input_shape).astype(layer.dtype)
    output = own(x)
    error = check(layer, own, x, output)
    limit = _LIMIT if layer.dtype != np.float16 else 2.0**-10
    if not error <= limit:
        raise ValueError(f"{layer.name}: wrong, by {error:.1e} of the largest magnitude; the limit is {limit:.0e}")
    out = np.empty(output.shape, output.dtype) if layer.dtype != np.float16 else None
    own(x, out=out)
    times = []
    end = time.perf_counter() + _SECONDS
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        own(x, out=out)
        times.append((time.perf_counter() - start) * 1e3)
    best = min(times)
    return {
        "name": layer.name,
        "variant": own.variant(layer.input_shape),
        "ms_min": best,
        "ms_median": statistics.median(times),
        "gflops": flops(layer, output.size) / best / 1e6,
        "max_error": error,
    }


def flops(layer: FileLayer, outputs: int) -> int:
    """Multiplications and additions of both stages."""
    depthwise, pointwise = (layer.shapes[f"{stage}_kernel"] for stage in ("depthwise", "pointwise"))
    pixels = outputs // pointwise[-1]
    middle = pointwise[-2]
    return 2 * pixels * middle * (int(np.prod(depthwise[:-2])) + pointwise[-1])


def check(layer: FileLayer, own: Any, x: np.ndarray, output: np.ndarray) -> float:
    """The largest error at the corners and at pixels in between, relative to the largest magnitude."""
    weights = {name: array.astype(np.float64) for name, array in layer.weights().items()}
    before, middle, after = (_exact(a) for a in own.activations)
    g = own.geometry
    if g.first:
        x, output = np.moveaxis(x, 1, -1), np.moveaxis(output, 1, -1)
    zeros = [pair[0] for pair in pads(g, x.shape[1:-1])]
    extents = output.shape[:-1]
    count = int(np.prod(extents))
    worst = largest = 0.0
    for flat in sorted({0, count - 1, *np.random.default_rng(3).integers(0, count, _CHECKED).tolist()}):
        image, *pixel = np.unravel_index(flat, extents)
        total = np.zeros(weights["depthwise_kernel"].shape[-2:])
        for tap in np.ndindex(g.kernel):
            at = [
                p * s - z + t * d for p, s, z, t, d in zip(pixel, g.strides, zeros, tap, g.dilation_rate, strict=True)
            ]
            if all(0 <= a < n for a, n in zip(at, x.shape[1:-1], strict=True)):
                total += before(x[(image, *at)].astype(np.float64))[:, None] * weights["depthwise_kernel"][tap]
        mid = middle(total.reshape(-1) + weights.get("mid_bias", 0))
        pointwise = weights["pointwise_kernel"].reshape(mid.size, -1)
        exact = after(mid @ pointwise + weights.get("out_bias", 0))
        worst = max(worst, float(np.abs(output[(image, *pixel)] - exact).max()))
        largest = max(largest, float(np.abs(exact).max()))
    return worst / largest if largest else worst


def _exact(activation: Any) -> Any:
    if isinstance(activation, tuple):
        lo, hi = activation
        return lambda x: np.clip(x, -np.inf if lo is None else lo, np.inf if hi is None else hi)
    return {
        "linear": lambda x: x,
        "relu": lambda x: np.maximum(x, 0),
        "relu6": lambda x: np.clip(x, 0, 6),
        "swish": lambda x: x / (1 + np.exp(-x)),
        "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "tanh": np.tanh,
        "gelu": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    }[activation]
