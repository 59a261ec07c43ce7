"""Which variant a layer gets, and why: the tuner's answers are the library's."""

import pathlib
import subprocess

import pytest
from fake_workers import layer

from sepconv_tune import layers, library
from sepconv_tune.toolchain import Toolchain, ToolError

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture(scope="session")
def tools(build):
    return Toolchain.load(build)


@pytest.fixture(scope="session")
def benchmarked(tools):
    """The layers of each file of bench/layers."""
    return {file: layers.read(file, tools) for file in sorted((ROOT / "bench/layers").glob("*.json"))}


def choose(tools, variants, target="x86_avx2", **fields):
    (choice,) = library.choose(tools, target, [layer("", **{"strides": [1, 1]} | fields)], variants)
    return choice


def test_reads_of_a_sample(tools):
    """A 7x7 kernel over a 7x7 image reads a sample with 14.2 taps, since most are outside; over a larger one with up to 49."""
    variants = ["2d_f32_nhwc_any", "2d_f32_nhwc_cdiv32"]
    small, large = ({"kernel": [7, 7], "spatial": [size, size]} for size in (7, 70))
    assert choose(tools, variants, **small).variant == "2d_f32_nhwc_cdiv32"
    choice = choose(tools, variants, **large)
    assert choice.variant == "2d_f32_nhwc_any" and "taps" in choice.others["2d_f32_nhwc_cdiv32"]
    assert not choice.may_take("2d_f32_nhwc_cdiv32")


def test_each_axis_counts(tools):
    """A kernel and a stride of two axes are four quantities, the multiplier and the multiple of channels two."""
    for variants in (["2d_f32_nhwc_k3s1", "2d_f32_nhwc_m1cdiv64"], ["2d_f32_nhwc_m1cdiv64", "2d_f32_nhwc_k3s1"]):
        choice = choose(tools, variants, cin=64)
        assert choice.variant == "2d_f32_nhwc_k3s1" and choice.others == {"2d_f32_nhwc_m1cdiv64": ""}
        assert choice.may_take("2d_f32_nhwc_m1cdiv64")


def test_large_weights_come_first(tools):
    variants = ["2d_f32_nhwc_k3s1d1m1", "2d_f32_nhwc_m1_large_weights"]
    large = {"spatial": [7, 7], "cin": 512, "cout": 1024}
    assert choose(tools, variants, **large).variant == "2d_f32_nhwc_m1_large_weights"
    smaller = choose(tools, variants, **large | {"cout": 1023})
    assert smaller.variant == "2d_f32_nhwc_k3s1d1m1" and "bytes" in smaller.others["2d_f32_nhwc_m1_large_weights"]


def test_a_stage_alone(tools):
    alone = layer("").in_format("float64", channels_first=True, depthwise_only=True)
    variants = ["2d_f64_nchw_any", "2d_f64_nchw_any_depthwise"]
    (choice,) = library.choose(tools, "x86_avx2", [alone], variants)
    assert choice.variant == "2d_f64_nchw_any_depthwise" and "pointwise stage" in choice.others["2d_f64_nchw_any"]


def test_names(tools):
    found = library.names(tools, ["2d_f32_nhwc_k3x5s1cdiv32_act", "1d_f64_ncw_any"])
    name = found["2d_f32_nhwc_k3x5s1cdiv32_act"]
    assert (name.kernel, name.stride, name.extent, name.channels_multiple, name.family) == (
        (3, 5),
        (1, 1),
        (0, 0),
        32,
        "act",
    )
    assert found["1d_f64_ncw_any"].channels_first and library.names(tools, []) == {}
    with pytest.raises(ToolError, match="2d_f32_nhwc_c32n"):
        library.names(tools, ["2d_f32_nhwc_c32n"])


@pytest.mark.parametrize("target", ["portable", "x86_sse41", "x86_avx2", "x86_avx512"])
def test_answers_are_the_librarys(build, tools, benchmarked, target):
    """sepconv_plan_variant's, for all of bench/layers."""
    program = pathlib.Path(build, "python/tests/tune/library_choice")
    if not program.exists():
        pytest.skip("the build folder does not have the target library_choice")
    compared = 0
    for file, read in benchmarked.items():
        printed = subprocess.run([program, target, file], capture_output=True, text=True, check=False)
        if printed.returncode == 3:
            pytest.skip(f"this machine cannot run {target}")
        assert printed.returncode == 0, printed.stderr
        theirs = dict(line.split("\t") for line in printed.stdout.splitlines())
        ours = [choice.variant for choice in library.choose(tools, target, read, tools.shipped(target))] if read else []
        for one, variant in zip(read, ours, strict=True):
            assert theirs[one.name] == (f"{variant}_{target}" if variant else "none"), (file.name, one.name)
            compared += 1
    assert compared > 100
