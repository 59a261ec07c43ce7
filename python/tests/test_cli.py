"""The command sepconv, and layer files."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from cli_support import sepconv

from sepconv import _bench, _layer_file

pytest.importorskip("click")
ROOT = pathlib.Path(__file__).parents[2]
LAYERS = {
    "version": 1,
    "layers": [
        {
            "name": "a", "spatial": [14, 13], "cin": 16, "cout": 24, "kernel": [3, 3], "strides": [2, 1],
            "padding": "same", "out_bias": True, "out_activation": "relu",
        },
        {
            "name": "b", "spatial": [20], "cin": 4, "mult": 2, "cout": 8, "kernel": [3], "dilation": [2], "n": 2,
            "data_format": "channels_first", "padding": {"before": [1], "after": [2]}, "mid_bias": True,
            "mid_activation": {"clamp": [-0.5, None]}, "input_activation": "swish",
        },
        {"name": "c", "spatial": [7], "cin": 4, "cout": 8, "kernel": [3], "fusable": False, "between": "layer norm"},
    ],
}  # fmt: skip


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my-layers.json"
    path.write_text(json.dumps(LAYERS))
    return path


def test_list(file):
    entries = json.loads(sepconv("list", "--json"))
    assert any(entry["runnable"] for entry in entries)
    assert "runs here" in sepconv("list")
    entries = json.loads(sepconv("list", "--layers", file, "--json", SEPCONV_TARGETS="portable"))
    assert [entry["layer"] for entry in entries] == ["a", "b"]
    assert all(entry["variant"].endswith("portable") for entry in entries)
    assert entries[0]["variant"] in sepconv("list", "--layers", file, "--explain", "a", SEPCONV_TARGETS="portable")
    assert ": chosen" not in sepconv("list", "--layers", file, "--explain", "a")
    assert ": chosen" in sepconv("list", "--layers", file, "--explain", "a", "--full")
    assert 'no layer "c"' in sepconv("list", "--layers", file, "--explain", "c", status=1)
    assert "needs --layers" in sepconv("list", "--explain", "a", status=1)


def test_bench(file, tmp_path):
    output = sepconv("bench", file, "--filter", "^[ab]$", "--json", tmp_path / "out.json")
    results = json.loads((tmp_path / "out.json").read_text())
    assert [r["name"] for r in results] == ["a", "b"]
    assert set(results[0]) == {"name", "variant", "ms_min", "ms_median", "gflops", "max_error"}
    assert all(r["variant"] in output and r["max_error"] < 1e-5 for r in results)
    assert "no layer of" in sepconv("bench", file, "--filter", "z", status=1)
    assert "is not a regular expression" in sepconv("bench", file, "--filter", "(", status=1)


def test_bench_sees_wrong_results(file):
    for layer in _layer_file.read(file):
        x = _layer_file.inputs(layer)
        good = _layer_file.make(layer)(x)
        assert _bench.check(layer, x, good) < 1e-5
        assert _bench.check(layer, x, good + np.float32(0.01)) > 1e-3
        assert _bench.check(layer, np.roll(x, 1, 1), good) > 1e-3


@pytest.mark.parametrize("path", sorted((ROOT / "bench" / "layers").glob("*.json")), ids=lambda p: p.stem)
def test_every_layer_file_is_read(path):
    for layer in _layer_file.read(path):
        output = layer.output
        shape = [layer.fields["n"], *output, layer.fields["cout"]]
        if layer.channels_first:
            shape[1:] = [layer.fields["cout"], *output]
        assert list(_layer_file.make(layer).output_shape(_layer_file.input_shape(layer))) == shape


def test_a_full_disk_is_an_error(file):
    for arguments in (["list"], ["list", "--layers", file], ["--help"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "sepconv.cli", *map(str, arguments)],
                stdout=full,
                stderr=subprocess.PIPE,
                check=False,
            )
        assert done.returncode != 0 and b"No space left on device" in done.stderr
    assert "No space left" in sepconv("bench", file, "--json", "/dev/full", status=1)


def test_errors(file, tmp_path):
    wrong = tmp_path / "wrong.json"
    for content, message in [
        ("[", "wrong.json: Expecting value"),
        ("[]", "wrong.json: [] is not a sepconv layer file, version 1"),
        ('{"version": 2, "layers": []}', "wrong.json: "),
        ('{"version": 1, "layers": [{"name": "x", "spatial": [3]}]}', 'layer "x"'),
        ('{"version": 1, "layers": [3]}', 'layer "number 1": 3 is not of type'),
    ]:
        wrong.write_text(content)
        for command in (["bench"], ["compile", "-o", tmp_path / "out"], ["list", "--layers"]):
            assert message in sepconv(*command, wrong, status=1)
    assert "does not exist" in sepconv("bench", tmp_path / "absent.json", status=2)
    assert "must end in .onnx" in sepconv("extract", file, status=1)
    assert "C identifier" in sepconv("compile", file, "-o", tmp_path / "out", "--name", "1a", status=1)
