"""sepconv.dask: blocks with their halo give the bits of the whole array."""

import pathlib
import re

import numpy as np
import pytest

import sepconv
from sepconv import _native

da = pytest.importorskip("dask.array")

import sepconv.dask


def problem(rng, rank, data_format, dtype="f"):
    """(inputs, kernels, arguments) of any geometry that has outputs."""
    kernel, strides, dilation = ([int(n) for n in rng.integers(1, high, rank)] for high in (5, 4, 3))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    extents = [int(n) + r for n, r in zip(rng.integers(0, [0, 60, 24, 12][rank], rank), reach, strict=True)]
    wide = rng.random() < 0.2  # more zeros than the kernel reaches over
    padding = rng.choice(["valid", "same", "pairs"] + ["causal"] * (rank == 1))
    if padding == "pairs":
        padding = [tuple(int(n) for n in rng.integers(0, 9 if wide else r, 2)) for r in reach]
    channels, multiplier, filters = (int(n) for n in rng.integers(1, [40, 3, 9]))
    batch = int(rng.integers(1, 4))
    shape = (batch, *extents, channels) if data_format == "channels_last" else (batch, channels, *extents)
    draw = lambda *shape: rng.standard_normal(shape).astype(dtype)
    pointwise = None if rng.random() < 0.3 else draw(*[1] * rank, channels * multiplier, filters)
    kernels = draw(*kernel, channels, multiplier), pointwise
    return (
        draw(*shape),
        kernels,
        (strides, str(padding) if isinstance(padding, str) else padding, data_format, dilation),
    )


def cut_anyhow(rng, x):
    return da.from_array(x, chunks=tuple(int(rng.integers(1, n + 1)) for n in x.shape))


def check(found, expected):
    assert found.shape == expected.shape and found.dtype == expected.dtype
    computed = found.compute(scheduler="synchronous")
    assert computed.dtype == expected.dtype
    assert computed.tobytes() == expected.tobytes()


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_equal_the_whole_array(rank, data_format, rng):
    several = 0
    for _ in range(30):
        x, kernels, arguments = problem(rng, rank, data_format)
        expected = sepconv.separable_conv(x, *kernels, *arguments)
        found = sepconv.dask.separable_conv(cut_anyhow(rng, x), *kernels, *arguments)
        several += found.npartitions > found.numblocks[0]
        check(found, expected)
    assert several > 8, "problems whose spatial axes are cut"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_types(dtype, rng):
    dtype = np.dtype(dtype if dtype != "bfloat16" else pytest.importorskip("ml_dtypes").bfloat16)
    for _ in range(5):
        x, kernels, arguments = problem(rng, 2, "channels_last", dtype)
        check(
            sepconv.dask.separable_conv(cut_anyhow(rng, x), *kernels, *arguments),
            sepconv.separable_conv(x, *kernels, *arguments),
        )


def test_the_variant_is_that_of_the_whole(rng):
    """Small images of 32 channels have a variant that large ones have not."""
    x = rng.standard_normal((1, 260, 260, 32)).astype("f")
    kernels = rng.standard_normal((3, 3, 32, 1)).astype("f"), rng.standard_normal((1, 1, 32, 32)).astype("f")
    options = {"padding": "same", "dilation_rate": 2}
    shapes = [kernel.shape for kernel in kernels]
    small, large = (
        _native.ShapedCall(shape, *shapes, "float32", 1, "same", "channels_last", 2).variant()
        for shape in ((1, 64, 74, 32), x.shape)
    )
    assert small != large or "cdiv32" not in small, "a machine without these variants"
    found = sepconv.dask.separable_conv(da.from_array(x, chunks=(1, 60, 70, 32)), *kernels, **options)
    assert found.numblocks == (1, 5, 4, 1)
    check(found, sepconv.separable_conv(x, *kernels, **options))


