"""Times layers, after a check of their results."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sepconv_layers import Layer as FileLayer

from . import _layer_file, _reference

_ROUNDINGS = 84
"""The largest error of a result, in units of the precision that is computed in, relative to the layer's largest magnitude: in
float32, 1e-5."""
_SECONDS = 0.5
_IN_A_ROW = 5


def run(layer: FileLayer, threads: int, beside: Callable[[], Any] | None = None) -> dict[str, Any]:
    """name, variant, ms_min, ms_median, gflops and max_error of a layer; with a call `beside` it, which is made in turns with it,
    also `beside_ms_min`.

    Raises:
        ValueError: the result is wrong.
    """
    own, x = _layer_file.make(layer, threads), _layer_file.inputs(layer)
    out = own(x)
    error = check(layer, x, out)
    if not error <= limit(out.dtype):
        raise ValueError(
            f"{layer.name}: wrong, by {error:.1e} of the largest magnitude; the limit is {limit(out.dtype):.0e}"
        )
    target = out if np.dtype(out.dtype).isbuiltin == 1 else None  # a type that NumPy lacks has no buffer to write to
    times, *others = in_turns([lambda: own(x, out=target), *([beside] if beside is not None else [])])
    best = min(times)
    result = {
        "name": layer.name,
        "variant": own.variant(x.shape),
        "ms_min": best,
        "ms_median": statistics.median(times),
        "gflops": layer.flops / best / 1e6,
        "max_error": error,
    }
    if others:
        result["beside_ms_min"] = min(others[0])
    return result


def in_turns(calls: Sequence[Callable[[], Any]]) -> list[list[float]]:
    """The times of each call in milliseconds: some calls of one, then some of the next, so that what else the machine does meets
    all."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    end = time.perf_counter() + _SECONDS * len(calls)
    while len(times[-1]) < _IN_A_ROW or time.perf_counter() < end:
        for call, list_ in zip(calls, times, strict=True):
            for _ in range(_IN_A_ROW):
                start = time.perf_counter()
                call()
                list_.append((time.perf_counter() - start) * 1e3)
    return times


def limit(dtype: np.dtype) -> float:
    """Of the error: the 16-bit types are computed in float32, and rounded once."""
    own, computed = (float(np.spacing(np.ones((), t))) for t in (dtype, np.promote_types(dtype, np.float32)))
    return max(_ROUNDINGS * computed, own if own != computed else 0)


def check(layer: FileLayer, x: np.ndarray, output: np.ndarray) -> float:
    """The largest error, relative to the largest magnitude."""
    exact = _reference.separable_conv(x, **_layer_file.weights(layer), **_layer_file.arguments(layer))
    largest = float(np.abs(exact).max())
    worst = float(np.abs(output.astype(np.float64) - exact).max())
    return worst / largest if largest else worst
