"""The report's figures, as pieces of HTML."""

import math

import plotly.graph_objects as go

from .results import LayerResult

_LEVELS = {"L2": 256 << 10, "L3": 8 << 20, "memory": math.inf}
"""Up to twice so many bytes a layer's tensors come from there."""


def mean(values: list[float]) -> float:
    """Geometric."""
    return math.exp(sum(map(math.log, values)) / len(values))


def _show(figure: go.Figure, height: int, script: bool = False) -> str:
    figure.update_layout(template="plotly_white", height=height, margin={"l": 60, "r": 20, "t": 40, "b": 50})
    return figure.to_html(full_html=False, include_plotlyjs=script, config={"displaylogo": False})


def searches(results: list[LayerResult], script: bool = False) -> str:
    figure = go.Figure()
    for r in results:
        best = r.best_so_far()
        trials = list(range(1, len(best) + 1))
        figure.add_scatter(x=trials, y=best, mode="lines", line_shape="hv", name=r.layer, hoverinfo="name+y")
    figure.update_xaxes(title="measured candidates")
    figure.update_yaxes(title="time of the best, defaults = 1")
    return _show(figure, 480, script)


def importance(shares: dict[str, float]) -> str:
    figure = go.Figure(go.Bar(x=list(shares.values()), y=list(shares), orientation="h"))
    figure.update_xaxes(title="share", tickformat=".0%")
    return _show(figure, 120 + 22 * len(shares))


def roofline(results: list[LayerResult]) -> str:
    figure = go.Figure()
    peak = max(r.peak for r in results)  # of float32, if there is any
    # Noise only lowers what a run finds.
    bandwidth = {level: max(r.bandwidth.get(level, 0.0) for r in results) for level in _LEVELS if results[0].bandwidth}
    least, most = min(r.intensity for r in results) / 2, 2 * max(r.intensity for r in results)
    slowest = min(r.gflops(r.ms_default) for r in results) / 2
    for level in _LEVELS:
        if level in bandwidth:
            x = [least * (most / least) ** (i / 99) for i in range(100)]
            roof = [min(peak, i * bandwidth[level]) for i in x]
            name = f"roof from {level}: {bandwidth[level]:.0f} GB/s"
            figure.add_scatter(x=x, y=roof, mode="lines", name=name, line={"width": 1})
    if not bandwidth:
        figure.add_scatter(x=[least, most], y=[peak, peak], mode="lines", name=f"{peak:.0f} GFLOP/s", line={"width": 1})
    for name, symbol, ms in (("defaults", "circle-open", "ms_default"), ("tuned", "circle", "ms")):
        figure.add_scatter(
            x=[r.intensity for r in results],
            y=[r.gflops(getattr(r, ms)) for r in results],
            text=[r.layer for r in results],
            mode="markers",
            name=name,
            marker={"symbol": symbol, "size": 8},
        )
    figure.update_xaxes(type="log", title="flops for each byte of input, weights and output")
    figure.update_yaxes(type="log", title="GFLOP/s", range=[math.log10(slowest), math.log10(1.3 * peak)])
    return _show(figure, 480)


def baselines(results: list[LayerResult]) -> str:
    figure = go.Figure()
    names = sorted({name for r in results for name in r.baselines})
    for name in ["defaults", *names]:
        known = [r for r in results if r.baselines and (name == "defaults" or name in r.baselines)]
        ratios = [(r.ms_default if name == "defaults" else r.baselines[name]) / r.ms for r in known]
        label = f"{name}: {mean(ratios):.2f} over {len(known)} layers"
        figure.add_bar(x=[r.layer for r in known], y=ratios, name=label)
    figure.update_yaxes(title="time, record = 1", type="log")
    return _show(figure, 520)