def test_blocks_are_cut_where_the_input_is(rng):
    """At multiples of the stride; none shorter than the halo that a neighbour reads; none without outputs."""
    kernels = np.ones((5, 2, 1), "f"), np.ones((1, 2, 3), "f")
    x = da.zeros((4, 103, 2), chunks=(2, 10, 1), dtype="f")
    assert sepconv.dask.separable_conv(x, *kernels).chunks == ((2, 2), (10,) * 9 + (9,), (3,))
    assert sepconv.dask.separable_conv(x, *kernels, padding="same").chunks == ((2, 2), (10,) * 10 + (3,), (3,))
    assert sepconv.dask.separable_conv(x, *kernels, 4, "same").chunks == ((2, 2), (3, 2) * 5 + (1,), (3,))
    assert sepconv.dask.depthwise_conv(x, kernels[0], dilation_rate=8).chunks == ((2, 2), (40, 31), (2,))


def test_nothing_is_computed_early(rng):
    def refuse(block):
        raise AssertionError("computed")

    x = da.zeros((1, 30, 30, 2), chunks=10, dtype="f").map_blocks(refuse, dtype="f", meta=np.empty((0,) * 4, "f"))
    before = sepconv.run_count()
    found = sepconv.dask.separable_conv(x, np.ones((3, 3, 2, 1), "f"), np.ones((1, 1, 2, 3), "f"))
    assert sepconv.run_count() == before and found.shape == (1, 28, 28, 3)
    with pytest.raises(AssertionError, match="computed"):
        found.compute(scheduler="synchronous")


def test_several_in_one_graph(rng):
    """One after the other, and side by side with other kernels: none is taken for another."""
    x = rng.standard_normal((1, 40, 30, 4)).astype("f")
    lazy = da.from_array(x, chunks=(1, 10, 10, 4))
    kernels = [rng.standard_normal((3, 3, 4, 1)).astype("f") for _ in range(2)]
    found = [sepconv.dask.depthwise_conv(lazy, kernel, padding="same") for kernel in kernels]
    found.append(sepconv.dask.depthwise_conv(found[0], kernels[1], padding="same"))
    assert len({array.name for array in found}) == 3
    assert sepconv.dask.depthwise_conv(lazy, kernels[0], padding="same").name == found[0].name, "what is the same, once"
    first, second, third = da.compute(*found, scheduler="synchronous")
    for computed, kernel in ((first, kernels[0]), (second, kernels[1])):
        np.testing.assert_array_equal(computed, sepconv.depthwise_conv(x, kernel, padding="same"))
    np.testing.assert_array_equal(third, sepconv.depthwise_conv(first, kernels[1], padding="same"))


def test_two_workers(rng):
    distributed = pytest.importorskip("distributed")
    x, kernels, arguments = problem(rng, 2, "channels_last")
    x = np.tile(x, (1, 4, 4, 1))
    expected = sepconv.separable_conv(x, *kernels, *arguments)
    found = sepconv.dask.separable_conv(da.from_array(x, chunks=(1, 12, 12, -1)), *kernels, *arguments)
    assert found.npartitions >= 8
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        before = client.run(sepconv.run_count)
        assert found.compute().tobytes() == expected.tobytes()
        runs = [count - before[worker] for worker, count in client.run(sepconv.run_count).items()]
        assert len(runs) == 2 and min(runs) > 0 and sum(runs) >= found.npartitions


def test_the_page_says_what_works(tmp_path, monkeypatch, rng):
    """The code of docs/dask.md, with an array in place of the files."""
    xr = pytest.importorskip("xarray")
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "dask.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    x = rng.standard_normal((3, 40, 30, 4)).astype("f")
    kernels = rng.standard_normal((3, 3, 4, 1)).astype("f"), rng.standard_normal((1, 1, 4, 6)).astype("f")
    written = []
    monkeypatch.setattr(da, "from_zarr", lambda name: da.from_array(x, chunks=(1, 10, 10, 4)))
    monkeypatch.setattr(da.Array, "to_zarr", lambda self, name: written.append(self.compute()))
    names = dict(zip(("depthwise_kernel", "pointwise_kernel"), kernels, strict=True))
    names["sky"] = xr.DataArray(da.from_array(x, chunks=12), dims=("n", "y", "x", "c"))
    for block in blocks:
        exec(block, names)  # noqa: S102 (of our own page)
    assert len(blocks) == 2
    np.testing.assert_array_equal(written[0], sepconv.separable_conv(x, *kernels, 2, "same"))
    np.testing.assert_array_equal(names["filtered"], sepconv.separable_conv(x, *kernels, 1, "same"))


