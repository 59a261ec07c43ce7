"""The 32 exact cases: (rank, data_format, strides, padding, dilation_rate, shape, first, last, sum). The inputs are
aranges, and every sum is an integer below 2^24, so float32 has to get them exactly."""

import itertools

import numpy as np

_VALUES = {
    (2, "channels_last"): """
        2,9,9,12 233016 7167430 6361053768
        2,8,8,12 451536 7059844 5149687296
        2,10,10,12 233016 493918 6911088204
        2,10,10,12 134808 466693 6361053768
        2,5,5,12 233016 7167430 1963288200
        2,4,4,12 451536 6658696 1220019456
        2,5,5,12 233016 7167430 1963288200
        2,5,5,12 451536 466693 1456859844""",
    (2, "channels_first"): """
        2,12,9,9 1522440 6602782 7325223336
        2,12,8,8 1595280 6566920 5829053952
        2,12,10,10 1522440 468475 7889145600
        2,12,10,10 653700 459400 7325223336
        2,12,5,5 1522440 6602782 2260871400
        2,12,4,4 1595280 6433204 1434796032
        2,12,5,5 1522440 6602782 2260871400
        2,12,5,5 1595280 459400 1685561400""",
    (1, "channels_last"): """
        2,9,12 9156 180545 18370692
        2,8,12 14376 178070 16697568
        2,10,12 9156 48418 19149528
        2,10,12 8016 45943 18370692
        2,5,12 9156 180545 10205940
        2,4,12 14376 168692 7950912
        2,5,12 9156 180545 10205940
        2,5,12 14376 45943 8676288""",
    (1, "channels_first"): """
        2,12,9 41100 169469 21251700
        2,12,8 42840 168644 19013088
        2,12,10 41100 46105 21983340
        2,12,10 29700 45280 21251700
        2,12,5 41100 169469 11806500
        2,12,4 42840 165518 9373920
        2,12,5 41100 169469 11806500
        2,12,5 42840 45280 10087740""",
}

CASES = [
    (rank, data_format, *arguments, tuple(map(int, shape.split(","))), int(first), int(last), int(total))
    for (rank, data_format), lines in _VALUES.items()
    for arguments, (shape, first, last, total) in zip(
        itertools.product((1, 2), ("valid", "same"), (1, 2)), map(str.split, lines.split("\n")[1:]), strict=True
    )
]


def tensors(rank, data_format, dtype):
    """Inputs, depthwise kernel and pointwise kernel of a case."""

    def arange(*shape):
        return np.arange(np.prod(shape), dtype=np.float64).reshape(shape).astype(dtype)

    spatial = (10,) * rank
    x = arange(2, *spatial, 3) if data_format == "channels_last" else arange(2, 3, *spatial)
    return x, arange(*(2,) * rank, 3, 2), arange(*(1,) * rank, 6, 12)


def check(result, shape, first, last, total):
    """Exact equality with a case's shape, first and last element and sum."""
    result = np.asarray(result)
    assert result.shape == shape
    assert (result.flat[0], result.flat[-1], result.astype(np.int64).sum()) == (first, last, total)
