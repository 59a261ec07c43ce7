"""The compiled part of sepconv. Its public form is in the package."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ._types import Activation, Axes, Padding

__version__: str
has_gpu_variants: bool
dtypes: tuple[str, ...]
"""Those of tensors."""
activations: tuple[str, ...]
data_formats: tuple[str, ...]
paddings: tuple[str, ...]
"""All words of sepconv.h, in the order of its enumerations."""

def conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any | None,
    strides: Axes,
    padding: Padding,
    data_format: str | None,
    dilation_rate: Axes,
) -> np.ndarray: ...

class ShapedCall:
    """That call, of which only the shapes are known."""

    def __init__(
        self,
        inputs: Sequence[int],
        depthwise_kernel: Sequence[int],
        pointwise_kernel: Sequence[int] | None,
        dtype: str,
        strides: Axes,
        padding: Padding,
        data_format: str | None,
        dilation_rate: Axes,
    ) -> None: ...
    def output_shape(self) -> tuple[int, ...]: ...
    def explain(self) -> str: ...

class Runnable:
    def run(self, inputs: Any, residual: Any | None, out: Any | None, channels_last: bool = False) -> np.ndarray: ...
    def output_shape(self, input_shape: Sequence[int]) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def number(self) -> int: ...

class Chain(Runnable):
    def __init__(self, layers: Sequence[Layer]) -> None: ...

class Layer(Runnable):
    def __init__(
        self,
        depthwise_kernel: Any | None,
        pointwise_kernel: Any | None,
        mid_bias: Any | None,
        out_bias: Any | None,
        strides: Axes,
        padding: Padding,
        data_format: str | None,
        dilation_rate: Axes,
        input_activation: Activation,
        mid_activation: Activation,
        out_activation: Activation,
        threads: int,
    ) -> None: ...
    def prepare(self, input_shape: Sequence[int]) -> None: ...
    def weights(self) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None, np.ndarray | None]: ...
    def variant(self, input_shape: Sequence[int]) -> str: ...
    def explain(self, input_shape: Sequence[int]) -> str: ...
    threads: int

class DeviceTensor:
    def __init__(self, argument: str, array: Any, stream: int) -> None: ...
    @property
    def key(self) -> tuple[Any, ...]: ...

class DevicePlan:
    def __init__(self, layer: Layer, inputs: DeviceTensor, has_residual: bool) -> None: ...
    @property
    def variant(self) -> str: ...
    @property
    def output_shape(self) -> tuple[int, ...]: ...
    @property
    def workspace_size(self) -> int: ...
    def packed(self) -> np.ndarray: ...
    def warm_up(self, stream: int) -> None: ...
    def run(
        self,
        stream: int,
        inputs: DeviceTensor,
        packed: DeviceTensor,
        residual: DeviceTensor | None,
        out: DeviceTensor,
        workspace: DeviceTensor | None,
    ) -> None: ...

def variants() -> list[tuple[str, bool]]: ...
def get_threads() -> int: ...
def set_threads(threads: int) -> None: ...
def run_count() -> int: ...
def copy_count() -> int: ...
def address_of(array: Any) -> int: ...
def set_restorer(restorer: Callable[[int, bytes], int]) -> None: ...
def entry() -> int: ...
def jax_handlers() -> dict[str, Any]: ...
