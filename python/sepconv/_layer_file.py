"""Layer files (schema/layers.schema.json)."""

import dataclasses
import json
import os
import pathlib
import re
from typing import Any

import numpy as np

from ._layer import Layer


@dataclasses.dataclass(frozen=True)
class FileLayer:
    """A layer that can be computed in one pass."""

    name: str
    input_shape: tuple[int, ...]
    shapes: dict[str, tuple[int, ...]]
    """Of the weights, by the names that `Layer` gives them."""
    dtype: np.dtype
    arguments: dict[str, Any]
    """Of `Layer`, beside the weights."""

    def matches(self, pattern: str) -> bool:
        """Raises ValueError for what is no regular expression."""
        try:
            return re.search(pattern, self.name) is not None
        except re.error as error:
            raise ValueError(f'"{pattern}" is no regular expression: {error}') from error

    def weights(self, seed: int = 1) -> dict[str, np.ndarray]:
        """Random ones, of about the size that keeps the output's numbers near 1."""
        rng = np.random.default_rng(seed)
        scale = {
            name: np.sqrt(np.prod(shape[:-2] if "depth" in name else shape[:-1])) for name, shape in self.shapes.items()
        }
        return {
            name: (rng.standard_normal(shape) / max(scale[name], 1)).astype(self.dtype)
            for name, shape in self.shapes.items()
        }

    def make(self, threads: int | None = None) -> Layer:
        """The layer with those weights."""
        return Layer(**self.weights(), **self.arguments, threads=threads)


def read(path: str | os.PathLike) -> list[FileLayer]:
    """The layers of a file but those that are marked as not fusable. Raises ValueError for what is no layer file."""
    try:
        content = json.loads(pathlib.Path(path).read_text())
        version, layers = content["version"], content["layers"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: no layer file: {error}") from error
    if version != 1:
        raise ValueError(f'{path}: "version" is {version}; this release reads version 1')
    found = []
    for layer in layers:
        try:
            if layer.get("fusable", True):
                found.append(_layer(layer))
        except (KeyError, TypeError, AttributeError) as error:
            name = layer.get("name", "?") if isinstance(layer, dict) else layer
            raise ValueError(f'{path}: layer "{name}": {error!r} is missing or wrong') from error
    return found


def _layer(layer: dict[str, Any]) -> FileLayer:
    rank, multiplier = len(layer["spatial"]), layer.get("mult", 1)
    middle = layer["cin"] * multiplier
    shapes = {
        "depthwise_kernel": (*layer["kernel"], layer["cin"], multiplier),
        "pointwise_kernel": (*(1,) * rank, middle, layer["cout"]),
    }
    if layer.get("mid_bias"):
        shapes["mid_bias"] = (middle,)
    if layer.get("out_bias"):
        shapes["out_bias"] = (layer["cout"],)
    padding = layer.get("padding", "valid")
    if isinstance(padding, dict):
        padding = list(zip(padding["before"], padding["after"], strict=True))
    data_format = layer.get("data_format", "channels_last")
    channels = (layer["cin"],)
    spatial = tuple(layer["spatial"])
    batch = (layer.get("n", 1),)
    arguments = {
        "strides": layer.get("strides", 1),
        "padding": padding,
        "data_format": data_format,
        "dilation_rate": layer.get("dilation", 1),
    }
    for place in ("input", "mid", "out"):
        activation = layer.get(f"{place}_activation", "none")
        if isinstance(activation, dict):
            activation = tuple(activation["clamp"])
        arguments[f"{place}_activation"] = None if activation == "none" else activation
    dtype = layer.get("dtype", "float32")
    if dtype not in ("float32", "float64", "float16"):
        raise ValueError(f'layer "{layer["name"]}": dtype {dtype} cannot be run from NumPy')
    return FileLayer(
        layer["name"],
        batch + (channels + spatial if data_format == "channels_first" else spatial + channels),
        shapes,
        np.dtype(dtype),
        arguments,
    )
