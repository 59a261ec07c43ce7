"""A list of layers, one search after the other, until the time is up; what was finished is not done again."""

import dataclasses
import functools
import math
import statistics
import time
from collections.abc import Callable

import optuna

from . import storage as storages
from .crew import Crew, Job
from .database import Database, Record, distance
from .layers import Layer, fixed_count
from .machine import RunnerError
from .search import Outcome, Search, Settings
from .space import Space
from .toolchain import Toolchain, ToolError

_NEAREST = 6
_TRANSFERRED = 12
"""Trials of a layer that starts from a representative's record."""
_NEAR = 4.0
"""Layers nearer than this to a representative are left to it."""
_MEASURED_ON = 6
"""Layers that a row for many layers is measured on."""


@dataclasses.dataclass(frozen=True)
class Row:
    """What a search is for: a row, and the layers that it is measured on."""

    name: str
    variant: str
    layers: tuple[Layer, ...]

    @property
    def flops(self) -> float:
        """The geometric mean over the layers, as times are."""
        return statistics.geometric_mean(layer.flops for layer in self.layers)

    @property
    def bytes(self) -> float:
        return statistics.geometric_mean(layer.bytes for layer in self.layers)

    def peak(self, gflops: float) -> float:
        """The machine's peak for the row's type, given that for float32."""
        return gflops * 4 / self.layers[0].element_bytes


def rows_of(layers: list[Layer]) -> list[Row]:
    """A row of its own for each layer, equal ones once."""
    return [Row(layer.name, layer.variant, (layer,)) for layer in {layer.variant: layer for layer in layers}.values()]


def named_row(layers: list[Layer], variant: str, shipped: list[str]) -> Row | None:
    """A row for a few layers that are typical of those that it computes beside the shipped rows, in its data format; None if it suits
    none."""
    formatted = {layer.variant: layer for layer in (layer.in_format_of(variant) for layer in layers)}
    suited = [layer for layer in formatted.values() if layer.suits(variant)]
    others = [other for other in shipped if fixed_count(other) > fixed_count(variant)]
    own = [layer for layer in suited if not any(layer.suits(other) for other in others)]
    return Row(variant, variant, tuple(_typical(own or suited))) if suited else None


def _typical(layers: list[Layer]) -> list[Layer]:
    """A few such that all are as near to one of them as can be, chosen one after the other."""
    chosen: list[Layer] = []
    nearest = {layer.variant: math.inf for layer in layers}
    for _ in range(min(_MEASURED_ON, len(layers))):
        away = {
            layer.variant: {other: min(d, distance(layer.variant, other) or 0.0) for other, d in nearest.items()}
            for layer in layers
        }
        best = min(layers, key=lambda layer: sum(away[layer.variant].values()))
        chosen.append(best)
        nearest = away[best.variant]
    return chosen


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

    def identify(self, row: Row) -> None:
        """Asks the machine that is tuned for who it is, with this row's defaults; `cpu` may have been given.

        Raises:
            RunnerError, ToolError, ValueError: it cannot be reached, or the layer cannot be compiled.
        """
        space = Space(self.tools, row.variant, self.target, *row.layers)
        space.close()
        (one,) = self.crew.compile_later([Job(row.variant, self.target, space.default, {})])()
        if one.error:
            raise ToolError(f"{row.name}: {one.error}")
        answer = self.crew.measure([one], [*row.layers[0].words(), "peak", "budget=0.02"], 120)
        self.cpu = self.cpu or answer["cpu"]
        self.peak_gflops, self.bandwidth = answer["peak_gflops"], answer["bandwidth"]


def representatives(rows: list[Row]) -> list[Row]:
    """The costliest rows such that every other one is near one of them."""
    chosen: list[Row] = []
    for row in sorted(rows, key=lambda row: -row.flops):
        away = (distance(row.variant, other.variant) for other in chosen)
        if not any(d is not None and d < _NEAR for d in away):
            chosen.append(row)
    return chosen


def in_order(rows: list[Row], transfer: bool) -> list[tuple[Row, bool]]:
    """The rows, and whether a row's search may be short."""
    first = representatives(rows) if transfer else rows
    return [(row, False) for row in first] + [(row, True) for row in rows if row not in first]


def tune(
    setup: Setup,
    rows: list[Row],
    seconds: float | None,
    say: Callable[[str], None],
    progress: Callable[[str, int, Search, float | None], None],
) -> dict[str, Outcome]:
    """Searches for each row and stores its record. `say` gets a line a row, `progress` every step of its search."""
    end = None if seconds is None else time.monotonic() + seconds
    order, outcomes = in_order(rows, setup.transfer), {}
    for i, (row, short) in enumerate(order):
        if end is not None and time.monotonic() > end:
            say(f"the time is up: {len(order) - i} layers are left for the next run")
            break
        # The time that is left is shared out, and what a layer does not need goes to those after it.
        deadline = None if end is None else time.monotonic() + (end - time.monotonic()) / (len(order) - i)
        try:
            place = f"[{i + 1}/{len(order)}] {row.name}"
            step = functools.partial(progress, place)
            outcome = _tune_row(setup, row, short, deadline, say, step)
        except (ToolError, ValueError) as error:
            say(f"{row.name}: left out: {error}")
            continue
        if outcome is not None:
            outcomes[row.name] = outcome
    return outcomes


