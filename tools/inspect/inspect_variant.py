"""Prints the hot inner loops of a compiled variant: what they load, broadcast and spill, and what llvm-mca says they take.

./dev inspect VARIANT [--target x86_avx2] [--cpu native] [--asm] [--all] [--json] [PARAMETER=VALUE ...]

VARIANT is a shipped one (2d_f32_nhwc_k3s1d1m1) or any name of the grammar (2d_f32_nhwc_k3s1d1m1c512o512e14). It is compiled as the
build would compile it, with the tuned parameters of generators/tuning/ if there are any, and the PARAMETER=VALUEs in their place.
Spills are accesses to a fixed place of the stack inside the loop. The block reciprocal throughput counts resources alone; the
simulated cycles know latencies too. Both are llvm-mca's, for data in the first-level cache.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import loops
import mca
import table

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def compile_variant(args, build, folder):
    """The object of the variant, and the parameters that differ from the schedule's defaults."""
    target = build["targets"][args.target]
    tuning = ROOT / "generators/tuning" / f"{args.target}.json"
    records = json.loads(tuning.read_text())["records"] if tuning.exists() else {}
    of_variant = records.get(args.variant, {})
    # The one that the build takes (cmake/SepconvTuning.cmake).
    record = of_variant.get("any") or next(iter(of_variant.values()), {})
    parameters = dict(record.get("parameters", {}))
    parameters.update(p.split("=", 1) for p in args.parameters)
    features = "-".join([target["halide_target"], *build["leaf_features"]])
    command = [
        build["generator"],
        *["-g", "separable_conv", "-f", args.variant, "-n", "variant", "-o", folder],
        *["-e", "object", f"target={features}", f"variant={args.variant}"],
        f"schedule={target['schedule']}",
        *[f"{k}={v}" for k, v in parameters.items()],
    ]
    result = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, check=False
    )
    if result.returncode:
        reason = result.stderr.strip().removeprefix("Unhandled exception: ")
        sys.exit(f"inspect: {reason.removeprefix('Error: ')}")
    return pathlib.Path(folder) / "variant.o", parameters


def inspect(objdump, file, model):
    """Counts of every innermost loop, the ones with the most multiply-adds first, each with its Loop."""
    found = []
    for function, instructions in loops.disassemble(objdump, file).items():
        for loop in loops.innermost_loops(function, instructions):
            counts = loop.counts()
            work = counts["multiply_adds"]
            if model and work and (cycles := model.loop(loop)):
                bound = model.multiply_add_bound(loop)
                counts |= cycles
                counts["cycles_per_multiply_add"] = round(cycles["cycles"] / work, 3)
                counts["bound_per_multiply_add"] = round(bound, 3)
                # Of the multiply-add peak, by the model.
                counts["efficiency"] = round(bound * work / cycles["cycles"], 3)
            found.append((counts, loop))
    return sorted(found, key=lambda f: (-f[0]["multiply_adds"], f[0]["address"]))


def arguments():
    parser = argparse.ArgumentParser(
        prog="dev inspect", description=__doc__.splitlines()[0]
    )
    parser.add_argument("variant", nargs="?", help="a variant's name")
    parser.add_argument(
        "parameters",
        nargs="*",
        metavar="PARAMETER=VALUE",
        help="schedule parameters, as sepconv_space lists them",
    )
    parser.add_argument("--target", default="x86_avx2")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--cpu", default="native", help="llvm-mca's name of it: znver3")
    parser.add_argument("--asm", action="store_true", help="print the loops themselves")
    parser.add_argument(
        "--all", action="store_true", help="also loops without multiply-adds"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--object",
        type=pathlib.Path,
        action="append",
        default=[],
        help="inspect this object instead of compiling",
    )
    parser.add_argument(
        "--counts", action="store_true", help="do without llvm-mca: counts only"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="fail where a loop with multiply-adds spills, no such loop is found, or what follows is not met",
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        type=allowance,
        metavar="NAME=N",
        help="with --check: so many spills in a loop of that variant",
    )
    parser.add_argument(
        "--loads",
        type=float,
        help="with --check: at most so many loads for a multiply-add of a pointwise loop",
    )
    parser.add_argument(
        "--efficiency",
        type=float,
        help="with --check: pointwise loops reach this part of the multiply-add bound; without llvm-mca the status is 77",
    )
    parser.add_argument(
        "--depthwise-efficiency",
        type=float,
        help="with --check: the same for depthwise loops",
    )
    args = parser.parse_intermixed_args()
    if bool(args.variant) == bool(args.object):
        parser.error("name a variant, or objects with --object")
    for p in args.parameters:
        if "=" not in p:
            parser.error(f'"{p}" does not read PARAMETER=VALUE')
    return parser, args


def complaints(name, found, args):
    """What --check has against a variant."""
    hot = [c for c, _ in found if c["multiply_adds"]]
    result = [] if hot else [f"{name}: no loop with multiply-adds"]
    allowed = dict(args.allow).get(name, 0)
    for c in hot:
        where = f"{name}: the {c['role']} loop at {c['address']:x}"
        if c["spills"] > allowed:
            result.append(f"{where} spills {c['spills']} times")
        wanted = args.depthwise_efficiency
        if c["role"] == "pointwise":
            wanted = args.efficiency
            if args.loads and c["loads_per_multiply_add"] > args.loads:
                result.append(f"{where} has {c['loads_per_multiply_add']} loads a FMA")
        if wanted and c.get("efficiency", 1) < wanted:
            result.append(f"{where} reaches {c['efficiency']} of the FMA bound")
    return result


def allowance(text):
    name, _, count = text.rpartition("=")
    return name, int(count)


def main():
    parser, args = arguments()
    file = args.build / "generators/targets.json"
    if not file.exists():
        parser.error(f"{args.build} is not configured: {file} is missing")
    build = json.loads(file.read_text())
    if args.target not in build["targets"]:
        known = ", ".join(build["targets"])
        parser.error(f'--target "{args.target}" is none of {known}')
    try:
        model = None if args.counts else mca.Mca(args.cpu)
    except mca.Missing as error:
        print(f"{error}; the loops are counted only", file=sys.stderr)
        model = None
    about = {"target": args.target}
    if model:
        about |= {"llvm_mca": model.version, "cpu": model.cpu}
    report, wrong = [], []
    with tempfile.TemporaryDirectory() as folder:
        objects = [(o, {}) for o in args.object]
        if args.variant:
            objects = [compile_variant(args, build, folder)]
        for path, parameters in objects:
            name = args.variant or path.stem
            found = inspect(build["objdump"], path, model)
            wrong += complaints(name, found, args)
            if args.json:
                entry = {"variant": name, "parameters": parameters}
                report.append({**entry, **about, "loops": [c for c, _ in found]})
                continue
            words = [f"{k}={v}" for k, v in parameters.items()]
            if args.variant and not words:
                words = ["(default parameters)"]
            print(" ".join([name, *words]))
            if model:
                print(f"llvm-mca {model.version}, {model.cpu}")
            table.show(found, args.all, args.asm)
    if args.json:
        print(json.dumps(report, indent=2))
    if args.check and wrong:
        sys.exit("\n".join(["inspect:", *wrong]))
    if args.check and not (model or args.counts):
        sys.exit(SKIPPED)  # the bounds were not looked at


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"inspect: {error.stderr.strip()}")
    except RuntimeError as error:
        sys.exit(f"inspect: {error}")
