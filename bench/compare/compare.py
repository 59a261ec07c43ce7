"""Times sepconv beside the libraries people would use instead, layer by layer, in one process and in turns.

./dev bench --compare LAYERS.json [--threads N] [--json FILE] [--plot FILE] [--filter RE] [--peers onnxruntime,openvino,...]

Every layer: the same inputs and weights for all, sepconv with the layer's own compiled rows and with the shipped rows; answers
are checked against a double-precision reference (ours) and against ours (the peers'), then all candidates run in turns on pinned
cores. The ratio is the best peer's minimum over ours. A peer's time holds its Python call; the time of an empty model shows how
much that is, and layers under 2 MFLOP, where it matters, are listed apart.
"""

import argparse
import ctypes
import json
import math
import os
import pathlib
import re
import statistics
import tempfile
import time

import numpy as np
import peers
from rich.console import Console
from rich.progress import track
from rich.table import Table

SMALL = 2e6  # flops
LARGEST_DIFFERENCE = (
    1e-4  # of a peer's answer from ours, relative to the largest magnitude
)


class Ours:
    """sepconv, through bench/compare/ours.cpp."""

    def __init__(self, library):
        self.lib = lib = ctypes.CDLL(str(library))
        for name in ("error", "variant"):
            getattr(lib, f"compare_{name}").restype = ctypes.c_char_p
        for name in ("flops", "check", "peak", "bandwidth"):
            getattr(lib, f"compare_{name}").restype = ctypes.c_double
        lib.compare_open.restype = lib.compare_output.restype = ctypes.c_void_p

    def ok(self, good):
        if not good:
            raise RuntimeError(self.lib.compare_error().decode())

    def register(self, own):
        self.ok(self.lib.compare_register(own) == 0)

    def open(self, file, name, threads, t):
        def pointer(a):
            return None if a is None else a.ctypes.data_as(ctypes.c_void_p)

        weights = [
            pointer(a) for a in (t.depthwise, t.pointwise, t.mid_bias, t.out_bias)
        ]
        handle = self.lib.compare_open(
            os.fsencode(file), name.encode(), threads, *weights
        )
        self.ok(handle)
        return ctypes.c_void_p(handle)

    def call(self, handle, x):
        run, pointer = self.lib.compare_run, x.ctypes.data_as(ctypes.c_void_p)
        return lambda: run(handle, pointer)

    def check(self, handle, x):
        error = self.lib.compare_check(handle, x.ctypes.data_as(ctypes.c_void_p))
        self.ok(error >= 0)
        return error

    def output(self, handle, shape):
        buffer = ctypes.cast(
            self.lib.compare_output(handle), ctypes.POINTER(ctypes.c_float)
        )
        return np.ctypeslib.as_array(buffer, shape).copy()


def in_turns(calls, budget):
    """{name: (min, median)} in milliseconds; each turn gives every candidate a few calls."""
    times = {name: [] for name in calls}
    for call in calls.values():
        call()
    end, turn = time.perf_counter() + budget * len(calls), 0
    while turn < 4 or time.perf_counter() < end:
        for name, call in calls.items():
            stop = time.perf_counter() + 0.01
            while True:
                start = time.perf_counter()
                call()
                now = time.perf_counter()
                times[name].append(now - start)
                if now > stop:
                    break
        turn += 1
    return {
        name: (min(t) * 1e3, statistics.median(t) * 1e3) for name, t in times.items()
    }


class Roofline:
    def __init__(self, ours, threads):
        self.peak = ours.lib.compare_peak(threads)
        self.levels = []
        for name, size in (("L2", 256 << 10), ("L3", 8 << 20), ("memory", 256 << 20)):
            self.levels.append(
                (name, size, ours.lib.compare_bandwidth(ctypes.c_int64(size)))
            )

    def at(self, flops, size):
        """GFLOP/s that `flops` operations on `size` bytes of input, weights and output can reach at best."""
        bandwidth = next(
            (b for _, s, b in self.levels if size <= 2 * s), self.levels[-1][2]
        )
        return min(self.peak, flops / size * bandwidth)


