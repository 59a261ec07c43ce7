"""Tasks, one search after the other until the time is up, each in an Optuna study of its own; what was finished is not done again."""

import dataclasses
import functools
import time
from collections.abc import Callable

import optuna

from . import storage as storages
from . import tasks
from .database import Database, Record
from .machine import RunnerError
from .race import Outcome
from .search import Search, Settings
from .similar import nearest
from .space import Space
from .tasks import Task
from .toolchain import Toolchain, ToolError
from .workers import Job, Workers

_NEAREST = 6
"""Records of similar layers that a search tries first."""
_TRANSFERRED = 12
"""Trials of a task that starts from the record of one like it."""


@dataclasses.dataclass
class Setup:
    """What a command works with."""

    tools: Toolchain
    target: str
    workers: Workers
    database: Database
    storage: optuna.storages.BaseStorage
    settings: Settings
    transfer: bool = False
    cpu: str = ""
    peak_gflops: float = 0.0
    bandwidth: dict[str, float] = dataclasses.field(default_factory=dict)
    baseline: str = ""

    def space_of(self, task: Task) -> Space:
        """To be closed."""
        return Space(self.tools, task.variant, self.target, *task.layers)

    def identify(self, task: Task) -> None:
        """Asks the machine that is tuned for who it is, with this task's defaults; `cpu` may have been given.

        Raises:
            RunnerError, ToolError, ValueError: it cannot be reached, or the layer cannot be compiled.
        """
        space = self.space_of(task)
        space.close()
        (one,) = self.workers.compile_later([Job.of(space, space.default)])()
        if one.error:
            raise ToolError(f"{task.name}: {one.error}")
        answer = self.workers.measure([one], task.layers[0], ["peak", "budget=0.02"], 120)
        self.cpu = self.cpu or answer["cpu"]
        self.peak_gflops, self.bandwidth = answer["peak_gflops"], answer["bandwidth"]


def tune(
    setup: Setup,
    todo: list[Task],
    seconds: float | None,
    say: Callable[[str], None],
    progress: Callable[[str, int, Search, float | None], None],
) -> dict[str, Outcome]:
    """Searches for each task and stores its record. `say` gets a line a task, `progress` every step of its search."""
    end = None if seconds is None else time.monotonic() + seconds
    order, outcomes = tasks.in_order(setup.tools, todo, setup.transfer), {}
    for i, (task, short) in enumerate(order):
        if end is not None and time.monotonic() > end:
            say(f"the time is up: {len(order) - i} tasks are left for the next run")
            break
        # The time that is left is shared out, and what a task does not need goes to those after it.
        deadline = None if end is None else time.monotonic() + (end - time.monotonic()) / (len(order) - i)
        try:
            place = f"[{i + 1}/{len(order)}] {task.name}"
            step = functools.partial(progress, place)
            outcome = _search(setup, task, short, deadline, say, step)
        except (ToolError, ValueError) as error:
            say(f"{task.name}: left out: {error}")
            continue
        if outcome is not None:
            outcomes[task.name] = outcome
    return outcomes


def _search(
    setup: Setup, task: Task, short: bool, deadline: float | None, say: Callable, step: Callable
) -> Outcome | None:
    settings = setup.settings
    trials = min(settings.trials, _TRANSFERRED) if short else settings.trials
    settings = dataclasses.replace(settings, trials=trials, uniform=setup.baseline == "random")
    study = study_of(setup, task)
    if study.user_attrs.get("outcome", {}).get("trials", -1) >= trials:
        say(f"{task.name}: done before")
        return Outcome(**study.user_attrs["outcome"])
    space = setup.space_of(task)
    try:
        search = Search(setup.workers, space, study, settings, lambda s: step(trials, s, deadline))
        search.suggest(_starts(setup, task.variant) if not setup.baseline else [])
        search.run(deadline)
        if not search.finished():
            return None
        outcome = search.final()
    finally:
        space.close()
    _keep(setup, task, space, study, outcome, say)
    return outcome


def recheck(setup: Setup, todo: list[Task], say: Callable[[str], None]) -> dict[str, Outcome]:
    """The last race again for each task that has trials or a record, and the record after it: for a machine that is quieter now,
    or for schedules that have changed."""
    outcomes = {}
    for task in todo:
        study, record = study_of(setup, task), setup.database.record(task.variant, setup.cpu)
        space = setup.space_of(task)
        try:
            search = Search(setup.workers, space, study, setup.settings, lambda _search: None)
            if not search.finished() and record is None:
                continue
            also = [space.complete(record.parameters)] if record and not setup.baseline else []
            outcomes[task.name] = search.final(also)
        except (ToolError, ValueError, RunnerError) as error:
            say(f"{task.name}: left out: {error}")
            continue
        finally:
            space.close()
        _keep(setup, task, space, study, outcomes[task.name], say)
    return outcomes


def study_of(setup: Setup, task: Task) -> optuna.Study:
    """The trials so far."""
    name = "@".join(filter(None, [task.variant, setup.target, setup.cpu, setup.baseline]))
    about = {
        "layer": task.name, "layers": [storages.plain(layer.fields) for layer in task.layers], "variant": task.variant,
        "target": setup.target, "cpu": setup.cpu, "flops": task.flops, "bytes": task.bytes, "peak_gflops": task.peak(setup.peak_gflops), "bandwidth": setup.bandwidth,
        "halide": setup.tools["halide"], "baseline": setup.baseline,
    }  # fmt: skip
    return storages.open_study(setup.storage, name, about)


def _keep(setup: Setup, task: Task, space: Space, study: optuna.Study, outcome: Outcome, say: Callable) -> None:
    if not setup.baseline:
        setup.database.store(task.variant, setup.cpu, _record(setup, task, space, outcome))
    study.set_user_attr("chosen", space.chosen(outcome.point))
    study.set_user_attr("outcome", dataclasses.asdict(outcome))
    gain = outcome.ms_default / outcome.ms
    words = " ".join(f"{k}={v}" for k, v in space.chosen(outcome.point).items()) or "the defaults"
    say(f"{task.name}: {outcome.ms_default:.4f} -> {outcome.ms:.4f} ms ({gain:.3f}x), {outcome.trials} trials: {words}")


def _starts(setup: Setup, variant: str) -> list[dict[str, int]]:
    own = setup.database.record(variant, setup.cpu)
    near = [record for _, record in nearest(setup.tools, setup.database, variant, setup.cpu, _NEAREST)]
    return [record.parameters for record in [own, *near] if record is not None]


def _record(setup: Setup, task: Task, space: Space, outcome: Outcome) -> Record:
    gflops = task.flops / outcome.ms / 1e6
    return Record(
        parameters=space.chosen(outcome.point),
        ms=_rounded(outcome.ms),
        ms_default=_rounded(outcome.ms_default),
        peak_fraction=round(gflops / task.peak(setup.peak_gflops), 3) if setup.peak_gflops else None,
        trials=outcome.trials,
        halide=setup.tools["halide"],
        date=storages.today(),
    )


def _rounded(ms: float) -> float:
    """Four digits: what a measurement is worth."""
    return float(f"{ms:.4g}")
