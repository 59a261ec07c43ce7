"""Functional models as graphs."""

from typing import Any

import keras
from keras.src.models.functional import Functional


def is_plain(node: Any, *classes: type) -> bool:
    """Whether it is the call of a layer of exactly one of these classes (any class, if none is named), with nothing but
    tensors: only then it is known what it computes. A subclass may compute something else, and so does a batch
    normalisation that is called with `training=True`."""
    layer = node.operation
    return (not classes or type(layer) in classes) and "call" not in vars(layer) and not extra_arguments(node)


def is_functional(model: Any) -> bool:
    """Whether a model computes what its graph says."""
    own = type(model).call in (Functional.call, keras.Sequential.call) and "call" not in vars(model)
    return own and (isinstance(model, Functional) or (isinstance(model, keras.Sequential) and model.built))


def call_of(node: Any) -> str:
    """The layer's name, and what else it is called with: "bn with training=True"."""
    extra = extra_arguments(node)
    if not extra and not type(node.operation).__module__.startswith("keras."):
        return f"{node.operation.name} of the class {type(node.operation).__name__}"
    return node.operation.name + (f" with {', '.join(extra)}" if extra else "")


def extra_arguments(node: Any) -> list[str]:
    """What a layer is called with beside tensors: "training=True"."""
    tensors = {id(tensor) for tensor in node.arguments.keras_tensors}
    given = {f"argument {i}": value for i, value in enumerate(node.arguments.args)} | node.arguments.kwargs
    return [
        f"{name}={value}"
        for name, entry in given.items()
        for value in keras.tree.flatten(entry)
        if value is not None and value is not False and id(value) not in tensors
    ]


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
        names = [call_of(reader) for reader in self._readers.get(id(node.outputs[0]), [])]
        if id(node.outputs[0]) in self._kept:
            names.append("an output of the model")
        return f"{node.operation.name} is followed by {' and '.join(names)}"

    def previous(self, node: Any) -> Any:
        """The node that writes the only input of a node, if that is its only reader."""
        tensors = node.arguments.keras_tensors
        writer = self._writer.get(id(tensors[0])) if len(tensors) == 1 else None
        return writer if writer is not None and self.next(writer) is node else None
