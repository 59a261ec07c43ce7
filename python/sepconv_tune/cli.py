"""The command `sepconv tune` (also `python -m sepconv_tune`)."""

import fnmatch
import os
import pathlib
import re
import sys
import time

import click

import sepconv_layers

from . import baselines, layers, storage, studies, tasks
from .database import Database
from .machine import RunnerError
from .progress import Display
from .search import Settings
from .tasks import Task
from .toolchain import Toolchain, ToolError
from .workers import LocalWorkers, Workers

_FILE = click.Path(exists=True, dir_okay=False, path_type=pathlib.Path)
_SECONDS = {"s": 1, "m": 60, "h": 3600}
BASELINES = ("defaults", "random", *baselines.AUTOSCHEDULERS)


def seconds(_context: object, _parameter: object, text: str | None) -> float | None:
    """90s, 10m, 4h."""
    if text is None:
        return None
    if not (found := re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)):
        raise click.BadParameter(f'"{text}" is not a time such as 90s, 10m or 4h')
    return float(found[1]) * _SECONDS[found[2]]


@click.command("tune")
@click.argument("files", metavar="LAYERS.json...", nargs=-1, required=True, type=_FILE)
@click.option("--target", required=True, help="Such as x86_avx2.")
@click.option("--trials", default=60, show_default=True, type=click.IntRange(1), help="Candidates a variant.")
@click.option(
    "--time", "limit", metavar="10m", callback=seconds, help="For all variants together, shared out among them."
)
@click.option(
    "--jobs",
    default=os.cpu_count() or 1,
    show_default="processors",
    type=click.IntRange(1),
    help="Compilers at a time.",
)
@click.option("--filter", "pattern", metavar="RE", default="", help="Only layers whose name matches.")
@click.option("--transfer", is_flag=True, help="Search a few representatives, and start the others from their records.")
@click.option(
    "--variant",
    "variants",
    metavar="NAME",
    multiple=True,
    help="Tune this variant, on a few of the layers that the library takes it for, instead of the layers' own variants; "
    "'*' stands for every shipped one.",
)
@click.option("--core", type=click.IntRange(0), help="The core that measures; default: the last one.")
@click.option(
    "--runner", metavar="PREFIX", default="", help="How to reach the machine: 'ssh board', 'qemu-aarch64 {}'."
)
@click.option("--scheduler", metavar="ADDRESS", help="Of a Dask scheduler, whose workers compile and measure.")
@click.option("--cpu", default="", help="Microarchitecture for the records; default: what the machine says.")
@click.option("--baseline", type=click.Choice(BASELINES), help="Measure this in place of the search.")
@click.option("--recheck", is_flag=True, help="Only the last race again: the best few, the record and the defaults.")
@click.option("--database", type=click.Path(file_okay=False, path_type=pathlib.Path), default="tuning", show_default=True,
              help="Folder of the records.")  # fmt: skip
@click.option(
    "--storage", "where", default="tune.db", show_default=True, help="Of the trials: a file, or a server's URL."
)
@click.option("--tools", metavar="DIR", default="", help="Build folder or prefix of sepconv for the machine.")
@click.option(
    "--seconds", "timing", default=0.1, show_default=True, type=click.FloatRange(0.001), help="Timing a candidate."
)
@click.option("--seed", default=1, show_default=True)
def tune(
    files: tuple[pathlib.Path, ...], target: str, trials: int, limit: float | None, jobs: int, pattern: str, transfer: bool,
    variants: tuple[str, ...], core: int | None, runner: str, scheduler: str | None, cpu: str, baseline: str | None,
    recheck: bool, database: pathlib.Path, where: str, tools: str, timing: float, seed: int,
) -> None:  # fmt: skip
    """Finds schedule parameters for layers by measurement, and writes them to the tuning records that the build reads.

    Every finished trial is kept: the same command goes on where it was stopped.
    """
    try:
        toolchain = Toolchain.load(tools or _default_tools())
        toolchain.target(target)
        matches = sepconv_layers.name_filter(pattern)
        chosen = [layer for file in files for layer in layers.read(file, toolchain) if matches(layer.name)]
        if not chosen:
            raise click.ClickException(f'no layer that can be tuned matches "{pattern}"')
        if variants and baseline:
            raise click.UsageError("--variant is for the search: a baseline has each layer's own variant")
        todo = _of_variants(toolchain, target, chosen, variants) if variants else tasks.of_layers(chosen)
        workers = _workers(toolchain, jobs, runner or _pinned(core), scheduler)
        setup = studies.Setup(
            toolchain, target, workers, Database(database / f"{target}.json", target), storage.open_storage(where),
            Settings(trials, timing, seed=seed), transfer, cpu, baseline=baseline or "",
        )  # fmt: skip
        _run(setup, todo, limit, recheck)
    except (ValueError, OSError, RunnerError, ToolError) as error:
        raise click.ClickException(str(error)) from error


