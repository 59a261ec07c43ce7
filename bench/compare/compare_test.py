"""Tests of what the comparison reads and writes: layer files, operands, the journal of what was measured."""

import math
import pathlib
import random
import tempfile
import unittest

import layers
import peers
from files import whole_file, write_file
from journal import Journal
from models import WRITERS, Nodes
from tensors import Tensors


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
        with self.assertRaisesRegex(ValueError, "in more than one layer file"):
            layers.merge([a, a], self.folder)
        with self.assertRaises(FileNotFoundError):
            layers.merge([self.folder / "none.json"], self.folder)

    def test_a_name_without_a_network_gets_its_files(self):
        layer = {"spatial": [4], "cin": 1, "cout": 1, "kernel": [1]}
        both = [layer | {"name": "one"}, layer | {"name": "net/two"}]
        file = layers.write(self.folder / "my_net.json", "d", both)
        merged = layers.read(layers.merge([file], self.folder / "out"))
        self.assertEqual([r.name for r in merged], ["my_net/one", "net/two"])

    def test_an_unknown_key_is_refused(self):
        layer = {"name": "a", "spatial": [4], "cin": 1, "cout": 1, "kernel": [1]}
        file = layers.write(self.folder / "a.json", "d", [layer | {"stride": [2]}])
        with self.assertRaisesRegex(ValueError, 'a.json: layer "a": .*stride'):
            layers.merge([file], self.folder / "out")

    def test_both_layouts(self):
        drawn = layers.random_layers(2, 1, self.folder)
        both = layers.read(layers.in_both_layouts(drawn, self.folder))
        names = [(layer.name, layer.fields["data_format"]) for layer in both]
        a, b = (layer.name for layer in layers.read(drawn))
        first, last = "channels_first", "channels_last"
        self.assertEqual(
            names,
            [(a, first), (f"{a} {last}", last), (b, first), (f"{b} {last}", last)],
        )

    def test_what_is_left_out_has_a_reason(self):
        layer = {"name": "a", "spatial": [4], "cin": 1, "cout": 1, "kernel": [1]}
        more = ({}, {"dtype": "float64"}, {"fusable": False, "between": "a norm"})
        found = []
        for fields in more:
            (read,) = layers.parse({"version": 1, "layers": [layer | fields]})
            found.append(layers.why_left_out(read))
        self.assertEqual(found[0], "")
        self.assertIn("float64", found[1])
        self.assertIn("a norm", found[2])


class Peers(unittest.TestCase):
    def test_say_what_they_are(self):
        text = (layers.ROOT / "requirements-peers.txt").read_text()
        text += (layers.ROOT / "requirements-torch.txt").read_text()
        self.assertIn("onnxruntime", peers.default())
        for name in peers.ALL:
            with self.subTest(name):
                self.assertIn(f"{peers.peer(name).DISTRIBUTION}==", text)
                self.assertIn(peers.peer(name).MODEL, (*WRITERS, None))

    def test_operands_have_the_layers_shapes(self):
        layer = {"name": "a", "n": 2, "spatial": [4, 5], "cin": 3, "mult": 2}
        layer |= {"cout": 7, "kernel": [2, 3], "out_bias": True}
        (layer,) = layers.parse({"version": 1, "layers": [layer]})
        t = Tensors(layer)
        depthwise, pointwise = t.filters_first()
        self.assertEqual(t.x.shape, (2, 4, 5, 3))
        self.assertEqual(depthwise.shape, (6, 1, 2, 3))
        self.assertEqual(pointwise.shape, (7, 6, 1, 1))
        self.assertEqual(depthwise[5, 0, 1, 2], t.depthwise[1, 2, 2, 1])
        self.assertEqual(pointwise[4, 3, 0, 0], t.pointwise[0, 0, 3, 4])
        self.assertEqual((t.mid_bias, t.out_bias.shape), (None, (7,)))

    def test_a_node_takes_names_constants_and_what_is_absent(self):
        nodes = Nodes()
        names = [nodes._name(value) for value in ("x", 6.0, None, "")]
        self.assertEqual(names, ["x", "c0", "", ""])
        self.assertEqual(nodes.constants["c0"], 6)


class Journals(Folder):
    def test_go_on_where_they_were_stopped(self):
        first = Journal(self.folder, ["settings", 1])
        first.add({"machine": "x"})
        first.add({"name": "a"})
        with first.file.open("a") as file:
            file.write('{"name": "b", "ha')  # stopped in the middle
        again = Journal(self.folder, ["settings", 1])
        self.assertEqual(again.entries, [{"machine": "x"}, {"name": "a"}])
        again.add({"name": "b"})
        self.assertEqual(len(Journal(self.folder, ["settings", 1]).entries), 3)
        self.assertEqual(Journal(self.folder, ["settings", 2]).entries, [])
        again.remove()
        self.assertEqual(Journal(self.folder, ["settings", 1]).entries, [])


class Files(Folder):
    def test_whole_or_not_at_all(self):
        file = self.folder / "a.txt"
        write_file(file, "old")
        with self.assertRaises(KeyboardInterrupt), whole_file(file) as name:
            pathlib.Path(name).write_text("half")
            raise KeyboardInterrupt
        self.assertEqual(file.read_text(), "old")
        self.assertEqual(list(self.folder.iterdir()), [file])


if __name__ == "__main__":
    unittest.main()
