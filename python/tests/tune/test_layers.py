"""Layers: the names of their rows are those that CMake forms, their words are those that the runner reads."""

import json
import pathlib
import subprocess

import pytest

from sepconv_tune import campaign, layers

ROOT = pathlib.Path(__file__).parents[3]


def test_names_are_those_of_the_build(tmp_path):
    files = sorted((ROOT / "bench/layers").glob("*.json")) + [ROOT / "tests/variants/layers.json"]
    files = [file for file in files if layers.read(file)]
    script = ["cmake_minimum_required(VERSION 3.28)", f'include("{ROOT}/cmake/SepconvLayers.cmake")']
    for file in files:
        script += [f'_sepconv_layer_variants("{file}" names)', 'message("${names}")']
    (tmp_path / "names.cmake").write_text("\n".join(script) + "\n")
    command = [ROOT / ".venv/bin/cmake", "-P", tmp_path / "names.cmake"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line.split(";") for line in result.stderr.splitlines() if line.startswith(("1d_", "2d_", "3d_"))]
    assert len(lines) == len(files)
    for file, names in zip(files, lines, strict=True):
        ours = [layer.variant for layer in layers.read(file)]
        assert set(ours) == {name for name in names if "_f32_" in name or "_f64_" in name}, file


def test_sizes():
    fields = {"name": "a", "spatial": [14, 13], "cin": 16, "mult": 2, "cout": 24, "kernel": [3, 5], "strides": [2, 1]}
    layer = layers.Layer("a", fields | {"padding": "same"})
    assert layer.output == [7, 13] and layer.flops == 2 * 7 * 13 * 32 * (15 + 24)
    assert layers.Layer("a", fields).output == [6, 9]
    explicit = layers.Layer("a", fields | {"padding": {"before": [1, 0], "after": [1, 1]}})
    assert explicit.output == [7, 10]
    assert "padding=explicit" in explicit.words() and "after=1,1" in explicit.words()
    clamped = layers.Layer("a", fields | {"mid_activation": {"clamp": [None, 3]}})
    assert "mid_activation=-inf:3" in clamped.words()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"version": 2, "layers": []}', '{"version": 1, "layers": [{"name": "x"}]}']
)
def test_what_is_no_layer_file(tmp_path, text):
    (tmp_path / "l.json").write_text(text)
    with pytest.raises(ValueError, match="l.json"):
        layers.read(tmp_path / "l.json")


def test_layers_that_cannot_be_tuned_are_left_out(tmp_path):
    entry = {"name": "a", "spatial": [7], "cin": 4, "cout": 8, "kernel": [3]}
    entries = [entry, entry | {"name": "b", "fusable": False}, entry | {"name": "c", "dtype": "float16"}]
    entries.append(entry | {"name": "d", "dtype": "float64"})
    (tmp_path / "l.json").write_text(json.dumps({"version": 1, "layers": entries}))
    assert [layer.name for layer in layers.read(tmp_path / "l.json")] == ["a", "d"]


def test_representatives():
    files = (ROOT / "bench/layers" / name for name in ("mobilenet_v1.json", "mobilenet_v2.json"))
    all_layers = [layer for file in files for layer in layers.read(file)]
    rows = campaign.rows_of(all_layers)
    assert sorted(row.variant for row in rows) == sorted({layer.variant for layer in all_layers}), "each row once"
    order = campaign.in_order(rows, transfer=True)
    short = [row for row, is_short in order if is_short]
    long = [row for row, is_short in order if not is_short]
    assert 3 <= len(long) <= len(rows) / 2 and order == [(r, False) for r in long] + [(r, True) for r in short]
    assert not any(is_short for _, is_short in campaign.in_order(rows, transfer=False))


def test_a_row_that_suits_several_layers():
    fields = {"name": "a", "spatial": [14, 14], "cin": 16, "cout": 24, "kernel": [3, 3], "padding": "same"}
    layer = layers.Layer("a", fields)
    strided = layers.Layer("b", fields | {"strides": [2, 2]})
    curved = layers.Layer("c", fields | {"out_activation": "swish"})
    wide = layers.Layer("d", fields | {"kernel": [3, 13]})
    for variant, suited in (
        ("2d_f32_nhwc_any", [layer, strided, curved, wide]), ("2d_f32_nhwc_k3s1d1m1", [layer]), ("2d_f32_nhwc_k3s2d1m1", [strided]),
        ("2d_f32_nhwc_k3s1d1m1_act", [layer, curved]), ("2d_f32_nhwc_c16", [layer, strided, wide]), ("2d_f32_nhwc_k3cdiv8", [layer, strided]), ("2d_f32_nhwc_cdiv32", []),
        ("2d_f32_nhwc_s1d1m1", [layer, wide]), ("2d_f32_nhwc_k3x13", [wide]), ("2d_f32_nchw_any", []), ("1d_f32_nwc_any", []),
        ("2d_f32_nhwc_any_depthwise", []), ("2d_f32_nhwc_c1", []), (layer.variant, [layer]),
    ):  # fmt: skip
        assert [each for each in (layer, strided, curved, wide) if each.suits(variant)] == suited, variant


