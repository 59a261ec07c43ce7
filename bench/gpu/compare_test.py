"""What can be tested of the comparison without a GPU: arguments, the plan, the layers' numbers, the page. With PyTorch also the ways."""

import json
import math
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import compare_torch
import layers
import page

PROGRAM = pathlib.Path(__file__).parent / "compare_torch.py"
LAYER = {
    "name": "Net/one",
    "spatial": [9, 8],
    "cin": 4,
    "cout": 6,
    "kernel": [3, 3],
    "strides": [2, 2],
    "padding": "same",
    "mid_bias": True,
    "mid_activation": "relu6",
    "out_activation": {"clamp": [-1, 1]},
}


def made(fields):
    (layer,) = layers.sepconv_layers.parse({"version": 1, "layers": [fields]})
    return layer.replaced(n=2)


def run(*words):
    command = [sys.executable, str(PROGRAM), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_plan_needs_no_torch_and_no_device():
    done = run("--dry-run")
    assert done.returncode == 0, done.stderr
    for batch in (1, 32):
        for network in ("MobileNetV1", "MobileNetV2", "EfficientNet", "Quartz", "Xce"):
            assert f"batch {batch}: {network}" in done.stdout
    assert "TF32 off and on" in done.stdout and "channels first and last" in done.stdout


def test_without_a_device_it_says_so():
    done = run("--filter", "dw1$")
    if done.returncode == 0:
        pytest.skip("this machine has a device")
    assert done.returncode == 77 and done.stderr.endswith("nothing was measured\n")
    assert "Traceback" not in done.stderr


def test_unknown_arguments_are_refused():
    assert run("--device", "tpu").returncode == 2


def test_numbers_of_a_layer():
    layer = made(LAYER)
    assert layer.pads == [(1, 1), (0, 1)] and layer.output == [5, 4]
    assert layer.flops == 2 * 2 * 20 * 4 * (9 + 6)
    assert layer.bytes == 4 * (2 * (72 * 4 + 20 * 6) + 4 * 15)


def test_every_layer_of_the_networks_has_goals():
    found = {
        layer.network
        for name in layers.NETWORKS
        for layer in layers.read(layers.FOLDER / f"{name}.json", 1)
    }
    for _, network, _ in page.GOALS:
        assert any(name.startswith(network) for name in found), network


def results(ours=1.0, theirs=1.6):
    names = [
        "torch eager, channels last, TF32 off",
        "torch eager, channels last, TF32 on",
    ]
    ms = {"sepconv": {"min": ours}} | {n: {"min": theirs} for n in names}
    networks = dict.fromkeys((batch, network) for batch, network, _ in page.GOALS)
    return [
        {"name": f"{n}/a", "network": n, "batch": b, "flops": 10**9, "bytes": 10**6}
        | {"ms": ms, "failed": {}}
        for b, n in networks
    ]


def test_the_page_says_what_is_met():
    roof = {"copy_gbytes_per_second": 2e3, "float32_gflops": 5e4, "tf32_gflops": 3e5}
    keys = ("device", "torch", "cuda", "cudnn", "sepconv", "commit", "date", "command")
    about = dict.fromkeys(keys, "x") | {"roofline": roof}
    text = page.page({"about": about, "results": results()})
    assert text.count(": met") == len(page.GOALS) + 1 and "not met" not in text
    text = page.page({"about": about, "results": results(theirs=0.7)})
    assert text.count("not met") == len(page.GOALS) and "0.70x" in text
    assert "1.00 GFLOP" not in text and "2%" in text  # of the roofline: 0.02 ms of 1 ms
    json.dumps(text)


def test_what_is_missing_is_not_measured():
    assert "not measured" in page.goals([])
    assert math.isnan(page.ratio({"ms": {}}))


def test_every_way_is_right_on_the_host():
    torch = pytest.importorskip("torch")
    pytest.importorskip("sepconv")
    import measure
    import ways

    for fields in (LAYER, LAYER | {"spatial": [11], "kernel": [5], "strides": [1]}):
        layer = made(fields)
        expected = ways.reference(layer, "cpu")
        for name in ways.names():
            if "compiled" in name:
                continue
            with ways.precision(name), torch.no_grad():
                result = ways.make(name, layer, "cpu")()
            assert result.shape == expected.shape
            assert compare_torch.error_of(result, expected) < 1e-6, name
    clock = measure.Clock("cpu", 0.01)
    found = clock.turns({"a": lambda: None})
    assert found["a"]["min"] <= found["a"]["median"]
