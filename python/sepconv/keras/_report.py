"""What of a model is fused, and what is not, and why."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
from keras.src.models.functional import Functional

from ._find import find_separable, is_candidate
from ._fused import FusedSeparableConv
from ._graph import Graph


class Replacement(NamedTuple):
    """A fused layer, and the layers whose place it takes."""

    name: str
    replaces: tuple[str, ...]


class Left(NamedTuple):
    """A separable or depthwise convolution that Keras computes, and why: the end of a sentence about it."""

    name: str
    reason: str


class Report(list[Replacement]):
    """What `optimize` replaced, and `left`, what it did not; shown, one line a layer."""

    def __init__(self, replaced: list[Replacement], left: list[Left]) -> None:
        super().__init__(replaced)
        self.left = left

    def __str__(self) -> str:
        width = max((len(entry.name) for entry in (*self, *self.left)), default=0)
        lines = [f"{r.name:{width}}  {' + '.join(r.replaces)}" for r in self]
        lines += [f"{entry.name:{width}}  not replaced: it {entry.reason}" for entry in self.left]
        return "\n".join(lines) or "no separable layers were found"

    __repr__ = __str__  # in a notebook, too


def report(model: keras.Model) -> Report:
    """The fused layers of this model and what they replace, and the layers that could not be fused: a list of
    `Replacement`, with a list of `Left` as its attribute `left`. It is shown as a table."""
    replaced, left = [], []
    for layer, reason in _layers(model, set()):
        if isinstance(layer, FusedSeparableConv):
            replaced.append(Replacement(layer.name, layer.replaces))
        else:
            left.append(Left(layer.name, reason))
    return Report(replaced, left)


def _layers(outer: keras.layers.Layer, seen: set[int]) -> Iterator[tuple[Any, str]]:
    """The fused layers and the candidates of a model, of chains and of models inside, in their order, each once."""
    functional = outer._functional if isinstance(outer, keras.Sequential) and outer.built else outer
    reasons: dict[str, str] = {}
    if isinstance(functional, Functional):
        separable, reasons = find_separable(Graph(functional))
        reasons |= {found.convolution.name: f"waits for optimize({outer.name})" for found in separable}
    for layer in outer._flatten_layers(include_self=False, recursive=False):
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        if isinstance(layer, FusedSeparableConv):
            yield layer, ""
        elif is_candidate(layer):
            yield layer, reasons.get(layer.name, f"is a part of {outer.name}, which optimize cannot see into")
        else:
            yield from _layers(layer, seen)
