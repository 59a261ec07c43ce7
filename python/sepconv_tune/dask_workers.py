"""Workers of Dask. On the machines (which need this package and Dask, and SEPCONV_TUNE_TOOLS where the build folder differs):

dask scheduler
dask worker ADDRESS --nthreads 4 --resources compile=4     # anywhere
dask worker ADDRESS --nthreads 1 --resources measure=1     # on the machine that is tuned for, or next to its board
"""

import concurrent.futures
import time
from collections.abc import Callable
from typing import Any

import distributed

from . import candidate, machine
from .candidate import Compiled
from .layers import Layer
from .machine import RunnerError
from .toolchain import ToolError
from .workers import Job, fields

_ABSENT = 20.0
"""Seconds without a worker that compiles, after which this machine does it."""
_POLL = 1.0
_LOST = (distributed.scheduler.KilledWorker, distributed.CancelledError, distributed.comm.CommClosedError, OSError)


class DaskWorkers:
    """Tasks that a worker takes with it are run again by another one, or by the same one when it is back."""

    overlaps = True

    def __init__(self, scheduler: str, tools_path: str, runner: str):
        """Raises OSError if there is no scheduler."""
        self.tools_path, self.runner = tools_path, runner
        self.client = distributed.Client(scheduler, timeout=20)
        self.width = 2 * max(int(self._offered("compile")), 1)

    def compile_later(self, jobs: list[Job]) -> Callable[[], list[Compiled]]:
        calls = [(candidate.compile_point, self.tools_path, *fields(job)) for job in jobs]
        futures = [self._submit("compile", *call) for call in calls]
        return lambda: [self._wait("compile", future, *call) for future, call in zip(futures, calls, strict=True)]

    def measure(self, candidates: list[Compiled], layer: Layer, words: list[str], seconds: float) -> dict[str, Any]:
        link = (candidate.link, self.tools_path, candidates)
        program = self._wait("compile", self._submit("compile", *link), *link)
        call = (machine.run_layer, self.runner, program, layer, words, seconds)
        return self._wait("measure", self._submit("measure", *call), *call)

    def close(self) -> None:
        self.client.close()

    def _submit(self, resource: str, function: Callable, *arguments: Any) -> distributed.Future:
        return self.client.submit(function, *arguments, resources={resource: 1}, retries=0, pure=False)

    def _wait(self, resource: str, future: distributed.Future, function: Callable, *arguments: Any) -> Any:
        """The task's result. What is compiled is compiled here when no worker offers to for a while."""
        absent = 0.0
        for _ in range(4):
            while True:
                try:
                    return future.result(timeout=_POLL)
                except (TimeoutError, concurrent.futures.TimeoutError, distributed.TimeoutError):
                    absent = absent + _POLL if self._offered(resource) == 0 else 0.0
                    if resource == "compile" and absent > _ABSENT:
                        future.cancel()
                        return function(*arguments)
                except (RunnerError, ToolError):
                    raise
                except _LOST:
                    break
            time.sleep(_POLL)
            future = self._submit(resource, function, *arguments)
        raise RunnerError(f'workers that offer "{resource}" were lost four times with the same task')

    def _offered(self, resource: str) -> float:
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        return sum(worker.get("resources", {}).get(resource, 0) for worker in workers)
