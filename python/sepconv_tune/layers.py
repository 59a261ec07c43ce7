"""Layers as the tuner needs them: with the variant that would be compiled for each, and as the programs that it calls read them."""

import dataclasses
import json
import os
from typing import Any

import sepconv_layers

from .toolchain import Toolchain

DTYPES = {"f32": "float32", "f64": "float64"}
"""By the types of a variant's name: what the runner has numbers for."""


@dataclasses.dataclass(frozen=True)
class Layer(sepconv_layers.Layer):
    """A layer that can be compiled."""

    variant: str
    """The one that fixes all of it, which sepconv_add_library compiles."""
    depthwise_only: bool = False
    """Whether it is the layer's depthwise stage alone. Layer files have no such layers; the library has variants for them."""

    @property
    def flops(self) -> int:
        whole = super().flops
        return whole * self.taps // (self.taps + self.fields["cout"]) if self.depthwise_only else whole

    @property
    def bytes(self) -> int:
        products = self.middle * self.fields["cout"] * self.element_bytes
        return super().bytes - (products if self.depthwise_only else 0)

    @property
    def words(self) -> list[str]:
        """What the programs are told beside the layer file."""
        return ["depthwise"] if self.depthwise_only else []

    @staticmethod
    def file(layers: list["Layer"]) -> str:
        """A layer file, for a program's standard input. Layers of several files may have one name: here they are numbered."""
        entries = [layer.fields | {"name": str(i)} for i, layer in enumerate(layers)]
        return json.dumps({"version": 1, "layers": entries})

    def in_format(self, dtype: str, channels_first: bool, depthwise_only: bool) -> "Layer":
        """The layer in another type and data format, or its depthwise stage alone; `variant` remains the whole layer's."""
        fields: dict[str, Any] = {
            "dtype": dtype,
            "data_format": "channels_first" if channels_first else "channels_last",
        }
        if depthwise_only:
            fields["cout"] = self.middle
        return dataclasses.replace(self, fields=self.fields | fields, depthwise_only=depthwise_only)


def read(path: str | os.PathLike, tools: Toolchain) -> list[Layer]:
    """The layers of a file that can be tuned: those in float32 and float64 that can be computed in one pass.

    Raises:
        ValueError: what is no layer file.
        ToolError: CMake, which names the variants, refuses the file.
    """
    suited = [
        layer
        for layer in sepconv_layers.read(path)
        if layer.fields["fusable"] and layer.fields["dtype"] in DTYPES.values()
    ]
    variants = tools.variants_of_layers(path) if suited else {}
    return [Layer(layer.fields, variants[layer.name]) for layer in suited]
