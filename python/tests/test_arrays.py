"""What sepconv takes as an array: types, strides, buffers, DLPack; and what it copies."""

import array
import pathlib
import pickle
import re
import sys

import numpy as np
import pytest

import sepconv
from sepconv import _native


def float16_like(name):
    if name == "float16":
        return np.dtype("float16")
    return np.dtype(pytest.importorskip("ml_dtypes").bfloat16)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_16_bits_are_rounded_once(name, data_format, rng):
    dtype = float16_like(name)
    shape = (2, 9, 8, 6) if data_format == "channels_last" else (2, 6, 9, 8)
    x = rng.standard_normal(shape).astype(dtype)
    dw, pw = rng.standard_normal((3, 3, 6, 2)).astype(dtype), rng.standard_normal((1, 1, 12, 5)).astype(dtype)
    result = sepconv.separable_conv(x, dw, pw, padding="same", data_format=data_format)
    assert result.dtype == dtype
    wide = [t.astype(np.float32) for t in (x, dw, pw)]
    inside = sepconv.separable_conv(*wide, padding="same", data_format=data_format)
    np.testing.assert_array_equal(result, inside.astype(dtype))
    layer = sepconv.Layer(dw, pw, padding="same", data_format=data_format)
    np.testing.assert_array_equal(layer(x), result)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_weights_and_copies_of_16_bits(name, rng):
    dtype = float16_like(name)
    kernel = rng.standard_normal((3, 3, 4, 2)).astype(dtype)
    layer = sepconv.Layer(kernel, None, padding="same")
    (kept, *others) = layer.weights()
    assert kept.dtype == np.float32 and others == [None, None, None]
    np.testing.assert_array_equal(kept, kernel.astype(np.float32))
    x = rng.standard_normal((1, 5, 6, 4)).astype(dtype)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))(x), layer(x))


def test_every_float16_survives_the_conversion():
    x = np.arange(1 << 16, dtype=np.uint16).view(np.float16).reshape(1, 256, 256, 1)
    one = np.ones((1, 1, 1, 1), np.float16)
    result = sepconv.depthwise_conv(x, one)
    expected = x.copy()
    expected[x == 0] = 0  # the sum with a zero has no sign
    np.testing.assert_array_equal(np.where(result == 0, np.float16(0), result), expected)


def test_float16_rounds_to_nearest_even(rng):
    """Halfway between neighbours, above the largest number, subnormal: as NumPy rounds."""
    wide = np.concatenate(
        [
            np.array([1 + 2**-11, 1 + 3 * 2**-11, 65504, 65519.99, 65520, 1e9, 2**-24, 2**-25, 2**-26, 3 * 2**-25]),
            rng.standard_normal(1000) * 10.0 ** rng.integers(-8, 5, 1000),
        ]
    )
    with np.errstate(over="ignore"):
        low = wide.astype(np.float16).astype(np.float64)
    rest = (wide - low).astype(np.float16)  # two float16 numbers whose exact sum float32 holds
    x = np.stack([low.astype(np.float16), rest], axis=-1)[None]
    dw, pw = np.ones((1, 2, 1), np.float16), np.ones((1, 2, 1), np.float16)
    x[~np.isfinite(x)] = 0
    result = sepconv.separable_conv(x, dw, pw)[0, :, 0]
    with np.errstate(over="ignore"):
        expected = x.astype(np.float32).sum(axis=-1)[0].astype(np.float16)
    np.testing.assert_array_equal(result, expected)


def layer_problem(rng):
    x = rng.standard_normal((2, 7, 9, 8)).astype("f")
    dw, pw = rng.standard_normal((3, 3, 8, 1)).astype("f"), rng.standard_normal((1, 1, 8, 5)).astype("f")
    return x, dw, pw


def test_contiguous_arrays_are_not_copied(rng):
    x, dw, pw = layer_problem(rng)
    for tensor in (x, dw, pw, x[:, 1:5], memoryview(x)):
        assert _native.address_of(tensor) == np.asarray(tensor).ctypes.data
    layer = sepconv.Layer(dw, pw)
    copies = _native.copy_count()
    out = np.empty(layer.output_shape(x.shape), "f")
    sepconv.separable_conv(x, dw, pw)
    assert layer(x, out=out) is out
    wide = rng.standard_normal((2, 12, 12, 16)).astype("f")
    for piece in (wide[:, 2:9, 1:10, 4:12], wide[::2, ::2, ::3, :8]):
        np.testing.assert_array_equal(layer(piece), layer(np.ascontiguousarray(piece)))
    assert _native.copy_count() == copies
    result = layer(x)
    assert result.ctypes.data % 64 == 0


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[..., ::2],
        lambda x: x[:, ::-1],
        lambda x: x.transpose(0, 2, 1, 3),
        lambda x: np.broadcast_to(x[:1, :1], x.shape),
        lambda x: np.asfortranarray(x),
    ],
)
def test_other_strides_are_copied(view, rng):
    x = view(rng.standard_normal((2, 7, 7, 8)).astype("f"))
    dw = rng.standard_normal((3, 3, x.shape[-1], 1)).astype("f").transpose(1, 0, 2, 3)
    pw = np.asfortranarray(rng.standard_normal((1, 1, x.shape[-1], 5)).astype("f"))
    expected = sepconv.separable_conv(*(np.ascontiguousarray(t) for t in (x, dw, pw)))
    np.testing.assert_array_equal(sepconv.separable_conv(x, dw, pw), expected)
    np.testing.assert_array_equal(sepconv.Layer(dw, pw)(x), expected)


