"""The reader of layer files, held to schema/layers.schema.json key by key and type by type; and the commands that use it."""

import copy
import json

import numpy as np
import pytest
from cli_support import sepconv as command
from schema_support import options

import sepconv_layers
from sepconv import _bench, _layer_file

pytest.importorskip("jsonschema")
pytest.importorskip("click")
LAYER = {"name": "a", "spatial": [14, 13], "cin": 16, "cout": 24, "kernel": [3, 3]}
PROPERTIES = sepconv_layers.properties()
OF_TYPE = {"string": "word", "integer": 2, "boolean": True, "array": [2, 2], "object": {}, "number": 0.5, "null": None}


def bad_values(schema):
    """(what is wrong, value) for everything that the schema says of a key."""
    parts = options(schema)
    kinds = {part["type"] for part in parts}
    for kind, value in OF_TYPE.items():
        if kind not in kinds and not (kind == "integer" and "number" in kinds):
            yield f"a {kind}", value
    for part in parts:
        if "enum" in part:
            yield "an unknown word", "no such word"
        if "minLength" in part:
            yield "too short", ""
        if "minimum" in part:
            yield "too small", part["minimum"] - 1
        if "maximum" in part:
            yield "too large", part["maximum"] + 1
        if "maxLength" in part:
            yield "too long", "x" * (part["maxLength"] + 1)
        if "minItems" in part:
            yield "too few", []
        if "maxItems" in part:
            yield "too many", [next(good_values(part["items"]))] * (part["maxItems"] + 1)
        if "items" in part:
            yield from ((f"an entry: {what}", [value, value]) for what, value in bad_values(part["items"]))
        if part["type"] == "object":
            good = next(good_values(part))
            yield "an unknown key", good | {"stride": 1}
            for key in part["required"]:
                yield f"no {key}", {k: v for k, v in good.items() if k != key}
            for key, inner in part["properties"].items():
                yield from ((f"{key}: {what}", good | {key: value}) for what, value in bad_values(inner))


def good_values(schema):
    for part in options(schema):
        kind = part["type"]
        if "enum" in part:
            yield from part["enum"]
        elif kind == "array":
            length = min(max(2, part.get("minItems", 0)), part.get("maxItems", 2))
            yield from ([value] * length for value in good_values(part["items"]))
        elif kind == "object":
            yield {key: next(good_values(inner)) for key, inner in part["properties"].items()}
        elif "minimum" in part:
            yield from (part["minimum"], part["minimum"] + 1)
        elif kind == "boolean":
            yield from (True, False)
        else:
            yield OF_TYPE[kind]


@pytest.fixture
def write(tmp_path):
    def write(*layers):
        path = tmp_path / "some-layers.json"
        path.write_text(json.dumps({"version": 1, "layers": layers}))
        return path

    return write


@pytest.mark.parametrize("key", PROPERTIES)
def test_what_the_schema_refuses(key, write):
    wrong = list(bad_values(PROPERTIES[key]))
    assert len(wrong) >= 5
    for what, value in wrong:
        path = write(LAYER | {key: value})
        with pytest.raises(ValueError) as raised:
            sepconv_layers.read(path)
        message = str(raised.value)
        assert str(path) in message and key in message, (what, value, message)
        if key != "name":
            assert 'layer "a"' in message, (what, value, message)


@pytest.mark.parametrize("key", PROPERTIES)
def test_what_the_schema_takes(key, write):
    for value in good_values(PROPERTIES[key]):
        layer = copy.deepcopy(LAYER) | {key: value}
        if value == "causal":
            layer |= {"spatial": [14], "kernel": [3]}
        if key == "fusable":
            layer["between"] = "x"
        if key == "spatial":
            layer["padding"] = "same"
        (read,) = sepconv_layers.read(write(layer))
        assert read.fields[key] == value
        for other, property in PROPERTIES.items():
            assert other in layer or read.fields.get(other) == property.get("default")


