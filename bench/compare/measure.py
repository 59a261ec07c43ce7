"""Every layer: answers checked, then sepconv (own rows, shipped rows) and the peers timed in turns."""

import math

import numpy as np
import peers
from layers import LAST
from models import write_models
from rich.console import Console
from rich.progress import track
from tensors import Tensors, channels_first, channels_last
from turns import in_turns

LARGEST_ERROR = 1e-5  # of our answer, relative to the largest magnitude
LARGEST_DIFFERENCE = 1e-4  # of a peer's answer from ours, likewise


def call_floor(names, threads, folder):
    """{candidate: (minimum, median)} in milliseconds of the smallest possible layer: what a call costs."""
    empty = {"name": "empty", "spatial": [1, 1], "cin": 1, "cout": 1, "kernel": [1, 1]}
    tensors = Tensors(empty)
    (model,) = write_models(names, [empty], [tensors], folder)
    made, _ = peers.candidates(names, empty, tensors, threads, model)
    return in_turns({name: call for name, (call, _) in made.items()}, 0.1)


def compare(ours, settings, file, layers, roofline, folder):
    """A result for each layer. `settings` has peers, threads, layout, budget, before (see in_turns); `file` is the layer file that
    `ours` was built for. With a layout, only the peers that are given it take part, and the layer's channels_last form does."""
    tensors = [Tensors(layer) for layer in layers]
    threads = settings.threads
    models = write_models(settings.peers, layers, tensors, folder)
    ours.register(0)
    shipped = [
        ours.open(file, layer["name"], threads, t) for layer, t in zip(layers, tensors)
    ]
    ours.register(1)
    results = []
    work = list(zip(layers, tensors, models, shipped))
    for layer, t, model, ship in track(
        work, "Comparing", console=Console(stderr=True), disable=not settings.progress
    ):
        own = ours.open(file, layer["name"], threads, t)
        first = layer.get("data_format") == "channels_first"
        x = channels_first(t.x) if first else t.x
        error = max(ours.check(own, x), ours.check(ship, x))
        if not error < LARGEST_ERROR:
            raise RuntimeError(f"{layer['name']}: wrong answer, error {error}")
        made, failed = peers.candidates(settings.peers, layer, t, threads, model)
        if settings.layout:
            made = {name: m for name, m in made.items() if name.endswith("_cf")}
        drop_wrong(
            made, failed, lambda shape, own=own, f=first: output(ours, own, shape, f)
        )
        calls = {"ours": ours.call(own, x), "shipped": ours.call(ship, x)}
        if settings.layout:
            last = ours.open(file, layer["name"] + LAST, threads, t)
            calls["channels_last"] = ours.call(last, t.x)
        calls.update({name: call for name, (call, _) in made.items()})
        times = in_turns(calls, settings.budget, settings.before)
        times = {k: {"min": a, "median": b} for k, (a, b) in times.items()}
        flops, size = ours.flops(own), traffic(layer, t, ours.flops(own))
        mine = times.pop("ours")
        gflops = flops / mine["min"] / 1e6
        results.append(
            {
                "name": layer["name"],
                "variant": ours.variant(own),
                "ours_ms": mine,
                "shipped_ms": times.pop("shipped"),
                "peers": times,
                "failed": failed,
                "flops": flops,
                "intensity": flops / size,
                "gflops": gflops,
                "peak_fraction": gflops / roofline.peak,
                "roofline_fraction": gflops / roofline.at(flops, size),
                "max_error": error,
            }
        )
        if settings.layout:
            results[-1]["channels_last_ms"] = times.pop("channels_last")
            ours.close(last)
        ours.close(own)
        ours.close(ship)
    return results


def output(ours, handle, shape, first):
    """Our last answer, channels last, in the shape (n, spatial..., channels)."""
    if not first:
        return ours.output(handle, shape)
    return channels_last(ours.output(handle, (shape[0], shape[-1], *shape[1:-1])))


def drop_wrong(made, failed, expected):
    """Moves the candidates whose answers differ from ours to `failed`."""
    for name in list(made):
        call, output = made[name]
        call()
        theirs = output()
        mine = expected(theirs.shape)
        difference = float(np.abs(mine - theirs).max() / np.abs(mine).max())
        if not difference < LARGEST_DIFFERENCE:
            failed[name] = f"its answer differs by {difference:.1e}"
            del made[name]


def traffic(layer, t, flops):
    """Bytes of input, weights and output."""
    middle = layer["cin"] * layer.get("mult", 1)
    pixels = flops / (2 * middle * (layer["cout"] + math.prod(layer["kernel"])))
    output = 4 * pixels * layer["cout"]
    return t.x.nbytes + t.depthwise.nbytes + t.pointwise.nbytes + output
