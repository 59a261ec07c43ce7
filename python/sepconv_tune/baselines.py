"""What the search is measured against: the schedule's defaults, the record, and Halide's own autoschedulers, all in one race."""

import math
from collections.abc import Callable
from typing import Any

from . import storage as storages
from .machine import RunnerError
from .search import best_params
from .space import Point, Space
from .studies import Setup, study_of
from .tasks import Task
from .toolchain import ToolError
from .workers import Job

AUTOSCHEDULERS = {"adams2019": "Adams2019", "li2018": "Li2018", "mullapudi2016": "Mullapudi2016"}
_LARGEST_STRIP = 2048
"""Output pixels of the task that an autoscheduler is told of."""
_WORDS = ["budget=0.8", "slower=1000"]
"""For the runner: longer than in a search, and nobody is out."""
_FEW = 4


def measure(setup: Setup, tasks: list[Task], say: Callable[[str], None]) -> None:
    """A line a task, then the geometric means; the results are kept in the storage for the report."""
    ratios, failed = [], []
    for task in tasks:
        result = _measure(setup, task)
        about = {"layer": task.name, "variant": task.variant, "target": setup.target, "cpu": setup.cpu}
        name = f"{task.variant}@{setup.target}@{setup.cpu}@{setup.baseline}"
        study = storages.open_study(setup.storage, name, about | {"baseline": setup.baseline})
        study.set_user_attr("times", result)
        known = f"defaults {result['ms_default']:.4f} ms, record {result['ms']:.4f} ms"
        if setup.baseline == "defaults":
            ratios.append(result["ms_default"] / result["ms"])
            say(f"{task.name}: {known}")
        elif "failed" in result:
            failed.append(task.name)
            say(f"{task.name}: {known}, {setup.baseline} failed: {result['failed']}")
        else:
            ratios.append(result["ms_baseline"] / result["ms"])
            say(
                f"{task.name}: {known}, {setup.baseline} {result['ms_baseline']:.4f} ms ({ratios[-1]:.2f}x the record's)"
            )
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        say(f"{setup.baseline}: {mean:.3f}x the record's time, geometric mean of {len(ratios)} layers")
    if failed:
        say(f"failed on {len(failed)}: {', '.join(failed)}")


def beside_record(setup: Setup, task: Task, say: Callable[[str], None]) -> None:
    """A line: the best few points of the baseline, such as those that random search found, in one race with the layer's record."""
    space, tuned = _with_record(setup, task)
    points = [tuned, *(space.complete(params) for params in best_params(study_of(setup, task), _FEW))]
    compiled = setup.workers.compile_later([Job.of(space, point) for point in points])()
    record, *others = setup.workers.measure(compiled, task.layers[0], _WORDS, 120)["candidates"]
    best = min((other for other in others if "ratio" in other), key=lambda other: other["ratio"])
    ms, times = record["ms_min"], record["ms_min"] / best["ms_min"]
    say(
        f"{task.name}: record {ms:.4f} ms, {setup.baseline} {best['ms_min']:.4f} ms: the record takes {times:.3f}x its time"
    )


def _with_record(setup: Setup, task: Task) -> tuple[Space, Point]:
    """The task's space, closed, and the point of its record: the defaults where there is none that is legal."""
    space = setup.space_of(task)
    try:
        record = setup.database.record(task.variant, setup.cpu)
        tuned = space.default | (record.parameters if record else {})
        return space, tuned if space.is_legal(tuned) else space.default
    finally:
        space.close()


def _measure(setup: Setup, task: Task) -> dict[str, Any]:
    space, tuned = _with_record(setup, task)
    jobs = [Job.of(space, point) for point in (space.default, tuned)]
    if setup.baseline in AUTOSCHEDULERS:
        strip = {"strip_pixels": _LARGEST_STRIP}
        jobs.append(Job(task.variant, setup.target, space.default | strip, strip, AUTOSCHEDULERS[setup.baseline]))
    compiled = setup.workers.compile_later(jobs)()
    for one in compiled[:2]:
        if one.error:
            raise ToolError(f"{task.name}: {one.error}")
    failure = compiled[-1].error
    if not failure and len(compiled) == 3:
        try:
            both = setup.workers.measure(compiled, task.layers[0], _WORDS, 120)["candidates"]
            if "ratio" in both[2]:
                return {"ms_default": both[0]["ms_min"], "ms": both[1]["ms_min"], "ms_baseline": both[2]["ms_min"]}
            failure = both[2].get("failed") or f"wrong answer, error {both[2]['max_error']}"
        except (RunnerError, ToolError) as error:
            failure = str(error)
    first, second = setup.workers.measure(compiled[:2], task.layers[0], _WORDS, 120)["candidates"]
    result = {"ms_default": first["ms_min"], "ms": second["ms_min"]}
    return result | ({"failed": failure[:300]} if len(compiled) == 3 else {})
