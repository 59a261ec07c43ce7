"""What the library itself says of its variants: which one it takes for a layer and why, and what a name fixes. sepconv_variant_table
answers, with the library's own dispatch."""

import dataclasses
import json
import pathlib
import tempfile
from collections.abc import Iterable

from .layers import Layer
from .toolchain import Toolchain

_FIXED = ("kernel", "stride", "dilation", "extent")


@dataclasses.dataclass(frozen=True)
class Name:
    """What a variant's name fixes; 0 is any."""

    name: str
    rank: int
    types: str
    channels_first: bool
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    extent: tuple[int, ...]
    multiplier: int
    in_channels: int
    channels_multiple: int
    out_channels: int
    family: str


@dataclasses.dataclass(frozen=True)
class Choice:
    """Which variant the library takes for a layer, if there is any, and of each other why not; "" of one that ranks behind it."""

    variant: str | None
    others: dict[str, str]

    def may_take(self, variant: str) -> bool:
        """Whether a variant would do, chosen or not."""
        return variant == self.variant or self.others.get(variant) == ""


def names(tools: Toolchain, variants: Iterable[str]) -> dict[str, Name]:
    """The parts of each name.

    Raises:
        ToolError: quotes a name that does not follow the grammar.
    """
    printed = tools.run([tools["variant_table"], "parts"], stdin="".join(f"{variant}\n" for variant in variants))
    parts = [json.loads(line) for line in printed.splitlines()]
    return {p["name"]: Name(**p | {key: tuple(p[key]) for key in _FIXED}) for p in parts}


def choose(tools: Toolchain, target: str, layers: list[Layer], variants: Iterable[str]) -> list[Choice]:
    """For each layer, among these variants on a machine that runs nothing but the target. All layers have both stages, or none has.

    Raises:
        ToolError: a layer or a variant is refused.
    """
    halide_target, schedule = tools.target(target)
    lines = [f"{variant} {target} {schedule} {halide_target} none -\n" for variant in dict.fromkeys(variants)]
    with tempfile.TemporaryDirectory(prefix="sepconv_tune_") as folder:
        file = pathlib.Path(folder, "variants.txt")
        file.write_text("".join(lines))
        command = [tools["variant_table"], "choose", str(file), target, *layers[0].words]
        answers = [json.loads(line) for line in tools.run(command, stdin=Layer.file(layers)).splitlines()]
    bare = lambda name: name and name.removesuffix(f"_{target}")
    return [Choice(bare(a["variant"]), {bare(name): why for name, why in a["others"].items()}) for a in answers]