@pytest.mark.parametrize("chunks", [None, 5])
def test_xarray(chunks, rng):
    xr = pytest.importorskip("xarray")
    values = rng.standard_normal((2, 11, 9, 4)).astype("f")
    kernels = rng.standard_normal((3, 3, 4, 1)).astype("f"), rng.standard_normal((1, 1, 4, 6)).astype("f")
    coordinates = {"time": [10, 20], "y": np.arange(11) * 0.5, "x": np.arange(9) - 4, "band": list("rgbn"), "scene": 7}
    dims = ("time", "y", "x", "band")
    x = xr.DataArray(
        values if chunks is None else da.from_array(values, chunks=chunks), coordinates, dims, "sky", {"u": 1}
    )
    for arguments, y_at, x_at in [
        ({"padding": "same"}, slice(None), slice(None)),
        ({"padding": "valid"}, slice(1, -1), slice(1, -1)),
        ({"padding": "valid", "strides": (3, 2)}, slice(1, 10, 3), slice(1, 8, 2)),
        ({"padding": [(2, 2), (0, 0)]}, None, slice(1, -1)),  # outputs whose middle is beside the image
    ]:
        found = sepconv.dask.separable_conv(x, *kernels, **arguments)
        assert (
            isinstance(found, xr.DataArray) and found.dims == dims and found.name == "sky" and found.attrs == {"u": 1}
        )
        assert isinstance(found.data, np.ndarray if chunks is None else da.Array)
        assert found.values.tobytes() == sepconv.separable_conv(values, *kernels, **arguments).tobytes()
        assert set(found.coords) == {"time", "x", "scene"} | ({"y"} if y_at is not None else set())
        np.testing.assert_array_equal(found.x, x.x[x_at])
        if y_at is not None:
            np.testing.assert_array_equal(found.y, x.y[y_at])


def test_what_is_wrong_is_named(rng):
    x = da.zeros((1, 9, 9, 2), chunks=4, dtype="f")
    dw, pw = np.ones((3, 3, 2, 1), "f"), np.ones((1, 1, 2, 3), "f")
    call = sepconv.dask.separable_conv
    with pytest.raises(
        TypeError, match=r"inputs must be a Dask array or an xarray.DataArray, received <class 'numpy.nda"
    ):
        call(x.compute(), dw, pw)
    with pytest.raises(TypeError, match="depthwise_kernel must be a NumPy array, received <class 'dask"):
        call(x, da.from_array(dw), pw)
    with pytest.raises(TypeError, match="depthwise_kernel must be a NumPy array, received None"):
        call(x, None, pw)
    with pytest.raises(ValueError, match="must have the same dtype: received float32, but pointwise_kernel is float64"):
        call(x, dw, pw.astype("d"))
    with pytest.raises(ValueError, match="blocks of unknown size"):
        call(x[x[:, 0, 0, 0] > 0], dw, pw)
    with pytest.raises(ValueError, match="Computed output size would be zero or negative"):
        call(x, np.ones((10, 3, 2, 1), "f"), pw)
    with pytest.raises(ValueError, match="number of input channels must match"):
        call(x, np.ones((3, 3, 4, 1), "f"), np.ones((1, 1, 4, 3), "f"))
    with pytest.raises(ValueError, match='dtype must be .* received "int64"'):
        call(x.astype("int64"), dw.astype("int64"), pw.astype("int64"))
