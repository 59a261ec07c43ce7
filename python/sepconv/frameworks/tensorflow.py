"""TensorFlow: custom operations, compiled against the TensorFlow that is installed when they are first needed.

Their binary goes to the folder `sepconv` in `XDG_CACHE_HOME` (`~/.cache`), or to `SEPCONV_CACHE`. Where it cannot be
compiled, a warning says why, and calls go through `tf.numpy_function` instead: they work in a `tf.function`, too, but
cost some ten microseconds more and cannot be saved in a SavedModel. `SEPCONV_TENSORFLOW_OP=0` chooses that way.

XLA (`jit_compile=True`) cannot call either of them, so what it compiles is computed by TensorFlow's own operations; so
is what runs on a GPU. That is decided when a function is traced: one that was traced without XLA is refused in one that
XLA compiles.
"""

import functools
import itertools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops as tf_ops
from tensorflow.python.ops import control_flow_util

from .. import _arrays, _native
from .._geometry import Geometry, geometry, native_padding, output_shape, pads
from .._registry import layer_of
from ._layers import check_call, demand_dtype, layer_reference, shape_after, through
from ._tensorflow_library import operations

_ATTRIBUTES = ("strides", "padding", "pads", "data_format", "dilation_rate")
"""Of the operation SepconvConv, in the order of `Geometry.attributes`."""


def readable(tensor: Any) -> Any:
    return tensor.numpy()


def _own_operations(inputs: Any) -> bool:
    """Whether TensorFlow has to compute this itself: for XLA, for tensors on a GPU, and in graphs where there is one, since it is
    TensorFlow that places their operations."""
    if control_flow_util.GraphOrParentsInXlaContext(tf_ops.get_default_graph()):
        return True
    if tf.executing_eagerly():
        return "GPU" in inputs.device
    return bool(tf.config.get_visible_devices("GPU"))


def _reference(g: Geometry, inputs, depthwise_kernel, pointwise_kernel, between=lambda x: x):
    """The same in TensorFlow's own operations."""
    rank = len(g.kernel)
    inputs = tf.ensure_shape(inputs, [None] * (rank + 2))
    x = tf.transpose(inputs, [0, *range(2, rank + 2), 1]) if g.first else inputs
    if depthwise_kernel is None:
        x = x[(slice(None), *(slice(None, None, s) for s in g.strides))]
    else:
        extents = [n if n is not None else tf.shape(x)[axis + 1] for axis, n in enumerate(x.shape[1:-1])]
        pairs = pads(g, extents, tf.maximum if None in x.shape[1:-1] else max)
        x = between(_depthwise(g, tf.pad(x, [(0, 0), *pairs, (0, 0)]), depthwise_kernel))
    if pointwise_kernel is not None:
        x = tf.tensordot(x, tf.reshape(pointwise_kernel, pointwise_kernel.shape[-2:]), 1)
    return tf.transpose(x, [0, rank + 1, *range(1, rank + 1)]) if g.first else x


def _depthwise(g: Geometry, x, kernel):
    """Of an input with its padding, channels last."""
    same_strides, dilated = len(set(g.strides)) == 1, set(g.dilation_rate) != {1}
    if len(g.kernel) == 1 and not (dilated and g.strides != (1,)):
        x, kernel = x[:, None], kernel[None]
        y = tf.nn.depthwise_conv2d(x, kernel, [1, *g.strides * 2, 1], "VALID", dilations=[1, *g.dilation_rate])
        return y[:, 0]
    if len(g.kernel) == 2 and same_strides and not (dilated and g.strides != (1, 1)):
        return tf.nn.depthwise_conv2d(x, kernel, [1, *g.strides, 1], "VALID", dilations=g.dilation_rate)
    # What TensorFlow has no operation for: a strided slice for every tap.
    extents = [n if n is not None else tf.shape(x)[axis + 1] for axis, n in enumerate(x.shape[1:-1])]
    axes = list(zip(extents, g.kernel, g.strides, g.dilation_rate, strict=True))
    outs = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in axes]
    channels, multiplier = kernel.shape[-2:]
    taps = tf.reshape(kernel, [-1, channels, multiplier])
    total = None
    for index, tap in enumerate(itertools.product(*map(range, g.kernel))):
        window = tuple(
            slice(t * d, t * d + (n - 1) * s + 1, s) for t, n, (_, _, s, d) in zip(tap, outs, axes, strict=True)
        )
        term = x[(slice(None), *window)][..., None] * taps[index]
        total = term if total is None else total + term
    return tf.reshape(total, tf.concat([tf.shape(total)[:-2], [channels * multiplier]], 0))


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


def _through_numpy(call: Callable, shape: list[int | None] | None, *tensors: Any) -> Any:
    dtype = tensors[0].dtype

    def run(*arrays):
        result = call(*arrays)
        return _arrays.like(result, arrays[0])

    output = tf.numpy_function(run, tensors, dtype, stateful=False)
    if shape is not None:
        output.set_shape(shape)
    return output


def _shape_of(tensor: Any) -> list[int | None] | None:
    """None if not even the rank is known."""
    return None if tensor.shape.rank is None else tensor.shape.as_list()


def _is_known(shape: list[int | None] | None) -> bool:
    return shape is not None and None not in shape


