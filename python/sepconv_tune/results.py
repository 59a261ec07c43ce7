"""What a storage of trials says about each layer, for the report."""

import dataclasses
from typing import Any

import optuna
from optuna.trial import TrialState


@dataclasses.dataclass
class LayerResult:
    """A finished search; times in milliseconds."""

    layer: str
    target: str
    cpu: str
    halide: str
    flops: int
    bytes: int
    peak: float
    """GFLOP/s of the core's multiply-adds."""
    bandwidth: dict[str, float]
    """GB/s by the level that it comes from."""
    ms: float
    ms_default: float
    parameters: dict[str, int]
    values: list[float]
    """Times over that of the defaults, in the order of the trials."""
    baselines: dict[str, float] = dataclasses.field(default_factory=dict)
    """Milliseconds by baseline, where it did not fail."""

    @property
    def gain(self) -> float:
        return self.ms_default / self.ms

    @property
    def intensity(self) -> float:
        """Flops for each byte of input, weights and output."""
        return self.flops / self.bytes

    def gflops(self, ms: float) -> float:
        return self.flops / ms / 1e6

    def best_so_far(self) -> list[float]:
        best: list[float] = []
        for value in self.values:
            best.append(min(value, best[-1]) if best else min(value, 1.0))
        return best


def read(storage: optuna.storages.BaseStorage, target: str = "") -> tuple[list[LayerResult], list[optuna.Study]]:
    """The searches that have ended, and their studies; of one target and machine, the one with the most of them."""
    studies = [optuna.load_study(study_name=name, storage=storage) for name in optuna.get_all_study_names(storage)]
    searched, others = [], []
    for study in studies:
        about = study.user_attrs
        if not about.get("baseline") and "outcome" in about and (not target or about.get("target") == target):
            searched.append(study)
        elif about.get("baseline"):
            others.append(about)
    machines = [(study.user_attrs["target"], study.user_attrs["cpu"]) for study in searched]
    if not machines:
        return [], []
    machine = max(set(machines), key=machines.count)
    chosen = [study for study, where in zip(searched, machines, strict=True) if where == machine]
    results = [_result(study, others) for study in chosen]
    order = sorted(range(len(results)), key=lambda i: results[i].layer)
    return [results[i] for i in order], [chosen[i] for i in order]


def _result(study: optuna.Study, others: list[dict[str, Any]]) -> LayerResult:
    about, trials = study.user_attrs, study.get_trials(deepcopy=False)
    outcome = about["outcome"]
    values = []
    for trial in trials:
        if "status" in trial.user_attrs and trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
            values.append(trial.value if trial.value is not None else trial.intermediate_values[0])
    baselines: dict[str, float] = {}
    for other in others:
        if (other["variant"], other["target"], other["cpu"]) != (about["variant"], about["target"], about["cpu"]):
            continue
        if "outcome" in other:  # a search, too, relative to the same defaults
            baselines[other["baseline"]] = (
                other["outcome"]["ms"] / other["outcome"]["ms_default"] * outcome["ms_default"]
            )
        elif "ms_baseline" in other.get("times", {}):
            times = other["times"]
            baselines[other["baseline"]] = times["ms_baseline"] / times["ms_default"] * outcome["ms_default"]
    return LayerResult(
        layer=about["layer"], target=about["target"], cpu=about["cpu"], halide=about["halide"], flops=about["flops"],
        bytes=about["bytes"], peak=about["peak_gflops"], bandwidth=about.get("bandwidth", {}), ms=outcome["ms"],
        ms_default=outcome["ms_default"], parameters=about.get("chosen", {}), values=values, baselines=baselines,
    )  # fmt: skip
