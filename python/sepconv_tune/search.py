"""One layer's search: Optuna proposes, the crew compiles and measures, and every result is kept at once in the study."""

import dataclasses
import os
import socket
import statistics
import time
from collections.abc import Callable
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from .candidate import Compiled
from .crew import Crew, Job
from .layers import Layer
from .machine import RunnerError
from .plausible import Plausible
from .sampler import LegalSampler, distributions
from .space import Point, Space
from .toolchain import ToolError

CLEARLY = 0.99
"""A candidate must be at least 1% faster than the incumbent to take its place."""
RECORDED = 0.98
"""And 2% faster than the defaults, in two races of their own, to be recorded."""
_RETRIES = 5


@dataclasses.dataclass
class Settings:
    """Of every layer's search; seconds of timing a candidate, and a candidate that takes `slower` times as long is dropped."""

    trials: int = 60
    seconds: float = 0.1
    slower: float = 1.15
    seed: int = 1
    uniform: bool = False


@dataclasses.dataclass
class Outcome:
    """What a search found; `point` is the defaults where nothing is clearly faster. `ms` is the least of its calls, `ms_default` what
    the defaults took beside it: `ms` over the ratio in the worse of its last two races."""

    point: Point
    ms: float
    ms_default: float
    trials: int


class IncumbentError(ToolError):
    """What candidates are raced with fails itself: nothing can be measured."""


@dataclasses.dataclass
class _Incumbent:
    compiled: Compiled
    value: float
    """Its time over that of the defaults."""


class Search:
    """A study: value is a candidate's time over that of the schedule's defaults."""

    def __init__(self, crew: Crew, space: Space, study: optuna.Study, settings: Settings, report: Callable[..., None]):
        self.crew, self.space, self.study, self.settings, self.report = crew, space, study, settings, report
        rules = [Plausible(space, layer) for layer in space.layers]
        good = lambda point: any(rule(point) for rule in rules)
        study.sampler = LegalSampler(space, good, settings.seed + len(study.trials), settings.uniform)
        self._default: Compiled | None = None
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
            pending = self._submit(deadline, len(trials)) if self.crew.overlaps else None
            self._finish(trials, compiled)
            pending = pending or self._submit(deadline)

    def _start(self) -> None:
        """Compiles the defaults, and the best of an earlier run."""
        best = min((t for t in self.finished() if t.state == TrialState.COMPLETE), key=lambda t: t.value, default=None)
        points = [self.space.default] + ([self.space.complete(best.params)] if best else [])
        compiled = self.crew.compile_later([self._job(point) for point in points])()
        for one in compiled:
            if one.error:
                raise ToolError(f"{self.space.variant}: {one.error}")
        self._default = compiled[0]
        self._incumbent = _Incumbent(compiled[-1], best.value if best else 1.0)

    def _job(self, point: Point) -> Job:
        return Job(self.space.variant, self.space.target, point, self.space.chosen(point))

    def _submit(self, deadline: float | None, under_way: int = 0) -> tuple[list[Trial], Callable] | None:
        left = self.settings.trials - len(self.finished()) - under_way
        if left <= 0 or (deadline is not None and time.monotonic() > deadline):
            return None
        trials = []
        for _ in range(min(left, self.crew.width)):
            trial = self.study.ask(distributions(self.space))
            if self.study.sampler.exhausted:
                self.study.tell(trial, state=TrialState.FAIL)
                break
            trial.set_user_attr("owner", f"{socket.gethostname()}:{os.getpid()}")
            trials.append(trial)
        if not trials:
            return None
        points = [self.space.complete(trial.params) for trial in trials]
        return trials, self.crew.compile_later([self._job(point) for point in points])

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
            return self.race([self._incumbent.compiled, *candidates])[1:]
        except IncumbentError:
            raise  # not the candidates' fault
        except (RunnerError, ToolError) as error:
            if len(candidates) == 1:
                return [{"failed": str(error)}]
        return [self._measure_each([candidate])[0] for candidate in candidates]

    def race(self, candidates: list[Compiled], times: float = 1, **words: Any) -> list[dict[str, Any]]:
        """Results of the candidates, the first one's ratio being 1; over several layers the geometric means."""
        return _means([self._race(candidates, layer, times, **words) for layer in self.space.layers])

    def _race(self, candidates: list[Compiled], layer: Layer, times: float, **words: Any) -> list[dict[str, Any]]:
        """On one layer. A machine that does not answer is asked again, in case it is the machine and not a candidate."""
        seconds = self.settings.seconds * times
        arguments = [*layer.words(), f"budget={seconds}", f"slower={words.get('slower', self.settings.slower)}"]
        longest = 60 + len(candidates) * (10 + 20 * seconds)
        for attempt in range(_RETRIES):
            try:
                answer = self.crew.measure(candidates, arguments, longest)
            except RunnerError:
                if attempt >= 1 and (len(candidates) > 1 or attempt == _RETRIES - 1):
                    raise
                time.sleep(min(2.0**attempt, 10) if len(candidates) == 1 else 0)
                continue
            results = answer["candidates"]
            if len(results) != len(candidates):
                raise RunnerError(f"{len(results)} answers for {len(candidates)} candidates")
            if "ratio" not in results[0]:
                wrong = f"its answer is wrong by {results[0].get('max_error')}"
                raise IncumbentError(f"the best point so far cannot be measured: {results[0].get('failed', wrong)}")
            return results
        raise RunnerError("no answer")

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
            ratio = self.race([self._incumbent.compiled, one], times=4, slower=10)[1].get("ratio")
        except IncumbentError:
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

    # ------------------------------------------------------------------------------------------------------- the end

    def final(self, also: list[Point] | None = None, count: int = 4) -> Outcome:
        """The best few, and other points that are given, race the defaults once more, side by side and longer; who wins does it again.
        What is not faster in both is not returned: the outcome is then the defaults."""
        points = [self.space.complete(params) for params in best_params(self.study, count)]
        points += [point for point in also or [] if point not in points and self.space.is_legal(point)]
        points = [self.space.default] + [point for point in points if point != self.space.default]
        compiled = [one for one in self.crew.compile_later([self._job(p) for p in points])() if not one.error]
        if not compiled or compiled[0].point != self.space.default:
            raise ToolError(f"{self.space.variant}: the defaults do not compile")
        results = self.race(compiled, times=8, slower=10)
        ratios = {i: result["ratio"] for i, result in enumerate(results) if "ratio" in result}
        winner = min(ratios, key=ratios.get)
        if winner and ratios[winner] < RECORDED:
            again = self.race([compiled[0], compiled[winner]], times=8, slower=10)
            if again[1].get("ratio", 1.0) < RECORDED:
                worse = max(ratios[winner], again[1]["ratio"])
                ms = min(results[winner]["ms_min"], again[1]["ms_min"])
                return Outcome(compiled[winner].point, ms, ms / worse, len(self.finished()))
        ms = results[0]["ms_min"]
        return Outcome(self.space.default, ms, ms, len(self.finished()))


def best_params(study: optuna.Study, count: int) -> list[dict[str, int]]:
    """What the fastest few were."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [t.params for t in sorted((t for t in done if "status" in t.user_attrs), key=lambda t: t.value)[:count]]


def _means(results: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Of the candidates' results on each layer; what is wrong on one is wrong."""
    if len(results) == 1:
        return results[0]
    means = []
    for on_each in zip(*results, strict=True):
        bad = next((result for result in on_each if "ratio" not in result), None)
        keys = ("ms_min", "ms_median", "ratio")
        means.append(bad or {key: statistics.geometric_mean(result[key] for result in on_each) for key in keys})
    return means
