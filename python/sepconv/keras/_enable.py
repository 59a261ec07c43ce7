"""Keras's operations, computed by sepconv."""

import importlib
from collections.abc import Callable, Sequence
from types import ModuleType, TracebackType
from typing import Any

import keras
import numpy as np
from keras.src.trainers import trainer

from .. import _arrays, _native, frameworks
from ._faster import keeps_call

_NAMES = ("separable_conv", "depthwise_conv")
_originals: dict[str, Callable] = {}
_always = False


class _Enabled:
    """What `enable()` returns: as a context manager, it puts back at the end what was before."""

    def __init__(self, was_enabled: bool, was_always: bool) -> None:
        self._was_enabled, self._was_always = was_enabled, was_always

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _always
        _always = self._was_always
        if not self._was_enabled:
            disable()


def enable(always: bool = False) -> _Enabled:
    """Lets sepconv compute `keras.ops.separable_conv` and `keras.ops.depthwise_conv`, and so the layers `SeparableConv1D`,
    `SeparableConv2D`, `DepthwiseConv1D` and `DepthwiseConv2D`, on the backend that Keras runs on: eagerly, and in what
    is traced from now on by `tf.function`, `jax.jit` and `torch.compile`. Gradients are the framework's own.

    Keras itself computes what sepconv does not: tensors on devices other than CPUs, of dtypes other than float16,
    bfloat16, float32 and float64, or of dtypes that differ; on TensorFlow, also what XLA compiles. Models with
    layers that sepconv computes therefore resolve `jit_compile="auto"` to `False` on TensorFlow while it is enabled.

    Where Keras is faster, it stays, too: on TensorFlow with float16 and bfloat16, and with at most three taps along each
    axis, channels last and no dilation. `optimize` gains there as well.

    Args:
        always: whether sepconv computes all that it can, also where Keras is faster. Of the latest call.

    May be used as a context manager; `sepconv.run_count()` tells whether calls come here.

    Raises:
        RuntimeError: this Keras has another structure than the one that sepconv knows.
    """
    global _always
    was_enabled, was_always = is_enabled(), _always
    _always = always
    if not was_enabled:
        nn = _backend()
        missing = [name for name in _NAMES if not callable(getattr(nn, name, None))]
        if missing or not callable(getattr(trainer, "model_supports_jit", None)):
            raise RuntimeError(
                f"Keras {keras.__version__} has no {', '.join(missing) or 'model_supports_jit'} to replace"
            )
        _originals.update({name: getattr(nn, name) for name in _NAMES})
        nn.separable_conv, nn.depthwise_conv = _separable_conv, _depthwise_conv
        if keras.backend.backend() == "tensorflow":
            _originals["model_supports_jit"] = trainer.model_supports_jit
            trainer.model_supports_jit = _model_supports_jit
    return _Enabled(was_enabled, was_always)


def disable() -> None:
    """Gives Keras its own operations back. What was traced before keeps what it was traced with."""
    if not is_enabled():
        return
    nn = _backend()
    for name in _NAMES:
        setattr(nn, name, _originals[name])
    if "model_supports_jit" in _originals:
        trainer.model_supports_jit = _originals["model_supports_jit"]
    _originals.clear()


def is_enabled() -> bool:
    """Whether sepconv computes Keras's operations."""
    return bool(_originals)


def _backend() -> ModuleType:
    return importlib.import_module(f"keras.src.backend.{keras.backend.backend()}.nn")


# With the names that Keras's arguments have: its callers pass what follows the kernels in any way.
def _separable_conv(inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, *args: Any, **kwargs: Any) -> Any:
    return _conv("separable_conv", (inputs, depthwise_kernel, pointwise_kernel), *args, **kwargs)


def _depthwise_conv(inputs: Any, kernel: Any, *args: Any, **kwargs: Any) -> Any:
    return _conv("depthwise_conv", (inputs, kernel), *args, **kwargs)


def _conv(name: str, given: Sequence[Any], strides=1, padding="valid", data_format=None, dilation_rate=1) -> Any:
    original, tensors = _originals[name], [_tensor(t) for t in given]
    arguments = (strides, padding, data_format or keras.config.image_data_format(), dilation_rate)
    if not _computable(tensors):
        return original(*tensors, *arguments)
    rank, dtype = len(tensors[0].shape) - 2, keras.backend.standardize_dtype(tensors[0].dtype)
    if not _always and keeps_call(dtype, tensors[1].shape[:rank], arguments[2], dilation_rate):
        return original(*tensors, *arguments)
    backend = keras.backend.backend()
    inputs, depthwise_kernel, pointwise_kernel = (*tensors, None)[:3]
    if backend in ("torch", "jax"):
        adapter = importlib.import_module(f"..frameworks.{backend}", __package__)
        return adapter.conv(inputs, depthwise_kernel, pointwise_kernel, *arguments)
    if backend == "tensorflow":
        from ..frameworks import tensorflow

        def reference(inputs, depthwise_kernel, pointwise_kernel):
            kernels = [k for k in (depthwise_kernel, pointwise_kernel) if k is not None]
            return original(inputs, *kernels, *arguments)

        return tensorflow.conv(inputs, depthwise_kernel, pointwise_kernel, *arguments, reference=reference)
    return _arrays.like(_native.conv(inputs, depthwise_kernel, pointwise_kernel, *arguments), inputs)


def _tensor(value: Any) -> Any:
    if keras.backend.backend() == "numpy" and isinstance(value, np.ndarray):
        return value  # Keras would copy it, and make float32 of float64
    return keras.ops.convert_to_tensor(value)


def _computable(tensors: list[Any]) -> bool:
    dtypes = {keras.backend.standardize_dtype(t.dtype) for t in tensors}
    if len(dtypes) != 1 or not dtypes <= set(_native.dtypes) or len(tensors[0].shape) not in (3, 4, 5):
        return False
    if keras.backend.backend() == "torch":
        return all(t.device.type == "cpu" for t in tensors)
    return keras.backend.backend() == "numpy" or frameworks.of(tensors[0]) is not None


def _model_supports_jit(model: Any) -> bool:
    from keras.src.layers.convolutional.base_depthwise_conv import BaseDepthwiseConv
    from keras.src.layers.convolutional.base_separable_conv import BaseSeparableConv

    def comes_here(layer: Any) -> bool:
        if not isinstance(layer, (BaseDepthwiseConv, BaseSeparableConv)):
            return False
        given = layer.compute_dtype, layer.kernel_size, layer.data_format, layer.dilation_rate
        return _always or not keeps_call(*given)

    if any(map(comes_here, model._flatten_layers())):
        return False
    return _originals["model_supports_jit"](model)
