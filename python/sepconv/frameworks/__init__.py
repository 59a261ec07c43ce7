"""The operation inside PyTorch, JAX and TensorFlow: traceable, differentiable, and without copies.

Each module has the same two functions, `conv` (a `pointwise_kernel` of `None` is a depthwise convolution) and
`run_layer`; none is imported before an array of its framework comes.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

import numpy as np


def of(array: Any) -> ModuleType | None:
    """The module for the framework of an array; `None` for NumPy and for everything else with a buffer or DLPack."""
    if type(array) is np.ndarray:
        return None
    for name, kind in (("torch", "Tensor"), ("jax", "Array"), ("tensorflow", "Tensor")):
        framework = sys.modules.get(name)
        if framework is not None and isinstance(array, getattr(framework, kind)):
            return importlib.import_module(f".{name}", __name__)
    return None


def readable(array: Any) -> Any:
    """The array in a form that `_native` reads: of the same memory where that is the host's."""
    framework = of(array)
    return array if framework is None else framework.readable(array)
