"""Holds the C++ reader of layer files to schema/layers.schema.json, key by key and type by type: check_reader.py READ_FILES

Each key gets a value of every type and some at the edges, is left out, and gets a neighbour that does not exist. What jsonschema and
the Python reader accept the C++ reader accepts; what they refuse it refuses, in a sentence that names the file, the layer and the key.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import sepconv_layers

LAYER = {
    "name": "a",
    "n": 1,
    "spatial": [9],
    "cin": 3,
    "mult": 1,
    "cout": 4,
    "kernel": [3],
    "strides": [1],
    "dilation": [1],
    "padding": "valid",
    "data_format": "channels_last",
    "dtype": "float32",
    "input_activation": "none",
    "mid_bias": True,
    "mid_activation": "relu",
    "out_bias": False,
    "out_activation": {"clamp": [-1, None]},
    "repeat": 2,
    "residual": 0,
    "fusable": False,
    "between": "a norm",
    "source": "here",
}
FILE = {
    "$schema": "somewhere",
    "version": 1,
    "description": "words",
    "layers": [LAYER],
}


def samples():
    """Values of every type, and at the edges of what keys allow."""
    yield from (None, True, False, -1, 0, 1, 1.0, 1.5, 2, "", "word")
    yield from ([], [0], [1], [1.0], [1.5], [True], [None], ["1"], [1, 1], [1] * 4)
    yield from ({}, {"clamp": [0, 1]}, {"clamp": [None, 1.5]}, {"clamp": [1]})
    yield from ({"clamp": ["0", 1]}, {"clamp": [0, 1], "more": 1}, {"clamp": 6})
    yield from ({"before": [0], "after": [2]}, {"before": [0]}, {"after": [0]})
    yield from (
        {"before": [0], "after": [1.5]},
        {"before": [0, 0], "after": [0]},
        {"before": [-1], "after": [0]},
        {"before": [0], "after": [0], "more": 1},
    )
    for rule in sepconv_layers.properties().values():
        for branch in (rule, *rule.get("oneOf", ())):
            yield from branch.get("enum", ())


def mutants(whole, keys):
    """(key, object): `whole` with each key changed, left out, or given a neighbour."""
    for key in keys:
        for value in samples():
            yield key, whole | {key: value}
        yield key, {k: v for k, v in whole.items() if k != key}
        yield f"{key}s", whole | {f"{key}s": whole.get(key)}


def cases():
    """(key, whether it is a layer's, file)"""
    for key, content in mutants(FILE, sepconv_layers.schema()["properties"]):
        yield key, False, content
    for key, layer in mutants(LAYER, sepconv_layers.properties()):
        yield key, True, FILE | {"layers": [layer]}


def accepted(content):
    try:
        sepconv_layers.parse(content)
    except ValueError:
        return False
    return True


def check(key, of_layer, content, path, answer):
    """A complaint about the reader's answer, or none."""
    wanted = accepted(content)
    if wanted == (answer == "ok"):
        if wanted or not of_layer:
            return None
        named = key in answer or "output size" in answer
        if named and answer.startswith(f'{path}: layer "'):
            return None
    return f"{json.dumps(content)}\n  wanted {'ok' if wanted else 'a complaint'} about {key}, received {answer}"


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        paths, found = [], list(cases())
        for number, (_, _, content) in enumerate(found):
            paths.append(pathlib.Path(folder, f"{number}.json"))
            paths[-1].write_text(json.dumps(content))
        run = subprocess.run(
            [program, *paths], capture_output=True, text=True, check=True
        )
    answers = run.stdout.splitlines()
    wrong = [
        complaint
        for case, path, answer in zip(found, paths, answers, strict=True)
        if (complaint := check(*case, path, answer))
    ]
    print(f"{len(found)} files, {answers.count('ok')} of them layer files")
    if wrong:
        sys.exit("\n".join(wrong[:20]) + f"\n{len(wrong)} answers are wrong")


if __name__ == "__main__":
    main(sys.argv[1])