def test_required_and_unknown_keys(write):
    required = sepconv_layers.schema()["$defs"]["layer"]["required"]
    assert set(required) == set(LAYER)
    for key in required:
        with pytest.raises(ValueError, match=f"'{key}' is a required property"):
            sepconv_layers.read(write({k: v for k, v in LAYER.items() if k != key}))
    with pytest.raises(ValueError, match=r"some-layers.json: layer \"a\": .*'stride' was unexpected"):
        sepconv_layers.read(write(LAYER | {"stride": [2, 2]}))
    with pytest.raises(ValueError, match="'between' is a required property"):
        sepconv_layers.read(write(LAYER | {"fusable": False}))


def test_what_a_schema_cannot_say(write):
    for change, message in [
        ({"kernel": [3]}, '"kernel" has 1 of 2 entries'),
        ({"strides": [1, 1, 1]}, '"strides" has 3 of 2 entries'),
        ({"padding": {"before": [1], "after": [1, 1]}}, '"padding.before" has 1 of 2'),
        ({"padding": "causal"}, '"padding" is "causal", which needs one spatial axis'),
        ({"kernel": [15, 3]}, "the output would be empty"),
    ]:
        with pytest.raises(ValueError, match='layer "a": ') as raised:
            sepconv_layers.read(write(LAYER | change))
        assert message in str(raised.value)
    with pytest.raises(ValueError, match='layer "a": another layer has the same "name"'):
        sepconv_layers.read(write(LAYER, LAYER))


def test_every_command_refuses_unknown_keys(write, tmp_path):
    path = write(LAYER | {"stride": [2, 2]})
    for arguments in (["bench", path], ["compile", path, "-o", tmp_path / "out"], ["list", "--layers", path]):
        assert "layer \"a\": Additional properties are not allowed ('stride' was unexpected)" in command(
            *arguments, status=1
        )
    from sepconv.extract import write as write_extracted

    with pytest.raises(ValueError, match=r"'stride' was unexpected"):
        write_extracted([LAYER | {"stride": [2, 2]}], tmp_path / "out.json", "")
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("dtype", sepconv_layers.BYTES)
def test_every_dtype_runs(dtype, write, monkeypatch):
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    monkeypatch.setattr(_bench, "_SECONDS", 0)
    (layer,) = _layer_file.read(write(LAYER | {"dtype": dtype, "mid_activation": "swish", "out_bias": True}))
    result = _bench.run(layer, 1)
    assert 0 < result["max_error"] <= _bench.limit(_layer_file.dtype(layer))
    assert _bench.limit(np.dtype("float32")) == pytest.approx(1e-5, rel=0.01)


def test_a_dtype_that_numpy_lacks_is_read_and_said_at_the_run(write, monkeypatch):
    import builtins

    real = builtins.__import__

    def without(name, *arguments, **more):
        if name == "ml_dtypes":
            raise ImportError(name)
        return real(name, *arguments, **more)

    (layer,) = _layer_file.read(write(LAYER | {"dtype": "bfloat16"}))
    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(np, "dtype", lambda name: (_ for _ in ()).throw(TypeError(name)))
    with pytest.raises(ValueError, match='layer "a": NumPy has bfloat16 with the package ml_dtypes: pip install ml_d'):
        _layer_file.make(layer)


def test_a_filter_that_is_no_regular_expression(write):
    for pattern in ("(", "[z-a]", "(" * 100_000, "a{99999999999}"):
        with pytest.raises(ValueError, match="is not a regular expression") as raised:
            _layer_file.read(write(LAYER), pattern)
        assert len(str(raised.value)) < 300


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a b;c.json"
    sepconv_layers.write_text(path, "first")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("no room")))
    with pytest.raises(OSError, match="no room"):
        sepconv_layers.write_text(path, "second")
    assert path.read_text() == "first" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError):
        sepconv_layers.write_text("/dev/full", "something")
