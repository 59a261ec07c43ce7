"""The layers that are compared, from layer files. No torch in it."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "python"))
import sepconv_layers

NETWORKS = (
    "mobilenet_v1",
    "mobilenet_v2",
    "efficientnet_lite0",
    "quartznet_15x5",
    "xception",
)
FOLDER = ROOT / "bench/layers"


def read(path, batch):
    """The layers of a file that are computed in one pass, in float32, channels last; named NETWORK/LAYER."""
    network = pathlib.Path(path).stem
    return [
        layer.replaced(
            n=batch,
            data_format="channels_last",
            name=layer.name if "/" in layer.name else f"{network}/{layer.name}",
        )
        for layer in sepconv_layers.read(path)
        if layer.fields["fusable"] and layer.fields["dtype"] == "float32"
    ]
