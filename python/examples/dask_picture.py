"""How a Dask array is convolved, as a picture: the blocks of the input with the samples around them that their outputs
read, and the outputs, each in the colour of the worker that computed it.

    python python/examples/dask_picture.py docs/images/dask.png

Two processes of this machine compute it. The picture is written only if the result has the bits of the whole array.
"""

import pathlib
import sys

import dask.array as da
import distributed
import numpy as np
from PIL import Image, ImageDraw

import sepconv
import sepconv.dask

SIZE = 480
BLOCK = 160
TAPS = 41
COLOURS = (235, 130, 50), (60, 140, 220)


def landscape():
    """Hills before a sky, (SIZE, SIZE, 3), from 0 to 1."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    picture = np.stack([0.55 - 0.35 * y, 0.7 - 0.25 * y, 0.95 - 0.1 * y], axis=-1)
    picture[(x - 0.72) ** 2 + (y - 0.2) ** 2 < 0.006] = 1, 0.9, 0.5
    for i, base in enumerate((0.45, 0.6, 0.78)):
        ridge = base + 0.07 * np.sin(7 * x + 2 * i) + 0.03 * np.sin(23 * x + 5 * i)
        shade = 0.75 - 0.2 * i + 0.1 * np.sin(60 * (x + y * (i + 1)))
        picture = np.where((y > ridge)[..., None], shade[..., None] * np.array([0.35, 0.75, 0.4]), picture)
    return picture.astype("f")


def kernels():
    """A long blur along both axes for each channel, and less colour."""
    bell = np.exp(-(np.linspace(-2, 2, TAPS) ** 2))
    blur = np.outer(bell, bell) / bell.sum() ** 2
    mix = 0.7 * np.eye(3) + 0.1
    return np.repeat(blur[..., None, None], 3, axis=2).astype("f"), mix[None, None].astype("f")


def tint(block, workers):
    """A block's outputs, towards the colour of the worker that this runs on."""
    colour = np.array(COLOURS[workers.index(distributed.get_worker().address)], "f") / 255
    return (block + 0.35 * (colour - block)).astype("f")


def draw(picture, left, cuts, halo):
    """The picture with its cuts, and what the middle block reads."""
    image = Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for cut in cuts:
        pen.line([(cut, 0), (cut, image.height)], (255, 255, 255), 2)
        pen.line([(0, cut), (image.width, cut)], (255, 255, 255), 2)
    if left:
        pen.rectangle([cuts[0] - halo, cuts[0] - halo, cuts[1] + halo - 1, cuts[1] + halo - 1], None, (255, 60, 60), 3)
    return image


def main(path):
    picture, (depthwise, pointwise) = landscape()[None], kernels()
    inputs = da.from_array(picture, chunks=(1, BLOCK, BLOCK, 3))
    output = sepconv.dask.separable_conv(inputs, depthwise, pointwise, strides=2, padding="same")
    whole = sepconv.separable_conv(picture, depthwise, pointwise, strides=2, padding="same")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        workers = sorted(client.scheduler_info()["workers"])
        if output.compute().tobytes() != whole.tobytes():
            sys.exit("the blocks do not have the bits of the whole array")
        tinted = output.map_blocks(tint, workers, dtype="f", meta=np.empty((0,) * 4, "f")).compute()
    cuts = [BLOCK, 2 * BLOCK]
    left = draw(picture[0], True, cuts, TAPS // 2)
    right = draw(np.repeat(np.repeat(tinted[0], 2, 0), 2, 1), False, cuts, 0)
    both = Image.new("RGB", (2 * SIZE + 24, SIZE), "white")
    both.paste(left, (0, 0))
    both.paste(right, (SIZE + 24, 0))
    both.save(path, optimize=True)
    print(f"{path}: {output.npartitions} blocks, {len(workers)} workers, the same bits as the whole array")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