def _tune_row(
    setup: Setup, row: Row, short: bool, deadline: float | None, say: Callable, step: Callable
) -> Outcome | None:
    settings = setup.settings
    trials = min(settings.trials, _TRANSFERRED) if short else settings.trials
    settings = dataclasses.replace(settings, trials=trials, uniform=setup.baseline == "random")
    study = study_of(setup, row)
    if study.user_attrs.get("outcome", {}).get("trials", -1) >= trials:
        say(f"{row.name}: done before")
        return Outcome(**study.user_attrs["outcome"])
    space = Space(setup.tools, row.variant, setup.target, *row.layers)
    try:
        search = Search(setup.crew, space, study, settings, lambda s: step(trials, s, deadline))
        search.suggest(_starts(setup, row.variant) if not setup.baseline else [])
        search.run(deadline)
        if not search.finished():
            return None
        outcome = search.final()
    finally:
        space.close()
    _keep(setup, row, space, study, outcome, say)
    return outcome


def recheck(setup: Setup, rows: list[Row], say: Callable[[str], None]) -> dict[str, Outcome]:
    """The last race again for each row that has trials or a record, and the record after it: for a machine that is quieter now,
    or for schedules that have changed."""
    outcomes = {}
    for row in rows:
        study, record = study_of(setup, row), setup.database.record(row.variant, setup.cpu)
        space = Space(setup.tools, row.variant, setup.target, *row.layers)
        try:
            search = Search(setup.crew, space, study, setup.settings, lambda _search: None)
            if not search.finished() and record is None:
                continue
            also = [space.complete(record.parameters)] if record and not setup.baseline else []
            outcomes[row.name] = search.final(also)
        except (ToolError, ValueError, RunnerError) as error:
            say(f"{row.name}: left out: {error}")
            continue
        finally:
            space.close()
        _keep(setup, row, space, study, outcomes[row.name], say)
    return outcomes


def study_of(setup: Setup, row: Row) -> optuna.Study:
    """The trials so far."""
    name = "@".join(filter(None, [row.variant, setup.target, setup.cpu, setup.baseline]))
    about = {
        "layer": row.name, "layers": [storages.plain(layer.fields) for layer in row.layers], "variant": row.variant,
        "target": setup.target, "cpu": setup.cpu, "flops": row.flops, "bytes": row.bytes, "peak_gflops": row.peak(setup.peak_gflops), "bandwidth": setup.bandwidth,
        "halide": setup.tools["halide"], "baseline": setup.baseline,
    }  # fmt: skip
    return storages.open_study(setup.storage, name, about)


def _keep(setup: Setup, row: Row, space: Space, study: optuna.Study, outcome: Outcome, say: Callable) -> None:
    if not setup.baseline:
        setup.database.store(row.variant, setup.cpu, _record(setup, row, space, outcome))
    study.set_user_attr("chosen", space.chosen(outcome.point))
    study.set_user_attr("outcome", dataclasses.asdict(outcome))
    gain = outcome.ms_default / outcome.ms
    words = " ".join(f"{k}={v}" for k, v in space.chosen(outcome.point).items()) or "the defaults"
    say(f"{row.name}: {outcome.ms_default:.4f} -> {outcome.ms:.4f} ms ({gain:.3f}x), {outcome.trials} trials: {words}")


def _starts(setup: Setup, variant: str) -> list[dict[str, int]]:
    own = setup.database.record(variant, setup.cpu)
    near = [record for _, record in setup.database.nearest(variant, setup.cpu, _NEAREST)]
    return [record.parameters for record in [own, *near] if record is not None]


def _record(setup: Setup, row: Row, space: Space, outcome: Outcome) -> Record:
    gflops = row.flops / outcome.ms / 1e6
    return Record(
        parameters=space.chosen(outcome.point),
        ms=_rounded(outcome.ms),
        ms_default=_rounded(outcome.ms_default),
        peak_fraction=round(gflops / row.peak(setup.peak_gflops), 3) if setup.peak_gflops else None,
        trials=outcome.trials,
        halide=setup.tools["halide"],
        date=storages.today(),
    )


def _rounded(ms: float) -> float:
    """Four digits: what a measurement is worth."""
    return float(f"{ms:.4g}")
