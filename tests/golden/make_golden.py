"""Recomputes tests/golden/keras.inc with Keras and prints it.

    pip install keras==3.15.1 jax
    KERAS_BACKEND=jax python tests/golden/make_golden.py > tests/golden/keras.inc

Every value is an integer below 2^24, so that any float32 implementation must give it exactly, in any order of summation.
All operands are row-major aranges; a case is then told by its shapes, and its whole output by three numbers and a hash.
"""

import sys

import numpy as np
from keras import ops

# (title, channels_last input, depthwise kernel, out channels, the (stride, padding, dilation) cases)
TABLE = [(s, p, d) for s in (1, 2) for p in ("valid", "same") for d in (1, 2)]
UNEQUAL = [
    ((s0, s1), p, (d0, d1))
    for s0, s1, d0, d1 in ((2, 1, 1, 3), (1, 3, 2, 1), (3, 2, 2, 3), (2, 3, 3, 1))
    for p in ("valid", "same")
]
LONG = [(s, p, d) for s, d in ((1, 3), (3, 2), (4, 1)) for p in ("valid", "same")]
DEEP = [
    (s, p, d)
    for s, d in (((1, 2, 1), (2, 1, 2)), ((2, 1, 3), (1, 3, 1)))
    for p in ("valid", "same")
]
GROUPS = [
    ("two axes", (2, 10, 10, 3), (2, 2, 3, 2), 12, TABLE),
    ("one axis", (2, 10, 3), (2, 3, 2), 12, TABLE),
    ("two axes, all of them unequal", (2, 9, 12, 2), (3, 2, 2, 3), 5, UNEQUAL),
    ("one axis, even kernel, multiplier 1", (1, 17, 5), (4, 5, 1), 3, LONG),
    ("three axes", (1, 5, 6, 7, 2), (2, 2, 3, 2, 2), 3, DEEP),
]


def fnv1a(values):
    """64-bit FNV-1a over the values as little-endian 64-bit integers."""
    digest = 0xCBF29CE484222325
    for byte in values.astype("<i8").tobytes():
        digest = ((digest ^ byte) * 0x100000001B3) % 2**64
    return digest


def arange(shape):
    return np.arange(np.prod(shape), dtype="float32").reshape(shape)


def braces(axes, rank):
    """One entry an axis, as C++ writes an array; a single number stands for every axis."""
    return (
        "{"
        + ", ".join(
            str(a) for a in (axes if isinstance(axes, tuple) else (axes,) * rank)
        )
        + "}"
    )


def case(shape, kernel, filters, stride, padding, dilation, layout):
    rank = len(shape) - 2
    if layout == "channels_first":
        shape = (shape[0], shape[-1], *shape[1:-1])
    channels, multiplier = kernel[-2:]
    output = ops.separable_conv(
        arange(shape),
        arange(kernel),
        arange((1,) * rank + (channels * multiplier, filters)),
        strides=stride,
        padding=padding,
        data_format=layout,
        dilation_rate=dilation,
    )
    exact = np.asarray(output).astype("int64")
    assert np.asarray(output).max() < 2**24 and (exact == np.asarray(output)).all()
    flat = exact.ravel()
    out_extent = exact.shape[1:-1] if layout == "channels_last" else exact.shape[2:]
    in_extent = shape[1:-1] if layout == "channels_last" else shape[2:]
    extents = ", ".join(
        braces(axes, rank)
        for axes in (in_extent, kernel[:rank], stride, dilation, out_extent)
    )
    print(
        f"{{{rank}, {layout[9:].upper()}, {padding.upper()}, {shape[0]}, {channels}, {multiplier}, {filters}, {extents},"
        f" {flat[0]}, {flat[-1]}, {flat.sum()}, 0x{fnv1a(flat):016x}u}},"
    )


def main():
    print("// Written by tests/golden/make_golden.py from Keras; do not edit.")
    print(
        "// rank, layout, padding, batch, channels, multiplier, filters, in extent, kernel extent, stride, dilation,"
    )
    print(
        "// out extent, first, last, sum, 64-bit FNV-1a of the output as little-endian int64"
    )
    for title, shape, kernel, filters, cases in GROUPS:
        for layout in ("channels_last", "channels_first"):
            print(f"// {title}, {layout}")
            for stride, padding, dilation in cases:
                case(shape, kernel, filters, stride, padding, dilation, layout)


if __name__ == "__main__":
    sys.exit(main())
