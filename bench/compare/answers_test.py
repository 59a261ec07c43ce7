"""The peers' answers beside ours, over every form that a layer may have: each padding in 1, 2 and 3 dimensions, with strides and
dilations, and each activation in each place. It needs the peers (.venv-peers) and the library that `./dev bench --compare` has built
last; without them it is skipped.
"""

import importlib.util
import itertools
import os
import pathlib
import tempfile
import unittest

import layers
import peers
from measure import LARGEST_DIFFERENCE, LARGEST_ERROR, Comparison

LIBRARY = layers.ROOT / "build/compare/bench/compare/libsepconv_compare.so"
# What a library itself refuses, in its own words: strides that differ, or with a dilation (TensorFlow).
REFUSED = ("TensorFlow Lite has no", "strides > 1 not supported", "equal")


def paddings(rank):
    explicit = {"before": [1, 2, 0][:rank], "after": [2, 0, 1][:rank]}
    return ("valid", "same", explicit, *(("causal",) if rank == 1 else ()))


def geometries():
    for rank in (1, 2, 3):
        for padding, stride, dilation in itertools.product(
            paddings(rank), (1, 2), (1, 2)
        ):
            yield {
                "spatial": [9, 10, 7][:rank],
                "kernel": [3, 4, 2][:rank],
                "strides": [stride] * rank,
                "dilation": [dilation] * rank,
                "padding": padding,
            }


def activations():
    (words,) = (
        rule["oneOf"]
        for key, rule in layers.schema()["$defs"].items()
        if key == "activation"
    )
    values = [*words_of(words), {"clamp": [-0.5, 0.75]}]
    values += [{"clamp": [None, 0.5]}, {"clamp": [0, None]}, {"clamp": [None, None]}]
    for place, value in itertools.product(("input", "mid", "out"), values):
        yield {"spatial": [6, 5], "kernel": [3, 3], "padding": "same"} | {
            f"{place}_activation": value
        }


def words_of(rules):
    for rule in rules:
        if "$ref" in rule:
            name = rule["$ref"].rsplit("/", 1)[1]
            yield from words_of([layers.schema()["$defs"][name]])
        yield from words_of(rule.get("oneOf", ()))
        yield from rule.get("enum", ())


def forms():
    common = {"n": 2, "cin": 6, "mult": 2, "cout": 5, "mid_bias": True}
    found = [*geometries(), *activations()]
    return [
        {"name": f"form/{i}", "out_bias": i % 2 == 0} | common | form
        for i, form in enumerate(found)
    ]


class Settings:
    threads, cold, layout, library = 1, False, "", LIBRARY

    def __init__(self, names):
        self.peers = names


@unittest.skipUnless(LIBRARY.exists(), f"{LIBRARY} is not built")
@unittest.skipUnless(importlib.util.find_spec("onnx"), "onnx is not installed")
class Answers(unittest.TestCase):
    def test_are_ours(self):
        names = [
            name
            for name in peers.ALL
            if importlib.util.find_spec(peers.peer(name).MODULE.split(".")[0])
        ]
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name)
        file = layers.write(path / "forms.json", "Every form", forms())
        all_layers = layers.read(file)
        comparison = Comparison(Settings(names), file, all_layers, path)
        self.addCleanup(comparison.close)
        compared = dict.fromkeys(names, 0)
        models = comparison.models(all_layers, "models")
        for layer, model in zip(all_layers, models, strict=True):
            about = comparison.ours.ask("load", layer, path / "expected.npy", False)
            self.assertLess(about["max_error"], LARGEST_ERROR, layer.fields)
            for name in names:
                with self.subTest(name, **layer.fields):
                    compared[name] += self.compare(comparison, name, layer, model)
            comparison.unload()
        print({name: f"{n} of {len(all_layers)}" for name, n in compared.items()})
        self.assertGreater(min(compared.values()), len(all_layers) / 2)

    def compare(self, comparison, name, layer, model):
        """1 if the peer has computed the layer, 0 if it refuses it."""
        worker = comparison.peers[name]
        made, why = worker.ask("load", layer, model)
        if not made and any(words in why for words in REFUSED):
            return 0
        self.assertTrue(made and not why, why)
        for candidate in made:
            expected = comparison.folder / "expected.npy"
            difference = worker.ask("check", candidate, expected)
            self.assertLess(difference, LARGEST_DIFFERENCE, candidate)
        return 1


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    unittest.main()
