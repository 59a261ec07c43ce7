"""Compares sepconv's GPU variants with PyTorch on a CUDA device: the same inputs, checked answers, CUDA graphs between events.

    compare_torch.py [LAYERS.json ...] [--batch 1 32] --json RESULTS.json

Without layer files: MobileNetV1, MobileNetV2, EfficientNet-Lite0, QuartzNet and Xception. PyTorch's ways are cuDNN with both layouts, TF32
off and on, eager and through torch.compile. --dry-run says what would be run, and needs neither PyTorch nor a device; --device cpu runs
everything on the host, to try the program out: its times mean nothing. page.py writes the page from RESULTS.json.
"""

import argparse
import datetime
import json
import math
import pathlib
import re
import subprocess
import sys

import layers as layer_files

LIMIT = 1e-5  # of a float32 result, relative to the layer's largest magnitude
TF32_LIMIT = 1e-2  # products of TF32 have 11 bits


def parse(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=pathlib.Path, metavar="LAYERS.json")
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 32])
    parser.add_argument("--filter", default="", metavar="RE", help="only these layers")
    parser.add_argument("--seconds", type=float, default=0.2, help="of timing a way")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--no-compile", action="store_true", help="no torch.compile")
    parser.add_argument(
        "--no-autotune",
        action="store_true",
        help="torch.compile in its default mode: it tries out no kernels of its own, which takes seconds a layer",
    )
    parser.add_argument("--no-tf32", action="store_true", help="without TF32 only")
    parser.add_argument(
        "--library",
        type=pathlib.Path,
        metavar="FILE",
        help="sepconv as a shared library (library.cpp), where the package is not installed",
    )
    parser.add_argument(
        "--compile-only",
        nargs=2,
        type=int,
        metavar=("I", "N"),
        help="compile every N-th layer, the I-th and on, into PyTorch's cache, and measure nothing: several processes at a time",
    )
    parser.add_argument("--commit", help="of the library; default: that of this tree")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--dry-run", action="store_true")
    arguments = parser.parse_args(words)
    if not arguments.files:
        names = layer_files.NETWORKS
        arguments.files = [layer_files.FOLDER / f"{name}.json" for name in names]
    return arguments


def chosen(arguments):
    return [
        layer
        for batch in arguments.batch
        for file in arguments.files
        for layer in layer_files.read(file, batch)
        if re.search(arguments.filter, layer.name)
    ]


def plan(arguments):
    """What would be run, as text."""
    lines = []
    for batch in arguments.batch:
        by_network = {}
        for layer in chosen(arguments):
            if layer.fields["n"] == batch:
                by_network.setdefault(layer.network, []).append(layer)
        for network, group in by_network.items():
            gflop = sum(layer.flops for layer in group) / 1e9
            lines.append(
                f"batch {batch}: {network}, {len(group)} layers, {gflop:.2f} GFLOP"
            )
    how = "no torch.compile" if arguments.no_compile else "eager and torch.compile"
    tf32 = "TF32 off" if arguments.no_tf32 else "TF32 off and on"
    lines.append(f"ways: sepconv; PyTorch: {how}, channels first and last, {tf32}")
    lines.append(
        f"each checked against float64, then {arguments.seconds} s of CUDA graphs between events, in turns"
    )
    return "\n".join(lines)


def check_device(arguments):
    """Why nothing can be compared here, or ""."""
    try:
        import torch
    except ImportError:
        return "PyTorch is not installed"
    if arguments.device == "cpu":
        return ""
    if not torch.cuda.is_available():
        return "PyTorch finds no CUDA device"
    if arguments.library is not None:
        return ""
    from sepconv import _device

    if not _device.has_variants:
        return "this build of sepconv has no GPU variants: pip install . -C cmake.define.SEPCONV_GPU=ON"
    return ""


def error_of(result, expected):
    """The largest difference over the largest magnitude; infinity for a NaN."""
    difference = (result.detach().double() - expected).abs().max().item()
    error = difference / expected.abs().max().item()
    return float("inf") if math.isnan(error) else error


