"""Fits the constants of runtime/src/device_time.cpp to what sweep.py has measured.

    fit_times.py SWEEP.jsonl VARIANTS.json [SWEEP.jsonl VARIANTS.json ...] [--shipped SHIPPED.json]

Times of more than twice a layer's best are left out: nobody will choose them. Prints the constants, in microseconds, and what choosing
by them costs: the chosen variant's time over that of the best of all that were measured. `--shipped`: only variants with the
parameters of these are fitted to and chosen among; what candidates.py writes beside a library of the variants that are shipped.
"""

import argparse
import json
import math
import pathlib

import layers as layer_files
import numpy as np
import scipy.optimize

MULTIPROCESSORS = 132
WITHIN = 2.0  # times a layer's best
START = {  # in microseconds, of the order that is expected
    "launch": 2,
    "second_launch": 3,
    "wait_of_round": 0.3,
    "wait_of_product": 0.6e-3,
    "wait_of_tap": 30e-3,
    "product": 5e-6,
    "element": 90e-6,
    "tap": 60e-6,
    "stored": 200e-6,
}


def known_layers():
    return {
        layer.name: layer
        for name in layer_files.NETWORKS
        for layer in layer_files.read(layer_files.FOLDER / f"{name}.json", 1)
    }


def features(layer, batch, p):
    """What the model multiplies by its constants, in the order of START: time is their sum. As device_time() has it."""
    pixels = p["thread_pixels"] * p["threads_y"]
    channels = 4 * p["thread_vectors"] * p["threads_x"]
    threads = p["threads_x"] * p["threads_y"] * p["threads_z"]
    chunk, window, split = p["chunk"], p.get("window", 1), p.get("split", 0)
    all_pixels = batch * layer.pixels
    rounds = -(-layer.middle // chunk)
    blocks = -(-all_pixels // pixels) * -(-layer.fields["cout"] // channels)
    along = layer.kernel[max(layer.rank - 2, 0)]
    samples = (window - 1) * layer.strides[max(layer.rank - 2, 0)] + along
    taps = layer.taps * (samples / (window * along) + 1 / window) / 2
    full = blocks * rounds / MULTIPROCESSORS
    products, of_block = pixels * channels * chunk, taps * pixels * chunk
    mid = all_pixels * rounds * chunk / MULTIPROCESSORS
    return [
        1,
        split,
        rounds,
        rounds * products / threads,
        0 if split else rounds * of_block / (4 * threads),
        full * products,
        full * (pixels + channels) * chunk,
        mid * taps if split else full * of_block,
        mid if split else 0,
    ]


def shape_of(variant, p):
    """The problems that a variant is for, and its parameters."""
    ignored = ("tap_unroll",)
    point = {"window": 1, "split": 0} | {k: v for k, v in p.items() if k not in ignored}
    return "_".join(variant.split("_")[:4]), tuple(sorted(point.items()))


def read(pairs, shipped):
    """(layer and batch, features, microseconds) of what counts, and each layer's best."""
    known, rows, best = known_layers(), [], {}
    for sweep, variants in pairs:
        points = {name: (v, p) for name, v, p in json.loads(variants.read_text())}
        for line in sweep.read_text().splitlines():
            row = json.loads(line)
            key = row["layer"], row["batch"]
            for name, ms in row["ms"].items():
                if not isinstance(ms, float):
                    continue
                best[key] = min(best.get(key, math.inf), ms * 1e3)
                if not shipped or shape_of(*points[name]) in shipped:
                    point = points[name][1]
                    vector = features(known[row["layer"]], row["batch"], point)
                    rows.append((key, vector, ms * 1e3))
    return [row for row in rows if row[2] <= WITHIN * best[row[0]]], best


def fit(vectors, times):
    def loss(logs):
        return np.mean((np.log(vectors @ np.exp(logs)) - np.log(times)) ** 2)

    start, found = np.log(list(START.values())), None
    generator = np.random.default_rng(0)
    for spread in (0, 0.3, 0.3, 0.7, 0.7):
        first = start + generator.normal(0, spread, len(start)) * (spread > 0)
        result = scipy.optimize.minimize(loss, first, method="L-BFGS-B")
        if found is None or result.fun < found.fun:
            found = result
    return np.exp(found.x), math.sqrt(found.fun)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=pathlib.Path, nargs="+")
    parser.add_argument("--shipped", type=pathlib.Path, metavar="SHIPPED.json")
    arguments = parser.parse_args()
    pairs = list(zip(arguments.files[::2], arguments.files[1::2], strict=True))
    shipped = set()
    if arguments.shipped:
        listed = json.loads(arguments.shipped.read_text())
        shipped = {shape_of(variant, point) for _, variant, point in listed}
    rows, best = read(pairs, shipped)
    vectors = np.array([row[1] for row in rows], float)
    times = np.array([row[2] for row in rows])
    constants, error = fit(vectors, times)
    for name, value in zip(START, constants, strict=True):
        print(f"{name:16} {value:.3g}")
    print(f"{len(rows)} times, root mean square of the error's logarithm {error:.3f}")
    chosen = {}
    for (key, _, ms), guess in zip(rows, vectors @ constants, strict=True):
        chosen[key] = min(chosen.get(key, (math.inf, 0)), (guess, ms))
    cost = [chosen[key][1] / best[key] for key in chosen]
    print(
        f"the chosen one over the best: {math.exp(np.mean(np.log(cost))):.3f} (geometric mean), {max(cost):.2f} (worst)"
    )


if __name__ == "__main__":
    main()
