"""Writes docs/models.md from what files.py and times.py measured: page.py RESULTS DOCS"""

import importlib.metadata
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "bench" / "compare"))
import zoo
from about import commit, cpu
from files import write_file

LIBRARIES = ["keras", "tensorflow-cpu", "torch", "torchvision", "jax", "tf2onnx"]
HEAD = """# Models

Written by `./dev models`; measured on {date}, commit {commit}, {cpu}.
With {versions}.

## Files

What `sepconv.extract` finds in the files that frameworks write: *one pass* are the depthwise convolutions that run together with
the pointwise one behind them, *two stages* those with something between that needs more than one pixel
([stages.md](stages.md)), *left* those that are in no layer. The three add up to the depthwise convolutions that the model has, which
is counted in the framework; `./dev models` fails where they do not. The weights are random.

"""
TIMES = """
## Speed

One input, one thread: the fastest of some hundred runs of the model, and of the same after `sepconv.keras.optimize`, in turns. The
error is the largest difference of the outputs, relative to the largest magnitude.

"""


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in lines) + "\n"


def in_order(results, pattern):
    """The results of the models, in the order of the list."""
    names = [*zoo.KERAS, *zoo.TORCHVISION]
    contents = [json.loads(path.read_text()) for path in results.glob(pattern)]
    return sorted(contents, key=lambda content: names.index(content["name"]))


def listed(counter):
    return "; ".join(f"{text} ({count})" for text, count in counter.items())


def file_rows(content):
    for label, found in content["formats"].items():
        front = [content["name"], label]
        if "not_written" in found:
            yield [*front, "", "", "", f"the exporter gives up: {found['not_written']}"]
            continue
        two, left = (sum(found[key].values()) for key in ("two", "left"))
        between = f"between: {listed(found['two'])}" if two else ""
        reasons = f"left: {listed(found['left'])}" if left else ""
        yield [
            *front,
            found["one"],
            two,
            left,
            ". ".join(filter(None, (between, reasons))),
        ]


def missing(what, names, results, pattern):
    """A sentence about the models that were not measured."""
    absent = [name for name in names if not (results / pattern.format(name)).exists()]
    return f"\nNot measured ({what}): {', '.join(absent)}.\n" if absent else ""


def main():
    results, docs = map(pathlib.Path, sys.argv[1:])
    about = json.loads((results / "about.json").read_text())
    page = HEAD.format(**about)
    rows = [
        row
        for content in in_order(results, "files-*.json")
        for row in file_rows(content)
    ]
    page += table(
        ["model", "file", "one pass", "two stages", "left", "what, and why"], rows
    )
    times = in_order(results, "times-*.json")
    page += missing("files", zoo.KERAS + zoo.TORCHVISION, results, "files-{}.json")
    if not times:
        page += "\nSpeed was not measured: `./dev models` does.\n"
    else:
        page += TIMES + table(
            [
                "model",
                "backend",
                "before, ms",
                "after, ms",
                "",
                "error",
                "fused",
                "left to Keras",
            ],
            [
                [
                    t["name"],
                    t["backend"],
                    f"{t['before_ms']:.2f}",
                    f"{t['after_ms']:.2f}",
                ]
                + [
                    f"{t['before_ms'] / t['after_ms']:.2f}x",
                    f"{t['error']:.1e}",
                    t["fused"],
                    t["left"],
                ]
                for t in times
            ],
        )
        for backend in zoo.BACKENDS:
            page += missing(backend, zoo.KERAS, results, f"times-{backend}-{{}}.json")
    write_file(docs / "models.md", page)


def note(results):
    """What the page says of the measurement: written when it begins."""
    import datetime

    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES
    )
    content = {
        "date": datetime.datetime.now().astimezone().date().isoformat(),
        "commit": commit(ROOT),
    }
    content |= {"cpu": cpu()["name"], "versions": versions}
    (results / "about.json").write_text(json.dumps(content))


if __name__ == "__main__":
    if len(sys.argv) == 2:
        note(pathlib.Path(sys.argv[1]))
    else:
        main()
