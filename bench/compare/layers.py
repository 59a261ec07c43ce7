"""Layer files for a comparison: several as one, or shapes drawn at random."""

import json
import math
import pathlib
import random

from files import write_file

LARGEST = 2e9  # flops of a drawn layer
LAST = " channels_last"  # ends the name of a layer that stands beside its channels_first form


def read(file):
    try:
        return json.loads(pathlib.Path(file).read_text())["layers"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{file}: no layer file: {error}") from error


def write(file, description, layers):
    """Leaves a file with the same contents alone, so that nothing is built anew."""
    text = {"version": 1, "description": description, "layers": layers}
    text = json.dumps(text, indent=1) + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_text() != text:
        write_file(file, text)
    return file


def merge(files, folder):
    """One layer file with the layers of all files."""
    layers = [layer for file in files for layer in read(file)]
    names = [layer["name"] for layer in layers]
    if twice := {n for n in names if names.count(n) > 1}:
        raise SystemExit(f"{', '.join(sorted(twice))}: in more than one layer file")
    description = "The layers of " + ", ".join(pathlib.Path(f).name for f in files)
    return write(folder / "merged.json", description, layers)


def in_both_layouts(file, folder):
    """One layer file with each layer channels first and, beside it, channels last."""
    layers = []
    for layer in read(file):
        layers.append({**layer, "data_format": "channels_first"})
        layers.append(
            {**layer, "name": layer["name"] + LAST, "data_format": "channels_last"}
        )
    description = f"The layers of {pathlib.Path(file).name} in both layouts"
    return write(folder / f"{pathlib.Path(file).stem}_both.json", description, layers)


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
