"""A network as the readers of all formats hand it over."""

import dataclasses
from typing import Any

Activation = str | dict[str, list[float | None]]


@dataclasses.dataclass
class Node:
    """One step. Weights are no inputs."""

    kind: str
    """`"depthwise"`, `"conv"`, `"bias"` (a number a channel is added), `"norm"` (each channel is scaled and shifted),
    `"activation"`, `"pad"` (zeros around the spatial axes), `"none"` (nothing that matters here, such as a transpose
    that the layout needs), or `"other"`."""
    name: str
    operation: str
    """The format's own name of the operation, for people."""
    inputs: list[str]
    outputs: list[str]
    kernel: list[int] = dataclasses.field(default_factory=list)
    strides: list[int] = dataclasses.field(default_factory=list)
    dilation: list[int] = dataclasses.field(default_factory=list)
    padding: Any = "valid"
    """Of convolutions and `"pad"`: `"valid"`, `"same"`, or pairs (before, after)."""
    cin: int = 0
    cout: int = 0
    multiplier: int = 1
    groups: int = 1
    bias: bool = False
    activation: Activation = "none"


@dataclasses.dataclass
class Graph:
    nodes: list[Node]
    """In an order in which they can be computed."""
    spatial: dict[str, list[int | None]]
    """Extents of tensors, without batch and channels, where they are known."""
    outputs: set[str]
    data_format: str
    dtype: str
    source: str


def clamp(lo: float | None, hi: float | None) -> Activation:
    """A clamp, by its name if it has one."""
    if lo == 0 and hi is None:
        return "relu"
    if lo == 0 and hi == 6:
        return "relu6"
    return {"clamp": [lo, hi]}
