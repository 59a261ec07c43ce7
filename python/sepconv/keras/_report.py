"""What of a model is fused, and what is not, and why."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras

from ._find import find_separable, is_candidate
from ._fused import FusedSeparableConv
from ._graph import Graph, call_of, is_functional, is_plain


class Replacement(NamedTuple):
    """A fused layer, and the layers whose place it takes."""

    name: str
    replaces: tuple[str, ...]


class Left(NamedTuple):
    """A separable or depthwise convolution that Keras computes, and why: the end of a sentence about it."""

    name: str
    reason: str


class Report(list[Replacement]):
    """What `optimize` replaced; `alone`, why some of these are no more than a depthwise convolution; and `left`, what was not
    replaced; shown, one line a layer."""

    def __init__(self, replaced: list[Replacement], alone: list[Left], left: list[Left]) -> None:
        super().__init__(replaced)
        self.alone, self.left = alone, left

    def __str__(self) -> str:
        width = max((len(entry.name) for entry in (*self, *self.left)), default=0)
        alone = {name: f" (alone: it {reason})" for name, reason in self.alone}
        lines = [f"{r.name:{width}}  {' + '.join(r.replaces)}{alone.get(r.name, '')}" for r in self]
        lines += [f"{entry.name:{width}}  not replaced: it {entry.reason}" for entry in self.left]
        return "\n".join(lines) or "no separable layers were found"

    __repr__ = __str__  # in a notebook, too


def report(model: keras.Model) -> Report:
    """The fused layers of this model and what they replace, and the layers that could not be fused: a list of
    `Replacement`, with lists of `Left` as its attributes `alone` and `left`. It is shown as a table."""
    replaced, alone, left = [], [], []
    for layer, reason in _layers(model, set()):
        if isinstance(layer, FusedSeparableConv):
            replaced.append(Replacement(layer.name, layer.replaces))
            if layer.alone:
                alone.append(Left(layer.name, layer.alone))
        else:
            left.append(Left(layer.name, reason))
    return Report(replaced, alone, left)


def _layers(outer: keras.layers.Layer, seen: set[int], why: str = "") -> Iterator[tuple[Any, str]]:
    """The fused layers and the candidates of a model, of chains and of models inside, in their order, each once; `why` these
    are left, if all of them are for the same reason."""
    reasons: dict[str, str] = {}
    inside: dict[int, str] = {}  # of models that are called in an unusual way
    if is_functional(outer):
        graph = Graph(outer._functional if isinstance(outer, keras.Sequential) else outer)
        separable, reasons = find_separable(graph)
        reasons |= {found.convolution.name: f"waits for optimize({outer.name})" for found in separable}
        inside = {id(node.operation): f"is a part of {call_of(node)}" for node in graph.nodes if not is_plain(node)}
    for layer in outer._flatten_layers(include_self=False, recursive=False):
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        if isinstance(layer, FusedSeparableConv):
            yield layer, ""
        elif is_candidate(layer):
            yield layer, why or reasons.get(layer.name, f"is a part of {outer.name}, which optimize cannot see into")
        else:
            yield from _layers(layer, seen, why or inside.get(id(layer), ""))
