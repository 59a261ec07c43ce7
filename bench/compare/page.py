"""Writes docs/performance.md and its pictures from the results of a comparison: page.py RESULTS DOCS

RESULTS is a folder with results.json and once.json (compare.py --json, --json-once). Nothing is measured; everything in the page
is in these two files.
"""

import json
import math
import pathlib
import re
import sys

from files import whole_file, write_file
from layers import parse
from roofline import Roofline, plot
from summary import (
    SMALL,
    best_peer,
    by_network,
    failures,
    ratio,
    shipped_ratio,
    summarize,
)

BEHIND = 0.8  # of the roofline; large layers below it are named


def table(header, rows):
    """A Markdown table; columns after the first are numbers."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in lines)


def percent(value):
    return "-" if math.isnan(value) else f"{100 * value:.0f}%"


def shape(layer):
    """56x56, 128 to 128, 3x3, and what is not 1"""
    fields = layer.fields
    text = f"{'x'.join(map(str, layer.spatial))}, {fields['cin']} to {fields['cout']}, "
    text += "x".join(map(str, layer.kernel))
    for values, word in ((layer.strides, "stride"), (layer.dilation, "dilation")):
        if set(values) != {1}:
            text += f", {word} {'x'.join(map(str, dict.fromkeys(values)))}"
    if fields["mult"] != 1:
        text += f", multiplier {fields['mult']}"
    return text


def slug(network):
    return re.sub(r"[^a-z0-9]+", "_", network.lower()).strip("_")


def head(once):
    cpu, libraries = once["cpu"], once["versions"].items()
    versions = ", ".join(f"{name} {version}" for name, version in libraries)
    levels = [
        f"{b['gbytes_per_second']:.0f} GB/s from {b['level']}"
        for b in once["bandwidth"]
    ]
    calls = [f"{name} {us:.1f} us" for name, us in once["empty_call_us"].items()]
    threads = "one thread" if once["threads"] == 1 else f"{once['threads']} threads"
    rows = [
        ("machine", f"{cpu['name']} ({cpu['level']}), {once['system']}"),
        ("commit, date", f"{once['commit']}, {once['date']}"),
        ("command", f"`{once['command']}`"),
        ("run", f"{threads}, caches {'cold' if once['cold'] else 'warm'}"),
        ("peers", versions),
        ("multiply-add peak", f"{once['peak_gflops']:.1f} GFLOP/s, measured"),
        ("bandwidth of a core", f"{', '.join(levels)}, measured"),
        ("a call of an empty model", ", ".join(calls)),
    ]
    return "\n".join(["| | |", "|---|---|", *[f"| {a} | {b} |" for a, b in rows]])


def summary_table(groups, results):
    rows = []
    for name, group in [*groups.items(), ("all", results)]:
        s = summarize(group)
        worst = f"{s['least']:.2f}x ({s['worst'].split('/', 1)[-1]})"
        rows.append(
            (name, s["layers"], f"{s['ratio']:.2f}x", worst, percent(s["peak"]))
            + (percent(s["roofline"]), f"{s['shipped']:.2f}x")
        )
    header = ("network", "layers", "best peer's time / ours", "least", "of the peak")
    return table(header + ("of the roofline", "shipped variants' speed"), rows)


def layer_table(results, shapes):
    rows, some_failed = [], any(r["failed"] for r in results)
    for r in results:
        theirs, name = best_peer(r)
        mine = r["ours_ms"]["min"]
        rows.append(
            (r["name"].split("/", 1)[-1], shapes[r["name"]], f"{r['flops'] / 1e6:.1f}")
            + (f"{mine:.4f}", f"{r['shipped_ms']['min']:.4f}", f"{theirs:.4f}", name)
            + (f"{ratio(r):.2f}x", percent(r["peak_fraction"]))
            + (percent(r["roofline_fraction"]),)
            + ((failures(r).replace("|", "/") or "-",) if some_failed else ())
        )
    header = ("layer", "shape", "MFLOP", "ours ms", "shipped ms", "best peer ms")
    last = ("best peer", "ratio", "peak", "roofline")
    return table(header + last + (("left out",) if some_failed else ()), rows)


def network_section(name, results, shapes):
    large = [r for r in results if r["flops"] >= SMALL]
    small = [r for r in results if r["flops"] < SMALL]
    text = f"## {name}\n\n![Speeds under the roofline](images/performance_{slug(name)}.png)\n"
    if large:
        text += f"\n{layer_table(large, shapes)}\n"
    if small:
        text += (
            f"\nUnder 2 MFLOP, where the call counts:\n\n{layer_table(small, shapes)}\n"
        )
    return text


def first_result_section(first):
    rows = []
    for name, r in first["libraries"].items():
        if "failed" in r:
            rows.append((name, r["failed"], "", "", ""))
            continue
        load, run = r["load_ms"], r["first_result_ms"]
        sizes = f"{r['bytes'] / 1e6:.2f}"
        rows.append((name, f"{load:.1f}", f"{run:.1f}", f"{load + run:.1f}", sizes))
    header = ("library", "loaded, ms", "then first result, ms", "together, ms", "MB")
    return f"""## The first result, and size

