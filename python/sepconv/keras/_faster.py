"""Where Keras's own operations are faster: they stay. `enable` and `optimize` ask here, and nowhere else.

TensorFlow's convolutions for CPUs run near the processor's peak; what it lacks is the fusion of stages, and fast depthwise
convolutions with more than three taps on an axis, with dilation, or with channels first.
"""

from collections.abc import Sequence
from typing import Any

import keras

from sepconv_layers.activations import Bounds

_NARROW = ("float16", "bfloat16")
_CLAMPS = ("none", "relu", "relu6")


def keeps_dtype(dtype: str) -> str | None:
    """The reason to leave layers of this dtype to Keras, the end of a sentence about one; None if there is none."""
    if keras.backend.backend() == "tensorflow" and dtype in _NARROW:
        return f"is of {dtype}, for which TensorFlow is faster"
    return None


def keeps_pointwise(activation: str | Bounds) -> bool:
    """Whether Keras computes a pointwise stage alone, with this activation behind it: for TensorFlow a matrix product and a
    clamp are one operation, others cost it a pass over the output."""
    clamp = activation in _CLAMPS or not isinstance(activation, str)
    return keras.backend.backend() == "tensorflow" and clamp


def keeps_call(dtype: str, kernel: Sequence[int], data_format: str, dilation_rate: Any) -> bool:
    """Whether Keras computes one call of its operations, whose weights sepconv would pack anew each time. `kernel` is the taps
    along each spatial axis."""
    if keras.backend.backend() != "tensorflow":
        return False
    dilated = any(rate != 1 for rate in keras.tree.flatten(dilation_rate))
    small = max(kernel) <= 3 and dtype == "float32" and data_format == "channels_last" and not dilated
    return keeps_dtype(dtype) is not None or small
