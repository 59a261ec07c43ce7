"""Layers, and chains of them, in a framework's own operations, and the shapes of what they give."""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from sepconv_layers import activations

from .._geometry import output_shape


def shape_after(runnable: Any, shape: Sequence[Any]) -> list[Any]:
    """The shape of a layer's or a chain's output; extents may be symbols, or `None` where they are not known."""
    for layer in runnable.layers:
        shape = output_shape(layer.geometry, shape)
    return list(shape)


def demand_dtype(argument: str, dtype: str, wanted: str) -> None:
    """Raises ValueError, in the words of the compiled module."""
    if dtype != wanted:
        raise ValueError(f"all tensors must have the same dtype: received {wanted}, but {argument} is {dtype}")


def check_call(runnable: Any, inputs: Any, residual: Any, residual_dtype: str | None) -> None:
    """What the compiled module says of a call, for one that a framework computes by itself.

    Raises:
        ValueError: the inputs do not fit, or the residual has not the shape and the dtype of the output.
    """
    shape = tuple(runnable.output_shape(tuple(inputs.shape)))
    if residual is None:
        return
    if runnable.layers[-1].depthwise_only:
        raise ValueError("residual is given, but the layer has no pointwise stage to add it to")
    demand_dtype("residual", str(residual_dtype), runnable.dtype)
    if tuple(residual.shape) != shape:
        raise ValueError(f"residual must have the shape of the output, {shape}, received shape {tuple(residual.shape)}")


def layer_reference(
    layer: Any,
    inputs: Any,
    residual: Any,
    reference: Callable[..., Any],
    tensor: Callable[[np.ndarray], Any],
    framework: ModuleType,
    middle_first: bool = False,
) -> Any:
    """A layer in a framework's own operations.

    Args:
        reference: the framework's convolution, `(geometry, inputs, depthwise_kernel, pointwise_kernel, between)`.
        tensor: makes a weight the framework's, in the dtype of the inputs.
        framework: its module, for the activations.
        middle_first: `between` sees its tensor with channels first, whatever the layer's data format.
    """
    g = layer.geometry
    depthwise_kernel, pointwise_kernel, mid_bias, out_bias = layer.weights()
    before, middle, after = (activations.function(a, framework) for a in layer.activations)

    def add(x, bias, channels_first):
        if bias is None:
            return x
        return x + tensor(bias.reshape(-1, *(1,) * len(g.strides)) if channels_first else bias)

    kernels = [None if k is None else tensor(k) for k in (depthwise_kernel, pointwise_kernel)]
    y = reference(g, before(inputs), *kernels, lambda x: middle(add(x, mid_bias, middle_first)))
    y = add(y, out_bias, g.first)
    return after(y if residual is None else y + residual)


def through(runnable: Any, run: Callable[[Any, Any, Any], Any], inputs: Any, residual: Any) -> Any:
    """`run(layer, inputs, residual)` for one layer after another; the residual is the last one's."""
    *before, last = runnable.layers
    for layer in before:
        inputs = run(layer, inputs, None)
    return run(last, inputs, residual)
