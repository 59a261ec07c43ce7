"""What the axes of a tensor mean: labels, which operations carry along.

A label is "batch", "channels", the number of a spatial axis of the convolution that one started from, None for an axis of one element
that was put in between, or the labels of several axes that were merged into one.
"""

from ._graph import Extents, Node, Pairs

Labels = list[str | int | tuple | None]


def of_convolution(node: Node) -> Labels:
    """Of its input and its output."""
    spatial: Labels = list(range(len(node.kernel)))
    return ["batch", "channels", *spatial] if node.axis == 1 else ["batch", *spatial, "channels"]


def behind(node: Node, labels: Labels, shapes: dict[str, Extents]) -> Labels | None:
    """Of the node's output, given those of its input; None where they are lost."""
    if len(node.outputs) != 1 or not node.inputs:
        return None
    if node.kind == "transpose":
        return [labels[axis] for axis in node.permutation] if len(node.permutation) == len(labels) else None
    source, target = (shapes.get(name) for name in (node.inputs[0], node.outputs[0]))
    if node.kind == "reshape":
        return None if source is None or target is None else _realigned(labels, source, target)
    return labels if target is None or len(target) == len(labels) else None


def before(node: Node, labels: Labels, shapes: dict[str, Extents]) -> Labels | None:
    """Of the node's first input, given those of its output."""
    if not node.inputs:
        return None
    if node.kind == "transpose":
        if len(node.permutation) != len(labels):
            return None
        return [labels[node.permutation.index(axis)] for axis in range(len(labels))]
    source, target = (shapes.get(name) for name in (node.inputs[0], node.outputs[0]))
    if node.kind == "reshape":
        return None if source is None or target is None else _realigned(labels, target, source)
    return labels if source is None or len(source) == len(labels) else None


def _realigned(labels: Labels, old: Extents, new: Extents) -> Labels | None:
    """For a tensor whose axes are the same but for some of one element."""
    if len(labels) != len(old):
        return None
    merged = labels[0]
    if isinstance(merged, tuple) and len(new) == len(merged) + len(labels) - 1 and new[-1] == old[-1]:
        return [*merged, *labels[1:]]
    if len(new) == 2 < len(old) and new[-1] in (old[-1], None) and labels[-1] == "channels":
        return [tuple(labels[:-1]), "channels"]  # as a matrix product over the last axis has it in some formats
    result: Labels = []
    position = 0
    for extent in new:
        while position < len(old) and old[position] == 1 and extent != 1:
            position += 1
        if position < len(old) and old[position] == extent:
            result.append(labels[position])
            position += 1
        elif extent == 1:
            result.append(None)
        else:
            return None
    return result if all(extent == 1 for extent in old[position:]) else None


def extents(shape: Extents | None, labels: Labels | None) -> dict[int, int | None] | None:
    """Of the spatial axes, without those of one element."""
    if shape is None or labels is None or len(shape) != len(labels):
        return None
    return {label: n for label, n in zip(labels, shape, strict=True) if isinstance(label, int) and n != 1}


def by_axis(pairs: Pairs, labels: Labels) -> dict[int, tuple[int, int]] | None:
    """What is added or cut off, by spatial axis; None if other axes change, too."""
    if len(pairs) != len(labels):
        return None
    changed = {label: pair for label, pair in zip(labels, pairs, strict=True) if any(pair)}
    return changed if all(isinstance(label, int) for label in changed) else None
