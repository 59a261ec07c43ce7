"""JAX: calls through XLA's foreign function interface on CPUs; JAX's own operators on other devices."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import _native
from .._geometry import Geometry, geometry, output_shape, pads, shape_or_none
from .._registry import layer_of
from ._jax_call import call
from ._layers import check_call, demand_dtype, layer_reference, shape_after, through


def readable(array: jax.Array) -> Any:
    return np.asarray(array)


def _on_cpu(call: Any, otherwise: Any, *arrays: jax.Array) -> jax.Array:
    """`call` where the computation runs on a CPU, else `otherwise`."""
    if all(device.platform == "cpu" for device in jax.devices()):
        return call(*arrays)
    return jax.lax.platform_dependent(*arrays, cpu=call, default=otherwise)


def _reference(g: Geometry, inputs, depthwise_kernel, pointwise_kernel, between=lambda x: x):
    """The same in JAX's own operators."""
    x = jnp.moveaxis(inputs, 1, -1) if g.first else inputs
    rank = x.ndim - 2
    spatial = "DHW"[-rank:]
    layout = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")
    if depthwise_kernel is None:
        x = x[(slice(None), *(slice(None, None, s) for s in g.strides))]
    else:
        channels, multiplier = depthwise_kernel.shape[-2:]
        x = between(
            jax.lax.conv_general_dilated(
                x,
                depthwise_kernel.reshape(*g.kernel, 1, channels * multiplier),
                g.strides,
                pads(g, x.shape[1:-1]),
                rhs_dilation=g.dilation_rate,
                dimension_numbers=layout,
                feature_group_count=channels,
            )
        )
    if pointwise_kernel is not None:
        x = jnp.matmul(x, pointwise_kernel.reshape(pointwise_kernel.shape[-2:]))
    return jnp.moveaxis(x, -1, 1) if g.first else x


def _tangent(function: Any, primals: Sequence[Any], tangents: Sequence[Any]) -> jax.Array:
    """JAX's own derivative of a function whose last arguments may be None."""
    given = [i for i, t in enumerate(primals) if t is not None]
    own = lambda *tensors: function(*tensors, *(None for _ in range(len(primals) - len(tensors))))
    return jax.jvp(own, [primals[i] for i in given], [tangents[i] for i in given])[1]


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _conv(g: Geometry, inputs, depthwise_kernel, pointwise_kernel):
    tensors = [t for t in (inputs, depthwise_kernel, pointwise_kernel) if t is not None]
    shapes = inputs.shape, depthwise_kernel.shape, shape_or_none(pointwise_kernel)
    if _known(inputs.shape):  # what is wrong is said now
        _native.ShapedCall(*shapes, inputs.dtype.name, *g.arguments).output_shape()

    def own(*arrays):
        return call(
            "sepconv_conv",
            lambda x, *_: output_shape(g, x.shape),
            [True, *(False for _ in arrays[1:])],
            *arrays,
            strides=np.array(g.strides, np.int64),
            padding=g.padding,
            pads=np.array(g.pads, np.int64),
            data_format=g.data_format,
            dilation_rate=np.array(g.dilation_rate, np.int64),
        )

    return _on_cpu(own, lambda x, d, p=None: _reference(g, x, d, p), *tensors)


def _known(shape: Sequence[Any]) -> bool:
    """Whether no extent is a symbol, as in jax.export."""
    return all(isinstance(extent, int) for extent in shape)


@_conv.defjvp
def _(g, primals, tangents):
    return _conv(g, *primals), _tangent(functools.partial(_reference, g), primals, tangents)


def conv(
    inputs: jax.Array, depthwise_kernel: jax.Array, pointwise_kernel: jax.Array | None, *attributes: Any
) -> jax.Array:
    inputs, depthwise_kernel = jnp.asarray(inputs), jnp.asarray(depthwise_kernel)
    pointwise_kernel = None if pointwise_kernel is None else jnp.asarray(pointwise_kernel)
    for argument, kernel in (("depthwise_kernel", depthwise_kernel), ("pointwise_kernel", pointwise_kernel)):
        if kernel is not None:
            demand_dtype(argument, kernel.dtype.name, inputs.dtype.name)
    g = geometry(depthwise_kernel.shape, shape_or_none(pointwise_kernel), *attributes)
    return _conv(g, inputs, depthwise_kernel, pointwise_kernel)


def _reference_of(number: int, inputs, residual):
    return through(layer_of(number), _layer_reference, inputs, residual)


def _layer_reference(layer: Any, inputs, residual):
    tensor = lambda w: jnp.asarray(w, inputs.dtype)
    return layer_reference(layer, inputs, residual, _reference, tensor, jax)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _layer(number: int, inputs, residual):
    layer = layer_of(number)
    if _known(inputs.shape):
        check_call(layer, inputs, residual, None if residual is None else residual.dtype.name)
    tensors = [inputs] if residual is None else [inputs, residual]

    def own(*arrays):
        shape = lambda x, *_: shape_after(layer, x.shape)
        return call("sepconv_layer", shape, [True for _ in arrays], *arrays, layer=np.int64(number))

    return _on_cpu(own, lambda x, r=None: _reference_of(number, x, r), *tensors)


@_layer.defjvp
def _(number, primals, tangents):
    return _layer(number, *primals), _tangent(functools.partial(_reference_of, number), primals, tangents)


def run_layer(layer: Any, inputs: jax.Array, residual: jax.Array | None) -> jax.Array:
    demand_dtype("inputs", inputs.dtype.name, layer.dtype)
    return _layer(layer.number, inputs, residual)
