"""What constants do to a tensor."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from ._graph import Extents, Pairs

SEVERAL: Final = -1
"""Of `varying`: no single axis, or none that is known."""


def varying(constant: Sequence[int | None], shape: Extents | None) -> int | None:
    """The only axis of a tensor along which a constant that is broadcast to it has different numbers; None for one number."""
    if all(n == 1 for n in constant):
        return None
    if shape is None or len(constant) > len(shape):
        return SEVERAL
    axes = [i for i, n in enumerate(constant, len(shape) - len(constant)) if n != 1]
    return axes[0] if len(axes) == 1 else SEVERAL


def with_constants(function: Callable[..., Any], constants: Sequence[np.ndarray | None]) -> Callable[..., Any] | None:
    """The function of the arguments that are no constants; None where a constant is more than one number."""
    if any(c is not None and c.size != 1 for c in constants):
        return None
    fixed = [None if c is None else np.float64(c.reshape(-1)[0]) for c in constants]

    def formula(*arrays: Any) -> Any:
        variable = iter(arrays)
        return function(*(next(variable) if c is None else c for c in fixed))

    return formula


def cuts(shape: Extents | None, begin: Sequence[int], ends: Sequence[int | None]) -> Pairs | None:
    """What a slice with steps of 1 takes from the ends of each axis; None where that is not known. An end of None is that of the
    axis, a negative begin or end counts from there."""
    if shape is None or len(begin) != len(shape) or len(ends) != len(shape):
        return None
    pairs = []
    for extent, first, last in zip(shape, begin, ends, strict=True):
        if first < 0:
            if extent is None:
                return None
            first = max(first + extent, 0)
        if last is None or (extent is not None and last >= extent):
            after = 0
        elif last < 0:
            after = -last
        elif extent is None:
            return None
        else:
            after = extent - last
        pairs.append((first, after))
    return pairs
