"""Writes docs/gpu_performance.md from what compare_torch.py has measured: page.py RESULTS.json PAGE.md

Nothing is measured here. The page says which of the goals are met.
"""

import json
import math
import pathlib
import sys

# Geometric means over a network of the best of PyTorch's ways' time over ours, TF32 off: (batch, network begins with, at least).
GOALS = (
    (1, "MobileNetV1", 1.5),
    (1, "MobileNetV2", 1.5),
    (1, "EfficientNet-Lite0", 1.5),
    (1, "QuartzNet", 1.5),
    (1, "Xception", 1.2),
    (32, "MobileNetV2", 1.3),
    (32, "EfficientNet-Lite0", 1.3),
    (32, "Xception", 1.0),
)
LEAST = 0.8  # of every layer


def best_of_torch(result, tf32="off"):
    """(ms, name); NaN where no way of PyTorch's worked."""
    found = [
        (times["min"], name)
        for name, times in result["ms"].items()
        if name.endswith(f"TF32 {tf32}")
    ]
    return min(found, default=(math.nan, "none"))


def ratio(result, tf32="off"):
    """PyTorch's time over ours."""
    ours = result["ms"].get("sepconv", {}).get("min", math.nan)
    return best_of_torch(result, tf32)[0] / ours


def mean(values):
    """Geometric; NaN where there is none, or one is missing."""
    if not values or any(math.isnan(value) for value in values):
        return math.nan
    return math.exp(sum(map(math.log, values)) / len(values))


def times(value):
    return "-" if math.isnan(value) else f"{value:.2f}x"


def table(header, rows):
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in lines)


def goals(results):
    """Sentences, one a goal: what it asks, and what was measured."""
    lines = []
    for batch, network, least in GOALS:
        group = [
            ratio(r)
            for r in results
            if r["batch"] == batch and r["network"].startswith(network)
        ]
        found = mean(group)
        verdict = "not measured"
        if not math.isnan(found):
            verdict = f"{times(found)}: {'met' if found >= least else 'not met'}"
        lines.append(f"- batch {batch}, {network}: at least {least}x: {verdict}")
    below = [
        f"{r['name']} at batch {r['batch']} {times(ratio(r))}"
        for r in results
        if not ratio(r) >= LEAST
    ]
    verdict = "met" if results and not below else ", ".join(below) or "not measured"
    lines.append(f"- no layer below {LEAST}x: {verdict}")
    return "\n".join(lines)


def layer_rows(results, roof):
    rows = []
    for r in results:
        ours = r["ms"].get("sepconv", {}).get("min", math.nan)
        theirs, way = best_of_torch(r)
        bound = max(
            r["flops"] / roof["float32_gflops"] / 1e6,
            r["bytes"] / roof["copy_gbytes_per_second"] / 1e6,
        )
        rows.append(
            (r["name"].split("/", 1)[-1], f"{r['flops'] / 1e6:.1f}", f"{ours:.4f}")
            + (f"{theirs:.4f}", way.removesuffix(", TF32 off"), times(ratio(r)))
            + (times(ratio(r, "on")), f"{100 * bound / ours:.0f}%")
        )
    return rows


def page(content):
    about, results = content["about"], content["results"]
    roof = about["roofline"]
    sections = []
    for batch, network in dict.fromkeys((r["batch"], r["network"]) for r in results):
        group = [r for r in results if (r["batch"], r["network"]) == (batch, network)]
        header = ("layer", "MFLOP", "ours ms", "best of PyTorch ms", "its way", "ratio")
        rows = layer_rows(group, roof)
        sections.append(
            f"## {network}, batch {batch}\n\nGeometric mean {times(mean([ratio(r) for r in group]))}.\n\n"
            + table((*header, "ratio with TF32", "of the roofline"), rows)
        )
    failed = {
        f"- {r['name']} at batch {r['batch']}, {name}: {why}"
        for r in results
        for name, why in r["failed"].items()
    }
    if failed:
        sections.append("## Left out\n\n" + "\n".join(sorted(failed)))
    rows = [
        ("device", about["device"]),
        ("commit, date", f"{about['commit']}, {about['date']}"),
        ("command", f"`{about['command']}`"),
        ("PyTorch", f"{about['torch']}, CUDA {about['cuda']}, cuDNN {about['cudnn']}"),
        ("a copy", f"{roof['copy_gbytes_per_second']:.0f} GB/s, both ways, measured"),
        (
            "a matrix product",
            f"{roof['float32_gflops'] / 1e3:.1f} TFLOP/s in float32, {roof['tf32_gflops'] / 1e3:.1f} with TF32, measured",
        ),
    ]
    head = "\n".join(["| | |", "|---|---|", *[f"| {a} | {b} |" for a, b in rows]])
    return f"""# Performance on a GPU

Written by `./dev gpu`, or from what `bench/gpu/on_device.sh` has measured by `bench/gpu/page.py`.

{head}

Each way of computing a layer is checked against float64, put into a CUDA graph, and timed between events, in turns with
the others; inputs and weights are warm. A ratio above 1 means that sepconv is faster than the fastest of PyTorch's ways: cuDNN with
both layouts, eager and through `torch.compile`, TF32 off (in the column beside it: on, for PyTorch only).

## Goals

{goals(results)}

{chr(10).join(section + chr(10) for section in sections)}"""


def main(source, target):
    pathlib.Path(target).write_text(page(json.loads(pathlib.Path(source).read_text())))
    print(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
