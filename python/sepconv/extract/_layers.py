"""From a graph to its separable layers."""

import json
import re
from typing import Any

from sepconv_layers import axis_padding

from ._graph import Graph, Node

_FARTHEST = 16  # operations between the two stages of one layer; a squeeze-and-excite block has about ten


def find_layers(graph: Graph, network: str) -> list[dict[str, Any]]:
    """The layers in the graph's order, those of one shape once."""
    readers: dict[str, list[Node]] = {}
    writers: dict[str, Node] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
        for name in node.outputs:
            writers[name] = node
    finder = _Finder(graph, readers, writers)
    merged: dict[str, dict[str, Any]] = {}
    for node in graph.nodes:
        if node.kind != "depthwise" or (layer := finder.layer(node)) is None:
            continue
        layer["name"] = _line(f"{network}/{node.name}")
        shape = json.dumps({key: value for key, value in layer.items() if key != "name"})
        if shape in merged:
            merged[shape]["repeat"] = merged[shape].get("repeat", 1) + 1
        else:
            merged[shape] = layer | {"source": graph.source}
    return list(merged.values())


def _line(text: str) -> str:
    """The text as a layer file's names may be: other characters as "_", and the end of what is too long, by which it differs from
    its neighbours."""
    return re.sub("[^ -~]", "_", text)[-256:] or "_"


class _Finder:
    def __init__(self, graph: Graph, readers: dict[str, list[Node]], writers: dict[str, Node]) -> None:
        self.graph, self.readers, self.writers = graph, readers, writers

    def next(self, node: Node) -> Node | None:
        """The only reader of the node's only output."""
        while True:
            if len(node.outputs) != 1 or node.outputs[0] in self.graph.outputs:
                return None
            readers = self.readers.get(node.outputs[0], [])
            if len(readers) != 1:
                return self._swish(readers)
            if readers[0].kind != "none":
                return readers[0]
            node = readers[0]

    @staticmethod
    def _swish(readers: list[Node]) -> Node | None:
        """x * sigmoid(x), where a format has no single operation for it, as one node."""
        if len(readers) != 2:
            return None
        sigmoid, product = sorted(readers, key=lambda n: n.activation != "sigmoid")
        if sigmoid.activation != "sigmoid" or product.operation.lower() not in ("mul", "multiply"):
            return None
        if set(product.inputs) != {*sigmoid.inputs, *sigmoid.outputs}:
            return None
        return Node("activation", product.name, "Swish", sigmoid.inputs, product.outputs, activation="swish")

    def follow(self, node: Node, bias: bool, activation: Any) -> tuple[Node, bool, Any]:
        """Takes in biases, normalisations and one activation that follow: the last node, and what they come to."""
        while activation == "none":
            following = self.next(node)
            if following is None or following.kind not in ("bias", "norm", "activation"):
                break
            bias = bias or following.kind != "activation"
            if following.kind == "activation":
                activation = following.activation
            node = following
        return node, bias, activation

    def layer(self, depthwise: Node) -> dict[str, Any] | None:
        last, mid_bias, mid_activation = self.follow(depthwise, depthwise.bias, depthwise.activation)
        channels = depthwise.cin * depthwise.multiplier
        pointwise = self.next(last)
        between: list[str] = []
        if pointwise is None or not _is_pointwise(pointwise, channels):
            pointwise, between = self.farther(last, channels)
        if pointwise is None:
            return None
        _, out_bias, out_activation = self.follow(pointwise, pointwise.bias, pointwise.activation)
        padding, source = self.padding(depthwise)
        spatial = self.graph.spatial.get(source)
        if spatial is None or any(extent is None for extent in spatial):
            raise ValueError(f"{depthwise.name}: the extents of its input are not known: fix the network's input shape")
        layer: dict[str, Any] = {"name": depthwise.name, "spatial": spatial, "cin": depthwise.cin}
        if depthwise.multiplier != 1:
            layer["mult"] = depthwise.multiplier
        layer |= {"cout": pointwise.cout, "kernel": depthwise.kernel}
        layer |= {"strides": depthwise.strides, "dilation": depthwise.dilation}
        layer["padding"] = _name_padding(padding, spatial, depthwise)
        layer |= {"data_format": self.graph.data_format, "dtype": self.graph.dtype}
        for stage, bias, activation in (("mid", mid_bias, mid_activation), ("out", out_bias, out_activation)):
            if bias:
                layer[f"{stage}_bias"] = True
            if activation != "none":
                layer[f"{stage}_activation"] = activation
        if between:
            layer |= {"fusable": False, "between": _line(", ".join(between))}
        return layer

    def padding(self, depthwise: Node) -> tuple[Any, str]:
        """The padding with a padding operation in front taken in, and the tensor in front of all."""
        source, padding = depthwise.inputs[0], depthwise.padding
        node = self.writers.get(source)
        while node is not None and node.kind == "none":
            node = self.writers.get(node.inputs[0])
        if node is None or node.kind != "pad" or padding == "same" or len(self.readers[node.outputs[0]]) != 1:
            return padding, source
        own = [(0, 0)] * len(depthwise.kernel) if padding == "valid" else padding
        pairs = [(a + c, b + d) for (a, b), (c, d) in zip(own, node.padding, strict=True)]
        return pairs, node.inputs[0]

    def farther(self, node: Node, channels: int) -> tuple[Node | None, list[str]]:
        """The 1x1 convolution behind other operations, at the same extents: the way there that is the shortest."""
        extents = self.graph.spatial.get(node.outputs[0])
        ways = [(node, [])]
        seen = set()
        while ways:
            here, passed = ways.pop(0)
            for name in here.outputs:
                for reader in self.readers.get(name, []):
                    same = self.graph.spatial.get(name) == extents
                    if same and _is_pointwise(reader, channels):
                        return reader, passed
                    stop = reader.kind in ("depthwise", "conv") and same
                    if id(reader) not in seen and not stop and len(passed) < _FARTHEST:
                        seen.add(id(reader))
                        ways.append((reader, [*passed, reader.operation] if reader.kind != "none" else passed))
        return None, []


def _is_pointwise(node: Node, channels: int) -> bool:
    return (
        node.kind == "conv"
        and node.groups == 1
        and node.cin == channels
        and all(k == 1 for k in node.kernel)
        and all(s == 1 for s in node.strides)
        and (isinstance(node.padding, str) or not any(map(any, node.padding)))
    )


def _name_padding(padding: Any, spatial: list[int], node: Node) -> Any:
    """Explicit padding by its name where it has one for these extents."""
    if isinstance(padding, str):
        return padding
    axes = list(zip(spatial, node.kernel, node.strides, node.dilation, strict=False))
    pairs = [tuple(pair) for pair in padding]
    for name in ("valid", "same", *(["causal"] if len(pairs) == 1 else [])):
        if pairs == [axis_padding(name, *axis) for axis in axes]:
            return name
    return {"before": [before for before, _ in pairs], "after": [after for _, after in pairs]}
