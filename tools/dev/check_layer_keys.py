"""Checks that the readers of layer files in CMake and Python take every key of schema/layers.schema.json, with a value of each kind that it
may have, and refuse a key that the schema does not know. The C++ reader is held to the schema by a test of its own (support/tests).
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from machines import ROOT

sys.path.insert(0, str(ROOT / "python"))
import sepconv_layers

DEFINITIONS = sepconv_layers.schema()["$defs"]


def values(rule: dict) -> list:
    """One value of each kind that a rule of the schema allows."""
    if "$ref" in rule:
        return values(DEFINITIONS[rule["$ref"].rsplit("/", 1)[1]])
    if "enum" in rule:
        return rule["enum"]
    for choice in ("oneOf", "anyOf"):
        if choice in rule:
            return [value for branch in rule[choice] for value in values(branch)]
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    return [value for kind in kinds for value in of_kind(kind, rule)]


def of_kind(kind: str, rule: dict) -> list:
    if kind == "object":
        return [{key: values(r)[0] for key, r in rule["properties"].items()}]
    if kind == "array":
        return [[value] * rule.get("minItems", 1) for value in values(rule["items"])]
    number = rule.get("minimum", 0)
    return {"boolean": [True, False], "string": ["words"], "null": [None]}.get(
        kind, [number]
    )


def layers() -> list[dict]:
    """A layer of one pixel and one tap for each value of each key."""
    least = {"spatial": [1], "kernel": [1], "cin": 1, "cout": 1, "between": "words"}
    every = [
        least | {key: value}
        for key, rule in sepconv_layers.properties().items()
        for value in values(rule)
    ]
    return [layer | {"name": f"layer{i}"} for i, layer in enumerate(every)]


def read_by_cmake(path: pathlib.Path) -> str:
    cmake = shutil.which("cmake", path=ROOT / ".venv/bin") or "cmake"
    command = [
        cmake,
        "-D",
        f"LAYERS={path}",
        "-P",
        ROOT / "cmake/SepconvLayerNames.cmake",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def read_by_python(path: pathlib.Path) -> str:
    try:
        sepconv_layers.read(path)
    except ValueError as error:
        return str(error)
    return ""


def main():
    every, wrong = layers(), []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "layers.json")
        for reader in (read_by_cmake, read_by_python):
            path.write_text(json.dumps({"version": 1, "layers": every}))
            if complaint := reader(path):
                wrong.append(
                    f"{reader.__name__}: refuses what the schema allows: {complaint}"
                )
            path.write_text(
                json.dumps({"version": 1, "layers": [every[0] | {"unheard_of": 1}]})
            )
            if "unheard_of" not in reader(path):
                wrong.append(
                    f"{reader.__name__}: takes a key that the schema does not know"
                )
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()
