"""Looks for cliffs: sizes at which a layer takes much longer than its neighbours.

    cliffs.py BENCH [--channels-first] [--core 1] [--budget 0.05] [--filter RE] [--json FILE] [--picture FILE]

BENCH is sepconv_bench. The depthwise stage dominates the layers (256 -> 16 channels), and memory does not: all read one image of
28x28, which fits the L2 cache. Square kernels of 3 to 7 taps, dilation 1 to 18, multiplier 1 to 4, stride 1 to 3. A cost that has
no cliffs is linear: fitted is

    milliseconds = (a + b * taps) * channels * multiplier * outputs,    taps = k * k

and a layer's excess is its time over the fit. A second fit counts, in place of k * k, the taps that read the image: those that lie in
its padding cost nothing, so a large dilation makes a layer faster, not its neighbours slower. --json writes the times, --picture draws
them over the first fit.
"""

import argparse
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import sepconv_layers

CHANNELS, FILTERS, IMAGE = 256, 16, 28
LIMIT = 1.25


def draw_layers(data_format):
    """The content of a layer file."""
    axes = itertools.product(
        range(3, 8), (1, 2, 3, 4, 6, 9, 12, 18), range(1, 5), range(1, 4)
    )
    layers = [
        {
            "name": f"k{kernel}d{dilation}m{multiplier}s{stride}",
            "spatial": [IMAGE] * 2,
            "cin": CHANNELS,
            "mult": multiplier,
            "cout": FILTERS,
            "kernel": [kernel] * 2,
            "strides": [stride] * 2,
            "dilation": [dilation] * 2,
            "padding": "same",
            "data_format": data_format,
        }
        for kernel, dilation, multiplier, stride in axes
    ]
    return {"version": 1, "layers": layers}


def taps_inside(layer):
    """The taps of an output that read the image, on average."""
    stride, dilation, before = layer.strides[0], layer.dilation[0], layer.pads[0][0]
    outputs = layer.output[0]
    inside = sum(
        0 <= output * stride + tap * dilation - before < IMAGE
        for output in range(outputs)
        for tap in range(layer.kernel[0])
    )
    return (inside / outputs) ** 2


def fit(points):
    """a and b of time / elements = a + b * taps, least squares of the errors relative to the fit."""
    taps, elements, time = (np.array(column, float) for column in zip(*points))
    rows = np.stack([np.ones_like(taps), taps], axis=1)
    fitted = time / elements
    for _ in range(50):
        solution = np.linalg.lstsq(
            rows / fitted[:, None], time / elements / fitted, rcond=None
        )[0]
        fitted = np.maximum(rows @ solution, 1e-3 * np.median(time / elements))
    return solution


def measure(args, content):
    with tempfile.TemporaryDirectory() as folder:
        file, results = (
            pathlib.Path(folder, "layers.json"),
            pathlib.Path(folder, "results.json"),
        )
        file.write_text(json.dumps(content))
        command = [args.bench, file, "--budget", str(args.budget), "--json", results]
        if args.core is not None:
            command += ["--core", str(args.core)]
        if args.filter:
            command += ["--filter", args.filter]
        run = subprocess.run(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            sys.exit(f"cliffs.py: {args.bench} failed\n{run.stdout}")
        return {result["name"]: result for result in json.loads(results.read_text())}


def draw(file, rows, a, b):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5))
    for stride, marker in ((1, "o"), (2, "s"), (3, "^")):
        part = [row for row in rows if row["stride"] == stride]
        if not part:
            continue
        axes.scatter(
            [row["taps"] + 0.4 * (stride - 2) for row in part],
            [row["ms"] / row["elements"] * 1e6 for row in part],
            c=[row["dilation"] for row in part],
            cmap="viridis",
            marker=marker,
            s=18,
            label=f"stride {stride}",
        )
    ends = [0, 50]
    for factor, style in ((1, "-"), (LIMIT, "--")):
        axes.plot(
            ends,
            [(a + b * taps) * factor * 1e6 for taps in ends],
            style,
            color="black",
            linewidth=1,
        )
    axes.set_xlabel("taps (colour: dilation)")
    axes.set_ylabel("ns an element between the stages")
    axes.set_ylim(bottom=0)
    axes.legend()
    figure.tight_layout()
    figure.savefig(file, dpi=120)


def report(rows, taps, excess):
    """Fits the times to that number of taps, notes each layer's excess under that name, and prints the largest."""
    a, b = fit([(row[taps], row["elements"], row["ms"]) for row in rows])
    for row in rows:
        row[excess] = row["ms"] / ((a + b * row[taps]) * row["elements"])
    print(
        f"fit: ({a * 1e6:.3f} + {b * 1e6:.4f} * {taps}) ns an element between the stages"
    )
    for row in sorted(rows, key=lambda row: -row[excess])[:10]:
        print(
            f"{row['name']:12} {row['ms']:8.4f} ms  {row[excess]:5.2f} of the fit  {row['variant']}"
        )
    above = sum(row[excess] > LIMIT for row in rows)
    print(f"{above} of {len(rows)} layers take more than {LIMIT} of the fit\n")
    return a, b


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bench")
    parser.add_argument("--channels-first", action="store_true")
    parser.add_argument("--core", type=int)
    parser.add_argument("--budget", type=float, default=0.05, help="seconds a layer")
    parser.add_argument(
        "--filter",
        help="only layers whose name (k3d1m1s1) holds this regular expression",
    )
    parser.add_argument("--json")
    parser.add_argument("--picture")
    args = parser.parse_args()
    content = draw_layers("channels_first" if args.channels_first else "channels_last")
    results = measure(args, content)
    rows = []
    for layer in sepconv_layers.parse(content):
        if (result := results.get(layer.name)) is None:
            continue
        rows.append(
            {
                "name": layer.name,
                "variant": result["variant"],
                "taps": layer.taps,
                "taps_inside": taps_inside(layer),
                "dilation": layer.dilation[0],
                "stride": layer.strides[0],
                "elements": layer.middle * layer.pixels,
                "ms": result["ms_min"],
            }
        )
    if not rows:
        sys.exit(f"cliffs.py: no layer's name holds {args.filter!r}")
    a, b = report(rows, "taps", "excess")
    report(rows, "taps_inside", "excess_inside")
    if args.json:
        sepconv_layers.write_text(args.json, json.dumps(rows, indent=1) + "\n")
    if args.picture:
        draw(args.picture, rows, a, b)


if __name__ == "__main__":
    main()
