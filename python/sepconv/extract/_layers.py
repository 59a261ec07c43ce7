"""From a graph to its separable layers."""

import dataclasses
import json
import re
from typing import Any

from sepconv_layers import BYTES, axis_padding

from . import _axes
from ._axes import Labels
from ._follow import Front, Stage, Ways
from ._graph import Graph, Left, Node

_FARTHEST = 16  # operations between the two stages of one layer; a squeeze-and-excite block has about ten


@dataclasses.dataclass
class Found:
    """A separable layer, and the tensors between which it lies."""

    fields: dict[str, Any]
    """Its keys in a layer file; without `source`."""
    input: str
    output: str


def find_layers(graph: Graph, network: str) -> tuple[list[Found], list[Left]]:
    """The layers, and the depthwise convolutions that are not among them; both in the graph's order."""
    finder, names = _Finder(graph), set()
    found, left = [], [Left(line(f"{network}/{name}"), reason) for name, reason in graph.hidden]
    for node in graph.nodes:
        name = line(f"{network}/{node.name}")
        if node.kind == "depthwise":
            layer = finder.layer(node)
        elif node.kind == "conv" and node.cin == 1 and node.groups == 1 and any(k > 1 for k in node.kernel):
            # Of one channel every convolution is depthwise; where none that is pointwise follows, it is an ordinary one.
            layer = finder.layer(dataclasses.replace(node, multiplier=node.cout), alone=False)
        else:
            continue
        if isinstance(layer, Found):
            layer.fields["name"] = _unlike(name, names)
            found.append(layer)
        elif layer:
            left.append(Left(name, layer))
    return found, left


def merge(found: list[Found], source: str) -> list[dict[str, Any]]:
    """Layers of one shape once, with their number."""
    merged: dict[str, dict[str, Any]] = {}
    for layer in found:
        shape = json.dumps({key: value for key, value in layer.fields.items() if key != "name"})
        if shape in merged:
            merged[shape]["repeat"] = merged[shape].get("repeat", 1) + 1
        else:
            merged[shape] = layer.fields | {"source": source}
    return list(merged.values())


def line(text: str) -> str:
    """The text as a layer file's names may be: other characters as "_", and the end of what is too long, by which it differs from
    its neighbours."""
    return re.sub("[^ -~]", "_", text)[-256:] or "_"


def _unlike(name: str, taken: set[str]) -> str:
    """The name, which is then taken; with a number where it is already, as for a layer that is called twice."""
    number, unlike = 1, name
    while unlike in taken:
        number += 1
        unlike = f"{name[-248:]}:{number}"
    taken.add(unlike)
    return unlike


