"""CMake's reader of layer files (cmake/SepconvLayers.cmake) accepts what the schema accepts and refuses the rest by the key's name."""

import json
import pathlib
import shutil
import subprocess

import jsonschema
import pytest

import sepconv_layers

ROOT = pathlib.Path(__file__).parents[2]
CMAKE = shutil.which("cmake")
LAYER = {"name": "a", "spatial": [8, 6], "cin": 4, "cout": 8, "kernel": [3, 3], "between": "nothing"}
VALUES = [
    *[0, 1, -1, 1.5, True, None, "", [], {}, [1, 1], [2, 0], [1, "1"], [1, 1, 1, 1]],
    *["valid", "VALID", "nchw", "float64", "int4", "swish", "mish"],
    *[{"clamp": [0, None]}, {"clamp": [0]}, {"clamp": [0, "1"]}, {"clamp": [0, 1], "alpha": 1}],
    *[{"before": [1, 0], "after": [0, 1]}, {"before": [1, 0]}, {"before": [-1, 0], "after": [0, 1]}],
]

pytestmark = pytest.mark.skipif(CMAKE is None, reason="cmake is not on PATH")


def file_of(*layers, **fields):
    return {"version": 1, "layers": list(layers)} | fields


def cases():
    """Contents of files, each with the key that is unusual in it."""
    for key in [*sepconv_layers.properties(), "stride"]:
        for value in VALUES:
            yield key, file_of(LAYER | {key: value})
        yield key, file_of({name: value for name, value in LAYER.items() if name != key})
    yield "between", file_of({key: value for key, value in LAYER.items() if key != "between"} | {"fusable": False})
    for key, value in [("version", 2), ("version", "1"), ("layers", []), ("layers", {}), ("layers", [1]), ("sizes", 1)]:
        yield key, file_of(LAYER, **{key: value})


def names(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    command = [CMAKE, "-D", f"LAYERS={path}", "-P", str(ROOT / "cmake" / "SepconvLayerNames.cmake")]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_it_accepts_what_the_schema_accepts(tmp_path):
    keys, contents = zip(*cases(), strict=True)
    (tmp_path / "cases.json").write_text(json.dumps(contents))
    files = ["-D", f"CASES={tmp_path / 'cases.json'}", "-D", f"OUTPUT={tmp_path / 'problems.txt'}"]
    subprocess.run([CMAKE, *files, "-P", str(pathlib.Path(__file__).parent / "check_layers.cmake")], check=True)
    problems = [line.partition(" ")[2] for line in (tmp_path / "problems.txt").read_text().splitlines()]
    validator = jsonschema.Draft202012Validator(sepconv_layers.schema())
    wrong = [
        (content, problem)
        for key, content, problem in zip(keys, contents, problems, strict=True)
        if (problem == "") != validator.is_valid(content) or (problem and f'"{key}"' not in problem)
    ]
    assert not wrong
    assert len(contents) > 500 and 50 < problems.count("") < len(contents) / 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[1,", "not JSON"),
        (file_of(LAYER, LAYER), 'another layer has the same "name"'),
        (file_of(LAYER | {"strides": [1]}), '"strides" has 1 entries, "spatial" has 2'),
        (file_of(LAYER | {"padding": {"before": [1], "after": [1, 1]}}), '"padding.before" has 1 entries'),
        (file_of(LAYER | {"stride": [1, 1]}), 'layer "a": unknown key "stride"'),
    ],
)
def test_what_no_schema_can_say_is_refused(tmp_path, content, sentence):
    done = names(tmp_path / "layers.json", content)
    assert done.returncode != 0 and sentence in " ".join(done.stderr.split())


def test_a_layer_becomes_a_name(tmp_path):
    layers = [
        LAYER | {"name": "plain; and simple"},
        LAYER | {"name": "sound", "spatial": [100], "kernel": [3], "strides": [2], "padding": "causal", "mult": 2},
        LAYER | {"name": "left out", "fusable": False, "between": "a normalisation"},
        LAYER | {"name": "first", "data_format": "channels_first", "dtype": "float64", "kernel": [3, 5]},
        LAYER | {"name": "smooth", "mid_activation": "gelu", "out_activation": "relu"},
        LAYER | {"name": "clamped", "mid_activation": {"clamp": [0, None]}, "dilation": [2, 2]},
        LAYER | {"name": "before", "input_activation": "relu"},
    ]
    done = names(tmp_path / "layers.json", file_of(*layers))
    assert done.returncode == 0, done.stderr
    assert [line.split("\t") for line in done.stdout.splitlines()] == [
        ["plain; and simple", "2d_f32_nhwc_k3s1d1m1c4o8e8x6"],
        ["sound", "1d_f32_nwc_k3s2d1m2c4o8e100"],
        ["first", "2d_f64_nchw_k3x5s1d1m1c4o8e8x6"],
        ["smooth", "2d_f32_nhwc_k3s1d1m1c4o8e8x6_act"],
        ["clamped", "2d_f32_nhwc_k3s1d2m1c4o8e8x6"],
        ["before", "2d_f32_nhwc_k3s1d1m1c4o8e8x6_act"],
    ]


@pytest.mark.parametrize("name", ["a;b", "", "1a", "a b", "${a}", "a\nb", 'a"b', "a" * 101])
def test_a_library_has_a_name_of_c(tmp_path, name):
    script = tmp_path / "script.cmake"
    package = (ROOT / "cmake" / "SepconvVariants.cmake").as_posix()
    script.write_text(
        "cmake_minimum_required(VERSION 3.28)\nset(CMAKE_SYSTEM_NAME Linux)\nset(CMAKE_SYSTEM_PROCESSOR x86_64)\n"
        f'include("{package}")\nsepconv_add_library([==[{name}]==] LAYERS none.json)\n'
    )
    done = subprocess.run([CMAKE, "-P", str(script)], check=False, capture_output=True, text=True)
    assert done.returncode == 1 and "not a C identifier of at most 100 characters" in " ".join(done.stderr.split())
