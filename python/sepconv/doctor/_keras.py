"""Keras files beside Keras: the whole model as it is, and as `sepconv.keras.optimize` makes it."""

import pathlib
from typing import Any

import keras
import numpy as np

from .. import _bench
from ..keras import optimize

_LIMIT = 1e-3
"""Of a whole network in float32, or in a 16-bit type for part of it."""


def open_model(path: pathlib.Path, input_shape: Any, threads: int) -> tuple[str, Any, Any]:
    """The framework with its version, what to say at the end, and no way to run a part."""
    backend = keras.backend.backend()
    label = f"Keras {keras.version()} on {backend}"

    def remarks(_: Any) -> list[str]:
        model = keras.models.load_model(path, compile=False)
        try:
            shapes = (
                [tuple(input_shape)] if input_shape else [(1, *t.shape[1:]) for t in keras.tree.flatten(model.inputs)]
            )
            rng = np.random.default_rng(2)
            given = [rng.random(shape, "float32") for shape in shapes]
            fast = optimize(model)
        except (AttributeError, TypeError, ValueError) as error:
            return [f"not compared as a whole: {_line(error)}"]
        x = given[0] if len(given) == 1 else given
        calls = [lambda m=m: m.predict_on_batch(x) for m in (model, fast)]
        try:
            expected = keras.tree.flatten(calls[0]())
        except Exception as error:  # noqa: BLE001 - of the backend, or of the model's own code
            return [f"not compared as a whole: {label} does not run it: {_line(error)}"]
        results = keras.tree.flatten(calls[1]())
        error = max(map(_difference, results, expected))
        if not error < _LIMIT:
            return [f"the model that sepconv.keras.optimize makes gives other results: they differ by {error:.1e}"]
        before, after = (min(times) for times in _bench.in_turns(calls))
        return [
            (
                f"the whole model takes {before:.3f} ms in {label}, which takes as many threads as it likes,"
                f" {after:.3f} ms after sepconv.keras.optimize: {before / after:.2f} times as fast"
            )
        ]

    return "", remarks, None


def _difference(result: Any, expected: Any) -> float:
    """The largest, relative to the largest magnitude; infinity for a NaN that is not expected."""
    result, expected = np.asarray(result, np.float64), np.asarray(expected, np.float64)
    if not np.array_equal(np.isnan(result), np.isnan(expected)):
        return float("inf")
    return float(np.nanmax(np.abs(result - expected), initial=0) / max(np.nanmax(np.abs(expected), initial=0), 1e-30))


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no reason given'}"
