"""The operation on Dask arrays: larger than memory, over many processes or machines.

    y = sepconv.dask.separable_conv(x, depthwise_kernel, pointwise_kernel, padding="same")

Each block is computed with the samples around it that its outputs read (`dask.array.map_overlap`), by the variant that would
compute the whole array, so that the result has the bits of `sepconv.separable_conv`, however it is cut.
"""

import itertools
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import dask
import dask.array
import numpy as np

from . import _arrays, _native, _ops
from ._geometry import Geometry, geometry, pads, shape_or_none
from ._types import Axes, Padding


def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Axes = 1,
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Axes = 1,
) -> Any:
    """`sepconv.separable_conv` of a Dask array, block by block; nothing is computed before the result is.

    A spatial axis is cut near the cuts of `inputs`: at multiples of the stride, into blocks that are no shorter than what
    their neighbours read of them. The channels become one block.

    Args:
        inputs: a Dask array of shape `(batch, spatial..., channels)`, or `(batch, channels, spatial...)`; or an
            `xarray.DataArray` with these axes, whatever their names.
        depthwise_kernel, pointwise_kernel: NumPy arrays.
        strides, padding, data_format, dilation_rate: as in `sepconv.separable_conv`.

    Returns:
        A Dask array; for a `DataArray` one of the same dimensions, name and attributes. It keeps the coordinates of the
        batch, and along a spatial axis those of the samples in the middle of what each output reads, where there are such;
        the others are left out, also those of channels, which are others now.

    Raises:
        ValueError: as `sepconv.separable_conv`; blocks of unknown size.
        TypeError: `inputs` is neither of the two; a kernel is not in memory.
        NotImplementedError, when it is computed: a worker cannot run the variant that was chosen here. Where machines
            differ, `SEPCONV_TARGETS` restricts the choice to what all of them have.
    """
    arguments = strides, padding, data_format, dilation_rate
    xarray = sys.modules.get("xarray")
    if xarray is not None and isinstance(inputs, xarray.DataArray):
        return _labelled(inputs, depthwise_kernel, pointwise_kernel, arguments)
    if not isinstance(inputs, dask.array.Array):
        raise TypeError(
            f"inputs must be a Dask array or an xarray.DataArray, received {type(inputs)}; sepconv.separable_conv takes others"
        )
    return _convolve(inputs, depthwise_kernel, pointwise_kernel, arguments)


def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Axes = 1,
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Axes = 1,
) -> Any:
    """`sepconv.depthwise_conv` of a Dask array, in the same way.

    Args:
        inputs: as in `separable_conv`.
        kernel: NumPy array of shape `(kernel..., channels, depth_multiplier)`.
        strides, padding, data_format, dilation_rate: as in `sepconv.separable_conv`.
    """
    return separable_conv(inputs, kernel, None, strides, padding, data_format, dilation_rate)


class _Axis(NamedTuple):
    """How a spatial axis is cut."""

    chunks: tuple[int, ...]
    """Input samples of each block."""
    outputs: tuple[int, ...]
    """Output samples of each block."""
    halo: tuple[int, int]
    """Samples that a block reads of the one before it, and of the one behind it."""
    pads: tuple[int, int]
    """Zeros before the first block, and behind the last one."""


