"""What of a model file runs here, on which variants, how fast beside the model's own framework, and what was left: `sepconv doctor MODEL`.

print(sepconv.doctor.examine("model.onnx"))
"""

import dataclasses
import importlib
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import sepconv_layers

from .. import _bench
from ..extract import Left, find
from ..extract._layers import merge

__all__ = ["Diagnosis", "examine"]

_FRAMEWORKS = {".onnx": "_onnxruntime", ".keras": "_keras", ".tflite": "_tflite"}


@dataclasses.dataclass
class Diagnosis:
    """What `examine` found. As a text it is a table with sentences."""

    model: str
    threads: int
    results: list[dict[str, Any]]
    """Of each shape that runs in one pass: what `sepconv bench --json` writes, `repeat`, and `beside_ms_min` where the layer was
    timed in the framework, too."""
    apart: list[dict[str, Any]]
    """Layers of the layer file that run as two stages, with what stands `between`; not timed."""
    left: list[Left]
    framework: str
    """Whose times stand beside: its name and version; "" where there are none."""
    remarks: list[str]

    def __str__(self) -> str:
        one, two = (sum(layer.get("repeat", 1) for layer in layers) for layers in (self.results, self.apart))
        lines = [
            (
                f"{self.model}: of {one + two + len(self.left)} depthwise convolutions {one} run here in one pass with the pointwise"
                f" convolution behind, {two} as two stages, {len(self.left)} are left"
            )
        ]
        beside = any("beside_ms_min" in result for result in self.results)
        if self.results:
            width = max(len(result["name"]) for result in self.results)
            lines.append(
                f"{'layer':{width}}  times        ms" + (f"  {self.framework}" if beside else "") + "  variant"
            )
        for result in self.results:
            other = f"  {result['beside_ms_min']:{len(self.framework)}.4f}" if beside else ""
            name, repeat, ms = result["name"], result["repeat"], result["ms_min"]
            lines.append(f"{name:{width}}  {repeat:5}  {ms:8.4f}{other}  {result['variant']}")
        if self.results:
            lines.append(
                f"together: {self.sum('ms_min'):.3f} ms here (threads: {self.threads})"
                + (
                    f"; {self.sum('beside_ms_min'):.3f} ms in {self.framework},"
                    f" {self.sum('beside_ms_min') / self.sum('ms_min'):.2f} times as long"
                    if beside
                    else ""
                )
            )
        lines += self.remarks
        lines += [f"two stages: {layer['name']} has {layer['between']} between them" for layer in self.apart]
        lines += [f"left: {name} {reason}" for name, reason in self.left]
        return "\n".join(lines)

    def sum(self, key: str) -> float:
        """Milliseconds of all layers of the model."""
        return sum(result["repeat"] * result[key] for result in self.results)


def examine(model: str | os.PathLike, input_shape: Sequence[int] | None = None, threads: int = 1) -> Diagnosis:
    """Takes a model apart as `sepconv.extract.extract` does, checks each layer against double precision with random weights, and
    times it; in turns with the model's own framework, where that is installed and can run a part of a model.

    Args:
        model, input_shape: as for `sepconv.extract.extract`.
        threads: of both, from 1 to 1024.

    Raises:
        ValueError, OSError, ImportError: as `sepconv.extract.extract`; ValueError also for a layer whose result is wrong.
    """
    path = pathlib.Path(model)
    found, left = find(path, input_shape)
    ends = {layer.fields["name"]: (layer.input, layer.output) for layer in found}
    merged = merge(found, path.name)
    framework = importlib.import_module(f".{_FRAMEWORKS[path.suffix]}", __package__)
    label, remarks, part = framework.open_model(path, input_shape, threads)
    diagnosis = Diagnosis(path.name, threads, [], [], left, label, [])
    for fields in merged:
        if not fields.get("fusable", True):
            diagnosis.apart.append(fields)
            continue
        (layer,) = sepconv_layers.parse({"version": 1, "layers": [fields]})
        beside: Callable[[], Any] | None = None if part is None else part(*ends[layer.name])
        result = _bench.run(layer, threads, beside)
        diagnosis.results.append(result | {"repeat": fields.get("repeat", 1)})
    diagnosis.remarks += remarks(diagnosis)
    return diagnosis
