"""What is found in a model: nodes of its graph that one layer computes."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass
class Separable:
    """Nodes that one fused layer computes, with its weights."""

    nodes: list[Any]
    """The first takes the fused layer's input, the last has its output."""
    convolution: Any
    """The layer with the depthwise kernel; with the pointwise one, if that stage is alone."""
    depthwise_kernel: np.ndarray | None
    pointwise_kernel: np.ndarray | None
    mid_bias: np.ndarray | None
    out_bias: np.ndarray | None
    mid_activation: Any
    out_activation: Any
    padding: Any
    input_activation: Any = "none"
    alone: str = ""
    """Of a depthwise stage alone: why there is no pointwise one, the end of a sentence about the convolution."""

    @property
    def layers(self) -> list[Any]:
        return [node.operation for node in self.nodes]


@dataclasses.dataclass
class Chain:
    """Separable layers of which each reads nothing but the one before it, and nothing else does."""

    links: list[Separable]

    @property
    def nodes(self) -> list[Any]:
        """The first takes the chain's input, the last has its output."""
        return [node for link in self.links for node in link.nodes]


@dataclasses.dataclass
class Fold:
    """Another convolution, and the batch normalisation behind it."""

    nodes: list[Any]
    kernel: np.ndarray
    bias: np.ndarray
