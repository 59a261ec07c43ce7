"""Which candidate to try next. Every draw is legal, worth compiling and new; what Optuna keeps are the parameters themselves."""

import random
from collections.abc import Callable
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from .space import Point, Space

_ATTEMPTS = 300
_MUTATIONS = 0.6
"""The share of draws that change a good point; the others are the estimator's."""
_STARTUP = 12
"""Measured candidates before the estimator is asked."""


def distributions(space: Space) -> dict[str, BaseDistribution]:
    return {name: CategoricalDistribution(values) for name, values in space.legal.items()}


class LegalSampler(optuna.samplers.BaseSampler):
    """Neighbours of the best points, and draws of a Parzen estimator; `uniform`: any legal point, for comparison."""

    def __init__(self, space: Space, worthwhile: Callable[[Point], bool], seed: int, uniform: bool = False):
        self.space, self.worthwhile, self.uniform = space, worthwhile, uniform
        self.random = random.Random(seed)
        self.exhausted = False
        """Whether no new point was found: the space has no more, or hardly any."""
        # The draws of one batch differ because all are new; constant_liar would write to the storage at every attempt.
        self.estimator = optuna.samplers.TPESampler(
            n_startup_trials=_STARTUP, multivariate=True, constant_liar=False, seed=seed
        )

    def infer_relative_search_space(self, _study: Any, _trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return distributions(self.space)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        trials = [t for t in study.get_trials(deepcopy=False) if t.number != trial.number and t.params]
        taken = {tuple(t.params.get(name) for name in self.space.names) for t in trials}
        elite = sorted((t for t in trials if t.state == TrialState.COMPLETE), key=lambda t: t.value)[:6]
        for attempt in range(_ATTEMPTS):
            draw = self._draw(study, trial, search_space, elite, attempt)
            point = self.space.default | draw
            if tuple(draw[name] for name in self.space.names) in taken or not self.space.is_legal(point):
                continue
            if self.uniform or self.worthwhile(point):
                return draw
        return self._any_legal(taken)

    def sample_independent(self, _study: Any, _trial: Any, param_name: str, _distribution: BaseDistribution) -> Any:
        return self.space.default[param_name]

    def _draw(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict, elite: list[FrozenTrial], attempt: int
    ) -> Point:
        if self.uniform or not elite:
            return self._uniform()
        if self.random.random() < _MUTATIONS:
            # The best is chosen most often.
            parent = elite[min(int(self.random.expovariate(0.7)), len(elite) - 1)]
            return self._mutated(parent.params, 1 + attempt // 50)
        return self.estimator.sample_relative(study, trial, search_space) or self._mutated(elite[0].params, 2)

    def _uniform(self) -> Point:
        return {name: self.random.choice(values) for name, values in self.space.legal.items()}

    def _mutated(self, parent: Point, least: int) -> Point:
        """With some parameters a step or two away, or anywhere."""
        draw = dict(parent)
        count = min(least + self.random.choice((0, 0, 1, 1, 2)), len(self.space.names))
        for name in self.random.sample(self.space.names, count):
            values = self.space.legal[name]
            if self.random.random() < 0.3:
                draw[name] = self.random.choice(values)
            else:
                step = self.random.choice((-2, -1, -1, 1, 1, 2))
                draw[name] = values[max(0, min(len(values) - 1, values.index(draw[name]) + step))]
        return draw

    def _any_legal(self, taken: set[tuple]) -> Point:
        """One that is legal and new, if chance finds one; small spaces run out of points worth compiling."""
        default = {name: self.space.default[name] for name in self.space.names}
        for attempt in range(20 * _ATTEMPTS):
            draw = self._mutated(default, 1 + attempt // _ATTEMPTS % 4)
            if tuple(draw.values()) not in taken and self.space.is_legal(self.space.default | draw):
                return draw
        self.exhausted = True
        return default
