"""Types of arguments."""

from collections.abc import Sequence

Axes = int | Sequence[int]
Padding = str | Sequence[tuple[int, int]]
Activation = str | tuple[float | None, float | None] | None
