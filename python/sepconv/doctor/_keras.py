"""Keras files beside Keras: the whole model as it is, and as `sepconv.keras.optimize` makes it."""

import pathlib
from typing import Any

import keras
import numpy as np

from .. import _bench
from ..keras import optimize


def open_model(path: pathlib.Path, input_shape: Any, threads: int) -> tuple[str, Any, Any]:
    """The framework with its version, what to say at the end, and no way to run a part."""
    backend = keras.backend.backend()
    label = f"Keras {keras.version()} on {backend}"

    def remarks(_: Any) -> list[str]:
        model = keras.models.load_model(path, compile=False)
        shapes = [tuple(input_shape)] if input_shape else [(1, *t.shape[1:]) for t in keras.tree.flatten(model.inputs)]
        given = [np.zeros(shape, "float32") for shape in shapes]
        x = given[0] if len(given) == 1 else given
        models = model, optimize(model)
        calls = [lambda m=m: m.predict_on_batch(x) for m in models]
        try:
            before, after = (min(times) for times in _bench.in_turns(calls))
        except Exception as error:  # noqa: BLE001 - of the backend, or of the model's own code
            return [f"not compared: {label} does not run it: {type(error).__name__}"]
        return [
            (
                f"the whole model takes {before:.3f} ms in {label}, which takes as many threads as it likes,"
                f" {after:.3f} ms after sepconv.keras.optimize: {before / after:.2f} times as fast"
            )
        ]

    return "", remarks, None
