"""Every layer: answers checked, then sepconv (own variant, shipped variant) and the peers timed in turns, each in its own process."""

import pathlib
import sys

from layers import parse
from models import write_models
from ours import OurServer
from peers import peer
from turns import in_turns
from worker import PeerServer, Worker

LARGEST_ERROR = 1e-5  # of our answer, relative to the largest magnitude
LARGEST_DIFFERENCE = 1e-4  # of a peer's answer from ours, likewise


class LeftOut(Exception):
    """A layer that sepconv does not take."""


class Comparison:
    """The workers of one comparison. `settings` has peers, threads, layout, budget, cold and library. With a layout, only the
    candidates that are given it take part, and the layer's channels_last form does."""

    def __init__(self, settings, file, layers, folder):
        self.settings, self.folder = settings, pathlib.Path(folder)
        names = [layer.name for layer in layers]
        given = (settings.threads, settings.cold)
        self.ours = Worker(OurServer, settings.library, file, names, *given)
        self.peers = {name: Worker(PeerServer, name, *given) for name in settings.peers}

    def close(self):
        for worker in (self.ours, *self.peers.values()):
            worker.close()

    def models(self, layers, folder):
        """Writes what the peers load; see write_models."""
        kinds = {peer(name).MODEL for name in self.peers} - {None}
        return write_models(sorted(kinds), layers, self.folder / folder)

    def call_floor(self):
        """{candidate: microseconds} of the smallest possible layer: what a call costs."""
        fields = {"name": "empty", "spatial": [1, 1], "kernel": [1, 1]}
        (empty,) = parse({"version": 1, "layers": [fields | {"cin": 1, "cout": 1}]})
        (model,) = self.models([empty], "empty")
        failed = {}
        turns = self.load_peers(empty, model, failed)
        times = in_turns(turns, 0.1, failed)
        self.unload()
        for name, why in failed.items():
            print(f"an empty model: {name} left out: {why}", file=sys.stderr)
        return {name: 1e3 * t["min"] for name, t in times.items()}

    def load_peers(self, layer, model, failed):
        """{candidate: function that makes one turn}"""
        turns = {}
        for name, worker in self.peers.items():
            try:
                made, why = worker.ask("load", layer, model)
            except RuntimeError as error:
                made, why = [], str(error)
            if why:
                failed[name] = why
            for candidate in made:
                if not self.settings.layout or candidate.endswith("_cf"):
                    turns[candidate] = self.turn(worker, candidate)
        return turns

    def turn(self, worker, candidate):
        """What makes one turn. A worker that was lost has lost its candidates, and is not asked again."""
        process = worker.process

        def turn():
            if worker.process is not process:
                raise RuntimeError("its process was lost with another candidate")
            return worker.ask("turn", candidate)

        turn.worker = worker
        return turn

    def unload(self):
        for name, worker in {"sepconv": self.ours, **self.peers}.items():
            if worker.process is None:
                continue
            try:
                worker.ask("unload")
            except (
                RuntimeError
            ) as error:  # the times stand; the next layer gets a new process
                print(f"{name}, when it was done: {error}", file=sys.stderr)
                worker.close()

    def drop_wrong(self, turns, expected, failed):
        """Moves the candidates whose answers differ from ours to `failed`."""
        for name in list(turns):
            try:
                difference = turns[name].worker.ask("check", name, expected)
                why = f"its answer differs by {difference:.1e}"
            except RuntimeError as error:
                difference, why = float("inf"), str(error)
            if not difference < LARGEST_DIFFERENCE:
                failed[name] = why
                del turns[name]

    def layer(self, layer, model, roofline):
        """The result of one layer. Raises LeftOut, or ArithmeticError where our answer is wrong."""
        beside_last, failed = bool(self.settings.layout), {}
        expected = self.folder / "expected.npy"
        try:
            about = self.ours.ask("load", layer, expected, beside_last)
        except RuntimeError as error:
            self.ours.close()
            raise LeftOut(str(error)) from error
        if not about["max_error"] < LARGEST_ERROR:
            raise ArithmeticError(
                f"{layer.name}: our answer is wrong by {about['max_error']:.1e}"
            )
        names = ["ours", "shipped", *(["channels_last"] if beside_last else [])]
        turns = {name: self.turn(self.ours, name) for name in names}
        theirs = self.load_peers(layer, model, failed)
        self.drop_wrong(theirs, expected, failed)
        times = in_turns(turns | theirs, self.settings.budget, failed)
        self.unload()
        for name in names:
            if name in failed:
                raise LeftOut(failed[name])
        mine = {f"{name}_ms": times.pop(name) for name in names}
        gflops = layer.flops / mine["ours_ms"]["min"] / 1e6
        return {
            "name": layer.name,
            **about,
            **mine,
            "peers": times,
            "failed": failed,
            "flops": layer.flops,
            "intensity": layer.flops / layer.bytes,
            "gflops": gflops,
            "peak_fraction": gflops / roofline.peak,
            "roofline_fraction": gflops / roofline.at(layer.flops, layer.bytes),
        }
