"""Layers of layer files (`sepconv_layers`), as NumPy runs them."""

import os
from typing import Any

import numpy as np

import sepconv_layers
from sepconv_layers import Layer as FileLayer

from ._arrays import numpy_dtype
from ._layer import Layer


def read(path: str | os.PathLike, pattern: str = "") -> list[FileLayer]:
    """The layers of a file that can be computed in one pass, and whose name the regular expression matches.

    Raises:
        ValueError: the file is not a layer file, or the pattern is not a regular expression.
        OSError: the file cannot be read.
    """
    matches = sepconv_layers.name_filter(pattern)
    return [layer for layer in sepconv_layers.read(path) if layer.fields["fusable"] and matches(layer.name)]


def dtype(layer: FileLayer) -> np.dtype:
    """Raises ValueError for a type that NumPy does not have here."""
    try:
        return numpy_dtype(layer.fields["dtype"])
    except ValueError as error:
        raise ValueError(f'layer "{layer.name}": {error}') from error


def input_shape(layer: FileLayer) -> tuple[int, ...]:
    batch, channels = layer.fields["n"], layer.fields["cin"]
    return (batch, channels, *layer.spatial) if layer.channels_first else (batch, *layer.spatial, channels)


def weights(layer: FileLayer, seed: int = 1) -> dict[str, np.ndarray]:
    """Random ones, of about the size that keeps the output's numbers near 1, by the names that `Layer` gives them."""
    fields, rng = layer.fields, np.random.default_rng(seed)
    shapes = {
        "depthwise_kernel": (*layer.kernel, fields["cin"], fields["mult"]),
        "pointwise_kernel": (*(1,) * layer.rank, layer.middle, fields["cout"]),
    }
    shapes |= {"mid_bias": (layer.middle,)} if fields["mid_bias"] else {}
    shapes |= {"out_bias": (fields["cout"],)} if fields["out_bias"] else {}
    sums = {"depthwise_kernel": layer.taps, "pointwise_kernel": layer.middle}
    return {
        name: (rng.standard_normal(shape) / np.sqrt(sums.get(name, 1))).astype(dtype(layer))
        for name, shape in shapes.items()
    }


def inputs(layer: FileLayer) -> np.ndarray:
    return np.random.default_rng(2).standard_normal(input_shape(layer)).astype(dtype(layer))


def arguments(layer: FileLayer) -> dict[str, Any]:
    """Those of `sepconv.Layer` beside the weights."""
    fields = layer.fields
    return {
        "strides": layer.strides,
        "padding": layer.pads if isinstance(fields["padding"], dict) else fields["padding"],
        "data_format": fields["data_format"],
        "dilation_rate": layer.dilation,
    } | {f"{place}_activation": layer.activation(place) for place in ("input", "mid", "out")}


def make(layer: FileLayer, threads: int | None = None) -> Layer:
    """The layer with those weights."""
    return Layer(**weights(layer), **arguments(layer), threads=threads)
