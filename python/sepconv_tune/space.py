"""The search space of one variant: the legal values of each parameter, and which points are legal, as sepconv_space says."""

import itertools
import json
import subprocess
from collections.abc import Callable, Iterable

from . import device
from .layers import Layer, fixes_extents
from .toolchain import Toolchain

Point = dict[str, int]

# What a schedule with this data format reads; the rest stays at the default.
CHANNELS_LAST = (
    ("vector", "tile_pixels", "tile_vectors"),
    ("stage", "chunk", "depthwise_vector", "depthwise_tile", "tap_rows", "tap_unroll"),
    ("sum_block", "sum_unroll", "panel_inner", "fetch_ahead", "fetch_output", "strip_pixels"),
)
CHANNELS_FIRST = (
    ("panel_lanes", "vector", "tile_pixels", "tile_channels", "tile_vectors"),
    ("depthwise_vector", "depthwise_tile", "depthwise_rows", "tap_unroll"),
    ("sum_block", "sum_unroll", "strip_pixels"),
)

# What rows without a pointwise stage read of them.
DEPTHWISE = ("stage", "chunk", "depthwise_vector", "depthwise_tile", "depthwise_rows", "tap_rows", "tap_unroll")

# Left alone in a row for layers of all sizes: which problems it takes depends on the one, and the planner knows the other better.
_OF_ONE_LAYER = ("stage", "strip_pixels")


class Space:
    """Close it: it keeps a program running that knows what is legal."""

    def __init__(self, tools: Toolchain, variant: str, target: str, *layers: Layer):
        """`layers`: what the variant is measured on, all with one data format.

        Raises:
            ValueError: the toolchain does not know the variant.
        """
        self.variant, self.target, self.layers = variant, target, layers
        halide_target, schedule = tools.target(target)
        command = [tools["space"], variant, schedule, halide_target]
        result = subprocess.run(command, env=tools.environment(), capture_output=True, text=True, check=False)
        if result.returncode:
            raise ValueError(result.stderr.strip() or f"sepconv_space: status {result.returncode}")
        specs = {spec["name"]: spec for spec in json.loads(result.stdout)}
        self.default: Point = {name: spec["default"] for name, spec in specs.items()}
        self.meaning = {name: spec["meaning"] for name, spec in specs.items()}
        self.groups = CHANNELS_FIRST if layers[0].channels_first else CHANNELS_LAST
        self.on_device = device.is_device(schedule)
        if self.on_device:
            self.groups = device.GROUPS
        if not fixes_extents(variant):
            self._keep(lambda name: name not in _OF_ONE_LAYER)
        if layers[0].depthwise_only:
            self._keep(lambda name: name in DEPTHWISE)
        self.names = tuple(itertools.chain(*self.groups))
        self.legal = {name: specs[name]["legal"] for name in self.names}
        self._checker = subprocess.Popen(
            [*command, "--check"], env=tools.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def _keep(self, wanted: Callable[[str], bool]) -> None:
        groups = (tuple(name for name in group if wanted(name)) for group in self.groups)
        self.groups = tuple(group for group in groups if group)

    def close(self) -> None:
        self._checker.communicate()

    def complete(self, point: Point) -> Point:
        """With the default for what it leaves out, and for what this schedule does not read."""
        return self.default | {name: point[name] for name in self.names if name in point}

    def chosen(self, point: Point) -> Point:
        """What differs from the defaults."""
        return {name: value for name, value in point.items() if value != self.default[name]}

    def why_illegal(self, points: Iterable[Point]) -> list[str]:
        """For each point a sentence, or ""."""
        reasons = []
        for point in points:
            self._checker.stdin.write(",".join(f"{name}:{value}" for name, value in point.items()) + "\n")
            self._checker.stdin.flush()
            reasons.append(self._checker.stdout.readline().strip())
        return reasons

    def is_legal(self, point: Point) -> bool:
        return not self.why_illegal([point])[0]

    def group_points(self, group: tuple[str, ...]) -> list[Point]:
        """All legal values of one group of parameters, the others at their defaults."""
        points = [dict(zip(group, values, strict=True)) for values in itertools.product(*map(self.legal.get, group))]
        reasons = self.why_illegal({**self.default, **point} for point in points)
        return [point for point, reason in zip(points, reasons, strict=True) if not reason]