def _cut(chunks: Sequence[int], outputs: int, reach: int, stride: int, zeros: tuple[int, int]) -> _Axis:
    """Output o belongs to the block with sample o * stride, and reads `reach` samples from o * stride - zeros[0] on."""
    extent = sum(chunks)
    halo = zeros[0], max(reach - 1 - zeros[0], 0)
    shortest = max(*halo, 1)
    cuts = [0]
    for end in itertools.accumulate(chunks[:-1]):
        cut = -(-end // stride) * stride
        if cut - cuts[-1] >= shortest:
            cuts.append(cut)
    while len(cuts) > 1 and (extent - cuts[-1] < shortest or cuts[-1] // stride >= outputs):
        cuts.pop()
    first = [cut // stride for cut in cuts]
    if len(cuts) == 1:
        halo = 0, 0
    return _Axis(tuple(np.diff([*cuts, extent]).tolist()), tuple(np.diff([*first, outputs]).tolist()), halo, zeros)


def _convolve(inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, arguments: tuple[Any, ...]) -> Any:
    if any(np.isnan(extent) for extent in inputs.shape):
        raise ValueError(
            f"inputs has blocks of unknown size, received shape {inputs.shape}: call its compute_chunk_sizes() first"
        )
    depthwise, pointwise = (
        _in_memory(name, kernel, inputs.dtype)
        for name, kernel in (("depthwise_kernel", depthwise_kernel), ("pointwise_kernel", pointwise_kernel))
    )
    if depthwise is None:
        raise TypeError("depthwise_kernel must be a NumPy array, received None")
    shapes = inputs.shape, depthwise.shape, shape_or_none(pointwise)
    whole = _native.ShapedCall(*shapes, inputs.dtype.name, *arguments)
    shape = whole.output_shape()  # checks everything
    own = geometry(depthwise.shape, shape_or_none(pointwise), *arguments)
    spatial = range(2, inputs.ndim) if own.first else range(1, inputs.ndim - 1)
    axes = _axes(own, inputs, shape, spatial)
    channels = 1 if own.first else inputs.ndim - 1
    chunks = {axis: part.chunks for axis, part in zip(spatial, axes, strict=True)}
    result = {axis: part.outputs for axis, part in zip(spatial, axes, strict=True)}
    return dask.array.map_overlap(
        _block,
        inputs.rechunk({channels: -1, **chunks}),
        depth={axis: part.halo for axis, part in zip(spatial, axes, strict=True)},
        boundary="none",
        trim=False,
        allow_rechunk=False,
        chunks=tuple(
            result.get(axis, (shape[channels],) if axis == channels else inputs.chunks[axis])
            for axis in range(inputs.ndim)
        ),
        dtype=inputs.dtype,
        meta=np.empty((0,) * inputs.ndim, inputs.dtype),
        token="separable_conv",
        depthwise_kernel=dask.delayed(depthwise, pure=True),
        pointwise_kernel=None if pointwise is None else dask.delayed(pointwise, pure=True),
        own=own,
        pads=[part.pads for part in axes],
        first_axis=spatial[0],
        variant=whole.variant(),
    )


def _axes(own: Geometry, inputs: Any, shape: Sequence[int], spatial: range) -> list[_Axis]:
    zeros = pads(own, [inputs.shape[axis] for axis in spatial])
    reach = [(kernel - 1) * dilation + 1 for kernel, dilation in zip(own.kernel, own.dilation_rate, strict=True)]
    return [
        _cut(inputs.chunks[axis], shape[axis], reach[i], own.strides[i], zeros[i]) for i, axis in enumerate(spatial)
    ]


def _block(
    block: np.ndarray,
    depthwise_kernel: np.ndarray,
    pointwise_kernel: np.ndarray | None,
    own: Geometry,
    pads: Sequence[tuple[int, int]],
    first_axis: int,
    variant: str,
    block_info: dict[Any, Any],
) -> np.ndarray:
    """The outputs of a block that has its neighbours' samples around it: zeros stand only where there is no neighbour."""
    place = block_info[0]
    spatial = range(first_axis, first_axis + len(pads))
    zeros = [
        (
            before * (place["chunk-location"][axis] == 0),
            after * (place["chunk-location"][axis] + 1 == place["num-chunks"][axis]),
        )
        for axis, (before, after) in zip(spatial, pads, strict=True)
    ]
    arguments = own.strides, zeros, own.data_format, own.dilation_rate
    result = _arrays.like(_native.conv(block, depthwise_kernel, pointwise_kernel, *arguments, variant), block)
    wanted = block_info[None]["chunk-shape"]
    return result if result.shape == wanted else result[tuple(map(slice, wanted))]


def _in_memory(argument: str, kernel: Any, dtype: np.dtype) -> np.ndarray | None:
    if kernel is None:
        return None
    if dask.is_dask_collection(kernel) or not hasattr(kernel, "__array__"):
        raise TypeError(f"{argument} must be a NumPy array, received {type(kernel)}")
    kernel = np.asarray(kernel)
    if kernel.dtype != dtype:
        raise ValueError(f"all tensors must have the same dtype: received {dtype}, but {argument} is {kernel.dtype}")
    return kernel


def _labelled(inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, arguments: tuple[Any, ...]) -> Any:
    """Of an xarray.DataArray, which may hold a Dask array or another."""
    if isinstance(inputs.data, dask.array.Array):
        result = _convolve(inputs.data, depthwise_kernel, pointwise_kernel, arguments)
    else:
        result = _ops.separable_conv(inputs.data, depthwise_kernel, pointwise_kernel, *arguments)
    own = geometry(depthwise_kernel.shape, shape_or_none(pointwise_kernel), *arguments)
    spatial = inputs.dims[2:] if own.first else inputs.dims[1:-1]
    outputs = [result.shape[inputs.dims.index(name)] for name in spatial]
    middles = _middles(own, [inputs.sizes[name] for name in spatial], outputs)
    middle_of = {name: middle for name, middle in zip(spatial, middles, strict=True) if middle is not None}
    coordinates = {}
    for name, coordinate in inputs.coords.items():
        if set(coordinate.dims) <= {inputs.dims[0]}:
            coordinates[name] = coordinate
        elif len(coordinate.dims) == 1 and coordinate.dims[0] in middle_of:
            coordinates[name] = coordinate[middle_of[coordinate.dims[0]]]
    return type(inputs)(result, coordinates, inputs.dims, inputs.name, inputs.attrs)


def _middles(own: Geometry, extents: Sequence[int], outputs: Sequence[int]) -> list[slice | None]:
    """Along each spatial axis the samples in the middle of what the outputs read; None where that is between two samples, or
    beside the image."""
    middles: list[slice | None] = []
    for axis, (before, _) in enumerate(pads(own, extents)):
        reach = (own.kernel[axis] - 1) * own.dilation_rate[axis] + 1
        first = reach // 2 - before
        last = first + (outputs[axis] - 1) * own.strides[axis]
        inside = reach % 2 == 1 and first >= 0 and last < extents[axis]
        middles.append(slice(first, last + 1, own.strides[axis]) if inside else None)
    return middles