The layer "{first["layer"]}" in a new process, median of {first["runs"]}. Peers run in Python: their import, then from the
model file to the result. sepconv is a static C program: from its start to `main`, then registering, planning, packing and the
run. Sizes are the peer's shared libraries that the process has mapped; ours is what the stripped static program with this one layer
is larger by than an empty one.

{table(header, rows)}
"""


def not_good_yet(results, left_out):
    slower = sorted((r for r in results if ratio(r) < 1), key=ratio)
    text = "## What is not good yet\n\n"
    if slower:
        text += "Slower than the best peer:\n\n"
        for r in slower:
            text += f"- {r['name']}: {ratio(r):.3f}x ({best_peer(r)[1]})\n"
    else:
        text += "No layer is slower than the best peer.\n"
    large = [r for r in results if r["flops"] > 1e7 and r["roofline_fraction"] < BEHIND]
    if large:
        text += f"\nAbove 10 MFLOP and under {percent(BEHIND)} of the roofline:\n\n"
        for r in sorted(large, key=lambda r: r["roofline_fraction"]):
            text += f"- {r['name']}: {percent(r['roofline_fraction'])}\n"
    worst = min(results, key=shipped_ratio)
    text += (
        f"\nThe shipped variants lose most on {worst['name']}: they run at "
        f"{shipped_ratio(worst):.2f}x the speed of the layer's own.\n"
    )
    for name, why in left_out.items():
        text += f"\n{name} was left out: {why}\n"
    without = sum(not r["peers"] for r in results)
    if without:
        text += f"\nOf {without} layers no peer gave a time.\n"
    return text


NOT_MEASURED = """\
## Not measured

Of GPUs one was measured, an NVIDIA H200 ([gpu_performance.md](gpu_performance.md)). Nothing is known of any other, and of OpenCL on any.
"""


def page(results, once):
    groups = by_network(results)
    shapes = {layer.name: shape(layer) for layer in parse(once["layers"])}
    sections = [network_section(n, g, shapes) for n, g in groups.items()]
    if "first_result" in once:
        sections.append(first_result_section(once["first_result"]))
    sections += [not_good_yet(results, once.get("left_out", {})), NOT_MEASURED]
    return f"""# Performance

Written by `./dev performance`; `./dev performance --from build/performance` writes it again from the same measurements.

{head(once)}

Every library runs in a process of its own, in turns with the others, on the same pinned cores, with the same float32 operands and
checked answers, and counts with the minimum of its runs; its clock runs inside its process. A ratio above 1 means that sepconv, with the layer's own compiled variant, is faster than the fastest
peer in its best layout. A peer's time holds its Python call, the time of an empty model. The roofline is the smaller of the
multiply-add peak and the bandwidth of the level that holds input, weights and output, times flops for each of their bytes;
its column here is the mean over layers above 10 MFLOP. Means are geometric.

{summary_table(groups, results)}

{chr(10).join(sections)}"""


def main():
    source, docs = map(pathlib.Path, sys.argv[1:])
    try:
        results = json.loads((source / "results.json").read_text())
        once = json.loads((source / "once.json").read_text())
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
    roofline = Roofline.of(once)
    text = page(results, once)
    images = docs / "images"
    images.mkdir(exist_ok=True)
    pictures = set()
    for name, group in by_network(results).items():
        picture = images / f"performance_{slug(name)}.png"
        with whole_file(picture) as file:
            plot(group, best_peer, roofline, file, name)
        pictures.add(picture)
    write_file(docs / "performance.md", text)
    for old in set(images.glob("performance_*.png")) - pictures:
        old.unlink()
    print(docs / "performance.md")


if __name__ == "__main__":
    main()
