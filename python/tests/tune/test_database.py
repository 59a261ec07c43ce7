"""The tuning records: what is written, and what is refused."""

import json
import multiprocessing
import pathlib

import jsonschema
import pytest

from sepconv_tune.database import Database, Record
from sepconv_tune.space import Space
from sepconv_tune.toolchain import Toolchain

ROOT = pathlib.Path(__file__).parents[3]
NAME = "2d_f32_nhwc_k3s1d1m1c32o64e112"
GOOD = {"version": 2, "target": "x86_avx2", "records": {NAME: {"znver4": {"parameters": {"chunk": 32}, "ms": 0.5}}}}


def write(path, **changes):
    path.write_text(json.dumps(GOOD | changes))
    return path


def test_shipped_records_are_valid():
    schema = json.loads((ROOT / "schema/tuning.schema.json").read_text())
    files = sorted((ROOT / "generators/tuning").glob("*.json"))
    assert files
    for file in files:
        content = json.loads(file.read_text())
        jsonschema.validate(content, schema)
        database = Database(file, file.stem)
        assert json.dumps(database.to_json(), indent=2) + "\n" == file.read_text(), "sorted, as the tuner writes it"


def test_shipped_records_have_legal_parameters(build):
    """As the generator says: a parameter that does not exist, or that the schedule refuses, would cost the build a warning only."""
    tools = Toolchain.load(build)
    for file in sorted((ROOT / "generators/tuning").glob("*.json")):
        if file.stem not in tools["targets"]:
            continue
        for variant, by_cpu in Database(file, file.stem).records.items():
            space = Space(tools, variant, file.stem)
            reasons = space.why_illegal([record.parameters for record in by_cpu.values()])
            unknown = space.why_illegal([{"nonsense": 1}])
            space.close()
            assert not any(reasons), (file.name, variant, reasons)
            assert "nonsense" in unknown[0]


def test_written_records_follow_the_schema(tmp_path):
    database = Database(tmp_path / "x86_avx2.json", "x86_avx2")
    database.store(NAME, "znver4", Record({"chunk": 32, "bc": 1}, 0.5, 0.6, 0.9, 60, "21.0.0", "2026-01-31"))
    database.store(NAME, "any", Record({}))
    content = json.loads(database.path.read_text())
    jsonschema.validate(content, json.loads((ROOT / "schema/tuning.schema.json").read_text()))
    assert list(content["records"][NAME]) == ["any", "znver4"]
    assert list(content["records"][NAME]["znver4"]["parameters"]) == ["bc", "chunk"]
    again = Database(database.path, "x86_avx2")
    assert again.record(NAME, "znver4").parameters == {"chunk": 32, "bc": 1}
    assert again.record(NAME, "haswell") == Record({}), "any, where there is none for this machine"


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"parameters": {"chunk": "32"}}, "chunk: '32'"),
        ({"parameters": {"chunk": -1}}, "chunk: -1"),
        ({"parameters": {"chunk": True}}, "chunk: True"),
        ({"parameters": {"chunk": 10**30}}, "chunk: 1000"),
        ({"parameters": {"; rm -rf /": 1}}, "; rm -rf /"),
        ({"parameters": []}, "parameters: []"),
        ({}, "'parameters' is a required property"),
        ([], "[] is not of type 'object'"),
        ({"parameters": {}, "ms": 0}, "ms: 0"),
        ({"parameters": {}, "colour": 1}, "'colour'"),
        ({"parameters": {}, "trials": 1.5}, "trials: 1.5"),
        ({"parameters": {}, "date": 7}, "date: 7"),
    ],
)
def test_a_wrong_record_is_named(tmp_path, record, says):
    path = write(tmp_path / "x86_avx2.json", records={NAME: {"znver4": record}})
    with pytest.raises(ValueError) as error:
        Database(path, "x86_avx2")
    assert NAME in str(error.value) and "znver4" in str(error.value) and says in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"version": 1}', "[" * 100000, json.dumps(GOOD | {"target": "portable"}),
        json.dumps(GOOD | {"records": []}), json.dumps(GOOD | {"records": {"../../etc/passwd": {}}}),
        json.dumps(GOOD).replace("0.5", "NaN"), json.dumps(GOOD)[:-3] + ', "' + NAME + '": {"any": {"parameters": {}}}}}',
    ],
)  # fmt: skip
def test_a_wrong_file_is_named(tmp_path, text):
    path = tmp_path / "x86_avx2.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="x86_avx2.json"):
        Database(path, "x86_avx2")


def store_some(path, first):
    for i in range(first, first + 20):
        Database(path, "x86_avx2").store(f"2d_f32_nhwc_k3s1d1m1c{i}o64e112", "znver4", Record({}))


def test_two_programs_write_at_once(tmp_path):
    path = tmp_path / "x86_avx2.json"
    programs = [multiprocessing.Process(target=store_some, args=(path, first)) for first in (100, 200)]
    for program in programs:
        program.start()
    for program in programs:
        program.join()
    assert len(Database(path, "x86_avx2").records) == 40