def compare(ours, args, layers, roofline, cache):
    tensors = [peers.Tensors(layer) for layer in layers]
    ours.register(0)
    shipped = [
        ours.open(args.layers, layer["name"], args.threads, t)
        for layer, t in zip(layers, tensors)
    ]
    ours.register(1)
    results = []
    for layer, t, ship in track(
        list(zip(layers, tensors, shipped)), "Comparing", console=Console(stderr=True)
    ):
        own = ours.open(args.layers, layer["name"], args.threads, t)
        error = max(ours.check(own, t.x), ours.check(ship, t.x))
        if not error < 1e-5:
            raise RuntimeError(f"{layer['name']}: wrong answer, error {error}")
        made, failed = peers.candidates(args.peers, layer, t, args.threads, cache)
        for name in list(made):
            made[name][0]()
            theirs = made[name][1]()
            mine = ours.output(own, theirs.shape)
            difference = float(np.abs(mine - theirs).max() / np.abs(mine).max())
            if not difference < LARGEST_DIFFERENCE:
                failed[name] = f"its answer differs by {difference:.1e}"
                del made[name]
        calls = {"ours": ours.call(own, t.x), "shipped": ours.call(ship, t.x)}
        calls.update({name: call for name, (call, _) in made.items()})
        times = in_turns(calls, args.budget)
        flops, mine = ours.lib.compare_flops(own), times.pop("ours")
        ship_times = times.pop("shipped")
        weights = sum(a.nbytes for a in (t.depthwise, t.pointwise))
        out_bytes = (
            4
            * flops
            / (
                2
                * layer["cin"]
                * layer.get("mult", 1)
                * (layer["cout"] + math.prod(layer["kernel"]))
            )
        )
        size = t.x.nbytes + weights + out_bytes * layer["cout"]
        gflops = flops / mine[0] / 1e6
        results.append(
            {
                "name": layer["name"],
                "variant": ours.lib.compare_variant(own).decode(),
                "ours_ms": {"min": mine[0], "median": mine[1]},
                "shipped_ms": {"min": ship_times[0], "median": ship_times[1]},
                "peers": {
                    name: {"min": a, "median": b} for name, (a, b) in times.items()
                },
                "failed": failed,
                "flops": flops,
                "intensity": flops / size,
                "gflops": gflops,
                "peak_fraction": gflops / roofline.peak,
                "roofline_fraction": gflops / roofline.at(flops, size),
                "max_error": error,
            }
        )
        ours.lib.compare_close(own)
    return results


def best_peer(result):
    return min(
        ((v["min"], k) for k, v in result["peers"].items()), default=(math.nan, "none")
    )


def geomean(values):
    values = [v for v in values if v > 0]
    return math.exp(statistics.fmean(map(math.log, values))) if values else math.nan


def show(results, title):
    table = Table(title=title)
    for column in (
        "layer",
        "ours ms",
        "median",
        "shipped",
        "best peer",
        "ms",
        "median",
        "ratio",
        "% peak",
        "% roofline",
    ):
        table.add_column(
            column, justify="left" if column in ("layer", "best peer") else "right"
        )
    for r in results:
        time_of_best, name = best_peer(r)
        median = r["peers"][name]["median"] if r["peers"] else math.nan
        ratio = time_of_best / r["ours_ms"]["min"]
        table.add_row(
            r["name"],
            f"{r['ours_ms']['min']:.4f}",
            f"{r['ours_ms']['median']:.4f}",
            f"{r['shipped_ms']['min']:.4f}",
            name,
            f"{time_of_best:.4f}",
            f"{median:.4f}",
            f"[{'green' if ratio >= 1 else 'red'}]{ratio:.3f}",
            f"{100 * r['peak_fraction']:.1f}",
            f"{100 * r['roofline_fraction']:.1f}",
        )
    Console(width=150).print(table)


def summary(results):
    groups = {}
    for r in results:
        groups.setdefault(r["name"].split("/")[0], []).append(r)
    for name, group in [*groups.items(), ("all", results)]:
        ratios = [best_peer(r)[0] / r["ours_ms"]["min"] for r in group]
        shipped = [r["ours_ms"]["min"] / r["shipped_ms"]["min"] for r in group]
        large = [r["roofline_fraction"] for r in group if r["flops"] > 1e7]
        print(
            f"{name}: {geomean(ratios):.3f}x the best peer (least {min(ratios):.3f}), "
            f"{100 * geomean([r['peak_fraction'] for r in group]):.1f}% of the peak, "
            f"{100 * geomean(large):.1f}% of the roofline above 10 MFLOP, "
            f"shipped rows at {geomean(shipped):.3f}x ({len(group)} layers)"
        )


