"""Layers of a layer file, as the tuner needs them: the row that would be compiled for one, its arithmetic, its words for the runner."""

import dataclasses
import json
import math
import os
import pathlib
import re
from typing import Any

_NAME = re.compile(r"(?P<group>[123]d_f\d+_n[dhwc]+)_(?:any|(?P<fixed>[a-z][a-z0-9]+?))(?:_(?P<family>[a-z_]+))?")
_FIXED = re.compile(r"[a-z]+\d[\dx]*")
_FAR_KERNEL_BYTES = _NEAR_IMAGE_BYTES = 2 << 20  # as in generators/parameters.h
_NEAR_READS = 25
_FIRST = 16  # more than a row can fix, as in runtime/src/dispatch.cpp
_BYTES = {"float32": 4, "float64": 8}
_CLAMPS = (None, "none", "relu", "relu6")


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer; all sizes in elements, lists outermost axis first."""

    name: str
    fields: dict[str, Any]
    """As the layer file has them."""

    @property
    def spatial(self) -> list[int]:
        return self.fields["spatial"]

    @property
    def kernel(self) -> list[int]:
        return self.fields["kernel"]

    def axes(self, key: str) -> list[int]:
        """strides or dilation: one number an axis."""
        return self.fields.get(key, [1] * len(self.spatial))

    @property
    def channels_first(self) -> bool:
        return self.fields.get("data_format") == "channels_first"

    @property
    def depthwise_only(self) -> bool:
        """Whether it has no pointwise stage. Layer files have no such layers; rows of the library do."""
        return self.fields.get("stages") == "depthwise"

    @property
    def element_bytes(self) -> int:
        return _BYTES[self.fields.get("dtype", "float32")]

    @property
    def middle(self) -> int:
        """Channels between the stages."""
        return self.fields["cin"] * self.fields.get("mult", 1)

    @property
    def variant(self) -> str:
        """The fully fixed name, as sepconv_add_library forms it (cmake/SepconvLayers.cmake)."""
        f, rank = self.fields, len(self.spatial)
        letters = "dhw"[3 - rank :]
        layout = f"nc{letters}" if self.channels_first else f"n{letters}c"
        curved = f.get("input_activation") not in (None, "none") or any(
            isinstance(f.get(f"{at}_activation"), str) and f.get(f"{at}_activation") not in _CLAMPS
            for at in ("mid", "out")
        )
        return (
            f"{rank}d_f{f.get('dtype', 'float32')[5:]}_{layout}_k{_joined(self.kernel)}s{_joined(self.axes('strides'))}"
            f"d{_joined(self.axes('dilation'))}m{f.get('mult', 1)}c{f['cin']}o{f['cout']}e{_joined(self.spatial)}"
            + ("_depthwise" if self.depthwise_only else "_act" if curved else "")
        )

    def in_format_of(self, variant: str) -> "Layer":
        """The layer with the data format, the type and the stages of a row of this name."""
        found = _NAME.fullmatch(variant)
        if not found or f"float{found['group'].split('_')[1][1:]}" not in _BYTES:
            return self
        _, types, layout = found["group"].split("_")
        fields = self.fields | {
            "data_format": "channels_first" if layout.startswith("nc") else "channels_last",
            "dtype": f"float{types[1:]}",
        }
        if found["family"] == "depthwise":
            fields |= {"stages": "depthwise", "cout": self.middle}
        return dataclasses.replace(self, fields=fields)

    def suits(self, variant: str) -> bool:
        """Whether a row of this name, which may fix less, takes the layer."""
        row, own = _NAME.fullmatch(variant), _NAME.fullmatch(self.variant)
        if not row or not own or row["group"] != own["group"]:
            return False
        if (row["family"] == "depthwise") != self.depthwise_only:
            return False
        if not row["fixed"]:
            return True
        fixed = set(_FIXED.findall(row["fixed"]))
        multiples = {part for part in fixed if part.startswith("cdiv")}  # cdiv32: any multiple of 32 channels
        if any(self.fields["cin"] % int(part[4:]) for part in multiples):
            return False
        dilation_is_fixed = any(part[0] == "d" for part in fixed)
        image = math.prod(self.spatial) * self.fields["cin"] * self.element_bytes
        if multiples and not dilation_is_fixed and (image > _NEAR_IMAGE_BYTES or self._reads > _NEAR_READS):
            return False  # small_images_only in generators/parameters.h
        families = {own["family"], "act"}
        if not own["family"] and self.element_bytes * self.middle * self.fields["cout"] >= _FAR_KERNEL_BYTES:
            families.add("large_weights")
        return fixed - multiples <= set(_FIXED.findall(own["fixed"])) and row["family"] in families

    @property
    def output(self) -> list[int]:
        """Extents of the output."""
        padding, extents = self.fields.get("padding", "valid"), []
        for axis, size in enumerate(self.spatial):
            reach = (self.kernel[axis] - 1) * self.axes("dilation")[axis]
            if padding == "valid":
                size -= reach
            elif isinstance(padding, dict):
                size += padding["before"][axis] + padding["after"][axis] - reach
            extents.append(-(-size // self.axes("strides")[axis]))
        return extents

    @property
    def pixels(self) -> int:
        """Of the output of one image."""
        return math.prod(self.output)

    @property
    def flops(self) -> int:
        """Multiplications and additions of its stages, over the unpadded shape."""
        pixels = self.fields.get("n", 1) * self.pixels
        return 2 * pixels * self.middle * (math.prod(self.kernel) + self._products)

    @property
    def _reads(self) -> float:
        """About how many taps read a sample, each multiple counted."""
        taps = zip(self.kernel, self.axes("strides"), self.axes("dilation"), strict=True)
        # Where stride and dilation share a factor, only every so-many-th sample is read.
        return self.fields.get("mult", 1) * math.prod(k * math.gcd(s, d) / s for k, s, d in taps)

    @property
    def _products(self) -> int:
        """Of the pointwise stage, for one channel of the middle."""
        return 0 if self.depthwise_only else self.fields["cout"]

    @property
    def bytes(self) -> int:
        """Of input, weights and output, each once."""
        f = self.fields
        outputs = self.middle if self.depthwise_only else f["cout"]
        tensors = f.get("n", 1) * (math.prod(self.spatial) * f["cin"] + self.pixels * outputs)
        return self.element_bytes * (tensors + self.middle * (math.prod(self.kernel) + self._products))

    def words(self) -> list[str]:
        """The layer as the runner's words (tools/runner/problem_words.h)."""
        f, words = self.fields, []
        for key in ("spatial", "kernel", "strides", "dilation"):
            if key in f:
                words.append(f"{key}={','.join(map(str, f[key]))}")
        of_stages = ("stages",) if self.depthwise_only else ("cout",)
        for key in ("n", "cin", *of_stages, "mult", "data_format", "dtype"):
            if key in f:
                words.append(f"{key}={f[key]}")
        padding = f.get("padding", "valid")
        if isinstance(padding, dict):
            words += ["padding=explicit", *(f"{end}={','.join(map(str, padding[end]))}" for end in ("before", "after"))]
        else:
            words.append(f"padding={padding}")
        ends = ("mid",) if self.depthwise_only else ("mid", "out")
        words += [f"{at}_bias={int(f.get(f'{at}_bias', False))}" for at in ends]
        for at in ("input", *ends):
            value = f.get(f"{at}_activation", "none")
            if isinstance(value, dict):
                lo, hi = value["clamp"]
                value = f"{'-inf' if lo is None else lo}:{'inf' if hi is None else hi}"
            words.append(f"{at}_activation={value}")
        return words


