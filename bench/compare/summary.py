"""What the results say: ratios, means, groups of layers. A layer that every peer failed on has no ratio, which is NaN."""

import math
import statistics

SMALL = 2e6  # flops; below, the call weighs as much as the work
LARGE = 1e7  # flops; above, the roofline is what counts


def best_peer(result):
    """(milliseconds, name)"""
    return min(
        ((v["min"], k) for k, v in result["peers"].items()), default=(math.nan, "none")
    )


def ratio(result):
    """How many times faster than the best peer."""
    return best_peer(result)[0] / result["ours_ms"]["min"]


def failures(result):
    """Which peers were left out and why, as the text of a cell."""
    return "; ".join(f"{name}: {why}" for name, why in result["failed"].items())


def shipped_ratio(result):
    """The speed of the shipped variants, as a share of that of the layer's own."""
    return result["ours_ms"]["min"] / result["shipped_ms"]["min"]


def geomean(values):
    values = [v for v in values if v > 0]
    return math.exp(statistics.fmean(map(math.log, values))) if values else math.nan


def by_network(results):
    """{network: results}: the part of a layer's name before the first slash, which every name has (layers.merge)."""
    groups = {}
    for r in results:
        groups.setdefault(r["name"].split("/")[0], []).append(r)
    return groups


def summarize(results):
    worst = min(results, key=lambda r: (math.isnan(ratio(r)), ratio(r)))
    large = [r for r in results if r["flops"] > LARGE]
    summary = {
        "layers": len(results),
        "ratio": geomean(map(ratio, results)),
        "least": ratio(worst),
        "worst": worst["name"],
        "peak": geomean(r["peak_fraction"] for r in results),
        "roofline": geomean(r["roofline_fraction"] for r in large),
        "shipped": geomean(map(shipped_ratio, results)),
    }
    if "channels_last_ms" in results[0]:
        summary["of_last"] = geomean(
            r["ours_ms"]["min"] / r["channels_last_ms"]["min"] for r in results
        )
    return summary
