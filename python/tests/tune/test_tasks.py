"""What there is to tune, and how alike layers are."""

import pathlib

import pytest
from fake_workers import layer

from sepconv_tune import layers, library, similar, tasks
from sepconv_tune.database import Database, Record
from sepconv_tune.toolchain import Toolchain

ROOT = pathlib.Path(__file__).parents[3]
NAME = "2d_f32_nhwc_k3s1d1m1c32o64e112"
SAME = {"cin": 16, "cout": 24, "strides": [1, 1]}


@pytest.fixture(scope="session")
def tools(build):
    return Toolchain.load(build)


@pytest.fixture(scope="session")
def mobilenet(tools):
    return layers.read(ROOT / "bench/layers/mobilenet_v1.json", tools)


def of_variant(tools, variant, *chosen):
    return tasks.of_variant(tools, "x86_avx2", list(chosen), variant)


def test_nearest_records(tools, tmp_path):
    database = Database(tmp_path / "x86_avx2.json", "x86_avx2")
    others = [
        "2d_f32_nhwc_k3s1d1m1c32o64e56", "2d_f32_nhwc_k3s2d1m1c32o64e112", "2d_f32_nhwc_k5s1d1m1c512o64e7",
        "2d_f32_nchw_k3s1d1m1c32o64e112", "1d_f32_nwc_k3s1d1m1c32o64e112", "2d_f32_nhwc_k3s1d1m1", NAME,
    ]  # fmt: skip
    for other in others:
        database.store(other, "znver4", Record({}))
    near = lambda count: [name for name, _ in similar.nearest(tools, database, NAME, "znver4", count)]
    assert near(2) == others[:2]
    assert len(near(9)) == 3, "neither itself nor another layout or rank, nor what fixes less"


def test_distance(tools):
    wide = "2d_f32_nhwc_k3s1d1m1c32o64e112x56"
    names = library.names(tools, [NAME, wide, "2d_f32_nhwc_k3s1d1m1c32o64e56"])
    one, half, quarter = names.values()
    assert similar.distance(one, one) == 0 and similar.distance(one, half) == 0.5
    assert similar.distance(one, quarter) == 1


def test_representatives(tools, mobilenet):
    all_layers = mobilenet + layers.read(ROOT / "bench/layers/mobilenet_v2.json", tools)
    todo = tasks.of_layers(all_layers)
    assert sorted(task.variant for task in todo) == sorted({one.variant for one in all_layers}), "each variant once"
    order = tasks.in_order(tools, todo, transfer=True)
    short = [task for task, is_short in order if is_short]
    long = [task for task, is_short in order if not is_short]
    assert 3 <= len(long) <= len(todo) / 2 and order == [(r, False) for r in long] + [(r, True) for r in short]
    assert long == sorted(long, key=lambda task: -task.flops)
    assert not any(is_short for _, is_short in tasks.in_order(tools, todo, transfer=False))


def test_a_variant_is_measured_on_what_it_computes(tools, monkeypatch):
    plain = layer("2d_f32_nhwc_k3s1d1m1c16o24e14", **SAME)
    wide = layer("2d_f32_nhwc_k3x13s1d1m1c16o24e14", **SAME, kernel=[3, 13], name="wide")
    monkeypatch.setitem(tools["targets"]["x86_avx2"], "variants", [])
    task = of_variant(tools, "2d_f32_nhwc_any", plain, wide, plain)
    assert {one.name for one in task.layers} == {"small", "wide"}
    assert task.flops == pytest.approx((plain.flops * wide.flops) ** 0.5)
    shipped = ["2d_f32_nhwc_any", "2d_f32_nhwc_k3s1d1m1", "2d_f32_nchw_any", "3d_f32_ndhwc_any"]
    monkeypatch.setitem(tools["targets"]["x86_avx2"], "variants", shipped)
    (left,) = of_variant(tools, "2d_f32_nhwc_any", plain, wide, plain).layers
    assert left.name == "wide", "the other has a variant that fixes more"
    (first,) = of_variant(tools, "2d_f32_nchw_any", plain).layers
    assert first.fields == plain.fields | {"data_format": "channels_first"}
    assert of_variant(tools, "3d_f32_ndhwc_any", plain, wide) is None
    assert of_variant(tools, "2d_f16_nhwc_any", plain) is None, "the runner has no numbers for it"


def test_layers_that_differ_in_what_a_stage_does_not_have(tools):
    one = layer("2d_f32_nhwc_k3s1d1m1c16o24e14", **SAME)
    other = layer("2d_f32_nhwc_k3s1d1m1c16o7e14", **SAME | {"cout": 7}, name="other")
    task = of_variant(tools, "2d_f32_nhwc_any_depthwise", one, other)
    assert len(task.layers) == 1 and task.layers[0].depthwise_only


def test_typical_layers(tools, mobilenet):
    for name in ("2d_f32_nhwc_any", "2d_f32_nchw_any"):
        suited = of_variant(tools, name, *mobilenet)
        assert 1 <= len(suited.layers) <= 6
    parts = library.names(tools, [one.variant for one in mobilenet])
    assert len(set(similar.typical(parts.values(), 6))) == 6
    assert len(similar.typical(list(parts.values())[:4], 6)) == 4, "all that there are"
