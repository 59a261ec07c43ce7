"""Searches schedule parameters by measurement and writes the winners to generators/tuning/<target>.json.

    search.py LAYERS.json... [--build build/release] [--target x86_avx2] [--filter RE] [--core 1] [--jobs 2] [--budget 0.1]

One layer after the other. From the best point so far (the record in the tuning file, else the schedule's defaults) it varies one
group of parameters at a time, compiles the candidates, times them in turns with the incumbent in one process, and goes on from the
winner until a round over all groups brings nothing. Every candidate's answer is checked before it is timed. The tuning file is
rewritten after each layer, so an interrupted search keeps what it found.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from candidates import groups_of, sensible, variant_of

ROOT = pathlib.Path(__file__).resolve().parents[2]

CLEARLY = 0.99  # a candidate must be at least 1% faster than the incumbent


class Search:
    def __init__(self, args, work):
        self.args = args
        self.work = pathlib.Path(work)
        self.build = args.build.resolve()
        build = json.loads(self.tool("targets.json").read_text())
        target = build["targets"][args.target]
        self.schedule, self.halide_target = target["schedule"], target["halide_target"]
        self.leaf_features = "-".join(build["leaf_features"])
        self.built = {}

    def tool(self, name):
        return self.build / "generators" / name

    def space(self, variant):
        text = subprocess.check_output(
            [self.tool("sepconv_space"), variant, self.schedule, self.halide_target],
            text=True,
        )
        return {p["name"]: p for p in json.loads(text)}

    def legal(self, variant, points):
        file = self.work / "points.json"
        file.write_text(json.dumps(points))
        command = [
            self.tool("sepconv_space"),
            variant,
            self.schedule,
            self.halide_target,
            "--check",
            file,
        ]
        reasons = json.loads(subprocess.check_output(command, text=True))
        return [point for point, reason in zip(points, reasons) if not reason]

    def compile(self, variant, point):
        """A shared library of the one variant; points that differ in strip_pixels alone share an object."""
        parameters = sorted(f"{k}={v}" for k, v in point.items())
        compiled = tuple(p for p in parameters if not p.startswith("strip_pixels"))
        key = (variant, tuple(parameters))
        if key in self.built:
            return self.built[key]
        folder = self.work / f"{abs(hash((variant, compiled))):x}"
        folder.mkdir(exist_ok=True)
        obj = folder / "leaf.o"
        if not obj.exists():
            target = f"{self.halide_target}-{self.leaf_features}"
            run(
                [
                    self.tool("separable_conv_generator"),
                    "-g",
                    "separable_conv",
                    "-f",
                    "leaf",
                    "-n",
                    "halide",
                    "-o",
                    folder,
                ]
                + [
                    "-e",
                    "object",
                    f"target={target}",
                    f"variant={variant}",
                    f"schedule={self.schedule}",
                    *compiled,
                ]
            )
            run(
                ["objcopy", "--redefine-sym", "halide_malloc=sepconv_scratch_malloc"]
                + [
                    "--redefine-sym",
                    "halide_free=sepconv_scratch_free",
                    folder / "halide.o",
                    obj,
                ]
            )
        stem = folder / f"{abs(hash(key)):x}"
        rows, table, library = (
            stem.with_suffix(".txt"),
            stem.with_suffix(".c"),
            stem.with_suffix(".so"),
        )
        line = [
            variant,
            self.args.target,
            self.schedule,
            self.halide_target,
            "leaf",
            str(obj),
            *parameters,
        ]
        rows.write_text(" ".join(line) + "\n")
        run([self.tool("sepconv_rows"), "candidate", rows, table])
        run(
            [
                "cc",
                "-shared",
                "-fPIC",
                "-O1",
                "-Wl,-Bsymbolic",
                "-I",
                ROOT / "runtime/include",
                "-o",
                library,
                table,
                obj,
            ]
            + [self.build / "runtime/libsepconv_runtime.a"]
        )
        self.built[key] = library
        return library

    def measure(self, file, layer, libraries, budget):
        command = [
            self.build / "tools/search/sepconv_search_runner",
            file,
            layer["name"],
            str(budget),
            *libraries,
        ]
        pinned = ["taskset", "-c", str(self.args.core), *map(str, command)]
        return json.loads(subprocess.check_output(pinned, text=True))

    def tune(self, file, layer, start):
        variant = variant_of(layer)
        space = self.space(variant)
        defaults = {name: p["default"] for name, p in space.items()}
        best = {**defaults, **start}
        if not self.legal(variant, [best]):
            best = defaults
        seen = set()
        pool = concurrent.futures.ThreadPoolExecutor(self.args.jobs)
        for _ in range(self.args.rounds):
            improved = False
            for group in groups_of(layer):
                points = []
                for values in itertools.product(
                    *(space[name]["legal"] for name in group)
                ):
                    point = {**best, **dict(zip(group, values))}
                    key = tuple(sorted(point.items()))
                    if point != best and key not in seen:
                        seen.add(key)
                        points.append(point)
                points = sensible(layer, self.legal(variant, points), defaults, space)
                if not points:
                    continue
                candidates = [best, *points]
                libraries = list(
                    pool.map(lambda p: self.compile(variant, p), candidates)
                )
                times = self.measure(file, layer, libraries, self.args.budget)
                order = sorted(range(len(candidates)), key=lambda i: times[i]["ms_min"])
                # The few best once more, longer.
                final = sorted(set(order[:4]) | {0})
                again = self.measure(
                    file, layer, [libraries[i] for i in final], 4 * self.args.budget
                )
                score = {i: t["ms_min"] for i, t in zip(final, again)}
                winner = min(score, key=score.get)
                if winner != 0 and score[winner] < CLEARLY * score[0]:
                    changed = {n: candidates[winner][n] for n in group}
                    print(
                        f"  {layer['name']}: {changed}  {score[0]:.4f} -> {score[winner]:.4f} ms",
                        flush=True,
                    )
                    best = candidates[winner]
                    improved = True
            if not improved:
                break
        first, last = self.measure(
            file,
            layer,
            [self.compile(variant, p) for p in (defaults, best)],
            5 * self.args.budget,
        )
        chosen = {k: v for k, v in best.items() if v != defaults[k]}
        print(
            f"{layer['name']}: {first['ms_min']:.4f} -> {last['ms_min']:.4f} ms  {chosen}",
            flush=True,
        )
        return variant, chosen, first["ms_min"], last["ms_min"]


def run(command):
    result = subprocess.run(
        [str(c) for c in command], check=False, capture_output=True, text=True
    )
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stderr}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("layers", nargs="+", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--target", default="x86_avx2")
    parser.add_argument(
        "--filter", default="", help="regular expression on layer names"
    )
    parser.add_argument(
        "--core", type=int, default=os.cpu_count() - 1, help="the core that times"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="compilations at a time"
    )
    parser.add_argument(
        "--budget", type=float, default=0.1, help="seconds of timing a candidate"
    )
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()

    tuning = ROOT / "generators/tuning" / f"{args.target}.json"
    database = json.loads(tuning.read_text())
    done = set()
    with tempfile.TemporaryDirectory() as work:
        search = Search(args, work)
        for file in args.layers:
            for layer in json.loads(file.read_text())["layers"]:
                if (
                    not layer.get("fusable", True)
                    or not re.search(args.filter, layer["name"])
                    or variant_of(layer) in done
                ):
                    continue
                start = (
                    database["records"].get(variant_of(layer), {}).get("parameters", {})
                )
                variant, chosen, before, after = search.tune(file, layer, start)
                done.add(variant)
                database["records"][variant] = {
                    "parameters": chosen,
                    "ms_default": round(before, 5),
                    "ms": round(after, 5),
                }
                database["records"] = dict(sorted(database["records"].items()))
                partial = tuning.with_suffix(".partial")
                partial.write_text(json.dumps(database, indent=2) + "\n")
                partial.replace(tuning)


if __name__ == "__main__":
    main()