def plot(results, roofline, file):
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 5.5))
    intensity = np.logspace(0, 3, 200)
    for name, _, bandwidth in roofline.levels:
        roof = np.minimum(roofline.peak, intensity * bandwidth)
        axes.loglog(intensity, roof, color="0.75", lw=1)
        axes.text(
            1.05,
            bandwidth * 1.1,
            f"{name}: {bandwidth:.0f} GB/s",
            color="0.45",
            fontsize=8,
        )
    axes.axhline(roofline.peak, color="0.3", lw=1)
    axes.text(
        900,
        roofline.peak * 1.03,
        f"{roofline.peak:.0f} GFLOP/s",
        ha="right",
        fontsize=8,
    )
    x = [r["intensity"] for r in results]
    axes.plot(
        x,
        [r["flops"] / best_peer(r)[0] / 1e6 for r in results],
        "o",
        ms=5,
        mfc="none",
        color="tab:orange",
        label="best peer",
    )
    axes.plot(
        x, [r["gflops"] for r in results], "o", ms=5, color="tab:blue", label="sepconv"
    )
    axes.set_xlabel("flops for each byte of input, weights and output")
    axes.set_ylabel("GFLOP/s")
    axes.set_ylim(bottom=10)
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(file, dpi=130)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("layers", type=pathlib.Path)
    parser.add_argument(
        "--library",
        type=pathlib.Path,
        required=True,
        help="libsepconv_compare.so of these layers",
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument(
        "--plot", type=pathlib.Path, help="write the roofline picture here (PNG)"
    )
    parser.add_argument(
        "--filter", default="", help="regular expression on layer names"
    )
    parser.add_argument(
        "--peers", default=",".join(peers.DEFAULT), help=f"of {', '.join(peers.ALL)}"
    )
    parser.add_argument(
        "--budget",
        type=float,
        default=0.3,
        help="seconds for each candidate of a layer",
    )
    args = parser.parse_args()
    args.peers = [p for p in args.peers.split(",") if p]
    if unknown := set(args.peers) - set(peers.ALL):
        parser.error(
            f"--peers {', '.join(sorted(unknown))}: known are {', '.join(peers.ALL)}"
        )

    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-args.threads :])
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    layers = [
        layer
        for layer in json.loads(args.layers.read_text())["layers"]
        if layer.get("fusable", True) and re.search(args.filter, layer["name"])
    ]
    if not layers:
        parser.error(f"{args.layers}: no layer's name holds {args.filter!r}")
    ours = Ours(args.library)
    roofline = Roofline(ours, args.threads)
    print(
        f"peak {roofline.peak:.1f} GFLOP/s; "
        + ", ".join(f"{n} {b:.1f} GB/s" for n, _, b in roofline.levels)
    )
    with tempfile.TemporaryDirectory() as cache:
        empty = {
            "name": "empty",
            "spatial": [1, 1],
            "cin": 1,
            "cout": 1,
            "kernel": [1, 1],
            "padding": "same",
        }
        made, _ = peers.candidates(
            args.peers, empty, peers.Tensors(empty), args.threads, cache
        )
        floor = in_turns({name: call for name, (call, _) in made.items()}, 0.1)
        print(
            "call of an empty model: "
            + ", ".join(f"{n} {1e3 * t[0]:.1f} us" for n, t in floor.items())
        )
        results = compare(ours, args, layers, roofline, cache)
    show([r for r in results if r["flops"] >= SMALL], args.layers.stem)
    if small := [r for r in results if r["flops"] < SMALL]:
        show(small, "under 2 MFLOP, where the call counts")
    for r in results:
        for name, reason in r["failed"].items():
            print(f"{r['name']}: {name} left out: {reason}")
    summary(results)
    if args.json:
        args.json.write_text(json.dumps(results, indent=2) + "\n")
    if args.plot:
        plot(results, roofline, args.plot)


if __name__ == "__main__":
    main()
