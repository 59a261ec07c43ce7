"""Arguments in one form, and shapes: what a framework's graph needs before there are values."""

import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sepconv_layers import axis_padding

from . import _native

_PADDINGS = tuple(word for word in _native.paddings if word != "explicit")


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


_PADDING_CHOICES = f"{_quoted(_PADDINGS)} or a sequence with a pair (before, after) for each spatial axis"


class Geometry(NamedTuple):
    """What a convolution is, but for the extents of its input."""

    kernel: tuple[int, ...]
    """Taps along each spatial axis."""
    channels: int
    """Output channels."""
    strides: tuple[int, ...]
    padding: str
    """A word of `sepconv_padding_name`."""
    pads: tuple[int, ...]
    """Of explicit padding: before and after the first axis, before and after the second, and so on."""
    data_format: str
    dilation_rate: tuple[int, ...]

    @property
    def first(self) -> bool:
        return self.data_format == "channels_first"

    @property
    def attributes(self) -> tuple[Any, ...]:
        """As graphs carry them: strides, padding as a word, pads, data_format, dilation_rate."""
        return self.strides, self.padding, self.pads, self.data_format, self.dilation_rate

    @property
    def arguments(self) -> tuple[Any, ...]:
        """As `sepconv.separable_conv` takes them: strides, padding, data_format, dilation_rate."""
        return self.strides, native_padding(self.padding, self.pads), self.data_format, self.dilation_rate


def native_padding(padding: str, pads: Sequence[int]) -> str | list[tuple[int, int]]:
    """The padding as `sepconv.separable_conv` takes it."""
    return padding if padding != "explicit" else list(zip(pads[::2], pads[1::2], strict=True))


def shape_or_none(tensor: Any) -> Any:
    return None if tensor is None else tensor.shape


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
        if padding not in _PADDINGS:
            raise ValueError(f'padding must be {_PADDING_CHOICES}, received "{padding}"')
    else:
        try:
            pairs = [tuple(map(operator.index, pair)) for pair in padding]
        except TypeError:
            pairs = []
        if not pairs or any(len(pair) != 2 for pair in pairs):
            raise ValueError(f"padding must be {_PADDING_CHOICES}, received {padding!r}")
        if len(pairs) != rank:
            raise ValueError(
                f"padding must have a pair (before, after) for each of the {rank} spatial axes, received {len(pairs)}"
            )
        pads, padding = tuple(pad for pair in pairs for pad in pair), "explicit"
    return Geometry(
        (1,) * rank if depthwise_shape is None else tuple(shape[:rank]),
        pointwise_shape[-1] if pointwise_shape is not None else shape[-2] * shape[-1],
        _axes("strides", strides, rank),
        padding,
        pads,
        _data_format(data_format),
        _axes("dilation_rate", dilation_rate, rank),
    )


def pads(g: Geometry, spatial: Sequence[Any], maximum: Callable = max) -> list[tuple[Any, Any]]:
    """Zeros before and after each axis of an input with these extents, which may be symbols with that `maximum`."""
    if g.padding == "explicit":
        return list(zip(g.pads[::2], g.pads[1::2], strict=True))
    axes = zip(spatial, g.kernel, g.strides, g.dilation_rate, strict=True)
    return [axis_padding(g.padding, *axis, maximum) for axis in axes]


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
        pass
    try:
        values = tuple(operator.index(v) for v in value)
    except TypeError:
        raise ValueError(f"{argument} must be an integer or a sequence of integers, received {value!r}") from None
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
        return keras.config.image_data_format() if hasattr(keras, "config") else "channels_last"
    if not isinstance(value, str):
        raise ValueError(f"data_format must be {_quoted(_native.data_formats)} or None, received {value!r}")
    if value.lower() not in _native.data_formats:
        raise ValueError(f'data_format must be one of {_quoted(_native.data_formats)}, received "{value}"')
    return value.lower()