def _run(setup: studies.Setup, todo: list[Task], limit: float | None, recheck: bool) -> None:
    start, outcomes = time.monotonic(), {}
    try:
        with Display() as display:
            setup.identify(todo[0])
            display.say(f"{setup.target} on {setup.cpu}, {setup.peak_gflops:.1f} GFLOP/s at best")
            if setup.baseline in ("", "random"):
                if recheck:
                    outcomes = studies.recheck(setup, todo, display.say)
                else:
                    outcomes = studies.tune(setup, todo, limit, display.say, display.step)
                for task in todo if setup.baseline else []:
                    if task.name in outcomes:
                        baselines.beside_record(setup, task, display.say)
            else:
                baselines.measure(setup, todo, display.say)
    except KeyboardInterrupt:
        click.echo("stopped; every finished trial is kept, and the same command goes on")
        sys.exit(130)
    finally:
        setup.workers.close()
    minutes = (time.monotonic() - start) / 60
    if outcomes:
        product = 1.0
        for outcome in outcomes.values():
            product *= outcome.ms_default / outcome.ms
        gain = product ** (1 / len(outcomes))
        where = f"; records in {setup.database.path}" if not setup.baseline else ""
        click.echo(
            f"{len(outcomes)} variants in {minutes:.1f} min, geometric mean {gain:.3f}x the defaults' speed{where}"
        )


def _of_variants(tools: Toolchain, target: str, chosen: list[layers.Layer], names: tuple[str, ...]) -> list[Task]:
    shipped = tools.shipped(target)
    wanted = [variant for name in names for variant in (fnmatch.filter(shipped, name) if "*" in name else [name])]
    found = {variant: tasks.of_variant(tools, target, chosen, variant) for variant in wanted}
    without = [variant for variant, task in found.items() if task is None]
    if without:
        click.echo(f"none of the layers suits {', '.join(without)}", err=True)
    if len(without) == len(found):
        raise click.ClickException(f"no variant to tune matches {' '.join(names)}")
    return [task for task in found.values() if task is not None]


def _workers(tools: Toolchain, jobs: int, runner: str, scheduler: str | None) -> Workers:
    if scheduler is None:
        return LocalWorkers(str(tools.path), jobs, runner)
    from .dask_workers import DaskWorkers

    return DaskWorkers(scheduler, str(tools.path), runner)


def _pinned(core: int | None) -> str:
    core = max(os.sched_getaffinity(0)) if core is None else core
    return f"taskset -c {core} {{}}"


def _default_tools() -> str:
    """The prefix inside the installed package."""
    import importlib.util

    found = importlib.util.find_spec("sepconv")
    inside = pathlib.Path(found.origin).parent / "prefix" if found and found.origin else pathlib.Path("prefix")
    return os.environ.get("SEPCONV_PREFIX") or str(inside)


def dispatch(arguments: list[str]) -> None:
    """`report ...` or the arguments of the search; ends the program."""
    if arguments[:1] == ["report"]:
        from .report import report

        report(arguments[1:], prog_name="sepconv tune report")
    tune(arguments, prog_name="sepconv tune")
