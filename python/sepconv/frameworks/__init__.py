"""The operation inside PyTorch, JAX and TensorFlow: traceable, differentiable, and without copies.

Each module has the same two functions, `conv` (a `pointwise_kernel` of `None` is a depthwise convolution) and
`run_layer`; none is imported before an array of its framework comes.
"""

import sys
from types import ModuleType
from typing import Any

import numpy as np


def of(array: Any) -> ModuleType | None:
    """The module for the framework of an array; `None` for NumPy and for everything else with a buffer or DLPack."""
    if type(array) is np.ndarray:
        return None
    # Written out, with plain imports, so that torch.compile can follow it.
    if "torch" in sys.modules:
        from . import torch

        if isinstance(array, torch.torch.Tensor):
            return torch
    if "jax" in sys.modules:
        from . import jax

        if isinstance(array, jax.jax.Array):
            return jax
    if "tensorflow" in sys.modules:
        from . import tensorflow

        if isinstance(array, (tensorflow.tf.Tensor, tensorflow.tf.Variable)):
            return tensorflow
    return None


def plain(array: Any) -> Any:
    """The tensor that a variable of Keras holds; anything else as it is."""
    if type(array) is not np.ndarray and "keras" in sys.modules:
        import keras

        if isinstance(array, keras.Variable):
            return array.value
    return array


def readable(array: Any) -> Any:
    """The array in a form that `_native` reads: of the same memory where that is the host's."""
    array = plain(array)
    framework = of(array)
    return array if framework is None else framework.readable(array)
