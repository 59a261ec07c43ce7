"""Ways through a graph, from a convolution to what belongs to it."""

import dataclasses
from typing import Any

from . import _axes
from ._axes import Labels
from ._formula import recognise
from ._graph import Graph, Node

_THROUGH = ("none", "transpose", "reshape")


@dataclasses.dataclass
class Stage:
    """What follows one stage and belongs to it, and where it ends."""

    tensor: str
    labels: Labels | None
    bias: bool
    activation: Any
    cuts: dict[int, tuple[int, int]] = dataclasses.field(default_factory=dict)
    """Elements that a slice takes from the ends of each spatial axis of the output."""
    block: dict[int, int] = dataclasses.field(default_factory=dict)
    """Of BatchToSpace."""


@dataclasses.dataclass
class Front:
    """What stands in front of a depthwise convolution and belongs to it, and the tensor that it then reads."""

    tensor: str
    labels: Labels
    pads: dict[int, tuple[int, int]] = dataclasses.field(default_factory=dict)
    block: dict[int, int] = dataclasses.field(default_factory=dict)
    """Of SpaceToBatch."""


def _added(one: dict[int, tuple[int, int]], other: dict[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    ends = {axis: (*one.get(axis, (0, 0)), *other.get(axis, (0, 0))) for axis in one | other}
    return {axis: (a + c, b + d) for axis, (a, b, c, d) in ends.items()}


class Ways:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.readers: dict[str, list[Node]] = {}
        self.writers: dict[str, Node] = {}
        self.recognised: dict[str, Node | None] = {}
        for node in graph.nodes:
            for name in () if node.kind == "shape" else dict.fromkeys(node.inputs):
                self.readers.setdefault(name, []).append(node)
            for name in node.outputs:
                self.writers[name] = node

    def next(self, tensor: str, labels: Labels | None) -> tuple[Node | None, str, Labels | None]:
        """What alone reads the tensor, as it is or with its axes in another order; and the tensor that it reads."""
        while labels is not None and tensor not in self.graph.outputs:
            readers = self.readers.get(tensor, [])
            if tensor not in self.recognised:
                self.recognised[tensor] = recognise(tensor, self.readers, self.graph.outputs) if readers else None
            node = self.recognised[tensor]
            if node is None and len(readers) == 1:
                node = readers[0]
            if node is None or node.kind not in _THROUGH or len(node.outputs) != 1:
                return node, tensor, labels
            tensor, labels = node.outputs[0], _axes.behind(node, labels, self.graph.shapes)
        return None, tensor, labels

    def follow(self, convolution: Node, labels: Labels, cut: bool, linear_behind: bool) -> tuple[Stage, Stage]:
        """Takes in biases, normalisations, one activation, cuts (if `cut`) and the end of a dilation: the stage, and the same
        with the biases and normalisations behind the activation, which belong to a linear stage that reads them."""
        stage = Stage(convolution.outputs[0], labels, convolution.bias, convolution.activation)
        longer = stage
        while True:
            node, _, here = self.next(longer.tensor, longer.labels)
            if node is None or here is None:
                break
            grown = dataclasses.replace(longer, tensor=node.outputs[0], labels=here) if node.outputs else longer
            if node.kind in ("bias", "norm") and (node.axis is None or here[node.axis] == "channels"):
                if longer.activation != "none" and not linear_behind:
                    break
                grown.bias = longer.bias or longer.activation == "none"
                if longer.activation != "none":
                    longer = grown
                    continue
            elif node.kind == "activation" and longer.activation == "none":
                grown.activation = node.activation
            elif node.kind == "slice" and cut and (cuts := _axes.by_axis(node.pairs, here)) is not None:
                grown.cuts = _added(longer.cuts, cuts)
            elif node.kind == "from_batch" and cut and not longer.block:
                crops = _axes.by_axis(node.pairs, here)
                if crops is None:
                    break
                grown.cuts = _added(longer.cuts, crops)
                grown.block = blocks(node, here)
            else:
                break
            if longer is stage:
                stage = grown
            longer = grown
        return stage, longer

    def front(self, depthwise: Node) -> Front:
        """Zero padding and the begin of a dilation in front of a depthwise convolution, where it alone reads them."""
        front = Front(depthwise.inputs[0], _axes.of_convolution(depthwise))
        tensor, labels = front.tensor, front.labels
        while True:
            node = self.writers.get(tensor)
            if node is None or not node.inputs or len(self.readers[tensor]) != 1 or tensor in self.graph.outputs:
                return front
            if node.kind in ("pad", "to_batch"):
                pads = _axes.by_axis(node.pairs, labels)
                if pads is None or min((n for pair in pads.values() for n in pair), default=0) < 0:
                    return front
                if node.kind == "to_batch" and (front.block or front.pads):
                    return front
                block = blocks(node, labels) if node.kind == "to_batch" else front.block
                front = Front(node.inputs[0], labels, _added(front.pads, pads), block)
            elif node.kind not in _THROUGH:
                return front
            known = _axes.before(node, labels, self.graph.shapes)
            if known is None:
                return front
            tensor, labels = node.inputs[0], known

    def inserted(self, depthwise: Node) -> set[int]:
        """The spatial axes that the network put in between, as those of 1-D layers that a format computes in two dimensions."""
        tensor, labels = depthwise.inputs[0], _axes.of_convolution(depthwise)
        while (node := self.writers.get(tensor)) is not None and node.inputs:
            if node.kind in ("conv", "depthwise") and len(node.kernel) == len(depthwise.kernel):
                labels = _axes.of_convolution(node)
            known = _axes.before(node, labels, self.graph.shapes)
            if known is None:
                break
            gone = {label for label in labels if isinstance(label, int) and label not in known}
            if gone:
                return gone
            tensor, labels = node.inputs[0], known
        return set()

    def writer(self, tensor: str) -> str:
        """What a tensor comes from, for people."""
        node = self.writers.get(tensor)
        return "" if node is None else f": what {node.name} ({node.operation}) gives"

    def names(self, tensor: str) -> str:
        """Who reads a tensor, for people."""
        names = [f"{node.name} ({node.operation})" for node in self.readers.get(tensor, [])]
        if tensor in self.graph.outputs:
            names.append("an output of the model")
        return " and ".join(names) or "nothing"


def blocks(node: Node, labels: Labels) -> dict[int, int]:
    return {label: b for label, b in zip(labels, node.block, strict=True) if isinstance(label, int) and b != 1}
