"""Layers as the tuner has them: what it reads, and what their depthwise stages come to."""

import json
import pathlib

import pytest
from fake_workers import layer

from sepconv_tune import layers
from sepconv_tune.toolchain import Toolchain

ROOT = pathlib.Path(__file__).parents[3]
ENTRY = {"name": "a", "spatial": [7], "cin": 4, "cout": 8, "kernel": [3]}


def write(folder, *entries):
    file = folder / "l.json"
    file.write_text(json.dumps({"version": 1, "layers": entries}))
    return file


def test_layers_that_cannot_be_tuned_are_left_out(build, tmp_path):
    entries = [
        ENTRY,
        ENTRY | {"name": "b", "fusable": False, "between": "x"},
        ENTRY | {"name": "c", "dtype": "float16"},
    ]
    file = write(tmp_path, *entries, ENTRY | {"name": "d", "dtype": "float64", "out_activation": "swish"})
    read = layers.read(file, Toolchain.load(build))
    assert {one.name: one.variant for one in read} == {
        "a": "1d_f32_nwc_k3s1d1m1c4o8e7",
        "d": "1d_f64_nwc_k3s1d1m1c4o8e7_act",
    }


@pytest.mark.parametrize("entry", [{"name": "x"}, ENTRY | {"stride": [2]}, ENTRY | {"kernel": [0]}])
def test_what_is_not_a_layer_file(build, tmp_path, entry):
    with pytest.raises(ValueError, match=r"l\.json"):
        layers.read(write(tmp_path, entry), Toolchain.load(build))


def test_another_type_and_a_stage_alone():
    both = layer("2d_f32_nhwc_k3s1d1m2c16o24e14", cin=16, mult=2, cout=24, strides=[1, 1])
    assert both.flops == 2 * 14 * 14 * 32 * (9 + 24) and both.words == []
    wide = both.in_format("float64", channels_first=True, depthwise_only=False)
    assert wide.bytes == 2 * both.bytes and wide.flops == both.flops and wide.channels_first
    alone = both.in_format("float32", channels_first=False, depthwise_only=True)
    assert alone.flops == 2 * 14 * 14 * 32 * 9 and alone.words == ["depthwise"]
    assert alone.bytes == 4 * (14 * 14 * (16 + 32) + 32 * 9)
    assert [entry["name"] for entry in json.loads(layers.Layer.file([both, both]))["layers"]] == ["0", "1"]
