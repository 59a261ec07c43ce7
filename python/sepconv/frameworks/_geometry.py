"""Arguments in one form, and shapes: what a framework's graph needs before there are values."""

import operator
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple


class Geometry(NamedTuple):
    """What a convolution is, but for the extents of its input."""

    kernel: tuple[int, ...]
    """Taps along each spatial axis."""
    channels: int
    """Output channels."""
    strides: tuple[int, ...]
    padding: str
    """`"valid"`, `"same"`, `"causal"` or `"explicit"`."""
    pads: tuple[int, ...]
    """Of explicit padding: before and after the first axis, before and after the second, and so on."""
    data_format: str
    dilation_rate: tuple[int, ...]

    @property
    def first(self) -> bool:
        return self.data_format == "channels_first"

    @property
    def native_padding(self) -> Any:
        """The padding as `sepconv.separable_conv` takes it."""
        if self.padding != "explicit":
            return self.padding
        return list(zip(self.pads[::2], self.pads[1::2], strict=True))


def geometry(
    depthwise_shape: Sequence[int] | None,
    pointwise_shape: Sequence[int] | None,
    strides: Any,
    padding: Any,
    data_format: str | None,
    dilation_rate: Any,
) -> Geometry:
    """Raises ValueError for lists of the wrong length and for unknown words; the rest is checked where it runs."""
    shape = pointwise_shape if depthwise_shape is None else depthwise_shape
    rank = len(shape) - 2
    pads: tuple[int, ...] = ()
    if isinstance(padding, str):
        padding = padding.lower()
        if padding not in ("valid", "same", "causal"):
            raise ValueError(
                f'padding must be "valid", "same", "causal" or pairs (before, after), received "{padding}"'
            )
    else:
        pads = tuple(operator.index(pad) for pair in padding for pad in pair)
        if len(pads) != 2 * rank:
            raise ValueError(
                f"padding must have a pair (before, after) for each of the {rank} axes, received {padding}"
            )
        padding = "explicit"
    return Geometry(
        (1,) * rank if depthwise_shape is None else tuple(shape[:rank]),
        pointwise_shape[-1] if pointwise_shape is not None else shape[-2] * shape[-1],
        _axes("strides", strides, rank),
        padding,
        pads,
        _data_format(data_format),
        _axes("dilation_rate", dilation_rate, rank),
    )


def pads(g: Geometry, spatial: Sequence[int]) -> list[tuple[int, int]]:
    """Zeros before and after each axis of an input with these extents."""
    pairs = []
    for axis, extent in enumerate(spatial):
        reach = (g.kernel[axis] - 1) * g.dilation_rate[axis]
        if g.padding == "explicit":
            pairs.append((g.pads[2 * axis], g.pads[2 * axis + 1]))
        elif g.padding == "causal":
            pairs.append((reach, 0))
        elif g.padding == "same":
            out = -(-extent // g.strides[axis])
            total = max((out - 1) * g.strides[axis] + reach + 1 - extent, 0)
            pairs.append((total // 2, total - total // 2))
        else:
            pairs.append((0, 0))
    return pairs


def output_shape(g: Geometry, shape: Sequence[Any]) -> list[Any]:
    """The output's shape; extents may be symbols, or `None` where they are not known."""
    spatial = shape[2:] if g.first else shape[1:-1]
    extents = []
    for axis, extent in enumerate(spatial):
        reach = (g.kernel[axis] - 1) * g.dilation_rate[axis] + 1
        if extent is None:
            extents.append(None)
        elif g.padding == "same":
            extents.append((extent + g.strides[axis] - 1) // g.strides[axis])
        else:
            zeros = reach - 1 if g.padding == "causal" else sum(g.pads[2 * axis : 2 * axis + 2])
            extents.append((extent + zeros - reach) // g.strides[axis] + 1)
    return [shape[0], g.channels, *extents] if g.first else [shape[0], *extents, g.channels]


def _axes(argument: str, value: Any, rank: int) -> tuple[int, ...]:
    try:
        return (operator.index(value),) * rank
    except TypeError:
        values = tuple(operator.index(v) for v in value)
    if len(values) == 1:
        return values * rank
    if len(values) != rank:
        raise ValueError(
            f"{argument} must be an integer or have one entry for each of the {rank} spatial axes, received {values}"
        )
    return values


def _data_format(value: str | None) -> str:
    if value is None:
        keras = sys.modules.get("keras")
        return keras.config.image_data_format() if keras is not None else "channels_last"
    if value.lower() not in ("channels_last", "channels_first"):
        raise ValueError(f'data_format must be "channels_last" or "channels_first", received "{value}"')
    return value.lower()
