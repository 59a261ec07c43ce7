"""Keras's activations as sepconv has them."""

from typing import Any

import keras
from keras.src import layers

from sepconv_layers.activations import TABLE, Bounds

_NAMES = {name: word for word, entry in TABLE.items() for name in entry.keras}


def of_function(function: Any) -> str | None:
    """The word of a layer's `activation`; None if sepconv does not have it."""
    name = "linear" if function is None else getattr(function, "__name__", "")
    if function is not None and getattr(keras.activations, name, None) is not function:
        return None  # a function of the user's that happens to have a known name
    return _NAMES.get(name)


def of_layer(layer: Any) -> str | Bounds | None:
    """What a layer that is nothing but an activation computes; None for other layers, and if sepconv does not have it."""
    if type(layer) is layers.Activation:
        return of_function(layer.activation)
    if type(layer) is layers.ReLU and not layer.negative_slope and not layer.threshold:
        return "relu" if layer.max_value is None else (0.0, float(layer.max_value))
    return None
