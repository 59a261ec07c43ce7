"""TensorFlow: custom operations, compiled against the TensorFlow that is installed when they are first needed.

Their binary goes to the folder `sepconv` in `XDG_CACHE_HOME` (`~/.cache`), or to `SEPCONV_CACHE`. Where it cannot be
compiled, a warning says why, and calls go through `tf.numpy_function` instead: they work in a `tf.function`, too, but
cost some ten microseconds more and cannot be saved in a SavedModel. `SEPCONV_TENSORFLOW_OP=0` chooses that way.

XLA (`jit_compile=True`) cannot call either of them, so what it compiles is computed by TensorFlow's own operations; so
is what runs on a GPU.
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops as tf_ops
from tensorflow.python.ops import control_flow_util

from .. import _arrays, _native
from .._geometry import Geometry, geometry, output_shape, pads
from .._registry import layer_of
from ._layers import layer_reference, shape_after, through
from ._tensorflow_library import operations


def readable(tensor: Any) -> Any:
    return tensor.numpy()


def _own_operations() -> bool:
    """Whether TensorFlow has to compute this itself: for XLA, and where there are GPUs."""
    return control_flow_util.GraphOrParentsInXlaContext(tf_ops.get_default_graph()) or bool(
        tf.config.get_visible_devices("GPU")
    )


def _reference(g: Geometry, inputs, depthwise_kernel, pointwise_kernel, between=lambda x: x):
    """The same in TensorFlow's own operations, for any strides and dilations: a strided slice for every tap."""
    rank = inputs.shape.rank - 2
    x = tf.transpose(inputs, [0, *range(2, rank + 2), 1]) if g.first else inputs
    if depthwise_kernel is None:
        x = x[(slice(None), *(slice(None, None, s) for s in g.strides))]
    else:
        extents = [n if n is not None else tf.shape(x)[axis + 1] for axis, n in enumerate(x.shape[1:-1])]
        pairs = pads(g, extents, tf.maximum if None in x.shape[1:-1] else max)
        x = tf.pad(x, [(0, 0), *pairs, (0, 0)])
        outs = [
            (n + before + after - (k - 1) * d - 1) // s + 1
            for n, (before, after), k, s, d in zip(extents, pairs, g.kernel, g.strides, g.dilation_rate, strict=True)
        ]
        channels, multiplier = depthwise_kernel.shape[-2:]
        kernel = tf.reshape(depthwise_kernel, [-1, channels, multiplier])
        total = None
        for index, tap in enumerate(itertools.product(*map(range, g.kernel))):
            window = tuple(
                slice(t * d, t * d + (n - 1) * s + 1, s)
                for t, d, n, s in zip(tap, g.dilation_rate, outs, g.strides, strict=True)
            )
            term = x[(slice(None), *window)][..., None] * kernel[index]
            total = term if total is None else total + term
        x = tf.reshape(total, tf.concat([tf.shape(total)[:-2], [channels * multiplier]], 0))
        x = between(x)
    if pointwise_kernel is not None:
        x = tf.tensordot(x, tf.reshape(pointwise_kernel, pointwise_kernel.shape[-2:]), 1)
    return tf.transpose(x, [0, rank + 1, *range(1, rank + 1)]) if g.first else x


def _derivatives(reference: Callable, given: Any, upstream: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(given)
        output = reference(*given)
    return tape.gradient(output, given, upstream)


def _with_gradient(run: Callable, reference: Callable, tensors: list[Any]) -> Any:
    """run(*tensors), with the derivatives of reference."""

    @tf.custom_gradient
    def both(*given):
        return run(*given), lambda upstream: _derivatives(reference, given, upstream)

    return both(*tensors)


def _through_numpy(call: Callable, shape: list[int | None], *tensors: Any) -> Any:
    dtype = tensors[0].dtype

    def run(*arrays):
        result = call(*arrays)
        return _arrays.like(result, arrays[0])

    output = tf.numpy_function(run, tensors, dtype, stateful=False)
    output.set_shape(shape)
    return output


def _demand_dtype(inputs: Any, dtype: str, what: str) -> None:
    if inputs.dtype.name != dtype:
        raise ValueError(f"all tensors must have the same dtype: received {inputs.dtype.name}, {what} {dtype}")


def conv(
    inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, *attributes: Any, reference: Callable | None = None
) -> Any:
    """`reference`, of the three tensors, computes the derivatives; by default TensorFlow's operations, tap by tap."""
    inputs = tf.convert_to_tensor(inputs)
    kernels = [tf.convert_to_tensor(k) for k in (depthwise_kernel, pointwise_kernel) if k is not None]
    for kernel in kernels:
        _demand_dtype(inputs, kernel.dtype.name, "a kernel has")
    shape, *kernel_shapes = (t.shape.as_list() for t in (inputs, *kernels))
    shapes = (*kernel_shapes, None)[:2]
    g = geometry(*shapes, *attributes)
    if None not in shape:  # errors now, and of the right class
        _native.ShapedCall(shape, *shapes, inputs.dtype.name, *g.arguments).output_shape()

    def own(x, depthwise, pointwise=None):
        return _reference(g, x, depthwise, pointwise) if reference is None else reference(x, depthwise, pointwise)

    def call(x, depthwise, pointwise=None):
        return _native.conv(x, depthwise, pointwise, *g.arguments)

    def run(x, depthwise, *pointwise):
        compiled = operations()
        if compiled is None:
            return _through_numpy(call, output_shape(g, shape), x, depthwise, *pointwise)
        names = ("strides", "padding", "pads", "data_format", "dilation_rate")
        return compiled.sepconv_conv(
            inputs=x,
            depthwise_kernel=depthwise,
            pointwise_kernel=list(pointwise),
            **dict(zip(names, g.attributes, strict=True)),
        )

    tensors = [inputs, *kernels]
    return own(*tensors) if _own_operations() else _with_gradient(run, own, tensors)


def _layer_reference(layer: Any, inputs, residual):
    tensor = lambda w: tf.cast(w, inputs.dtype)
    return layer_reference(layer, inputs, residual, _reference, tensor, tf)


# Of the compiled operation by itself: around each layer of a network, tf.custom_gradient's own operations would take time.
@tf.RegisterGradient("SepconvLayer")
def _layer_gradient(operation: Any, upstream: Any) -> list[Any]:
    layer = layer_of(operation.get_attr("layer"))
    return _derivatives(functools.partial(_own_layer, layer), list(operation.inputs), upstream)


def _own_layer(layer: Any, inputs: Any, residual: Any = None) -> Any:
    return through(layer, _layer_reference, inputs, residual)


def run_layer(layer: Any, inputs: Any, residual: Any) -> Any:
    inputs = tf.convert_to_tensor(inputs)
    _demand_dtype(inputs, layer.dtype, "the layer has")
    tensors = [inputs] if residual is None else [inputs, tf.convert_to_tensor(residual)]
    number, shape = layer.number, inputs.shape.as_list()
    if None not in shape:
        layer.output_shape(shape)

    def own(*given):
        return _own_layer(layer_of(number), *given)

    def call(x, added=None):
        return layer_of(number)._layer.run(x, added, None)

    def through_numpy(*given):
        return _through_numpy(call, shape_after(layer, shape), *given)

    if _own_operations():
        return own(*tensors)
    compiled = operations()
    if compiled is None:
        return _with_gradient(through_numpy, own, tensors)
    data_format = layer.layers[0].geometry.data_format
    return compiled.sepconv_layer(inputs=tensors[0], residual=tensors[1:], layer=number, data_format=data_format)
