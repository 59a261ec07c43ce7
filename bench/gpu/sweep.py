"""Times every variant of a shared library (library.py) on every layer that it computes: for the table of shapes that are compiled,
and for the constants of dispatch.

    sweep.py LIBRARY.so VARIANTS.json OUT.jsonl [--batch 1 32] [--filter RE] [--warm-up]

VARIANTS.json: [[name, variant, {parameter: value}], ...]. A line of OUT: the layer, the batch, and for each variant its milliseconds,
or why it did not compute the layer.
"""

import argparse
import functools
import json
import math
import pathlib
import re
import statistics
import sys
import time

import layers as layer_files


def parse(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("variants", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 32])
    parser.add_argument("--filter", default="")
    parser.add_argument("--seconds", type=float, default=60, help="of all")
    parser.add_argument("--warm-up", nargs=2, type=int, metavar=("I", "N"))
    return parser.parse_args(words)


def fits(variant, layer):
    """Whether a name's fixed part is the layer's."""
    rank, _, _, fixed = variant.split("_")[:4]
    if int(rank[0]) != layer.rank:
        return False
    wanted = {
        "k": layer.kernel,
        "s": layer.strides,
        "d": layer.dilation,
        "m": [layer.fields["mult"]],
    }
    return all(
        set(wanted[letter]) == {int(number)}
        for letter, number in re.findall(r"([ksdm])(\d+)", fixed)
    )


def main(words):
    arguments = parse(words)
    import library
    import torch
    import ways

    variants = json.loads(arguments.variants.read_text())
    chosen = [
        layer
        for name in layer_files.NETWORKS
        for batch in arguments.batch
        for layer in layer_files.read(layer_files.FOLDER / f"{name}.json", batch)
        if re.search(arguments.filter, layer.name)
    ]
    if arguments.warm_up:  # the driver keeps what it compiles
        part, parts = arguments.warm_up
        torch.zeros(1, device="cuda")
        for name, variant, _ in variants[part::parts]:
            layer = next((la for la in chosen if fits(variant, la)), None)
            if layer is not None:
                try:
                    library.Layer(
                        arguments.library.resolve(),
                        layer,
                        ways.operands(layer, device="cuda"),
                        f"{name}_cuda",
                    )
                except (NotImplementedError, RuntimeError) as error:
                    print(name, error)
        return
    end = time.monotonic() + arguments.seconds
    with open(arguments.out, "w") as out:
        for layer in chosen:
            if time.monotonic() > end:
                print("out of time before", layer.name, layer.fields["n"])
                break
            row = measured(arguments, variants, layer)
            out.write(json.dumps(row) + "\n")
            out.flush()
            right = {k: v for k, v in row["ms"].items() if isinstance(v, float)}
            if right:
                best = min(right, key=right.get)
                print(
                    layer.fields["n"],
                    layer.name,
                    len(right),
                    best,
                    f"{right[best] * 1e3:.1f} us",
                    flush=True,
                )


def measured(arguments, variants, layer):
    import library
    import torch
    import ways
    from measure import Clock

    tensors = ways.operands(layer, device="cuda")
    with torch.no_grad():
        expected = ways.reference(layer, "cuda").float()
    scale = expected.abs().max()
    host = {k: v.cpu() for k, v in tensors.items()} | {"x": tensors["x"]}
    times, packed, best = {}, {}, math.inf
    clock = Clock("cuda", arguments.seconds)
    for name, variant, parameters in variants:
        if not fits(variant, layer):
            continue
        key = (
            parameters["chunk"],
            parameters["threads_x"] * parameters["thread_vectors"],
        )
        try:
            ours = library.Layer(
                arguments.library.resolve(),
                layer,
                host,
                f"{name}_cuda",
                packed.get(key),
            )
            packed[key] = ours.packed
            out = ours(tensors["x"])
            error = ((out - expected).abs().max() / scale).item()
            if not error < 1e-5:
                times[name] = f"wrong by {error:.2g}"
                continue
            del out
            call = functools.partial(ours, tensors["x"])
            times[name] = milliseconds(clock, call, 2 * best)
            best = min(best, times[name])
        except (NotImplementedError, RuntimeError) as error:
            times[name] = str(error)[:200]
    return {
        "layer": layer.name,
        "batch": layer.fields["n"],
        "flops": layer.flops,
        "bytes": layer.bytes,
        "ms": times,
    }


def milliseconds(clock, call, limit):
    """Of one call alone, if that is clearly above the limit."""
    once = clock.once(call)
    if once - 0.08 > limit:  # what the host takes to launch it
        return once
    count = max(1, min(12, int(1 / max(once, 1e-3))))
    run = clock.graphed(call, count)
    return statistics.median(clock.once(run) / count for _ in range(5))


if __name__ == "__main__":
    main(sys.argv[1:])
