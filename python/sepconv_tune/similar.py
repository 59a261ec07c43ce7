"""How alike layers are, by what the names of their variants fix, and what follows: where a search may start, and which layers stand for
many."""

import math
from collections.abc import Iterable

from .database import Database, Record
from .library import Name, names
from .toolchain import Toolchain

_WEIGHTS = {"kernel": 2, "stride": 3, "dilation": 2, "multiplier": 3, "in_channels": 1, "out_channels": 1, "extent": 1}
"""What a factor of two counts for. Stride and multiplier change what a schedule has to do, channels and extents how often."""
_NEAR = 4.0
"""Layers nearer than this to one that was searched are left to its record: four factors of two in channels or extents."""


def distance(a: Name, b: Name) -> float | None:
    """How different two layers are; None where a record of one says nothing about the other."""
    if (a.rank, a.types, a.channels_first) != (b.rank, b.types, b.channels_first):
        return None
    away = 0.0
    for key, weight in _WEIGHTS.items():
        pairs = list(zip(_axes(getattr(a, key)), _axes(getattr(b, key)), strict=True))
        if 0 in (x for pair in pairs for x in pair):
            return None
        away += weight * sum(abs(math.log2(x / y)) for x, y in pairs) / len(pairs)
    return away


def nearest(tools: Toolchain, database: Database, variant: str, cpu: str, count: int) -> list[tuple[str, Record]]:
    """Records of the most similar layers, the nearest first, `variant` itself left out."""
    parts = names(tools, [variant, *database.records])
    away = {other: distance(parts[variant], parts[other]) for other in database.records if other != variant}
    known = sorted((d, other) for other, d in away.items() if d is not None)[:count]
    return [(other, database.record(other, cpu)) for _, other in known]


def typical(layers: Iterable[Name], count: int) -> list[Name]:
    """A few such that all are as near to one of them as can be, chosen one after the other."""
    layers, chosen = list(layers), []
    nearest_of = dict.fromkeys(layers, math.inf)
    for _ in range(min(count, len(layers))):
        away = {
            layer: {other: min(d, distance(layer, other) or 0.0) for other, d in nearest_of.items()} for layer in layers
        }
        chosen.append(min(layers, key=lambda layer: sum(away[layer].values())))
        nearest_of = away[chosen[-1]]
    return chosen


def representatives(layers: Iterable[Name]) -> list[Name]:
    """The first ones such that every other one is near one of them."""
    chosen: list[Name] = []
    for layer in layers:
        away = (distance(layer, other) for other in chosen)
        if not any(d is not None and d < _NEAR for d in away):
            chosen.append(layer)
    return chosen


def _axes(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)
