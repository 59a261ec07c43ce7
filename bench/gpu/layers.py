"""The layers that are compared, from layer files, and what each of them costs. No torch in it."""

import dataclasses
import json
import math
import pathlib

NETWORKS = (
    "mobilenet_v1",
    "mobilenet_v2",
    "efficientnet_lite0",
    "quartznet_15x5",
    "xception",
)
FOLDER = pathlib.Path(__file__).parents[1] / "layers"


@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer of a file at one batch, channels last."""

    fields: dict
    batch: int

    @property
    def name(self):
        return self.fields["name"]

    @property
    def network(self):
        return self.name.split("/", 1)[0]

    def axes(self, key):
        rank = len(self.fields["spatial"])
        values = self.fields.get(key, [1])
        return tuple(values) * (rank if len(values) == 1 else 1)

    @property
    def pads(self):
        """Zeros before and after each axis."""
        padding = self.fields.get("padding", "valid")
        if isinstance(padding, dict):
            return list(zip(padding["before"], padding["after"], strict=True))
        pairs = []
        for n, k, s, d in zip(
            self.fields["spatial"],
            self.axes("kernel"),
            self.axes("strides"),
            self.axes("dilation"),
            strict=True,
        ):
            reach = (k - 1) * d + 1
            if padding == "same":
                total = max((-(-n // s) - 1) * s + reach - n, 0)
                pairs.append((total // 2, total - total // 2))
            else:
                pairs.append((reach - 1, 0) if padding == "causal" else (0, 0))
        return pairs

    @property
    def output(self):
        """Extents of the output."""
        axes = (self.fields["spatial"], self.pads, self.axes("kernel"))
        steps = (self.axes("strides"), self.axes("dilation"))
        return tuple(
            (n + sum(pad) - (k - 1) * d - 1) // s + 1
            for n, pad, k, s, d in zip(*axes, *steps, strict=True)
        )

    @property
    def middle(self):
        return self.fields["cin"] * self.fields.get("mult", 1)

    @property
    def flops(self):
        """Multiplications and additions of both stages."""
        each = math.prod(self.axes("kernel")) + self.fields["cout"]
        return 2 * self.batch * math.prod(self.output) * self.middle * each

    @property
    def bytes(self):
        """Of input, weights and output in float32, each once."""
        f = self.fields
        pixels = math.prod(f["spatial"]) * f["cin"] + math.prod(self.output) * f["cout"]
        weights = self.middle * (math.prod(self.axes("kernel")) + f["cout"])
        return 4 * (self.batch * pixels + weights)


def read(path, batch):
    """The layers of a file that are computed in one pass, in float32."""
    content = json.loads(pathlib.Path(path).read_text())
    if content.get("version") != 1:
        raise ValueError(f"{path}: this reads layer files of version 1")
    return [
        Layer(fields, batch)
        for fields in content["layers"]
        if fields.get("fusable", True) and fields.get("dtype", "float32") == "float32"
    ]
