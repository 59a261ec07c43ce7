"""What the build makes of tuning records: those that cannot be used cost a warning, and the variant has its schedule's defaults."""

import json
import pathlib
import subprocess

import pytest

from sepconv_tune.toolchain import Toolchain

ROOT = pathlib.Path(__file__).parents[3]
NAME = "2d_f32_nhwc_k3s2d1m1c64o128e112"


def configure(folder, content, target="x86_avx2"):
    """What CMake takes from a file of records, and what it says."""
    (folder / f"{target}.json").write_text(content if isinstance(content, str) else json.dumps(content))
    script = f'include("{ROOT}/cmake/SepconvTuning.cmake")\n'
    script += f'_sepconv_tuned_parameters({NAME} {target} words)\nmessage("words: ${{words}}")\n'
    (folder / "CMakeLists.txt").write_text(f"cmake_minimum_required(VERSION 3.28)\nproject(records NONE)\n{script}")
    command = [ROOT / ".venv/bin/cmake", "-S", folder, "-B", folder / "build", f"-DSEPCONV_TUNING={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    text = " ".join(done.stderr.split())
    return text.split("words:")[1].strip(), text


def records(parameters, **more):
    return {"version": 2, "target": "x86_avx2", "records": {NAME: {"znver4": {"parameters": parameters}} | more}}


def test_a_record_is_used(tmp_path):
    words, text = configure(tmp_path, records({"chunk": 32, "stage": 0}))
    assert words == "tuned=chunk:32,stage:0" and "Warning" not in text
    other = {"any": {"parameters": {"chunk": 16}}}
    assert configure(tmp_path, records({"chunk": 32}, **other))[0] == "tuned=chunk:16", (
        "any, unless it is tuned for another"
    )


@pytest.mark.parametrize(
    "parameters", [{"chunk": "32; rm -rf /"}, {"chunk": -1}, {"chunk": 1.5}, {"$ENV{HOME}": 1}, {"chunk": [1]}, [], "x"]
)
def test_a_hostile_record_is_left_out(tmp_path, parameters):
    words, text = configure(tmp_path, records(parameters))
    assert words == "" and "CMake Warning" in text and NAME in text and "znver4" in text


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 1}', {"version": 2, "target": "portable", "records": {}}]
)
def test_a_corrupt_file_is_left_out(tmp_path, content):
    words, text = configure(tmp_path, content)
    assert "tile_pixels" not in text.split("words:")[0] and "CMake Warning" in text and "x86_avx2.json" in text
    assert words.startswith("tuned=") or words == "", "sepconv's own record, if it has one"


def test_what_stands_twice_is_left_out(tmp_path):
    """Of equal keys string(JSON) takes one, without a word which."""
    good = json.dumps(records({"chunk": 32}))
    entry = good[good.index(f'"{NAME}"') : -2]
    for text, key in [
        (good.replace('"chunk": 32', '"chunk": 32, "chunk": 16'), "chunk"),
        (good.replace(entry, f"{entry}, {entry}"), NAME),
        (good.replace('{"znver4":', '{"znver4": {}, "znver4":'), "znver4"),
        (good[:-1] + ', "target": "x86_avx2"}', "target"),
    ]:
        words, said = configure(tmp_path, text)
        assert words != "tuned=chunk:32" and f'"{key}" stands twice in one object' in said, key


@pytest.mark.parametrize(
    "record", ["tile_pixels:7,tile_vectors:2", "chunk:33", "nonsense:1", "chunk", "chunk:999999999999"]
)
def test_what_the_schedule_refuses_is_compiled_with_defaults(build, tmp_path, record):
    tools = Toolchain.load(build)
    objects = []
    for words in ([], [f"tuned={record}"]):
        command = tools.generate(tmp_path, "x86_avx2", NAME, *words)
        done = subprocess.run(command, env=tools.environment(), capture_output=True, text=True, check=True)
        objects.append((tmp_path / "leaf.o").read_bytes())
    assert objects[0] == objects[1] and f"warning: the tuning record of {NAME} is not used" in done.stderr
