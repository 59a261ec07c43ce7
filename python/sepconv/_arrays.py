"""What the compiled module gives, as NumPy's users have it."""

from typing import Any

import numpy as np


def like(result: np.ndarray, inputs: Any) -> np.ndarray:
    """The result in the dtype of the inputs: the compiled module gives a type that NumPy does not have, such as bfloat16, as
    unsigned integers."""
    return result if result.dtype.kind != "u" else result.view(inputs.dtype)


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
