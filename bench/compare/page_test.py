"""Tests of the means and of the page."""

import math
import unittest

import page
from roofline import Roofline
from summary import summarize


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

    def test_a_layer_that_every_peer_failed_on_has_no_ratio(self):
        alone = result("net/d", 1.0, 1.0, {}, 5e7) | {"failed": {"p": "hung"}}
        s = summarize([alone, *RESULTS])
        self.assertAlmostEqual(s["ratio"], 1)
        self.assertEqual((s["least"], s["worst"]), (0.25, "net/c"))
        self.assertTrue(math.isnan(summarize([alone])["ratio"]))

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
            "layers": {
                "version": 1,
                "layers": [
                    {"name": r["name"], "spatial": [5, 7], "cin": 3, "cout": 4}
                    | {"kernel": [3, 3], "strides": [2, 2]}
                    for r in RESULTS
                ],
            },
            "left_out": {"net/e": "no variant"},
            "first_result": {
                "layer": "x",
                "runs": 3,
                "libraries": {
                    "sepconv": {"load_ms": 1.0, "first_result_ms": 2.0, "bytes": 70000},
                    "p": {"failed": "no such thing"},
                },
            },
        }
        failed = RESULTS[0] | {"failed": {"q": "no answer"}}
        text = page.page([failed, *RESULTS[1:]], once)
        for line in (
            "| net | 3 | 1.00x | 0.25x (c) | 50% | 80% | 0.80x |",
            "| b | 5x7, 3 to 4, 3x3, stride 2 | 11.0 | 2.0000 | 2.5000 | 2.0000 | p_cl | 1.00x | 50% | 100% | - |",
            "| a | 5x7, 3 to 4, 3x3, stride 2 | 50.0 | 1.0000 | 1.2500 | 4.0000 | p_cf | 4.00x | 50% | 64% | q: no answer |",
            "net/e was left out: no variant",
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