def fixed_count(variant: str) -> int:
    """How much a row fixes; of two that take a problem, the one that fixes more computes it."""
    found = _NAME.fullmatch(variant)
    if not found or not found["fixed"]:
        return 0
    return len(_FIXED.findall(found["fixed"])) + (_FIRST if found["family"] == "large_weights" else 0)


def fixes_extents(variant: str) -> bool:
    """Whether a row is for inputs of one size."""
    found = _NAME.fullmatch(variant)
    return bool(found and found["fixed"]) and any(part[0] == "e" for part in _FIXED.findall(found["fixed"]))


def read(path: str | os.PathLike) -> list[Layer]:
    """The layers of a file that can be tuned: those in float32 and float64 that can be computed in one pass.

    Raises:
        ValueError: what is no layer file.
    """
    try:
        content = json.loads(pathlib.Path(path).read_text())
        version, entries = content["version"], content["layers"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: no layer file: {error}") from error
    if version != 1:
        raise ValueError(f'{path}: "version" is {version}; this release reads version 1')
    layers = []
    for entry in entries:
        name = entry.get("name", "?") if isinstance(entry, dict) else entry
        try:
            if not entry.get("fusable", True) or entry.get("dtype", "float32") not in _BYTES:
                continue
            layer = Layer(name, entry)
            if layer.variant and layer.flops and layer.words():  # each names what is missing
                layers.append(layer)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f'{path}: layer "{name}": {error!r} is missing or wrong') from error
    return layers


def _joined(values: list[int]) -> str:
    return str(values[0]) if len(set(values)) == 1 else "x".join(map(str, values))