class _Finder:
    def __init__(self, graph: Graph) -> None:
        self.graph, self.ways = graph, Ways(graph)

    def layer(self, depthwise: Node, alone: bool = True) -> Found | str:
        """The layer that begins with this convolution; or why there is none, for people. Without `alone`, "" where no pointwise
        convolution follows at once."""
        if depthwise.dtype not in BYTES:
            return (
                f"is quantised ({depthwise.dtype}); layer files do not describe that yet: extract the model from before"
            )
        labels = _axes.of_convolution(depthwise)
        front = self.ways.front(depthwise)
        # Cuts belong to the layer if they only take away padding.
        for cut in (True, False):
            stage, longer = self.ways.follow(depthwise, labels, cut, linear_behind=True)
            pointwise, between, after = None, [], False
            following, _, here = self.ways.next(longer.tensor, longer.labels)
            if following is not None and _is_pointwise(following, here, depthwise.cin * depthwise.multiplier):
                pointwise, after, stage = following, longer is not stage, longer
            elif alone:
                pointwise, here, between = self.farther(stage, depthwise.cin * depthwise.multiplier)
            if pointwise is None:
                continue
            out, _ = self.ways.follow(pointwise, here, cut, linear_behind=False)
            fields = self.fields(depthwise, front, stage, out)
            if isinstance(fields, str):
                reason = fields
                continue
            for key, bias, activation in (
                ("mid", stage.bias, stage.activation),
                ("out", out.bias or after, out.activation),
            ):
                fields |= {f"{key}_bias": True} if bias else {}
                fields |= {f"{key}_activation": activation} if activation != "none" else {}
            fields["cout"] = pointwise.cout
            if between:
                fields |= {"fusable": False, "between": line(", ".join(between))}
            return Found(fields, front.tensor, out.tensor)
        if pointwise is not None:
            return reason
        return f"needs a pointwise convolution behind it; behind it is {self.ways.names(stage.tensor)}" if alone else ""

    def fields(self, depthwise: Node, front: Front, stage: Stage, out: Stage) -> dict[str, Any] | str:
        """The keys of a layer file that say its geometry; or why there are none."""
        rank = len(depthwise.kernel)
        strides, dilation, padding = depthwise.strides, list(depthwise.dilation), depthwise.padding
        block = stage.block or out.block
        if block or front.block:
            plain = strides == dilation == [1] * rank and padding in ("valid", [(0, 0)] * rank)
            if block != front.block or not plain:
                return "lies between SpaceToBatch and BatchToSpace, which is not the dilation of one layer"
            dilation = [front.block.get(axis, 1) for axis in range(rank)]
        if front.pads and padding in ("same", "same_lower"):
            front = Front(depthwise.inputs[0], _axes.of_convolution(depthwise))
        shape = self.graph.shapes.get(front.tensor)
        known = shape is not None and len(shape) == len(front.labels)
        spatial = [(shape[front.labels.index(i)] if i in front.labels else 1) for i in range(rank)] if known else [None]
        if None in spatial:
            return f"reads a tensor whose extents are not known{self.ways.writer(front.tensor)}"
        cuts = {
            axis: tuple(a + b for a, b in zip(stage.cuts.get(axis, (0, 0)), out.cuts.get(axis, (0, 0)), strict=True))
            for axis in range(rank)
        }
        axes = list(zip(spatial, depthwise.kernel, strides, dilation, strict=True))
        if front.pads or any(map(any, cuts.values())):
            own = _pairs(padding, axes)
            padding = [
                (a + front.pads.get(i, (0, 0))[0] - s * cuts[i][0], b + front.pads.get(i, (0, 0))[1] - s * cuts[i][1])
                for i, ((a, b), s) in enumerate(zip(own, strides, strict=True))
            ]
            if min(map(min, padding)) < 0:
                return "is cut by more than its padding"
        padding = _pairs(padding, axes) if padding == "same_lower" or not isinstance(padding, str) else padding
        if not isinstance(padding, str) and min(map(min, padding)) < 0:
            return f"has a negative padding, {padding}"
        gone = self.ways.inserted(depthwise)
        kept = [i for i in range(rank) if i not in gone or not self.is_unit(axes[i], padding, i)] or [0]
        spatial, kernel, strides, dilation = ([axes[i][key] for i in kept] for key in range(4))
        if not isinstance(padding, str):
            padding = _name([padding[i] for i in kept], list(zip(spatial, kernel, strides, dilation, strict=True)))
        fields = {"name": depthwise.name, "spatial": spatial, "cin": depthwise.cin}
        fields |= {} if depthwise.multiplier == 1 else {"mult": depthwise.multiplier}
        fields |= {"cout": 0, "kernel": kernel, "strides": strides, "dilation": dilation, "padding": padding}
        data_format = "channels_first" if depthwise.axis == 1 else "channels_last"
        return fields | {"data_format": data_format, "dtype": depthwise.dtype}

    @staticmethod
    def is_unit(axis: tuple[int, int, int, int], padding: Any, index: int) -> bool:
        """Whether nothing happens along an axis."""
        extent, taps, _, _ = axis
        return extent == taps == 1 and (isinstance(padding, str) or not any(padding[index]))

    def farther(self, stage: Stage, channels: int) -> tuple[Node | None, Labels | None, list[str]]:
        """The pointwise convolution behind other operations, at the same extents: the way there that is the shortest."""
        extents = _axes.extents(self.graph.shapes.get(stage.tensor), stage.labels)
        ways: list[tuple[str, Labels | None, list[str]]] = [(stage.tensor, stage.labels, [])]
        seen = set()
        while ways:
            tensor, labels, passed = ways.pop(0)
            shape = self.graph.shapes.get(tensor)
            for reader in self.ways.readers.get(tensor, []):
                # Behind what mixes the axes, a convolution says what they are.
                own = _axes.of_convolution(reader) if labels is None and reader.kernel else labels
                same = own is not None and _axes.extents(shape, own) == extents
                if same and _is_pointwise(reader, own, channels):
                    # Without anything on the way, what the stages would keep to themselves is needed elsewhere.
                    return reader, own, passed or [f"a tensor that is read by {self.ways.names(stage.tensor)}"]
                stop = reader.kind in ("depthwise", "conv") and same
                if id(reader) in seen or stop or len(passed) >= _FARTHEST:
                    continue
                seen.add(id(reader))
                behind = None if labels is None else _axes.behind(reader, labels, self.graph.shapes)
                moved = behind is not None and reader.kind in ("none", "transpose", "reshape")
                through = passed if moved else [*passed, reader.operation]
                ways += [(name, behind, through) for name in reader.outputs]
        return None, None, []


def _is_pointwise(node: Node, labels: Labels | None, channels: int) -> bool:
    return (
        node.kind == "conv"
        and labels is not None
        and node.groups == 1
        and node.cin == channels
        and labels[node.axis] == "channels"
        and (labels[0] == "batch" or isinstance(labels[0], tuple))
        and all(k == 1 for k in node.kernel)
        and all(s == 1 for s in node.strides)
        and (isinstance(node.padding, str) or not any(map(any, node.padding)))
    )


def _pairs(padding: Any, axes: list[tuple[int, int, int, int]]) -> list[tuple[int, int]]:
    """Padding as pairs (before, after), one an axis."""
    if padding == "same_lower":
        return [axis_padding("same", *axis)[::-1] for axis in axes]
    return [axis_padding(padding, *axis) for axis in axes] if isinstance(padding, str) else [tuple(p) for p in padding]


def _name(pairs: list[tuple[int, int]], axes: list[tuple[int, int, int, int]]) -> Any:
    """Explicit padding by its name where it has one for these extents."""
    for name in ("valid", "same", *(["causal"] if len(pairs) == 1 else [])):
        if pairs == [axis_padding(name, *axis) for axis in axes]:
            return name
    return {"before": [before for before, _ in pairs], "after": [after for _, after in pairs]}
