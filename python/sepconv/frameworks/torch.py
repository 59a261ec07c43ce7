"""PyTorch: custom operators of `torch.library`, which `torch.compile` and `torch.export` know."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from .. import _device, _native
from .._geometry import Geometry, geometry, native_padding, output_shape, pads, shape_or_none
from .._registry import layer_of
from ._layers import layer_reference, shape_after, through


def readable(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().cpu()


class _DeviceTensors:
    """What sepconv._device asks of PyTorch for tensors on a GPU."""

    def __init__(self, like: torch.Tensor) -> None:
        self._device, self._dtype = like.device, like.dtype

    def current(self) -> Any:
        return torch.cuda.device(self._device)

    def stream(self) -> int:
        return torch.cuda.current_stream(self._device).cuda_stream or 1  # DLPack's number of the default stream

    def empty(self, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.empty(shape, dtype=self._dtype, device=self._device)

    def bytes(self, count: int) -> torch.Tensor:
        return torch.empty(count, dtype=torch.uint8, device=self._device)

    def upload(self, host: Any) -> torch.Tensor:
        return torch.from_numpy(host).to(self._device)

    def host(self, tensor: torch.Tensor) -> torch.Tensor:
        return readable(tensor)


def _computes(inputs: torch.Tensor, depthwise_only: bool) -> bool:
    """Whether sepconv computes there; elsewhere PyTorch's own operators do."""
    if inputs.device.type == "cpu":
        return True
    is_cuda = inputs.device.type == "cuda" and torch.version.cuda is not None
    return is_cuda and _device.has_variants and not depthwise_only and inputs.dtype != torch.float64


def _wrap(result: Any, like: torch.Tensor) -> torch.Tensor:
    tensor = torch.from_numpy(result)
    return tensor if tensor.dtype == like.dtype else tensor.view(like.dtype)  # NumPy has no bfloat16


def _geometry(depthwise_kernel, pointwise_kernel, strides, padding, pads, data_format, dilation_rate) -> Geometry:
    """Of the arguments as the operator has them."""
    given = native_padding(padding, pads)
    return geometry(depthwise_kernel.shape, shape_or_none(pointwise_kernel), strides, given, data_format, dilation_rate)


def _detached(*tensors: torch.Tensor | None) -> list[torch.Tensor | None]:
    return [None if t is None else t.detach() for t in tensors]


@torch.library.custom_op("sepconv::conv", mutates_args=(), device_types="cpu")
def _conv(
    inputs: torch.Tensor,
    depthwise_kernel: torch.Tensor,
    pointwise_kernel: torch.Tensor | None,
    strides: Sequence[int],
    padding: str,
    pads: Sequence[int],
    data_format: str,
    dilation_rate: Sequence[int],
) -> torch.Tensor:
    attributes = strides, native_padding(padding, pads), data_format, dilation_rate
    return _wrap(_native.conv(*_detached(inputs, depthwise_kernel, pointwise_kernel), *attributes), inputs)


@_conv.register_kernel("cuda")
def _(inputs, depthwise_kernel, pointwise_kernel, strides, padding, pads, data_format, dilation_rate):
    attributes = strides, native_padding(padding, pads), data_format, dilation_rate
    given = _detached(inputs, depthwise_kernel, pointwise_kernel)
    return _device.conv(*given, *attributes, library=_DeviceTensors(inputs))


@_conv.register_fake
def _(inputs, depthwise_kernel, pointwise_kernel, *attributes):
    return inputs.new_empty(output_shape(_geometry(depthwise_kernel, pointwise_kernel, *attributes), inputs.shape))


def _reference(g: Geometry, inputs, depthwise_kernel, pointwise_kernel, between=lambda x: x):
    """The same in PyTorch's own operators."""
    rank = inputs.ndim - 2
    x = inputs if g.first else inputs.movedim(-1, 1)
    conv = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    if depthwise_kernel is None:
        x = x[(..., *(slice(None, None, s) for s in g.strides))]
    else:
        x = F.pad(x, [pad for pair in reversed(pads(g, x.shape[2:])) for pad in pair])
        channels, multiplier = depthwise_kernel.shape[-2:]
        kernel = depthwise_kernel.permute(rank, rank + 1, *range(rank))
        kernel = kernel.reshape(channels * multiplier, 1, *g.kernel)
        x = between(conv(x, kernel, stride=g.strides, dilation=g.dilation_rate, groups=channels))
    if pointwise_kernel is not None:
        x = conv(x, pointwise_kernel.permute(rank + 1, rank, *range(rank)))
    return x if g.first else x.movedim(1, -1)


def _keep(ctx, inputs, output):
    tensors, ctx.attributes = inputs[:3], inputs[3:]
    ctx.save_for_backward(*tensors)


def _gradients(ctx, gradient, function):
    """Of what was saved, by PyTorch's own derivative of `function`; None for the other inputs of the operator."""
    tensors = [None if t is None else t.detach().requires_grad_() for t in ctx.saved_tensors]
    given = [t for t in tensors if t is not None]
    with torch.enable_grad():
        output = function(*tensors)
    gradients = list(torch.autograd.grad(output, given, gradient))
    return *gradients, *(None for _ in range(len(ctx.needs_input_grad) - len(gradients)))


def _backward(ctx, gradient):
    return _gradients(ctx, gradient, lambda x, *kernels: _reference(_geometry(*kernels, *ctx.attributes), x, *kernels))


_conv.register_autograd(_backward, setup_context=_keep)


def conv(
    inputs: torch.Tensor, depthwise_kernel: torch.Tensor, pointwise_kernel: torch.Tensor | None, *attributes: Any
) -> torch.Tensor:
    g = geometry(depthwise_kernel.shape, shape_or_none(pointwise_kernel), *attributes)
    if not _computes(inputs, pointwise_kernel is None):
        return _reference(g, inputs, depthwise_kernel, pointwise_kernel)
    return _conv(inputs, depthwise_kernel, pointwise_kernel, *g.attributes)


@torch.library.custom_op("sepconv::layer", mutates_args=(), device_types="cpu")
def _layer(inputs: torch.Tensor, residual: torch.Tensor | None, layer: str) -> torch.Tensor:
    x, added = _detached(inputs, None if residual is None else residual.contiguous())
    return _wrap(layer_of(int(layer))._layer.run(x, added, None), inputs)


@_layer.register_kernel("cuda")
def _(inputs, residual, layer):
    x, added = _detached(inputs, None if residual is None else residual.contiguous())
    return _device.run(layer_of(int(layer)), x, added, library=_DeviceTensors(inputs))


@_layer.register_fake
def _(inputs, residual, layer):
    return inputs.new_empty(shape_after(layer_of(int(layer)), inputs.shape))


def _layer_reference(layer, inputs, residual):
    tensor = lambda w: torch.from_numpy(w).to(inputs)
    return layer_reference(layer, inputs, residual, _reference, tensor, torch, middle_first=True)


def _keep_layer(ctx, inputs, output):
    *tensors, ctx.layer = inputs
    ctx.save_for_backward(*tensors)


def _layer_backward(ctx, gradient):
    return _gradients(ctx, gradient, lambda *tensors: through(layer_of(int(ctx.layer)), _layer_reference, *tensors))


_layer.register_autograd(_layer_backward, setup_context=_keep_layer)


def run_layer(layer: Any, inputs: torch.Tensor, residual: torch.Tensor | None) -> torch.Tensor:
    if inputs.device.type != "cpu" and not _computes(inputs, any(one.depthwise_only for one in layer.layers)):
        return through(layer, _layer_reference, inputs, residual)
    return _layer(inputs, residual, layer.key)
