"""Layers, and chains of them, as bytes: for pickle, and for the graphs that frameworks save."""

import io
import json
from typing import Any

import numpy as np

from ._arrays import numpy_dtype

_WEIGHTS = ("depthwise_kernel", "pointwise_kernel", "mid_bias", "out_bias")
_ACTIVATIONS = ("input_activation", "mid_activation", "out_activation")
_ATTRIBUTES = ("strides", "padding", "data_format", "dilation_rate")


def write(runnable: Any) -> bytes:
    """An archive of NumPy's with the weights, in the type that is computed in, and the other arguments as JSON."""
    arrays: dict[str, np.ndarray] = {}
    layers = []
    for index, layer in enumerate(runnable.layers):
        weights = dict(zip(_WEIGHTS, layer.weights(), strict=True))
        arrays |= {f"{index}.{name}": weight for name, weight in weights.items() if weight is not None}
        arguments = zip(_ATTRIBUTES + _ACTIVATIONS, layer.geometry.arguments + layer.activations, strict=True)
        layers.append(dict(arguments) | {"threads": layer.threads})
    description = {"dtype": runnable.dtype, "chain": runnable.is_chain, "layers": layers}
    file = io.BytesIO()
    np.savez(file, description=np.frombuffer(json.dumps(description).encode(), np.uint8), **arrays)
    return file.getvalue()


def read(state: bytes) -> tuple[bool, list[dict[str, Any]]]:
    """Whether that was a chain, and the arguments of its `Layer`s."""
    with np.load(io.BytesIO(state), allow_pickle=False) as file:
        description = json.loads(file["description"].tobytes())
        dtype = numpy_dtype(description["dtype"])
        layers = []
        for index, arguments in enumerate(description["layers"]):
            names = {name: f"{index}.{name}" for name in _WEIGHTS}
            weights = {name: file[key].astype(dtype) if key in file else None for name, key in names.items()}
            layers.append(arguments | weights)
    return description["chain"], layers
