"""A network as the readers of all formats hand it over."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

Activation = str | dict[str, list[float | None]]
Extents = list[int | None]
Pairs = list[tuple[int, int]]


@dataclasses.dataclass
class Node:
    """One step. Constants are no inputs. Axes of tensors count from 0; -1 is the last."""

    kind: str
    """`"depthwise"`; `"conv"`, any other convolution or matrix product; `"bias"`, numbers are added, and `"norm"`, values
    are scaled and shifted, by one number or one for each index of `axis`; `"activation"`; `"pad"` (zeros) and `"slice"`
    (the ends are cut off); `"transpose"`; `"reshape"`; `"to_batch"` and `"from_batch"`, the blocks of SpaceToBatch;
    `"none"`, the tensor as it is; `"shape"`, of which values are not read; or `"other"`."""
    name: str
    operation: str
    """The format's own name of the operation, for people."""
    inputs: list[str]
    outputs: list[str]
    kernel: list[int] = dataclasses.field(default_factory=list)
    """Taps along each spatial axis; of a matrix product none."""
    strides: list[int] = dataclasses.field(default_factory=list)
    dilation: list[int] = dataclasses.field(default_factory=list)
    padding: str | Pairs = "valid"
    """Of convolutions: `"valid"`, `"same"`, `"same_lower"` (the odd zero in front), or pairs (before, after), one a spatial axis."""
    pairs: Pairs = dataclasses.field(default_factory=list)
    """What is added at the ends of each axis of the tensor by `"pad"` and `"to_batch"`, or cut off by `"slice"` and
    `"from_batch"`."""
    block: list[int] = dataclasses.field(default_factory=list)
    """Of `"to_batch"` and `"from_batch"`, for each axis of the tensor; 1 where it is whole."""
    permutation: list[int] = dataclasses.field(default_factory=list)
    axis: int | None = None
    """Of convolutions, biases and normalisations: that of the channels. None: one number for all values."""
    cin: int = 0
    cout: int = 0
    multiplier: int = 1
    groups: int = 1
    bias: bool = False
    activation: Activation = "none"
    formula: Callable[..., Any] | None = None
    """Of what computes each value from those at the same place: its output from arrays of its inputs, in float64."""
    dtype: str = "float32"
    """Of depthwise convolutions: what is computed in; `"int8"` and the like where it is quantised."""


class Left(NamedTuple):
    """A depthwise convolution that is not among the layers, and why: the end of a sentence about it."""

    name: str
    reason: str


@dataclasses.dataclass
class Graph:
    nodes: list[Node]
    """In an order in which they can be computed."""
    shapes: dict[str, Extents]
    """Of tensors, where they are known: all axes, with None for an extent that is not."""
    outputs: set[str]
    inputs: dict[str, Extents]
    """The model's own, by the names that people know."""
    hidden: list[Left] = dataclasses.field(default_factory=list)
    """Depthwise convolutions where a reader cannot see what stands around them."""


def clamp(lo: float | None, hi: float | None) -> Activation:
    """A clamp, by its name if it has one."""
    if lo == 0 and hi is None:
        return "relu"
    if lo == 0 and hi == 6:
        return "relu6"
    return "none" if lo is None and hi is None else {"clamp": [lo, hi]}