def conv(
    inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, *attributes: Any, reference: Callable | None = None
) -> Any:
    """`reference`, of the three tensors, computes where XLA or a GPU does; by default TensorFlow's own operations."""
    inputs = tf.convert_to_tensor(inputs)
    kernels = [tf.convert_to_tensor(k) for k in (depthwise_kernel, pointwise_kernel) if k is not None]
    for argument, kernel in zip(("depthwise_kernel", "pointwise_kernel"), kernels, strict=False):
        demand_dtype(argument, kernel.dtype.name, inputs.dtype.name)
    if not all(kernel.shape.is_fully_defined() for kernel in kernels):
        raise ValueError(f"kernels must have known shapes, received {[kernel.shape for kernel in kernels]}")
    shape, shapes = _shape_of(inputs), (*(kernel.shape.as_list() for kernel in kernels), None)[:2]
    g = geometry(*shapes, *attributes)
    if _is_known(shape):  # errors now, and of the right class
        _native.ShapedCall(shape, *shapes, inputs.dtype.name, *g.arguments).output_shape()

    def own(x, depthwise, pointwise=None):
        return _reference(g, x, depthwise, pointwise) if reference is None else reference(x, depthwise, pointwise)

    def call(x, depthwise, pointwise=None):
        return _native.conv(x, depthwise, pointwise, *g.arguments)

    def run(x, depthwise, *pointwise):
        compiled = operations()
        if compiled is None:
            result_shape = None if shape is None else output_shape(g, shape)
            return _through_numpy(call, result_shape, x, depthwise, *pointwise)
        return compiled.sepconv_conv(
            inputs=x,
            depthwise_kernel=depthwise,
            pointwise_kernel=list(pointwise),
            **dict(zip(_ATTRIBUTES, g.attributes, strict=True)),
        )

    tensors = [inputs, *kernels]
    if _own_operations(inputs):
        return own(*tensors)
    return _with_gradient(run, own, tensors) if operations() is None else run(*tensors)


# Of the compiled operations by themselves: tf.custom_gradient's own operations, around each of a network, would take time.
@tf.RegisterGradient("SepconvConv")
def _conv_gradient(operation: Any, upstream: Any) -> list[Any]:
    _, depthwise_kernel, *pointwise_kernel = tensors = list(operation.inputs)
    values = (operation.get_attr(name) for name in _ATTRIBUTES)
    strides, padding, pads, data_format, dilation_rate = (v.decode() if isinstance(v, bytes) else v for v in values)
    shapes = (depthwise_kernel.shape, *(k.shape for k in pointwise_kernel), None)[:2]
    g = geometry(*shapes, strides, native_padding(padding, pads), data_format, dilation_rate)

    def reference(x, depthwise, pointwise=None):
        return _reference(g, x, depthwise, pointwise)

    return _derivatives(reference, tensors, upstream)


def _layer_reference(layer: Any, inputs, residual):
    tensor = lambda w: tf.cast(w, inputs.dtype)
    return layer_reference(layer, inputs, residual, _reference, tensor, tf)


@tf.RegisterGradient("SepconvLayer")
def _layer_gradient(operation: Any, upstream: Any) -> list[Any]:
    layer = layer_of(operation.get_attr("layer"))
    states = operation.get_attr("S")
    tensors = operation.inputs[: len(operation.inputs) - states]
    return [*_derivatives(functools.partial(_own_layer, layer), list(tensors), upstream), *[None] * states]


_states: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()


def _state_of(layer: Any) -> list[Any]:
    """What a graph holds of the layer, for the process that loads it once it has been saved; nothing where no graph is made."""
    if tf.executing_eagerly():
        return []
    with tf.init_scope():
        if not tf.executing_eagerly():  # a graph of TensorFlow 1
            return [tf.constant(np.frombuffer(layer.state(), np.uint8))]
        if layer not in _states:
            _states[layer] = tf.constant(np.frombuffer(layer.state(), np.uint8))
        return [_states[layer]]


def _own_layer(layer: Any, inputs: Any, residual: Any = None) -> Any:
    return through(layer, _layer_reference, inputs, residual)


def run_layer(layer: Any, inputs: Any, residual: Any) -> Any:
    inputs = tf.convert_to_tensor(inputs)
    demand_dtype("inputs", inputs.dtype.name, layer.dtype)
    tensors = [inputs] if residual is None else [inputs, tf.convert_to_tensor(residual)]
    number, shape = layer.number, _shape_of(inputs)
    if _is_known(shape):
        known = [tensor for tensor in tensors[1:] if _is_known(_shape_of(tensor))]
        check_call(layer, inputs, *(known or [None]), tensors[-1].dtype.name)

    def own(*given):
        return _own_layer(layer_of(number), *given)

    def call(x, added=None):
        return layer_of(number)._layer.run(x, added, None)

    def through_numpy(*given):
        return _through_numpy(call, None if shape is None else shape_after(layer, shape), *given)

    if _own_operations(inputs):
        return own(*tensors)
    compiled = operations()
    if compiled is None:
        return _with_gradient(through_numpy, own, tensors)
    return compiled.sepconv_layer(inputs=tensors[0], residual=tensors[1:], state=_state_of(layer), layer=number)
