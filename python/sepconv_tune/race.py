"""Races: candidates are timed in turns with the best one so far, and what is clearly slower is out before the others are timed at length.

So do Hoeffding races (Maron and Moore, 1994) and F-Race (Birattari and others, 2002), by a statistical test; here a candidate is out when
the median over some turns of its time over the first one's is above a limit (tools/runner/race.h)."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any

from .candidate import Compiled
from .layers import Layer
from .machine import RunnerError
from .space import Point, Space
from .toolchain import ToolError
from .workers import Job, Workers

RECORDED = 0.98
"""What is recorded is at least 2% faster than the defaults, in two races of their own."""
_RETRIES = 5


@dataclasses.dataclass
class Outcome:
    """What a search found; `point` is the defaults where nothing is clearly faster. `ms` is the least of its calls, `ms_default` what
    the defaults took beside it: `ms` over the ratio in the worse of its last two races."""

    point: Point
    ms: float
    ms_default: float
    trials: int


class FirstFailedError(ToolError):
    """What the other candidates are raced with fails itself: nothing can be measured."""


class Race:
    """Of candidates of one variant, on its layers; seconds of timing a candidate, and one that takes `slower` times as long is out."""

    def __init__(self, workers: Workers, space: Space, seconds: float, slower: float):
        self.workers, self.space, self.seconds, self.slower = workers, space, seconds, slower

    def compile_later(self, points: list[Point]) -> Callable[[], list[Compiled]]:
        """A function that waits for the candidates."""
        return self.workers.compile_later([Job.of(self.space, point) for point in points])

    def run(self, candidates: list[Compiled], times: float = 1, slower: float | None = None) -> list[dict[str, Any]]:
        """Results of the candidates, the first one's ratio being 1; over several layers the geometric means. `times` as long as usual.

        Raises:
            FirstFailedError, RunnerError, ToolError: there are none.
        """
        return _means([self._run(candidates, layer, times, slower or self.slower) for layer in self.space.layers])

    def _run(self, candidates: list[Compiled], layer: Layer, times: float, slower: float) -> list[dict[str, Any]]:
        """On one layer. A machine that does not answer is asked again, in case it is the machine and not a candidate."""
        seconds = self.seconds * times
        words = [f"budget={seconds}", f"slower={slower}"]
        longest = 60 + len(candidates) * (10 + 20 * seconds)
        for attempt in range(_RETRIES):
            try:
                answer = self.workers.measure(candidates, layer, words, longest)
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
                raise FirstFailedError(f"the best point so far cannot be measured: {results[0].get('failed', wrong)}")
            return results
        raise RunnerError("no answer")

    def last(self, points: list[Point], trials: int) -> Outcome:
        """The points race the defaults side by side and longer; who wins does it again. What is not faster in both is not returned: the
        outcome is then the defaults."""
        default = self.space.default
        points = [default] + [point for point in points if point != default]
        compiled = [one for one in self.compile_later(points)() if not one.error]
        if not compiled or compiled[0].point != default:
            raise ToolError(f"{self.space.variant}: the defaults do not compile")
        results = self.run(compiled, times=8, slower=10)
        ratios = {i: result["ratio"] for i, result in enumerate(results) if "ratio" in result}
        winner = min(ratios, key=ratios.get)
        if winner and ratios[winner] < RECORDED:
            again = self.run([compiled[0], compiled[winner]], times=8, slower=10)[1]
            if again.get("ratio", 1.0) < RECORDED:
                ms = min(results[winner]["ms_min"], again["ms_min"])
                return Outcome(compiled[winner].point, ms, ms / max(ratios[winner], again["ratio"]), trials)
        ms = results[0]["ms_min"]
        return Outcome(default, ms, ms, trials)


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
