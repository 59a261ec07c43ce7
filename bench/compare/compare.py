"""Times sepconv beside the libraries people would use instead, layer by layer, in one process and in turns.

    ./dev bench --compare LAYERS.json ... [--threads N] [--json FILE] [--plot FILE] [--filter RE] [--peers onnxruntime,openvino,...]
    ./dev bench --compare --random N [--seed S] ...
    ./dev bench --compare --layout channels_first LAYERS.json ...

Every layer: the same inputs and weights for all, sepconv with the layer's own compiled rows and with the shipped rows; answers
are checked against a double-precision reference (ours) and against ours (the peers'), then all candidates run in turns on pinned
cores. With --layout channels_first all get channels first, and sepconv channels last beside it. The ratio is the best peer's
minimum over ours. A peer's time holds its Python call; the time of an empty model shows how
much that is, and layers under 2 MFLOP, where it matters, are listed apart.

./dev runs this twice: with --prepare, to get the one layer file that is to be compiled, and with --library, to measure.
"""

import argparse
import json
import os
import pathlib
import re
import secrets
import sys
import tempfile

import first_result
import layers as layer_files
import peers
import summary
import tables
from about import about
from files import whole_file, write_file
from measure import call_floor, compare
from ours import Ours
from roofline import Roofline, plot
from turns import Evictor

ROOT = pathlib.Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(
        prog="dev bench --compare", description=__doc__.splitlines()[0]
    )
    parser.add_argument("layers", type=pathlib.Path, nargs="*", help="layer files")
    parser.add_argument("--random", type=int, metavar="N", help="draw N shapes instead")
    parser.add_argument("--seed", type=int, help="of the draw; printed when left out")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--filter", default="", help="regular expression on names")
    parser.add_argument(
        "--peers", default=",".join(peers.DEFAULT), help=f"of {', '.join(peers.ALL)}"
    )
    parser.add_argument(
        "--layout",
        choices=["channels_first"],
        help="compare in this layout alone, with our channels_last time beside",
    )
    parser.add_argument(
        "--budget", type=float, default=0.3, help="seconds a candidate and layer"
    )
    parser.add_argument(
        "--cold", action="store_true", help="empty the caches before each call"
    )
    parser.add_argument(
        "--no-first-result",
        action="store_true",
        help="leave out the time to the first result and the sizes",
    )
    parser.add_argument("--json", type=pathlib.Path, help="the results, a list")
    parser.add_argument(
        "--json-once",
        type=pathlib.Path,
        help="what is measured once: machine, roofline, empty calls, first results",
    )
    parser.add_argument("--plot", type=pathlib.Path, help="the roofline picture (PNG)")
    for name in ("--library", "--layer-file"):
        parser.add_argument(name, type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--command", default="", help=argparse.SUPPRESS)
    args = parser.parse_intermixed_args()
    if bool(args.layers) == (args.random is not None):
        parser.error("name layer files, or draw some with --random N")
    if args.random is not None and args.random < 1:
        parser.error(f"--random {args.random}: draw at least one")
    if args.threads < 1:
        parser.error(f"--threads {args.threads}: one at least")
    args.peers = [p for p in args.peers.split(",") if p]
    if unknown := set(args.peers) - set(peers.ALL):
        known = ", ".join(peers.ALL)
        parser.error(f"--peers {', '.join(sorted(unknown))}: known are {known}")
    for file in (args.json, args.json_once, args.plot):
        if file and not file.parent.is_dir():
            parser.error(f"{file.parent} is not a folder")
    return args


def prepare(args):
    """The one layer file to compile."""
    folder = ROOT / "build/compare_layers"
    file = wanted_layers(args, folder)
    return layer_files.in_both_layouts(file, folder) if args.layout else file


def wanted_layers(args, folder):
    if args.random is None:
        for file in args.layers:
            layer_files.read(file)
        if len(args.layers) == 1:
            return args.layers[0].resolve()
        return layer_files.merge(args.layers, folder)
    seed = secrets.randbelow(10**6) if args.seed is None else args.seed
    file = layer_files.random_layers(args.random, seed, folder)
    print(f"{args.random} layers drawn with --seed {seed}: {file}", file=sys.stderr)
    return file


def measure(args):
    """(results, once)"""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-args.threads :])
    os.environ["OMP_NUM_THREADS"] = str(args.threads)

    file = args.layer_file
    layers = [
        layer
        for layer in layer_files.read(file)
        if layer.get("fusable", True)
        and re.search(args.filter, layer["name"])
        and not (args.layout and layer["name"].endswith(layer_files.LAST))
    ]
    if not layers:
        raise SystemExit(f"{file}: no layer's name holds {args.filter!r}")
    once = about(ROOT, args.peers, args.command)
    once |= {"threads": args.threads, "budget": args.budget, "cold": args.cold}
    if not args.no_first_result:
        programs = args.library.resolve().parent
        once["first_result"] = first_result.measure(args.peers, programs, args.threads)
    ours = Ours(args.library.resolve())
    roofline = Roofline.measure(ours, args.threads)
    once["peak_gflops"] = roofline.peak
    once["bandwidth"] = [
        {"level": name, "bytes": size, "gbytes_per_second": speed}
        for name, size, speed in roofline.levels
    ]
    show_roofline(once)
    args.before = Evictor() if args.cold else None
    args.progress = sys.stderr.isatty()
    with tempfile.TemporaryDirectory() as folder:
        floor = call_floor(args.peers, args.threads, f"{folder}/empty")
        once["empty_call_us"] = {name: 1e3 * t[0] for name, t in floor.items()}
        calls = [f"{n} {us:.1f} us" for n, us in once["empty_call_us"].items()]
        print("call of an empty model:", ", ".join(calls), flush=True)
        results = compare(ours, args, file, layers, roofline, f"{folder}/layers")
    once["layers"] = layers
    return results, once, roofline


def show_roofline(once):
    levels = [
        f"{b['level']} {b['gbytes_per_second']:.1f} GB/s" for b in once["bandwidth"]
    ]
    print(f"peak {once['peak_gflops']:.1f} GFLOP/s;", ", ".join(levels), flush=True)


def show(args, results, once):
    large = [r for r in results if r["flops"] >= summary.SMALL]
    small = [r for r in results if r["flops"] < summary.SMALL]
    if large:
        tables.show(large, args.layer_file.stem)
    if small:
        tables.show(small, "under 2 MFLOP, where the call counts")
    for r in results:
        for name, reason in r["failed"].items():
            print(f"{r['name']}: {name} left out: {reason}")
    if "first_result" in once:
        tables.show_first_results(once["first_result"])
    tables.show_summary(results)


def main():
    args = arguments()
    if args.prepare:
        print(prepare(args))
        return
    results, once, roofline = measure(args)
    show(args, results, once)

    if args.json:
        write_file(args.json, json.dumps(results, indent=2) + "\n")
    if args.json_once:
        write_file(args.json_once, json.dumps(once, indent=2) + "\n")
    if args.plot:
        with whole_file(args.plot) as file:
            plot(results, summary.best_peer, roofline, file)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted; no file was written")
    except RuntimeError as error:
        sys.exit(f"compare: {error}")
