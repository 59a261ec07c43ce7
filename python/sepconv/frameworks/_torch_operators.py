"""The operators `sepconv::conv` and `sepconv::layer`, which `torch.compile` and `torch.export` know.

They are defined with `torch.library.Library`. `torch.library.custom_op` would import triton, which crashes in a process
that has imported TensorFlow before.
"""

from typing import Any

import torch

from .. import _device, _native
from .._geometry import Geometry, geometry, native_padding, output_shape, shape_or_none
from .._registry import layer_of, restore
from . import _torch_reference
from ._layers import shape_after
from ._torch_device import DeviceTensors

_library = torch.library.Library("sepconv", "DEF")
_tags = (torch.Tag.pt2_compliant_tag,)
_library.define(
    "conv(Tensor inputs, Tensor depthwise_kernel, Tensor? pointwise_kernel, int[] strides, str padding, int[] pads, "
    "str data_format, int[] dilation_rate) -> Tensor",
    tags=_tags,
)
_library.define("layer(Tensor inputs, Tensor? residual, str layer, Tensor? state=None) -> Tensor", tags=_tags)
conv, layer = torch.ops.sepconv.conv.default, torch.ops.sepconv.layer.default


def _implement(name: str, *devices: str) -> Any:
    def register(function: Any) -> Any:
        for device in devices:
            _library.impl(name, function, device)
        return function

    return register


def _wrap(result: Any, like: torch.Tensor) -> torch.Tensor:
    tensor = torch.from_numpy(result)
    return tensor if tensor.dtype == like.dtype else tensor.view(like.dtype)  # NumPy has no bfloat16


def _detached(*tensors: torch.Tensor | None) -> list[torch.Tensor | None]:
    return [None if t is None else t.detach() for t in tensors]


def _channels_adjacent(inputs: torch.Tensor, data_format: str) -> bool:
    """Whether a tensor of channels_first lies in memory as one of channels_last: PyTorch's memory format of that name.
    It is computed so, and the output is of that format, too."""
    return data_format == "channels_first" and inputs.stride(1) == 1 and inputs.stride(-1) != 1


def _empty(inputs: torch.Tensor, shape: Any, data_format: str) -> torch.Tensor:
    if not _channels_adjacent(inputs, data_format):
        return inputs.new_empty(shape)
    batch, channels, *spatial = shape
    return inputs.new_empty([batch, *spatial, channels]).movedim(-1, 1)


def _geometry(depthwise_kernel, pointwise_kernel, strides, padding, pads, data_format, dilation_rate) -> Geometry:
    """Of the arguments as the operator has them."""
    given = native_padding(padding, pads)
    return geometry(depthwise_kernel.shape, shape_or_none(pointwise_kernel), strides, given, data_format, dilation_rate)


@_implement("conv", "CPU")
def _(inputs, depthwise_kernel, pointwise_kernel, strides, padding, pads, data_format, dilation_rate):
    x, *kernels = _detached(inputs, depthwise_kernel, pointwise_kernel)
    adjacent = _channels_adjacent(x, data_format)
    if adjacent:
        x, data_format = x.movedim(1, -1), "channels_last"
    result = _wrap(_native.conv(x, *kernels, strides, native_padding(padding, pads), data_format, dilation_rate), x)
    return result.movedim(-1, 1) if adjacent else result


@_implement("conv", "CUDA")
def _(inputs, depthwise_kernel, pointwise_kernel, strides, padding, pads, data_format, dilation_rate):
    attributes = strides, native_padding(padding, pads), data_format, dilation_rate
    given = _detached(inputs, depthwise_kernel, pointwise_kernel)
    return _device.conv(*given, *attributes, library=DeviceTensors(inputs))


@torch.library.register_fake("sepconv::conv", lib=_library)
def _(inputs, depthwise_kernel, pointwise_kernel, *attributes):
    g = _geometry(depthwise_kernel, pointwise_kernel, *attributes)
    shape = output_shape(g, inputs.shape)
    return _empty(inputs, shape, g.data_format) if inputs.device.type == "cpu" else inputs.new_empty(shape)


def _backward(ctx, gradient):
    def function(x, *kernels):
        return _torch_reference.conv(_geometry(*kernels, *ctx.attributes), x, *kernels)

    return _torch_reference.gradients(ctx, gradient, function)


def _keep(ctx, inputs, output):
    tensors, ctx.attributes = inputs[:3], inputs[3:]
    ctx.save_for_backward(*tensors)


torch.library.register_autograd("sepconv::conv", _backward, setup_context=_keep, lib=_library)


def _restored(layer: str, state: torch.Tensor | None) -> Any:
    number = int(layer)
    return layer_of(number) if state is None else restore(number, lambda: state.detach().cpu().numpy().tobytes())


@_implement("layer", "CPU")
def _(inputs, residual, layer, state=None):
    runnable = _restored(layer, state)
    x, added = _detached(inputs, residual)
    adjacent = _channels_adjacent(x, runnable.layers[0].geometry.data_format)
    if adjacent:
        x, added = x.movedim(1, -1), None if added is None else added.movedim(1, -1)
    result = runnable._layer.run(x, None if added is None else added.contiguous(), None, adjacent)
    return _wrap(result, x).movedim(-1, 1) if adjacent else _wrap(result, x)


@_implement("layer", "CUDA")
def _(inputs, residual, layer, state=None):
    x, added = _detached(inputs, None if residual is None else residual.contiguous())
    return _device.run(_restored(layer, state), x, added, library=DeviceTensors(inputs))


@torch.library.register_fake("sepconv::layer", lib=_library)
def _(inputs, residual, layer, state=None):
    runnable = layer_of(int(layer))
    shape = shape_after(runnable, inputs.shape)
    if inputs.device.type != "cpu":
        return inputs.new_empty(shape)
    return _empty(inputs, shape, runnable.layers[0].geometry.data_format)


def _layer_backward(ctx, gradient):
    layer = layer_of(int(ctx.layer))
    return _torch_reference.gradients(ctx, gradient, lambda *tensors: _torch_reference.run_layer(layer, *tensors))


def _keep_layer(ctx, inputs, output):
    *tensors, ctx.layer, _state = inputs
    ctx.save_for_backward(*tensors)


torch.library.register_autograd("sepconv::layer", _layer_backward, setup_context=_keep_layer, lib=_library)
