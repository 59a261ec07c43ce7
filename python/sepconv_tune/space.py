"""The search space of one variant, as sepconv_space says: the parameters that a search varies, their legal values, and which points are
legal."""

import itertools
import json
import subprocess
from collections.abc import Iterable

from . import device
from .layers import Layer
from .toolchain import Toolchain

Point = dict[str, int]


class Space:
    """Close it: it keeps a program running that knows what is legal."""

    def __init__(self, tools: Toolchain, variant: str, target: str, *layers: Layer):
        """`layers`: what the variant is measured on, all in its format.

        Raises:
            ToolError: the toolchain does not know the variant.
            ValueError: it does not know the target.
        """
        self.variant, self.target, self.layers = variant, target, layers
        halide_target, schedule = tools.target(target)
        command = [tools["space"], variant, schedule, halide_target]
        specs = {spec["name"]: spec for spec in json.loads(tools.run(command))}
        self.default: Point = {name: spec["default"] for name, spec in specs.items()}
        self.names = tuple(name for name, spec in specs.items() if spec["searched"])
        self.legal = {name: specs[name]["legal"] for name in self.names}
        self.on_device = device.is_device(schedule)
        self._checker = subprocess.Popen(
            [*command, "--check"], env=tools.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        self._checker.communicate()

    def complete(self, point: Point) -> Point:
        """With the default for what it leaves out, and for what is not searched."""
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

    def legal_points(self, names: Iterable[str]) -> list[Point]:
        """All legal values of some parameters, those that are searched; the others at their defaults."""
        searched = [name for name in names if name in self.legal]
        points = [
            dict(zip(searched, values, strict=True)) for values in itertools.product(*map(self.legal.get, searched))
        ]
        reasons = self.why_illegal({**self.default, **point} for point in points)
        return [point for point, reason in zip(points, reasons, strict=True) if not reason]
