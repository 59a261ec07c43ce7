"""The 32 cases of tests/golden/keras.inc that both Keras and float32 get exactly, as (rank, data_format, strides, padding,
dilation_rate, shape, first, last, sum). The inputs are aranges, and every sum is an integer below 2^24."""

import pathlib
import re

import numpy as np

_FILE = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "keras.inc"


def _case(line):
    rank, layout, padding, *numbers = re.findall(r"\w+", line)
    rank = int(rank)
    batch, _, _, filters, *numbers = map(int, numbers[:-1])  # the last is a hash of the output
    _, _, strides, dilation, extent = (numbers[i * rank : (i + 1) * rank] for i in range(5))
    shape = (batch, *extent, filters) if layout == "LAST" else (batch, filters, *extent)
    return rank, f"channels_{layout.lower()}", strides[0], padding.lower(), dilation[0], shape, *numbers[5 * rank :]


CASES = [_case(line) for line in _FILE.read_text().splitlines() if ", 2, 3, 2, 12, {10" in line]
assert len(CASES) == 32


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
