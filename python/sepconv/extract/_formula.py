"""Activations that a format writes as several operations, recognised by what they compute."""

import functools
from typing import Any

import numpy as np

from sepconv_layers.activations import TABLE

from ._graph import Activation, Node, clamp

_LONGEST = 12  # operations; exporters write the tanh form of GELU in eight or nine
_POINTS = np.concatenate([np.linspace(-12, 12, 481), np.array([-1e4, -100.0, 100.0, 1e4])])
_TOLERANCE = 1e-5  # relative to max(1, |x|): constants are float32, such as 1/6; the two forms of GELU differ by 5e-4


def recognise(tensor: str, readers: dict[str, list[Node]], kept: set[str]) -> Node | None:
    """The operations that start at the tensor and come to one activation, as one node: as many of them as possible. `kept` are
    tensors that others need, too."""
    first = readers[tensor][0]
    behind = [node for name in first.outputs for node in readers.get(name, [])]
    if len(readers[tensor]) == 1 and first.kind != "other" and not any(n.kind == "other" and n.formula for n in behind):
        return None  # one operation that is known by its name
    values: dict[str, Any] = {tensor: _POINTS}
    inside: list[Node] = []
    best = None
    while len(inside) < _LONGEST:
        following = _ready(values, inside, readers)
        if following is None:
            break
        with np.errstate(all="ignore"):
            try:
                result = following.formula(*(values[name] for name in following.inputs))
            except Exception:  # noqa: BLE001 - of the format's library: not an operation on these numbers
                break
        inside.append(following)
        values[following.outputs[0]] = np.asarray(result, np.float64)
        ends = [
            node.outputs[0]
            for node in inside
            if node.outputs[0] in kept or any(r not in inside for r in readers.get(node.outputs[0], []))
        ]
        closed = all(reader in inside for reader in readers[tensor]) and tensor not in kept
        if not closed or ends not in ([], [following.outputs[0]]):
            continue
        word = _word(values[following.outputs[0]])
        if word is not None:
            name = " + ".join(node.operation for node in inside)
            kind = "none" if word == "none" else "activation"
            best = Node(kind, following.name, name, [tensor], following.outputs, activation=word)
    return best


def _ready(values: dict[str, Any], inside: list[Node], readers: dict[str, list[Node]]) -> Node | None:
    for name in values:
        for node in readers.get(name, []):
            if node.formula is not None and node not in inside and all(i in values for i in node.inputs):
                return node
    return None


def _word(values: np.ndarray) -> Activation | None:
    if values.shape != _POINTS.shape:
        return None
    for word, expected in _expected().items():
        if _close(values, expected):
            return word
    lo, hi = (float(bound) for bound in (values.min(), values.max()))
    bounds = None if lo <= _POINTS.min() else lo, None if hi >= _POINTS.max() else hi
    return clamp(*bounds) if _close(values, TABLE["clamp"].numpy(np, _POINTS, *bounds)) else None


@functools.cache
def _expected() -> dict[str, np.ndarray]:
    with np.errstate(all="ignore"):
        return {word: entry.numpy(np, _POINTS) for word, entry in TABLE.items() if word != "clamp"}


def _close(values: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.all(np.abs(values - expected) <= _TOLERANCE * np.maximum(1, np.abs(_POINTS))))
