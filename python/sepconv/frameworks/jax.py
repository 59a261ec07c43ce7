"""JAX: calls through XLA's foreign function interface on CPUs; JAX's own operators on other devices."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import _native
from ._geometry import Geometry, geometry, pads
from ._layers import layer_of, layer_reference, through

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "swish": jax.nn.silu,
    "hard_swish": jax.nn.hard_swish,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "gelu": functools.partial(jax.nn.gelu, approximate=True),
}


def readable(array: jax.Array) -> Any:
    return np.asarray(array)


@functools.cache
def _register() -> None:
    for name, handler in _native.jax_handlers().items():
        jax.ffi.register_ffi_target(name, handler, platform="cpu")


def _on_cpu(call: Any, otherwise: Any, *arrays: jax.Array) -> jax.Array:
    """`call` where the computation runs on a CPU, else `otherwise`."""
    _register()
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


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _conv(g: Geometry, inputs, depthwise_kernel, pointwise_kernel):
    tensors = [t for t in (inputs, depthwise_kernel, pointwise_kernel) if t is not None]
    shape = _native.conv_shape(
        inputs.shape,
        depthwise_kernel.shape,
        None if pointwise_kernel is None else pointwise_kernel.shape,
        inputs.dtype.name,
        g.strides,
        g.native_padding,
        g.data_format,
        g.dilation_rate,
    )

    def call(*arrays):
        name = "sepconv_depthwise" if pointwise_kernel is None else "sepconv_conv"
        return jax.ffi.ffi_call(name, jax.ShapeDtypeStruct(shape, inputs.dtype), vmap_method="sequential")(
            *arrays,
            strides=np.array(g.strides, np.int64),
            padding=g.padding,
            pads=np.array(g.pads, np.int64),
            data_format=g.data_format,
            dilation_rate=np.array(g.dilation_rate, np.int64),
        )

    return _on_cpu(call, lambda x, d, p=None: _reference(g, x, d, p), *tensors)


@_conv.defjvp
def _(g, primals, tangents):
    given = [i for i, t in enumerate(primals) if t is not None]

    def own(*tensors):
        return _reference(g, *tensors, *(None for _ in range(3 - len(tensors))))

    tangent = jax.jvp(own, [primals[i] for i in given], [tangents[i] for i in given])[1]
    return _conv(g, *primals), tangent


def conv(
    inputs: jax.Array,
    depthwise_kernel: jax.Array,
    pointwise_kernel: jax.Array | None,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> jax.Array:
    inputs, depthwise_kernel = jnp.asarray(inputs), jnp.asarray(depthwise_kernel)
    pointwise_kernel = None if pointwise_kernel is None else jnp.asarray(pointwise_kernel)
    same_dtype(inputs, depthwise_kernel, pointwise_kernel)
    pointwise = None if pointwise_kernel is None else pointwise_kernel.shape
    g = geometry(depthwise_kernel.shape, pointwise, strides, padding, data_format, dilation_rate)
    return _conv(g, inputs, depthwise_kernel, pointwise_kernel)


def same_dtype(inputs: jax.Array, *weights: jax.Array | None) -> None:
    for weight in weights:
        if weight is not None and weight.dtype != inputs.dtype:
            raise ValueError(f"all tensors must have the same dtype: received {inputs.dtype} and {weight.dtype}")


def _reference_of(number: int, inputs, residual):
    return through(layer_of(number), _layer_reference, inputs, residual)


def _layer_reference(layer: Any, inputs, residual):
    tensor = lambda w: jnp.asarray(w, inputs.dtype)
    return layer_reference(layer, inputs, residual, _reference, tensor, _activation)


def _activation(activation):
    if isinstance(activation, tuple):
        return lambda x: jnp.clip(x, *activation)
    return ACTIVATIONS[activation]


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _layer(number: int, inputs, residual):
    shape = layer_of(number).output_shape(inputs.shape)
    tensors = [inputs] if residual is None else [inputs, residual]

    def call(*arrays):
        name = "sepconv_layer" if residual is None else "sepconv_layer_residual"
        return jax.ffi.ffi_call(name, jax.ShapeDtypeStruct(shape, inputs.dtype), vmap_method="sequential")(
            *arrays, layer=np.int64(number)
        )

    return _on_cpu(call, lambda x, r=None: _reference_of(number, x, r), *tensors)


@_layer.defjvp
def _(number, primals, tangents):
    inputs, residual = primals
    if residual is None:
        tangent = jax.jvp(lambda x: _reference_of(number, x, None), [inputs], [tangents[0]])[1]
    else:
        tangent = jax.jvp(lambda x, r: _reference_of(number, x, r), primals, tangents)[1]
    return _layer(number, inputs, residual), tangent


def run_layer(layer: Any, inputs: jax.Array, residual: jax.Array | None) -> jax.Array:
    if inputs.dtype.name != layer.dtype:
        raise ValueError(f"all tensors must have the same dtype: received {inputs.dtype}, the layer has {layer.dtype}")
    return _layer(layer.number, inputs, residual)
