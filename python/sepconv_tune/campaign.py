"""A list of layers, one search after the other, until the time is up; what was finished is not done again."""

import dataclasses
import time
from collections.abc import Callable

import optuna

from . import storage as storages
from .crew import Crew, Job
from .database import Database, Record, distance
from .layers import Layer
from .search import Outcome, Search, Settings
from .space import Space
from .toolchain import Toolchain, ToolError

_NEAREST = 6
_TRANSFERRED = 12
"""Trials of a layer that starts from a representative's record."""
_NEAR = 4.0
"""Layers nearer than this to a representative are left to it."""


@dataclasses.dataclass
class Setup:
    """What a command works with."""

    tools: Toolchain
    target: str
    crew: Crew
    database: Database
    storage: optuna.storages.BaseStorage
    settings: Settings
    transfer: bool = False
    cpu: str = ""
    peak_gflops: float = 0.0
    bandwidth: dict[str, float] = dataclasses.field(default_factory=dict)
    baseline: str = ""
    variant: str = ""

    def row(self, layer: Layer) -> str:
        return self.variant or layer.variant

    def identify(self, layer: Layer) -> None:
        """Asks the machine that is tuned for who it is, with this layer's defaults; `cpu` may have been given.

        Raises:
            RunnerError, ToolError, ValueError: it cannot be reached, or the layer cannot be compiled.
        """
        space = Space(self.tools, self.row(layer), self.target, layer)
        space.close()
        (one,) = self.crew.compile_later([Job(self.row(layer), self.target, space.default, {})])()
        if one.error:
            raise ToolError(f"{layer.name}: {one.error}")
        answer = self.crew.measure([one], [*layer.words(), "peak", "budget=0.02"], 120)
        self.cpu = self.cpu or answer["cpu"]
        self.peak_gflops, self.bandwidth = answer["peak_gflops"], answer["bandwidth"]


def representatives(layers: list[Layer]) -> list[Layer]:
    """The costliest layers such that every other one is near one of them."""
    chosen: list[Layer] = []
    for layer in sorted(layers, key=lambda layer: -layer.flops):
        away = (distance(layer.variant, other.variant) for other in chosen)
        if not any(d is not None and d < _NEAR for d in away):
            chosen.append(layer)
    return chosen


def in_order(layers: list[Layer], transfer: bool) -> list[tuple[Layer, bool]]:
    """Each row once, and whether its search may be short."""
    rows = list({layer.variant: layer for layer in layers}.values())
    first = representatives(rows) if transfer else rows
    return [(layer, False) for layer in first] + [(layer, True) for layer in rows if layer not in first]


def tune(
    setup: Setup,
    layers: list[Layer],
    seconds: float | None,
    say: Callable[[str], None],
    progress: Callable[[Layer, int, Search, float | None], None],
) -> dict[str, Outcome]:
    """Searches each layer and stores its record. `say` gets a line a layer, `progress` every step of its search."""
    end = None if seconds is None else time.monotonic() + seconds
    order, outcomes = in_order(layers, setup.transfer), {}
    for i, (layer, short) in enumerate(order):
        if end is not None and time.monotonic() > end:
            say(f"the time is up: {len(order) - i} layers are left for the next run")
            break
        # The time that is left is shared out, and what a layer does not need goes to those after it.
        deadline = None if end is None else time.monotonic() + (end - time.monotonic()) / (len(order) - i)
        try:
            outcome = _tune_layer(setup, layer, short, deadline, say, progress)
        except (ToolError, ValueError) as error:
            say(f"{layer.name}: left out: {error}")
            continue
        if outcome is not None:
            outcomes[layer.name] = outcome
    return outcomes


def _tune_layer(
    setup: Setup, layer: Layer, short: bool, deadline: float | None, say: Callable, progress: Callable
) -> Outcome | None:
    row = setup.row(layer)
    settings = setup.settings
    trials = min(settings.trials, _TRANSFERRED) if short else settings.trials
    settings = dataclasses.replace(settings, trials=trials, uniform=setup.baseline == "random")
    name = "@".join(filter(None, [row, setup.target, setup.cpu, setup.baseline]))
    about = {
        "layer": layer.name, "fields": storages.plain(layer.fields), "variant": row, "target": setup.target,
        "cpu": setup.cpu, "flops": layer.flops, "bytes": layer.bytes, "peak_gflops": setup.peak_gflops, "bandwidth": setup.bandwidth,
        "halide": setup.tools["halide"], "baseline": setup.baseline,
    }  # fmt: skip
    study = storages.open_study(setup.storage, name, about)
    if study.user_attrs.get("outcome", {}).get("trials", -1) >= trials:
        say(f"{layer.name}: done before")
        return Outcome(**study.user_attrs["outcome"])
    space = Space(setup.tools, row, setup.target, layer)
    try:
        search = Search(setup.crew, space, study, settings, lambda s: progress(layer, trials, s, deadline))
        search.suggest(_starts(setup, row) if not setup.baseline else [])
        search.run(deadline)
        if not search.finished():
            return None
        outcome = search.final()
    finally:
        space.close()
    if not setup.baseline:
        setup.database.store(row, setup.cpu, _record(setup, layer, space, outcome))
    study.set_user_attr("chosen", space.chosen(outcome.point))
    study.set_user_attr("outcome", dataclasses.asdict(outcome))
    gain = outcome.ms_default / outcome.ms
    words = " ".join(f"{k}={v}" for k, v in space.chosen(outcome.point).items()) or "the defaults"
    say(
        f"{layer.name}: {outcome.ms_default:.4f} -> {outcome.ms:.4f} ms ({gain:.3f}x), {outcome.trials} trials: {words}"
    )
    return outcome


def _starts(setup: Setup, row: str) -> list[dict[str, int]]:
    own = setup.database.record(row, setup.cpu)
    near = [record for _, record in setup.database.nearest(row, setup.cpu, _NEAREST)]
    return [record.parameters for record in [own, *near] if record is not None]


def _record(setup: Setup, layer: Layer, space: Space, outcome: Outcome) -> Record:
    gflops = layer.flops / outcome.ms / 1e6
    return Record(
        parameters=space.chosen(outcome.point),
        ms=_rounded(outcome.ms),
        ms_default=_rounded(outcome.ms_default),
        peak_fraction=round(gflops / setup.peak_gflops, 3) if setup.peak_gflops else None,
        trials=outcome.trials,
        halide=setup.tools["halide"],
        date=storages.today(),
    )


def _rounded(ms: float) -> float:
    """Four digits: what a measurement is worth."""
    return float(f"{ms:.4g}")
