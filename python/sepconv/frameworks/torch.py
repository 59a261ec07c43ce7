"""PyTorch: custom operators, which `torch.compile` and `torch.export` know."""

from typing import Any

import torch
from torch.autograd import forward_ad

from .. import _native
from .._geometry import geometry, shape_or_none
from .._registry import layer_of
from . import _torch_operators, _torch_reference
from ._layers import check_call, demand_dtype
from ._torch_device import computes

_NARROW = (torch.float16, torch.bfloat16, torch.float32)  # what autocast casts


def readable(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().cpu()


def _autocast_dtype(inputs: torch.Tensor) -> torch.dtype | None:
    """What autocast makes of the inputs of convolutions there; None where it is off, and for float64."""
    kind = inputs.device.type
    if inputs.dtype not in _NARROW or not torch.is_autocast_enabled(kind):
        return None
    return torch.get_autocast_dtype(kind)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _own(inputs: torch.Tensor) -> bool:
    """Whether PyTorch's own operators compute: on devices that sepconv has nothing for, and inside of transforms of
    `torch.func` and of forward differentiation, which custom operators do not take part in."""
    transformed = torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0
    return transformed or not computes(inputs)


def conv(
    inputs: torch.Tensor, depthwise_kernel: torch.Tensor, pointwise_kernel: torch.Tensor | None, *attributes: Any
) -> torch.Tensor:
    depthwise_kernel, pointwise_kernel = (
        k if k is None or isinstance(k, torch.Tensor) else torch.as_tensor(k, device=inputs.device)
        for k in (depthwise_kernel, pointwise_kernel)
    )
    cast = _autocast_dtype(inputs)
    if cast is not None:
        inputs, depthwise_kernel, pointwise_kernel = (
            t.to(cast) if t is not None and t.dtype in _NARROW else t
            for t in (inputs, depthwise_kernel, pointwise_kernel)
        )
    for argument, kernel in (("depthwise_kernel", depthwise_kernel), ("pointwise_kernel", pointwise_kernel)):
        if kernel is not None:
            demand_dtype(argument, _name(kernel.dtype), _name(inputs.dtype))
    shapes = depthwise_kernel.shape, shape_or_none(pointwise_kernel)
    g = geometry(*shapes, *attributes)
    if _own(inputs):
        _native.ShapedCall(inputs.shape, *shapes, _name(inputs.dtype), *g.arguments).output_shape()
        return _torch_reference.conv(g, inputs, depthwise_kernel, pointwise_kernel)
    return _torch_operators.conv(inputs, depthwise_kernel, pointwise_kernel, *g.attributes)


def _state_of(key: str) -> torch.Tensor:
    """The layer, for a program that is exported."""
    return torch.frombuffer(bytearray(layer_of(int(key)).state()), dtype=torch.uint8)


# What torch.compiler.assume_constant_result does; that imports torch._dynamo, and so triton (_torch_operators.py).
_state_of._dynamo_marked_constant = True


def run_layer(layer: Any, inputs: torch.Tensor, residual: torch.Tensor | None) -> torch.Tensor:
    cast, dtype = _autocast_dtype(inputs), getattr(torch, layer.dtype)
    if cast is not None and dtype in _NARROW:  # computed as the layer is, given as autocast gives it
        inputs = inputs.to(dtype)
        residual = residual if residual is None else residual.to(dtype)
    else:
        cast = None
    demand_dtype("inputs", _name(inputs.dtype), layer.dtype)
    if _own(inputs):
        check_call(layer, inputs, residual, None if residual is None else _name(residual.dtype))
        result = _torch_reference.run_layer(layer, inputs, residual)
    else:
        state = _state_of(layer.key) if torch.compiler.is_exporting() else None
        result = _torch_operators.layer(inputs, residual, layer.key, state)
    return result if cast is None else result.to(cast)
