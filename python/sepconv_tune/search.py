"""One layer's search: Optuna proposes, workers compile and measure, and every result is kept at once in the study."""

import dataclasses
import os
import socket
import time
from collections.abc import Callable
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from .candidate import Compiled
from .machine import RunnerError
from .pruning import Pruning
from .race import FirstFailedError, Outcome, Race
from .sampler import LegalSampler, distributions
from .space import Point, Space
from .toolchain import ToolError
from .workers import Workers

CLEARLY = 0.99
"""A candidate must be at least 1% faster than the incumbent to take its place."""


@dataclasses.dataclass
class Settings:
    """Of every search: how many trials, for how many seconds a candidate is timed, and how many times the best one's time is too slow.
    `uniform`: draw any legal point, for comparison."""

    trials: int = 60
    seconds: float = 0.1
    slower: float = 1.15
    seed: int = 1
    uniform: bool = False


@dataclasses.dataclass
class _Incumbent:
    compiled: Compiled
    value: float
    """Its time over that of the defaults."""


class Search:
    """A study: value is a candidate's time over that of the schedule's defaults."""

    def __init__(
        self, workers: Workers, space: Space, study: optuna.Study, settings: Settings, report: Callable[..., None]
    ):
        self.workers, self.space, self.study, self.settings, self.report = workers, space, study, settings, report
        self.race = Race(workers, space, settings.seconds, settings.slower)
        pruned = [Pruning(space, layer) for layer in space.layers]
        worthwhile = lambda point: any(one.keeps(point) for one in pruned)
        study.sampler = LegalSampler(space, worthwhile, settings.seed + len(study.trials), settings.uniform)
        self._incumbent: _Incumbent | None = None
        self._fail_orphans()

    # ------------------------------------------------------------------------------------------------ what is known

    def finished(self) -> list[FrozenTrial]:
        """Trials that were measured or have failed; those that only repeat another one's code are not among them."""
        return [t for t in self.study.get_trials(deepcopy=False) if t.state.is_finished() and "status" in t.user_attrs]

    def suggest(self, points: list[Point]) -> None:
        """Points to try first, such as the records of similar layers; illegal ones are left out."""
        for point in [self.space.default, *points]:
            full = self.space.complete(point)
            values = {name: full[name] for name in self.space.names}
            if all(values[name] in legal for name, legal in self.space.legal.items()) and self.space.is_legal(full):
                self.study.enqueue_trial(values, skip_if_exists=True)

    def _fail_orphans(self) -> None:
        """Trials of programs of this machine that ended in the middle of them."""
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            host, _, pid = trial.user_attrs.get("owner", f"{socket.gethostname()}:0").rpartition(":")
            if host == socket.gethostname() and (pid == "0" or not os.path.exists(f"/proc/{pid}")):
                self.study.tell(trial.number, state=TrialState.FAIL)

    # ------------------------------------------------------------------------------------------------------ the loop

    def run(self, deadline: float | None = None) -> None:
        """Until the study has its trials, or time.monotonic() passes the deadline."""
        self._start()
        pending = self._submit(deadline)
        while pending:
            trials, wait = pending
            compiled = wait()
            pending = self._submit(deadline, len(trials)) if self.workers.overlaps else None
            self._finish(trials, compiled)
            pending = pending or self._submit(deadline)

    def _start(self) -> None:
        """Compiles the defaults, and the best of an earlier run."""
        best = min((t for t in self.finished() if t.state == TrialState.COMPLETE), key=lambda t: t.value, default=None)
        points = [self.space.default] + ([self.space.complete(best.params)] if best else [])
        compiled = self.race.compile_later(points)()
        for one in compiled:
            if one.error:
                raise ToolError(f"{self.space.variant}: {one.error}")
        self._incumbent = _Incumbent(compiled[-1], best.value if best else 1.0)

    def _submit(self, deadline: float | None, under_way: int = 0) -> tuple[list[Trial], Callable] | None:
        left = self.settings.trials - len(self.finished()) - under_way
        if left <= 0 or (deadline is not None and time.monotonic() > deadline):
            return None
        trials = []
        for _ in range(min(left, self.workers.width)):
            trial = self.study.ask(distributions(self.space))
            if self.study.sampler.exhausted:
                self.study.tell(trial, state=TrialState.FAIL)
                break
            trial.set_user_attr("owner", f"{socket.gethostname()}:{os.getpid()}")
            trials.append(trial)
        if not trials:
            return None
        points = [self.space.complete(trial.params) for trial in trials]
        return trials, self.race.compile_later(points)

    # ------------------------------------------------------------------------------------------------------- results

    def _finish(self, trials: list[Trial], compiled: list[Compiled]) -> None:
        known = {t.user_attrs.get("code"): t for t in self.finished() if t.state != TrialState.FAIL}
        fresh: list[tuple[Trial, Compiled]] = []
        for trial, one in zip(trials, compiled, strict=True):
            if one.error:
                self._tell_failed(trial, "failed", one.error)
            elif one.key in known:
                self._tell_same(trial, known[one.key])
            elif any(one.key == other.key for _, other in fresh):
                self.study.tell(trial, state=TrialState.FAIL)  # its twin in this batch is measured
            else:
                fresh.append((trial, one))
        if not fresh:
            return
        base = self._incumbent
        results = self._measure_each([one for _, one in fresh])
        for (trial, one), result in zip(fresh, results, strict=True):
            self._tell(trial, one, result, base)
        self.report(self)

    def _measure_each(self, candidates: list[Compiled]) -> list[dict[str, Any]]:
        """One result a candidate, the incumbent's time beside it. A program that ends early is tried again candidate by candidate."""
        try:
            return self.race.run([self._incumbent.compiled, *candidates])[1:]
        except FirstFailedError:
            raise  # not the candidates' fault
        except (RunnerError, ToolError) as error:
            if len(candidates) == 1:
                return [{"failed": str(error)}]
        return [self._measure_each([candidate])[0] for candidate in candidates]

    def _tell(self, trial: Trial, one: Compiled, result: dict[str, Any], base: _Incumbent) -> None:
        if "ratio" not in result:
            wrong = f"the error is {result.get('max_error')}" if "failed" not in result else result["failed"]
            return self._tell_failed(trial, "failed" if "failed" in result else "wrong", wrong)
        value = result["ratio"] * base.value
        trial.set_user_attr("code", one.key)
        trial.set_user_attr("ms", result["ms_min"])
        if result["ratio"] > self.settings.slower:
            trial.set_user_attr("status", "slow")
            trial.report(value, 0)
            self.study.tell(trial, state=TrialState.PRUNED)
            return None
        if value < CLEARLY * self._incumbent.value:
            value = self._challenge(one, value)
        trial.set_user_attr("status", "measured")
        self.study.tell(trial, value)
        return None

    def _challenge(self, one: Compiled, value: float) -> float:
        """The candidate's value after a longer race with the incumbent, whose place it takes if it is still clearly faster."""
        try:
            ratio = self.race.run([self._incumbent.compiled, one], times=4, slower=10)[1].get("ratio")
        except FirstFailedError:
            raise
        except (RunnerError, ToolError):
            return value * 2  # it has failed the second time
        if ratio is None:
            return value * 2
        value = ratio * self._incumbent.value
        if ratio < CLEARLY:
            self._incumbent = _Incumbent(one, value)
        return value

    def _tell_failed(self, trial: Trial, status: str, reason: str) -> None:
        trial.set_user_attr("status", status)
        trial.set_user_attr("reason", reason[:500])
        self.study.tell(trial, state=TrialState.FAIL)

    def _tell_same(self, trial: Trial, other: FrozenTrial) -> None:
        """It runs the code of another trial; that one's result is not counted twice."""
        trial.set_user_attr("same_as", other.number)
        if other.state == TrialState.PRUNED:
            trial.report(other.value if other.value is not None else other.intermediate_values[0], 0)
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self.study.tell(trial, other.value)

    def final(self, also: list[Point] | None = None, count: int = 4) -> Outcome:
        """The last race, between the best few, other points that are given, and the defaults."""
        points = [self.space.complete(params) for params in best_params(self.study, count)]
        points += [point for point in also or [] if point not in points and self.space.is_legal(point)]
        return self.race.last(points, len(self.finished()))


def best_params(study: optuna.Study, count: int) -> list[dict[str, int]]:
    """What the fastest few were."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [t.params for t in sorted((t for t in done if "status" in t.user_attrs), key=lambda t: t.value)[:count]]
