"""The tables for a terminal."""

import math

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from summary import best_peer, by_network, failures, ratio, summarize


def show(results, title):
    table = Table(title=title)
    left = ("layer", "best peer", "left out")
    beside = "channels_last_ms" in results[0]
    for column in (
        *("layer", "ours ms", "median", "shipped", "best peer", "ms", "median"),
        *("ratio", "% peak", "% roofline"),
        *(("ours channels_last ms", "of it") if beside else ()),
        *(("left out",) if any(r["failed"] for r in results) else ()),
    ):
        table.add_column(column, justify="left" if column in left else "right")
    for r in results:
        time_of_best, name = best_peer(r)
        median = r["peers"][name]["median"] if r["peers"] else math.nan
        color = "green" if ratio(r) >= 1 else "red"
        table.add_row(
            r["name"],
            f"{r['ours_ms']['min']:.4f}",
            f"{r['ours_ms']['median']:.4f}",
            f"{r['shipped_ms']['min']:.4f}",
            name,
            f"{time_of_best:.4f}",
            f"{median:.4f}",
            f"[{color}]{ratio(r):.3f}",
            f"{100 * r['peak_fraction']:.1f}",
            f"{100 * r['roofline_fraction']:.1f}",
            *last_columns(r),
            *((escape(failures(r)),) if any(r["failed"] for r in results) else ()),
        )
    Console(width=170).print(table)


def last_columns(r):
    """Of a channels_first result: our channels_last time, and how many times of it this layout takes."""
    if "channels_last_ms" not in r:
        return ()
    last = r["channels_last_ms"]["min"]
    return f"{last:.4f}", f"{r['ours_ms']['min'] / last:.3f}"


def show_summary(results):
    groups = by_network(results)
    for name, group in [*groups.items(), ("all", results)]:
        s = summarize(group)
        print(
            f"{name}: {s['ratio']:.3f}x the best peer (least {s['least']:.3f}), "
            f"{100 * s['peak']:.1f}% of the peak, "
            f"{100 * s['roofline']:.1f}% of the roofline above 10 MFLOP, "
            f"shipped variants at {s['shipped']:.3f}x (layers: {s['layers']})"
            + (
                f", {s['of_last']:.3f}x our channels_last time"
                if "of_last" in s
                else ""
            )
        )


def show_first_results(first):
    table = Table(title=f"time to the first result of {first['layer']}, and size")
    for column in ("library", "load ms", "first result ms", "sum", "MB"):
        table.add_column(column, justify="left" if column == "library" else "right")
    for name, r in first["libraries"].items():
        if "failed" in r:
            table.add_row(name, r["failed"])
            continue
        table.add_row(
            name,
            f"{r['load_ms']:.1f}",
            f"{r['first_result_ms']:.1f}",
            f"{r['load_ms'] + r['first_result_ms']:.1f}",
            f"{r['bytes'] / 1e6:.2f}",
        )
    Console(width=150).print(table)