def test_channels_first_slices(rng):
    wide = rng.standard_normal((2, 8, 12, 16)).astype("f")
    dw, pw = rng.standard_normal((3, 3, 4, 1)).astype("f"), rng.standard_normal((1, 1, 4, 5)).astype("f")
    for piece in (wide[:, 2:6, 1:9, 3:15], wide[:, ::2], wide[:, 4:, :, ::2]):
        expected = sepconv.separable_conv(np.ascontiguousarray(piece), dw, pw, data_format="channels_first")
        np.testing.assert_array_equal(sepconv.separable_conv(piece, dw, pw, data_format="channels_first"), expected)


def test_unaligned_and_read_only_arrays(rng):
    x, dw, pw = layer_problem(rng)
    expected = sepconv.separable_conv(x, dw, pw)
    memory = np.empty(x.nbytes + 1, np.uint8)
    shifted = memory[1:].view("f").reshape(x.shape)
    shifted[...] = x
    assert shifted.ctypes.data % 4
    np.testing.assert_array_equal(sepconv.separable_conv(shifted, dw, pw), expected)
    record = np.zeros(x.shape, np.dtype([("a", "u1"), ("x", "f")]))
    record["x"] = x
    np.testing.assert_array_equal(sepconv.separable_conv(record["x"], dw, pw), expected)
    x.flags.writeable = False
    np.testing.assert_array_equal(sepconv.separable_conv(x, dw, pw), expected)


class WithDLPack:
    """An array of a library that is not known."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **arguments):
        return self.array.__dlpack__(**arguments)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_buffers_and_dlpack(rng):
    x, dw, pw = layer_problem(rng)
    expected = sepconv.separable_conv(x, dw, pw)
    np.testing.assert_array_equal(sepconv.separable_conv(memoryview(x), dw, memoryview(pw)), expected)
    np.testing.assert_array_equal(sepconv.separable_conv(WithDLPack(x), WithDLPack(dw), pw), expected)
    assert _native.address_of(WithDLPack(x)) == x.ctypes.data
    with pytest.raises(ValueError, match=r"inputs must have the rank of the kernels, 4, received shape \(3,\)"):
        sepconv.separable_conv(array.array("f", [1, 2, 3]), dw, pw)


def test_read_only_dlpack(rng):
    x, dw, pw = layer_problem(rng)
    expected = sepconv.separable_conv(x, dw, pw)
    frozen = [a.copy() for a in (x, dw, pw)]
    for a in frozen:
        a.flags.writeable = False
    inputs, *kernels = map(WithDLPack, frozen)
    np.testing.assert_array_equal(sepconv.separable_conv(inputs, *kernels), expected)
    layer = sepconv.Layer(*kernels)
    np.testing.assert_array_equal(layer(inputs), expected)
    out = np.zeros_like(expected)
    layer(x, out=WithDLPack(out))
    np.testing.assert_array_equal(out, expected)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="out must be writable"):
        layer(x, out=WithDLPack(out))


def test_weights_changed_in_place_count(rng):
    x, dw, pw = layer_problem(rng)
    before = sepconv.separable_conv(x, dw, pw)
    layer = sepconv.Layer(dw, pw)
    dw *= 2
    np.testing.assert_array_equal(sepconv.separable_conv(x, dw, pw), 2 * before)
    np.testing.assert_array_equal(layer(x), before)


def kernel_flags(address):
    """What the system says of the pages at an address."""
    inside = False
    for line in pathlib.Path("/proc/self/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            begin, end = (int(part, 16) for part in line.split()[0].split("-"))
            inside = begin <= address < end
        elif inside and line.startswith("VmFlags:"):
            return line.split()[1:]
    return []


@pytest.mark.skipif(sys.platform != "linux", reason="pages of other systems")
def test_large_results_ask_for_large_pages(rng):
    """A new array is written once from end to end: with small pages, half of the time of a call is the system's."""
    x, dw = rng.standard_normal((1, 512, 512, 4)).astype("f"), np.ones((1, 1, 4, 1), "f")
    results = [sepconv.depthwise_conv(x, dw), sepconv.Layer(dw, None)(x), sepconv.Chain([sepconv.Layer(dw, None)])(x)]
    for result in results:
        address = _native.address_of(result)
        assert address % (2 << 20) == 0 and result.nbytes == 4 << 20
        if pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled").exists():
            assert "hg" in kernel_flags(address)
    small = sepconv.depthwise_conv(x[:, :16], dw)
    assert _native.address_of(small) % 64 == 0
    assert sepconv.depthwise_conv(x[:0], dw).shape == (0, 512, 512, 4)
