"""Who compiles and who measures: this machine and the one behind the runner (LocalWorkers), or workers of Dask (dask_workers.py)."""

import concurrent.futures
import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

from . import candidate, machine
from .candidate import Compiled
from .layers import Layer
from .space import Point, Space


@dataclasses.dataclass(frozen=True)
class Job:
    """A candidate to compile: what compile_point takes."""

    variant: str
    target: str
    point: Point
    chosen: Point
    scheduler: str = ""

    @staticmethod
    def of(space: Space, point: Point, scheduler: str = "") -> "Job":
        return Job(space.variant, space.target, point, space.chosen(point), scheduler)


class Workers(Protocol):
    """Compiles several candidates at a time, and measures alone."""

    width: int
    """Candidates to give it at a time."""
    overlaps: bool
    """Whether it compiles for one batch while it measures another: then it is given the next one early."""

    def compile_later(self, jobs: list[Job]) -> Callable[[], list[Compiled]]:
        """A function that waits for them."""

    def measure(self, candidates: list[Compiled], layer: Layer, words: list[str], seconds: float) -> dict[str, Any]:
        """What the runner prints, told `words` about a layer. Raises RunnerError or ToolError."""

    def close(self) -> None: ...


class LocalWorkers:
    """Compiles here, `jobs` at a time; measures here, with nothing else running, or through `runner` (machine.run)."""

    def __init__(self, tools_path: str, jobs: int, runner: str):
        self.tools_path, self.runner = tools_path, runner
        self.width = max(4, 2 * jobs)  # the last of a batch leaves a core idle, and each batch is linked once
        self.overlaps = bool(runner) and "{}" not in runner.split() and not runner.startswith("qemu")
        self._pool = concurrent.futures.ThreadPoolExecutor(jobs)  # each waits for a compiler

    def compile_later(self, jobs: list[Job]) -> Callable[[], list[Compiled]]:
        def start() -> list[concurrent.futures.Future]:
            return [self._pool.submit(candidate.compile_point, self.tools_path, *fields(job)) for job in jobs]

        started = start() if self.overlaps else None
        return lambda: [future.result() for future in started or start()]

    def measure(self, candidates: list[Compiled], layer: Layer, words: list[str], seconds: float) -> dict[str, Any]:
        return machine.run_layer(self.runner, candidate.link(self.tools_path, candidates), layer, words, seconds)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def fields(job: Job) -> tuple[str, str, Point, Point, str]:
    """The arguments of compile_point."""
    return job.variant, job.target, job.point, job.chosen, job.scheduler
