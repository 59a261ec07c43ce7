"""The command `sepconv tune report`: what the searches of a storage found, as one HTML page that needs nothing else."""

import html
import pathlib
from typing import Any

import click
import optuna

import sepconv_layers

from . import figures
from . import storage as storages
from .results import LayerResult, read

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; width: 100%; font-size: 13px }
td, th { padding: .2em .6em; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child, td:last-child, th:last-child { text-align: left }
h2 { margin-top: 2em }
"""
_SEARCHES = """The best candidate so far, its time over that of the defaults. Candidates race the best one so far; each has its
answer checked before."""
_IMPORTANCE = (
    """The share of the times' spread that each parameter explains (Optuna's PED-ANOVA), in the mean over the layers."""
)
_BASELINES = """Times over that of the record. Halide's autoschedulers get the algorithm in its plainest form; those that failed on
a layer have no bar there."""


def page(results: list[LayerResult], importance: dict[str, float]) -> str:
    """The whole page."""
    first, count = results[0], sum(len(r.values) for r in results)
    title = f"Tuned schedules: {html.escape(first.target)} on {html.escape(first.cpu)}"
    sums = (
        f"{len(results)} layers, {count} measured candidates. The winners are {figures.mean([r.gain for r in results]):.3f} "
        f"times as fast as the schedule's defaults, in the geometric mean. One core, a multiply-add peak of {max(r.peak for r in results):.1f} "
        f"GFLOP/s, Halide {html.escape(first.halide)}."
    )
    parts = [
        f"<h1>{title}</h1><p>{sums}</p>",
        _section("The searches", _SEARCHES, figures.searches(results, script=True)),
        _section("Which parameters matter", _IMPORTANCE, figures.importance(importance)),
        _section("Under the roof", "Speed over intensity, before (the defaults) and after.", figures.roofline(results)),
    ]
    if any(r.baselines for r in results):
        parts.append(_section("Beside other ways to a schedule", _BASELINES, figures.baselines(results)))
    parts.append(_section("Layers", "", _table(results)))
    body = "\n".join(parts)
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>\n{body}\n</html>\n'


def _section(title: str, text: str, content: str) -> str:
    return f"<h2>{title}</h2><p>{text}</p>{content}"


def _table(results: list[LayerResult]) -> str:
    head = ("layer", "trials", "defaults ms", "tuned ms", "gain", "of the peak", "parameters")
    rows = [
        (
            r.layer, str(len(r.values)), f"{r.ms_default:.4f}", f"{r.ms:.4f}", f"{r.gain:.3f}",
            f"{r.gflops(r.ms) / r.peak:.0%}", " ".join(f"{k}={v}" for k, v in r.parameters.items()) or "the defaults",
        )
        for r in results
    ]  # fmt: skip
    lines = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
    return f"<table><tr>{''.join(f'<th>{h}</th>' for h in head)}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def mean_importance(studies: list[optuna.Study]) -> dict[str, float]:
    """Optuna's, over the studies for which it can be computed."""
    sums: dict[str, float] = {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    for study in studies:
        try:
            shares: dict[str, Any] = optuna.importance.get_param_importances(study, evaluator=evaluator)
        except (ValueError, RuntimeError, ZeroDivisionError):  # too few trials, or all alike
            continue
        for name, share in shares.items():
            sums[name] = sums.get(name, 0.0) + share / len(studies)
    return dict(sorted(sums.items(), key=lambda item: item[1]))


@click.command("report")
@click.option(
    "--storage", "where", default="tune.db", show_default=True, help="Of the trials: a file, or a server's URL."
)
@click.option("--target", default="", help="Only this one; default: the one with the most layers.")
@click.option(
    "-o", "--output", default="tune.html", show_default=True, type=click.Path(dir_okay=False, path_type=pathlib.Path)
)
def report(where: str, target: str, output: pathlib.Path) -> None:
    """Writes a page with the search curves, the parameters' importance, the roofline before and after, and the baselines."""
    try:
        results, studies = read(storages.open_storage(where), target)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if not results:
        raise click.ClickException(f"{where} holds no finished search")
    sepconv_layers.write_text(output, page(results, mean_importance(studies)))
    click.echo(f"{output}: {len(results)} layers")
