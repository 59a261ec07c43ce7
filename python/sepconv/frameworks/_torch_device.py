"""Tensors of PyTorch in a GPU's memory."""

from typing import Any

import torch

from .. import _device


class DeviceTensors:
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
        return tensor.detach().cpu()


def computes(inputs: torch.Tensor) -> bool:
    """Whether sepconv computes there; elsewhere PyTorch's own operators do."""
    if inputs.device.type == "cpu":
        return True
    is_cuda = inputs.device.type == "cuda" and torch.version.cuda is not None
    return is_cuda and _device.has_variants and inputs.dtype != torch.float64
