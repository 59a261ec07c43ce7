"""Separable convolution, compiled ahead of time.

`separable_conv` and `depthwise_conv` have the signatures and the semantics of `keras.ops`, and take arrays of NumPy,
PyTorch, JAX, TensorFlow and everything else with the buffer protocol or DLPack. `Layer` packs its weights once, and has
biases and activations; a `Chain` runs several in one call; a `Stream` feeds them piece by piece. `sepconv.keras` makes
Keras use them.
"""

from ._chain import Chain
from ._layer import Layer
from ._native import __version__
from ._ops import depthwise_conv, explain, separable_conv
from ._runtime import (
    Variant,
    get_num_threads,
    run_count,
    set_num_threads,
    variants,
)
from ._stream import Stream

__all__ = [
    "Chain",
    "Layer",
    "Stream",
    "Variant",
    "__version__",
    "depthwise_conv",
    "explain",
    "get_num_threads",
    "run_count",
    "separable_conv",
    "set_num_threads",
    "variants",
]
