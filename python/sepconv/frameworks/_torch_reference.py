"""The operation in PyTorch's own operators, and their derivatives."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from .._geometry import Geometry, pads
from ._layers import layer_reference, through


def conv(g: Geometry, inputs, depthwise_kernel, pointwise_kernel, between=lambda x: x):
    rank = inputs.ndim - 2
    x = inputs if g.first else inputs.movedim(-1, 1)
    convolve = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    if depthwise_kernel is None:
        x = x[(..., *(slice(None, None, s) for s in g.strides))]
    else:
        x = F.pad(x, [pad for pair in reversed(pads(g, x.shape[2:])) for pad in pair])
        channels, multiplier = depthwise_kernel.shape[-2:]
        kernel = depthwise_kernel.permute(rank, rank + 1, *range(rank))
        kernel = kernel.reshape(channels * multiplier, 1, *g.kernel)
        x = between(convolve(x, kernel, stride=g.strides, dilation=g.dilation_rate, groups=channels))
    if pointwise_kernel is not None:
        x = convolve(x, pointwise_kernel.permute(rank + 1, rank, *range(rank)))
    return x if g.first else x.movedim(1, -1)


def run_layer(layer: Any, inputs: torch.Tensor, residual: torch.Tensor | None) -> torch.Tensor:
    """A layer, or a chain of them."""
    return through(layer, _one_layer, inputs, residual)


def _one_layer(layer, inputs, residual):
    tensor = lambda w: torch.from_numpy(w).to(inputs)
    return layer_reference(layer, inputs, residual, conv, tensor, torch, middle_first=True)


def gradients(ctx: Any, gradient: torch.Tensor, function: Callable[..., torch.Tensor]) -> tuple[Any, ...]:
    """Of what was saved, by PyTorch's own derivative of `function`; None for the other inputs of the operator. Where these
    gradients are to be differentiated themselves, they are part of the graph of what was saved."""
    again = torch.is_grad_enabled()
    tensors = list(ctx.saved_tensors)
    wanted = [i for i, t in enumerate(tensors) if t is not None and ctx.needs_input_grad[i]]
    with torch.enable_grad(), torch.autocast(gradient.device.type, enabled=False):
        for i in wanted:
            # A view: what one tensor owes to another is not this operator's derivative.
            tensors[i] = tensors[i].view_as(tensors[i]) if again else tensors[i].detach().requires_grad_()
        found = torch.autograd.grad(function(*tensors), [tensors[i] for i in wanted], gradient, create_graph=again)
    all_inputs: list[Any] = [None] * len(ctx.needs_input_grad)
    for i, one in zip(wanted, found, strict=True):
        all_inputs[i] = one
    return tuple(all_inputs)