def test_layers_in_another_type_and_without_a_pointwise_stage():
    fields = {"name": "a", "spatial": [14, 14], "cin": 16, "mult": 2, "cout": 24, "kernel": [3, 3], "padding": "same"}
    layer = layers.Layer("a", fields | {"out_bias": True, "out_activation": "relu"})
    wide = layer.in_format_of("2d_f64_nchw_any")
    assert (
        wide.variant == "2d_f64_nchw_k3s1d1m2c16o24e14" and wide.bytes == 2 * layer.bytes and wide.flops == layer.flops
    )
    assert {"dtype=float64", "data_format=channels_first", "cout=24", "out_bias=1"} <= set(wide.words())
    alone = layer.in_format_of("2d_f32_nhwc_any_depthwise")
    assert alone.variant.endswith("_depthwise") and alone.flops == 2 * 14 * 14 * 32 * 9
    assert (
        alone.variant == layers.Layer("b", layer.fields | {"cout": 7}).in_format_of("2d_f32_nhwc_any_depthwise").variant
    )
    half = layer.in_format_of("2d_f16_nhwc_any")  # of a GPU row, which the runner has no numbers for
    assert half.variant == layer.variant and not half.suits("2d_f16_nhwc_any")
    assert alone.bytes == 4 * (14 * 14 * (16 + 32) + 32 * 9)
    said = " ".join(alone.words())
    assert "stages=depthwise" in said and "mid_bias=0" in said and "out" not in said
    for variant, suited in (
        ("2d_f32_nhwc_any", layer),
        ("2d_f64_nchw_any", wide),
        ("2d_f32_nhwc_any_depthwise", alone),
    ):
        assert [each for each in (layer, wide, alone) if each.suits(variant)] == [suited]


def test_rows_for_near_images_take_only_those():
    fields = {"name": "a", "spatial": [64, 64], "cin": 128, "cout": 24, "kernel": [3, 3], "padding": "same"}
    near, large = layers.Layer("a", fields), layers.Layer("b", fields | {"spatial": [64, 65]})
    assert near.suits("2d_f32_nhwc_cdiv32") and not large.suits("2d_f32_nhwc_cdiv32")
    often = layers.Layer("c", fields | {"spatial": [7, 7], "kernel": [7, 7]})
    assert not often.suits("2d_f32_nhwc_cdiv32")
    assert layers.Layer("d", often.fields | {"strides": [2, 2]}).suits("2d_f32_nhwc_cdiv32")
    assert large.suits("2d_f32_nhwc_k3s1d1m1cdiv32"), "with the dilation known the image may be large"


def test_rows_for_far_kernels_take_only_those():
    fields = {"name": "a", "spatial": [7, 7], "cin": 512, "cout": 1024, "kernel": [3, 3], "padding": "same"}
    far, near = layers.Layer("a", fields), layers.Layer("b", fields | {"cout": 1023})
    curved = layers.Layer("c", fields | {"out_activation": "swish"})
    row = "2d_f32_nhwc_m1_large_weights"
    assert [layer for layer in (far, near, curved) if layer.suits(row)] == [far]
    assert layers.fixed_count(row) > layers.fixed_count(far.variant)
    (left,) = campaign.named_row([far, near], "2d_f32_nhwc_k3s1d1m1", [row]).layers
    assert left.name == "b", "the other has a row"


def test_a_shipped_row_is_measured_on_what_it_computes():
    fields = {"name": "a", "spatial": [14, 14], "cin": 16, "cout": 24, "kernel": [3, 3], "padding": "same"}
    layer, wide = layers.Layer("a", fields), layers.Layer("d", fields | {"kernel": [3, 13]})
    shipped = ["2d_f32_nhwc_any", "2d_f32_nhwc_k3s1d1m1", "2d_f32_nchw_any", "3d_f32_ndhwc_any"]
    row = campaign.named_row([layer, wide, layer], "2d_f32_nhwc_any", [])
    assert {each.name for each in row.layers} == {"a", "d"} and row.flops == pytest.approx(
        (layer.flops * wide.flops) ** 0.5
    )
    (left,) = campaign.named_row([layer, wide, layer], "2d_f32_nhwc_any", shipped).layers
    assert left.name == "d", "the other has a row"
    (first,) = campaign.named_row([layer], "2d_f32_nchw_any", shipped).layers
    assert first.fields == fields | {"data_format": "channels_first", "dtype": "float32"}
    assert campaign.named_row([layer, wide], "3d_f32_ndhwc_any", shipped) is None


def test_typical_layers():
    file = ROOT / "bench/layers/mobilenet_v1.json"
    (count,) = {
        len(campaign.named_row(layers.read(file), name, []).layers) for name in ("2d_f32_nhwc_any", "2d_f32_nchw_any")
    }
    assert count == 6
    small = campaign.named_row(layers.read(file), "2d_f32_nhwc_k3s2d1m1", [])
    assert len(small.layers) == 4, "all that there are"
