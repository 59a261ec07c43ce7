"""Times sepconv beside the libraries people would use instead, layer by layer, each in a process of its own and in turns.

    ./dev bench --compare LAYERS.json ... [--threads N] [--json FILE] [--plot FILE] [--filter RE] [--peers onnxruntime,openvino,...]
    ./dev bench --compare --random N [--seed S] ...
    ./dev bench --compare --layout channels_first LAYERS.json ...

Every layer: the same inputs and weights for all, sepconv with the layer's own compiled variant and with the shipped one; answers
are checked against a double-precision reference (ours) and against ours (the peers'), then all candidates run in turns on pinned
cores. With --layout channels_first all get channels first, and sepconv channels last beside it. The ratio is the best peer's
minimum over ours. A peer's time holds its Python call; the time of an empty model shows how much that is, and layers under 2 MFLOP,
where it matters, are listed apart. A peer that fails or hangs on a layer is left out of that layer, and the tables say why.

Results are written as they come: the same command, of the same build, goes on where it was stopped.

./dev runs this twice: with --prepare, to get the one layer file that is to be compiled, and with --library, to measure.
"""

import hashlib
import json
import os
import re
import secrets
import signal
import sys
import tempfile

import first_result
import layers as layer_files
import summary
import tables
from about import about
from arguments import arguments
from files import whole_file, write_file
from journal import Journal
from measure import Comparison, LeftOut
from ours import Library
from rich.console import Console
from rich.progress import track
from roofline import Roofline, plot

ROOT = layer_files.ROOT


def prepare(args):
    """The one layer file to compile."""
    folder = ROOT / "build/compare_layers"
    file = wanted_layers(args, folder)
    return layer_files.in_both_layouts(file, folder) if args.layout else file


def wanted_layers(args, folder):
    if args.random is None:
        return layer_files.merge(args.layers, folder)
    seed = secrets.randbelow(10**6) if args.seed is None else args.seed
    file = layer_files.random_layers(args.random, seed, folder)
    print(f"{args.random} layers drawn with --seed {seed}: {file}", file=sys.stderr)
    return file


def chosen_layers(args):
    """The layers to compare. Says which are left out."""
    chosen = []
    for layer in layer_files.read(args.layer_file):
        if not re.search(args.filter, layer.name):
            continue
        if args.layout and layer.name.endswith(layer_files.LAST):
            continue
        if why := layer_files.why_left_out(layer):
            print(f"left out: {layer.name}: {why}")
        else:
            chosen.append(layer)
    if not chosen:
        raise ValueError(f"{args.layer_file}: no layer to compare is called so")
    return chosen


def measure_once(args):
    """What is measured once: the machine, empty processes, the roofline."""
    once = about(ROOT, args.peers, args.command)
    once |= {"threads": args.threads, "budget": args.budget, "cold": args.cold}
    if not args.no_first_result:
        programs = args.library.parent
        once["first_result"] = first_result.measure(args.peers, programs, args.threads)
    roofline = Roofline.measure(Library(args.library), args.threads)
    once["peak_gflops"] = roofline.peak
    once["bandwidth"] = [
        {"level": name, "bytes": size, "gbytes_per_second": speed}
        for name, size, speed in roofline.levels
    ]
    return once


def open_journal(args, layers):
    """What an earlier run of the same measurement has left."""
    library = hashlib.sha256(args.library.read_bytes()).hexdigest()
    versions = about(ROOT, args.peers, "")["versions"]
    settings = [args.threads, args.budget, args.cold, args.layout]
    fields = [layer.fields for layer in layers]
    journal = Journal(
        ROOT / "build/compare_runs", [library, versions, settings, fields]
    )
    if args.fresh:
        journal.remove()
    done = len(journal.entries) - 1
    if done >= 0:
        print(f"going on after {done} of {len(layers)} layers; --fresh begins anew")
    return journal


def measure(args):
    """(results, once, roofline)"""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-args.threads :])
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    args.library = args.library.resolve()
    layers = chosen_layers(args)
    journal = open_journal(args, layers)
    done = {entry["name"] for entry in journal.entries[1:]}
    rest = [layer for layer in layers if layer.name not in done]
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(args, args.layer_file, layers, folder)
        try:
            if not journal.entries:
                once = measure_once(args)
                once["empty_call_us"] = comparison.call_floor()
                journal.add(once)
            once = journal.entries[0]
            roofline = Roofline.of(once)
            show_once(once)
            measure_layers(args, comparison, rest, roofline, journal)
        finally:
            comparison.close()
    once["layers"] = {"version": 1, "layers": [layer.fields for layer in layers]}
    left_out = [entry for entry in journal.entries[1:] if "left_out" in entry]
    once["left_out"] = {entry["name"]: entry["left_out"] for entry in left_out}
    results = [entry for entry in journal.entries[1:] if "left_out" not in entry]
    if not results:
        raise RuntimeError(
            f"no layer was compared; the last: {left_out[-1]['left_out']}"
        )
    save(args, results, once)
    journal.remove()
    return results, once, roofline


def measure_layers(args, comparison, layers, roofline, journal):
    models = comparison.models(layers, "layers")
    console, quiet = Console(stderr=True), not sys.stderr.isatty()
    work = list(zip(layers, models, strict=True))
    for layer, model in track(work, "Comparing", console=console, disable=quiet):
        try:
            journal.add(comparison.layer(layer, model, roofline))
        except LeftOut as why:
            journal.add({"name": layer.name, "left_out": str(why)})


def save(args, results, once):
    if args.json:
        write_file(args.json, json.dumps(results, indent=2) + "\n")
    if args.json_once:
        write_file(args.json_once, json.dumps(once, indent=2) + "\n")


def show_once(once):
    levels = [
        f"{b['level']} {b['gbytes_per_second']:.1f} GB/s" for b in once["bandwidth"]
    ]
    print(f"peak {once['peak_gflops']:.1f} GFLOP/s;", ", ".join(levels))
    calls = [f"{name} {us:.1f} us" for name, us in once["empty_call_us"].items()]
    print("call of an empty model:", ", ".join(calls), flush=True)


def show(args, results, once):
    large = [r for r in results if r["flops"] >= summary.SMALL]
    small = [r for r in results if r["flops"] < summary.SMALL]
    if large:
        tables.show(large, args.layer_file.stem)
    if small:
        tables.show(small, "under 2 MFLOP, where the call counts")
    for name, why in once["left_out"].items():
        print(f"left out: {name}: {why}")
    if "first_result" in once:
        tables.show_first_results(once["first_result"])
    tables.show_summary(results)


def main():
    args = arguments(__doc__.splitlines()[0])
    if args.prepare:
        print(prepare(args))
        return
    results, once, roofline = measure(args)
    show(args, results, once)
    if args.plot:
        with whole_file(args.plot) as file:
            plot(results, summary.best_peer, roofline, file)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # workers end with us
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on where it was stopped")
    except (ArithmeticError, OSError, RuntimeError, ValueError) as error:
        sys.exit(f"compare: {error}")
