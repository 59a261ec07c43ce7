"""Layer files for a comparison: all as one, or shapes drawn at random."""

import json
import math
import pathlib
import random
import sys

from files import write_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "python"))
from sepconv_layers import Layer, parse, read, schema
from sepconv_layers.activations import function

# What the other modules take from sepconv_layers they take from here, where the path is set.
__all__ = ["Layer", "function", "parse", "read", "schema"]

LARGEST = 2e9  # flops of a drawn layer
LAST = " channels_last"  # ends the name of a layer that stands beside its channels_first form


def write(file, description, layers):
    """Leaves a file with the same contents alone, so that nothing is built anew."""
    text = {"version": 1, "description": description, "layers": layers}
    text = json.dumps(text, indent=1) + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_text() != text:
        write_file(file, text)
    return file


def named(layer, file):
    """The layer's fields; a name without a network gets the file's."""
    name = (
        layer.name if "/" in layer.name else f"{pathlib.Path(file).stem}/{layer.name}"
    )
    return layer.fields | {"name": name}


def merge(files, folder):
    """One layer file with the layers of all files, each named NETWORK/LAYER."""
    layers = [named(layer, file) for file in files for layer in read(file)]
    names = [layer["name"] for layer in layers]
    if twice := {n for n in names if names.count(n) > 1}:
        raise ValueError(f"{', '.join(sorted(twice))}: in more than one layer file")
    description = "The layers of " + ", ".join(pathlib.Path(f).name for f in files)
    stem = pathlib.Path(files[0]).stem if len(files) == 1 else "merged"
    return write(folder / f"{stem}.json", description, layers)


def in_both_layouts(file, folder):
    """One layer file with each layer channels first and, beside it, channels last."""
    layers = []
    for layer in read(file):
        layers.append(layer.fields | {"data_format": "channels_first"})
        last = {"name": layer.name + LAST, "data_format": "channels_last"}
        layers.append(layer.fields | last)
    description = f"The layers of {pathlib.Path(file).name} in both layouts"
    return write(folder / f"{pathlib.Path(file).stem}_both.json", description, layers)


def why_left_out(layer):
    """A sentence if the comparison cannot take the layer, or ""."""
    if not layer.fields["fusable"]:
        return f"{layer.fields['between']} between the stages"
    dtype = layer.fields["dtype"]
    return "" if dtype == "float32" else f"{dtype}; the comparison is in float32"


def channels(rng):
    """8 to 1024, as many small as large; half of them multiples of 8, the others as they come."""
    count = round(math.exp(rng.uniform(math.log(8), math.log(1024))))
    return max(count // 8 * 8, 8) if rng.random() < 0.5 else count


def draw(rng, number, seed):
    """A layer of at most LARGEST flops; three in four are square."""
    while True:
        height, width = (rng.randint(4, 150) for _ in range(2))
        if rng.random() < 0.75:
            height = width
        kernel, stride = rng.choice((3, 5, 7)), rng.choice((1, 2))
        cin, cout = channels(rng), channels(rng)
        pixels = math.prod(-(-axis // stride) for axis in (height, width))
        if 2 * pixels * cin * (kernel**2 + cout) <= LARGEST:
            break
    layer = {
        "name": f"random-{seed}/{number:02d}_{height}x{width}_c{cin}o{cout}k{kernel}s{stride}",
        "spatial": [height, width],
        "cin": cin,
        "cout": cout,
        "kernel": [kernel, kernel],
        "strides": [stride, stride],
        "padding": "same",
        "out_bias": True,
        "out_activation": "relu",
    }
    if rng.random() < 0.5:  # as in MobileNet; without, as in Xception
        layer |= {"mid_bias": True, "mid_activation": "relu"}
    return layer


def random_layers(count, seed, folder):
    rng = random.Random(seed)
    layers = [draw(rng, i, seed) for i in range(count)]
    description = f"{count} shapes drawn at random with seed {seed}"
    return write(folder / f"random_{count}_{seed}.json", description, layers)
