"""Tuning records that Hypothesis makes up: each file is taken whole, or refused in a sentence that names it."""

import json
import pathlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepconv_tune.database import Database, Record

NAMES = st.sampled_from(["2d_f32_nhwc_k3s1d1m1c32o64e112", "1d_f32_nwc_any", "2d_f64_nchw_k5s2d1m1"])
NUMBERS = st.floats(1e-6, 1e6)
RECORDS = st.builds(
    Record,
    st.dictionaries(st.sampled_from(["chunk", "bc", "tile_pixels", "stage"]), st.integers(0, 1 << 16)),
    st.none() | NUMBERS,
    st.none() | NUMBERS,
    st.none() | st.floats(1e-6, 1),
    st.none() | st.integers(1, 10**6),
    st.none() | st.just("21.0.0"),
    st.none() | st.just("2026-01-31"),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("records") / "x86_avx2.json"


def loaded(path, text):
    """The records, or None where they are refused as they should be. Nothing else happens."""
    path.write_bytes(text)
    try:
        return Database(path, "x86_avx2").to_json()
    except ValueError as error:
        assert str(error).startswith(f"{path}: "), error
        assert len(str(error)) < 1000
        return None


@settings(max_examples=30, derandomize=True, deadline=None)
@given(st.lists(st.tuples(NAMES, st.sampled_from(["any", "znver4", "haswell"]), RECORDS), min_size=1, max_size=6))
def test_what_is_stored_is_read(path, stored):
    path.unlink(missing_ok=True)
    expected = {}
    for variant, cpu, record in stored:
        Database(path, "x86_avx2").store(variant, cpu, record)
        expected.setdefault(variant, {})[cpu] = record
    assert Database(path, "x86_avx2").records == expected
    assert loaded(path, path.read_bytes())["records"].keys() == expected.keys()


def places(value):
    """Every object of a JSON value, with its parent's key."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from places(inner)


def test_what_would_not_be_read_is_not_written(path):
    path.unlink(missing_ok=True)
    Database(path, "x86_avx2").store("1d_f32_nwc_any", "any", Record({"chunk": 8}))
    before = path.read_bytes()
    for record in (Record({"chunk": (1 << 16) + 1}), Record({"chunk": 8}, ms=-1), Record({"no such": 1})):
        with pytest.raises(ValueError, match="1d_f32_nwc_any: haswell"):
            Database(path, "x86_avx2").store("1d_f32_nwc_any", "haswell", record)
        assert path.read_bytes() == before


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.data())
def test_what_is_wrong_is_refused(path, data):
    """Something else in one place, one key more, or one less."""
    good = {
        "version": 2,
        "target": "x86_avx2",
        "records": {"1d_f32_nwc_any": {"any": {"parameters": {"chunk": 8}, "ms": 0.5}}},
    }
    assert loaded(path, json.dumps(good).encode()) is not None
    broken = json.loads(json.dumps(good))
    place = data.draw(st.sampled_from(list(places(broken))))
    key = data.draw(st.sampled_from(list(place)) | st.text(max_size=8))
    place[key] = data.draw(ANYTHING)
    taken = loaded(path, json.dumps(broken).encode())
    if taken is not None:  # then as it stands there
        assert taken["records"].keys() == broken["records"].keys()
        for variant, by_cpu in broken["records"].items():
            for cpu, record in by_cpu.items():
                assert taken["records"][variant][cpu]["parameters"] == record["parameters"]


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.data())
def test_a_key_that_stands_twice_is_refused(path, data):
    """In any object, also where both say the same."""
    record = '{"parameters": {"chunk": 8, "bc": 1}, "ms": 0.5, "trials": 7}'
    text = f'{{"version": 2, "target": "x86_avx2", "records": {{"1d_f32_nwc_any": {{"any": {record}, "znver4": {record}}}}}}}'
    good = json.loads(text)
    assert loaded(path, text.encode()) is not None
    key = data.draw(st.sampled_from(sorted({key for place in places(good) for key in place})))
    entries = [at for at in range(len(text)) if text.startswith(f'"{key}":', at)]
    at = data.draw(st.sampled_from(entries))
    _, end = json.JSONDecoder().raw_decode(text, at + len(key) + 4)
    twice = f"{text[:end]}, {text[at:end]}{text[end:]}"
    assert loaded(path, twice.encode()) is None
    with pytest.raises(ValueError, match=f'"{key}" is there twice'):
        Database(path, "x86_avx2")


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 60))
def test_damaged_bytes_are_refused_or_harmless(path, noise, at, cut):
    good = b'{"version": 2, "target": "x86_avx2", "records": {"1d_f32_nwc_any": {"any": {"parameters": {"chunk": 8}}}}}'
    loaded(path, good[:at] + noise + good[at + cut :])
    assert pathlib.Path(path).exists()
