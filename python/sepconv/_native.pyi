"""The compiled part of sepconv. Its public form is in the package."""

from collections.abc import Sequence
from typing import Any

import numpy as np

__version__: str

def conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any | None,
    strides: int | Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    data_format: str | None,
    dilation_rate: int | Sequence[int],
) -> np.ndarray: ...
def conv_shape(
    inputs: Sequence[int],
    depthwise_kernel: Sequence[int],
    pointwise_kernel: Sequence[int] | None,
    dtype: str,
    strides: int | Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    data_format: str | None,
    dilation_rate: int | Sequence[int],
) -> tuple[int, ...]: ...
def explain(
    inputs: Sequence[int],
    depthwise_kernel: Sequence[int],
    pointwise_kernel: Sequence[int] | None,
    dtype: str,
    strides: int | Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    data_format: str | None,
    dilation_rate: int | Sequence[int],
) -> str: ...

class Runnable:
    def run(self, inputs: Any, residual: Any | None, out: Any | None) -> np.ndarray: ...
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
        strides: int | Sequence[int],
        padding: str | Sequence[tuple[int, int]],
        data_format: str | None,
        dilation_rate: int | Sequence[int],
        input_activation: str | tuple[float | None, float | None] | None,
        mid_activation: str | tuple[float | None, float | None] | None,
        out_activation: str | tuple[float | None, float | None] | None,
        threads: int,
    ) -> None: ...
    def prepare(self, input_shape: Sequence[int]) -> None: ...
    def weights(self) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None, np.ndarray | None]: ...
    def variant(self, input_shape: Sequence[int]) -> str: ...
    def explain(self, input_shape: Sequence[int]) -> str: ...
    @property
    def threads(self) -> int: ...

def variants() -> list[tuple[str, bool]]: ...
def get_threads() -> int: ...
def set_threads(threads: int) -> None: ...
def run_count() -> int: ...
def copy_count() -> int: ...
def address_of(array: Any) -> int: ...
def entry() -> int: ...
def jax_handlers() -> dict[str, Any]: ...