def chosen_ways(arguments):
    import ways

    return [
        name
        for name in ways.names()
        if not (arguments.no_compile and "compiled" in name)
        and not (arguments.no_tf32 and ways.uses_tf32(name))
    ]


def compile_part(arguments):
    """Runs the compiled ways of a part of the layers once."""
    import torch
    import ways

    part, parts = arguments.compile_only
    for layer in chosen(arguments)[part::parts]:
        for name in chosen_ways(arguments):
            if "compiled" not in name:
                continue
            with ways.precision(name), torch.no_grad():
                ways.make(name, layer, arguments.device)()
    torch.cuda.synchronize()


def compare(layer, arguments, clock):
    import torch
    import ways

    expected = ways.reference(layer, arguments.device)
    calls, failed, errors = {}, {}, {}
    for name in chosen_ways(arguments):
        try:
            with ways.precision(name), torch.no_grad():
                call = ways.make(name, layer, arguments.device, arguments.library)
                errors[name] = error_of(call(), expected)
        except (RuntimeError, ValueError, NotImplementedError) as error:  # one way less
            failed[name] = f"{type(error).__name__}: {error}"[:300]
            continue
        if errors[name] > (TF32_LIMIT if ways.uses_tf32(name) else LIMIT):
            failed[name] = f"wrong by {errors[name]:.2g}"
            continue
        calls[name] = call

    def measured(tf32):
        names = [n for n in calls if n == ways.OURS or ways.uses_tf32(n) == tf32]
        with (
            ways.precision("TF32 on" if tf32 else "TF32 off"),
            torch.no_grad(),
        ):
            return clock.turns({n: calls[n] for n in names})

    with_tf32 = {} if arguments.no_tf32 else measured(True)
    with_tf32.pop(ways.OURS, None)
    return {
        "name": layer.name,
        "network": layer.network,
        "batch": layer.fields["n"],
        "flops": layer.flops,
        "bytes": layer.bytes,
        "ms": measured(False) | with_tf32,
        "error": errors,
        "failed": failed,
    }


def about(arguments, clock, words):
    import measure
    import torch

    is_cuda = arguments.device == "cuda"
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=pathlib.Path(__file__).parent,
    ).stdout.strip()
    return {
        "device": torch.cuda.get_device_name() if is_cuda else "the host",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "commit": arguments.commit or commit,
        "date": datetime.date.today().isoformat(),
        "command": " ".join(["compare_torch.py", *words]),
        "roofline": measure.roofline(clock),
    }


def main(words):
    arguments = parse(words)
    if arguments.dry_run:
        print(plan(arguments))
        return 0
    if why := check_device(arguments):
        print(f"compare_torch.py: {why}; nothing was measured", file=sys.stderr)
        return 77
    import measure
    import torch
    import ways

    ways.AUTOTUNE = not arguments.no_autotune
    torch.backends.cudnn.benchmark = True
    if arguments.compile_only:
        compile_part(arguments)
        return 0
    clock = measure.Clock(arguments.device, arguments.seconds)
    results = []
    content = {"about": about(arguments, clock, words), "results": results}
    for layer in chosen(arguments):
        results.append(compare(layer, arguments, clock))
        ms, failed = results[-1]["ms"], results[-1]["failed"]
        ours = ms.get("sepconv")
        best = min(
            (v["min"] for n, v in ms.items() if n.endswith("TF32 off")), default=None
        )
        text = f"{best / ours['min']:.2f}x" if ours and best else "not comparable"
        print(
            f"batch {layer.fields['n']} {layer.name}: {text}",
            *failed.items(),
            flush=True,
        )
        if arguments.json:
            arguments.json.parent.mkdir(parents=True, exist_ok=True)
            layer_files.sepconv_layers.write_text(
                arguments.json, json.dumps(content, indent=1) + "\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
