"""Functional models as graphs."""

from typing import Any

import keras


class Graph:
    """Who reads what in a functional model."""

    def __init__(self, model: Any) -> None:
        self.nodes = [
            node
            for depth in sorted(model._nodes_by_depth, reverse=True)
            for node in model._nodes_by_depth[depth]
            if node.operation is not None and not node.is_input
        ]
        self._readers: dict[int, list[Any]] = {}
        self._writer: dict[int, Any] = {}
        self._kept = {id(tensor) for tensor in keras.tree.flatten(model.outputs)}
        for node in self.nodes:
            for tensor in node.arguments.keras_tensors:
                self._readers.setdefault(id(tensor), []).append(node)
            for tensor in node.outputs:
                self._writer[id(tensor)] = node

    def next(self, node: Any) -> Any:
        """The only reader of a node's only output; None if there are others, or if it is an output of the model."""
        if len(node.outputs) != 1 or id(node.outputs[0]) in self._kept:
            return None
        readers = self._readers.get(id(node.outputs[0]), [])
        return readers[0] if len(readers) == 1 and len(readers[0].arguments.keras_tensors) == 1 else None

    def behind(self, node: Any) -> str:
        """What `next` sees, for people."""
        names = [reader.operation.name for reader in self._readers.get(id(node.outputs[0]), [])]
        if id(node.outputs[0]) in self._kept:
            names.append("an output of the model")
        return f"{node.operation.name} is followed by {' and '.join(names)}"

    def previous(self, node: Any) -> Any:
        """The node that writes the only input of a node, if that is its only reader."""
        tensors = node.arguments.keras_tensors
        writer = self._writer.get(id(tensors[0])) if len(tensors) == 1 else None
        return writer if writer is not None and self.next(writer) is node else None
