"""What sepconv.extract finds in the files of a model: files.py NAME RESULTS

Writes RESULTS/files-NAME.json: how many depthwise convolutions the model has, and for each format how many run in one pass, how
many as two stages, and how many are left, with the reasons.
"""

import collections
import json
import pathlib
import re
import sys
import tempfile

import numpy as np
import sepconv.extract
import zoo


def counts(path):
    layers = sepconv.extract.extract(path)
    one, two, reasons = 0, collections.Counter(), collections.Counter()
    for layer in layers:
        repeat = layer.get("repeat", 1)
        if layer.get("fusable", True):
            one += repeat
        else:
            two[layer["between"]] += repeat
    for left in layers.left:
        reasons[re.sub(r"behind it is .*", "behind it is another", left.reason)] += 1
    return {"one": one, "two": two, "left": reasons}


def attempt(write, path):
    """The counts; or why the framework does not write the file."""
    try:
        write(path)
    except Exception as error:  # noqa: BLE001 - the exporters' own
        return {"not_written": f"{type(error).__name__}"}
    return counts(path)


def tflite(model, types=(), integers=False):
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if types or integers:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = list(types)
    if integers:
        shape, rng = [1, *model.input_shape[1:]], np.random.default_rng(1)
        converter.representative_dataset = lambda: (
            [rng.standard_normal(shape).astype("f")] for _ in range(2)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return converter.convert()


def of_keras(name, folder):
    import tensorflow as tf

    model = zoo.keras_model(name)
    model(np.zeros((1, *model.input_shape[1:]), "f"))  # an export needs one call
    writers = {
        "keras": model.save,
        "onnx": lambda path: model.export(path, format="onnx", verbose=False),
        "tflite": lambda path: path.write_bytes(tflite(model)),
        "tflite float16": lambda path: path.write_bytes(tflite(model, [tf.float16])),
        "tflite int8": lambda path: path.write_bytes(tflite(model, integers=True)),
    }
    formats = {
        label: attempt(write, folder / f"{name}.{label.split()[0]}")
        for label, write in writers.items()
    }
    return zoo.depthwise_of_keras(model), formats


def of_torch(name, folder):
    import torch

    model, x = zoo.torch_model(name), (torch.zeros(1, 3, 224, 224),)
    formats = {
        "onnx, dynamo" if dynamo else "onnx, without dynamo": attempt(
            lambda path, dynamo=dynamo: torch.onnx.export(
                model, x, path, dynamo=dynamo
            ),
            folder / f"{name}.onnx",
        )
        for dynamo in (True, False)
    }
    return zoo.depthwise_of_torch(model), formats


def main():
    name, results = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        of = of_torch if name in zoo.TORCHVISION else of_keras
        depthwise, formats = of(name, pathlib.Path(folder))
    for label, found in formats.items():
        if "one" in found:
            listed = (
                found["one"] + sum(found["two"].values()) + sum(found["left"].values())
            )
            if listed != depthwise:
                sys.exit(
                    f"{name}, {label}: {listed} of {depthwise} depthwise convolutions are listed"
                )
    content = {"name": name, "depthwise": depthwise, "formats": formats}
    (results / f"files-{name}.json").write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
