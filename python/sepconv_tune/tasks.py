"""What there is to tune: variants, each with the layers that it is measured on."""

import dataclasses
import statistics

from . import library, similar
from .layers import DTYPES, Layer
from .toolchain import Toolchain

_MEASURED_ON = 6
"""Layers that a variant for many layers is measured on: a race of each costs as much as one of a layer's own variant."""


@dataclasses.dataclass(frozen=True)
class Task:
    """A variant, and the layers that it is measured on, all in one format."""

    name: str
    variant: str
    layers: tuple[Layer, ...]

    @property
    def flops(self) -> float:
        """The geometric mean over the layers, as times are."""
        return statistics.geometric_mean(layer.flops for layer in self.layers)

    @property
    def bytes(self) -> float:
        return statistics.geometric_mean(layer.bytes for layer in self.layers)

    def peak(self, gflops: float) -> float:
        """The machine's peak for the layers' type, given that for float32."""
        return gflops * 4 / self.layers[0].element_bytes


def of_layers(layers: list[Layer]) -> list[Task]:
    """The variant that fixes all of a layer, for each layer; equal ones once."""
    return [Task(layer.name, layer.variant, (layer,)) for layer in {layer.variant: layer for layer in layers}.values()]


def of_variant(tools: Toolchain, target: str, layers: list[Layer], variant: str) -> Task | None:
    """A variant for many layers, measured on a few typical ones of those that the library takes it for, beside the shipped variants; of
    those that it may take, where the others leave it none. None if it suits none.

    Raises:
        ToolError: the name does not follow the grammar.
    """
    name = library.names(tools, [variant])[variant]
    if name.types not in DTYPES:
        return None
    suited = [layer for layer in layers if layer.rank == name.rank]
    parts = library.names(tools, {layer.variant for layer in suited})
    different = {}
    for layer in suited:
        own = dataclasses.replace(
            parts[layer.variant], name="", family="", types=name.types, channels_first=name.channels_first
        )
        if name.family == "depthwise":
            own = dataclasses.replace(own, out_channels=own.in_channels * own.multiplier)
        different[own] = layer.in_format(DTYPES[name.types], name.channels_first, name.family == "depthwise")
    if not different:
        return None
    choices = library.choose(tools, target, list(different.values()), [*tools.shipped(target), variant])
    may = [own for own, choice in zip(different, choices, strict=True) if choice.may_take(variant)]
    does = [own for own, choice in zip(different, choices, strict=True) if choice.variant == variant]
    chosen = similar.typical(does or may, _MEASURED_ON)
    return Task(variant, variant, tuple(different[own] for own in chosen)) if chosen else None


def in_order(tools: Toolchain, tasks: list[Task], transfer: bool) -> list[tuple[Task, bool]]:
    """The tasks, and whether a task's search may be short: with `transfer`, once the costliest of those alike is done."""
    first = tasks
    if transfer:
        costliest = sorted(tasks, key=lambda task: -task.flops)
        parts = library.names(tools, [task.variant for task in costliest])
        chosen = {name.name for name in similar.representatives(parts.values())}
        first = [task for task in costliest if task.variant in chosen]
    return [(task, False) for task in first] + [(task, True) for task in tasks if task not in first]
