"""What the compiled module gives, as NumPy's users have it."""

from typing import Any

import numpy as np


def like(result: np.ndarray, inputs: Any) -> np.ndarray:
    """The result in the dtype of the inputs: the compiled module gives a type that NumPy does not have, such as bfloat16, as
    unsigned integers."""
    return result if result.dtype.kind != "u" else result.view(inputs.dtype)


def in_float32(array: np.ndarray | None) -> np.ndarray | None:
    """An array of a 16-bit type, as the compiled module gives it, in float32, which is exact; others as they are."""
    if array is None or array.dtype.itemsize != 2:
        return array
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    return (array.astype(np.uint32) << 16).view(np.float32)  # bfloat16 is the front of a float32


def numpy_dtype(name: str) -> np.dtype:
    """Raises ValueError for a type that neither NumPy nor ml_dtypes has here."""
    try:
        return np.dtype(name)
    except TypeError:
        pass
    try:
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))
    except (ImportError, AttributeError) as error:
        raise ValueError(f"NumPy has {name} with the package ml_dtypes: pip install ml_dtypes") from error
