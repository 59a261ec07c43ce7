"""Tests of what the comparison needs no other library for: drawn layers, files, means, the page."""

import math
import pathlib
import random
import tempfile
import unittest

import layers
import page
from files import whole_file, write_file
from roofline import Roofline
from summary import summarize


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class DrawnLayers(Folder):
    def test_stay_in_bounds(self):
        seed = random.randrange(10**6)
        rng = random.Random(seed)
        for number in range(500):
            layer = layers.draw(rng, number, seed)
            with self.subTest(seed=seed, layer=layer["name"]):
                (h, w), (k, _), (s, _) = (
                    layer[key] for key in ("spatial", "kernel", "strides")
                )
                self.assertTrue(4 <= h <= 150 and 4 <= w <= 150)
                self.assertTrue(
                    8 <= layer["cin"] <= 1024 and 8 <= layer["cout"] <= 1024
                )
                self.assertIn((k, s), {(k, s) for k in (3, 5, 7) for s in (1, 2)})
                pixels = math.ceil(h / s) * math.ceil(w / s)
                flops = 2 * pixels * layer["cin"] * (k * k + layer["cout"])
                self.assertLessEqual(flops, 2e9)

    def test_follow_the_seed(self):
        first = layers.random_layers(5, 1, self.folder).read_text()
        self.assertEqual(layers.random_layers(5, 1, self.folder).read_text(), first)
        second = layers.random_layers(5, 2, self.folder).read_text()
        self.assertNotEqual(second.replace("random-2", "random-1"), first)

    def test_merge(self):
        a = layers.random_layers(2, 1, self.folder)
        b = layers.random_layers(3, 2, self.folder)
        merged = layers.merge([a, b], self.folder)
        self.assertEqual(layers.read(merged), layers.read(a) + layers.read(b))
        stamp = merged.stat().st_mtime_ns
        layers.merge([a, b], self.folder)
        self.assertEqual(merged.stat().st_mtime_ns, stamp)
        with self.assertRaisesRegex(SystemExit, "in more than one layer file"):
            layers.merge([a, a], self.folder)
        with self.assertRaisesRegex(SystemExit, "none.json: no layer file"):
            layers.merge([self.folder / "none.json"], self.folder)

    def test_both_layouts(self):
        drawn = layers.random_layers(2, 1, self.folder)
        both = layers.read(layers.in_both_layouts(drawn, self.folder))
        names = [(layer["name"], layer["data_format"]) for layer in both]
        a, b = (layer["name"] for layer in layers.read(drawn))
        first, last = "channels_first", "channels_last"
        self.assertEqual(
            names,
            [(a, first), (f"{a} {last}", last), (b, first), (f"{b} {last}", last)],
        )


class Files(Folder):
    def test_whole_or_not_at_all(self):
        file = self.folder / "a.txt"
        write_file(file, "old")
        with self.assertRaises(KeyboardInterrupt), whole_file(file) as name:
            pathlib.Path(name).write_text("half")
            raise KeyboardInterrupt
        self.assertEqual(file.read_text(), "old")
        self.assertEqual(list(self.folder.iterdir()), [file])


def result(name, ours, shipped, peers, flops):
    return {
        "name": name,
        "ours_ms": {"min": ours, "median": ours},
        "shipped_ms": {"min": shipped, "median": shipped},
        "peers": {k: {"min": v, "median": v} for k, v in peers.items()},
        "failed": {},
        "flops": flops,
        "peak_fraction": 0.5,
        "roofline_fraction": 0.64 if flops > 2e7 else 1.0,
    }


RESULTS = [
    result("net/a", 1.0, 1.25, {"p_cf": 4.0, "p_cl": 5.0}, 5e7),
    result("net/b", 2.0, 2.5, {"p_cf": 3.0, "p_cl": 2.0}, 1.1e7),
    result("net/c", 1.0, 1.25, {"p_cf": 0.25}, 1e6),
]


class Summary(unittest.TestCase):
    def test_means(self):
        s = summarize(RESULTS)
        self.assertAlmostEqual(s["ratio"], 1)  # of 4, 1 and 1/4
        self.assertEqual((s["least"], s["worst"]), (0.25, "net/c"))
        self.assertAlmostEqual(
            s["roofline"], 0.8
        )  # of 0.64 and 1: not of the small one
        self.assertAlmostEqual(s["shipped"], 0.8)
        self.assertNotIn("of_last", s)

    def test_beside_channels_last(self):
        beside = [r | {"channels_last_ms": {"min": 0.5}} for r in RESULTS[:2]]
        self.assertAlmostEqual(summarize(beside)["of_last"], 8**0.5)  # of 2 and 4

    def test_roofline_takes_the_level_that_holds_the_data(self):
        roofline = Roofline(100, [("L2", 10, 8), ("memory", 1000, 2)])
        self.assertEqual(roofline.at(50, 20), 20)
        self.assertEqual(roofline.at(50, 25), 4)
        self.assertEqual(roofline.at(5000, 20), 100)


class Page(unittest.TestCase):
    def test_says_what_is_not_good_yet(self):
        once = {
            "cpu": {"name": "a machine", "level": "x86-64-v3"},
            "system": "Linux",
            "commit": "abc",
            "date": "2000-01-01",
            "command": "./dev performance",
            "threads": 1,
            "cold": False,
            "versions": {"p": "1.0"},
            "peak_gflops": 100.0,
            "bandwidth": [{"level": "L2", "bytes": 1, "gbytes_per_second": 50.0}],
            "empty_call_us": {"p_cf": 1.0},
            "layers": [
                {"name": r["name"], "spatial": [5, 7], "cin": 3, "cout": 4}
                | {"kernel": [3, 3], "strides": [2, 2]}
                for r in RESULTS
            ],
            "first_result": {
                "layer": "x",
                "runs": 3,
                "libraries": {
                    "sepconv": {"load_ms": 1.0, "first_result_ms": 2.0, "bytes": 70000},
                    "p": {"failed": "no such thing"},
                },
            },
        }
        text = page.page(RESULTS, once)
        for line in (
            "| net | 3 | 1.00x | 0.25x (c) | 50% | 80% | 0.80x |",
            "| b | 5x7, 3 to 4, 3x3, stride 2 | 11.0 | 2.0000 | 2.5000 | 2.0000 | p_cl | 1.00x | 50% | 100% |",
            "| sepconv | 1.0 | 2.0 | 3.0 | 0.07 |",
            "| p | no such thing |  |  |  |",
            "- net/c: 0.250x (p_cf)",
            "- net/a: 64%",
        ):
            self.assertIn(line + "\n", text)
        slower = text.split("Slower than the best peer:")[1].split("Above")[0]
        self.assertNotIn("net/b", slower)
        small = text.split("Under 2 MFLOP")[1].split("##")[0]
        self.assertIn("| c |", small)
        self.assertNotIn("| a |", small)


if __name__ == "__main__":
    unittest.main()
