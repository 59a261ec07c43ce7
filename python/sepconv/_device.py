"""Layers on arrays in a GPU's memory: those of any library that speaks DLPack, on the stream that its caller works on.

What a call needs on the device, its output, its workspace and once the packed weights, the array's own library allocates: a
call puts its work on the stream, and neither waits nor copies. The first call of a shape does: it plans, packs and copies the
weights where no other shape has brought them in that packing, and has the driver compile the code.
"""

import collections
import contextlib
import dataclasses
import threading
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import _native

CUDA = 2  # DLPack's kDLCUDA
_LEGACY_STREAM = 1  # CUDA's default stream, as DLPack counts

has_variants: bool = _native.has_gpu_variants
"""Whether this build of sepconv holds GPU variants."""


def on_device(array: Any) -> bool:
    """Whether the array is in a CUDA device's memory."""
    device = getattr(array, "__dlpack_device__", None)
    return device is not None and int(device()[0]) == CUDA


class ArrayLibrary:
    """What is asked of the library that arrays are of, by the names of the array API; streams as CuPy has them."""

    def __init__(self, like: Any) -> None:
        if not hasattr(like, "__array_namespace__"):
            raise TypeError(
                f"{type(like).__name__} on a GPU must have __array_namespace__, as the array API has it: the result is "
                "allocated by its library"
            )
        self._library = like.__array_namespace__()
        self._device, self._dtype = like.device, like.dtype

    def current(self) -> contextlib.AbstractContextManager:
        """Within it the arrays' device is the current one."""
        return self._device if hasattr(self._device, "__enter__") else contextlib.nullcontext()

    def _current_stream(self) -> Any:
        get = getattr(getattr(self._library, "cuda", None), "get_current_stream", None)
        return None if get is None else get()

    def stream(self) -> int:
        return int(getattr(self._current_stream(), "ptr", 0)) or _LEGACY_STREAM

    def _placed(self) -> dict[str, Any]:
        return {} if hasattr(self._device, "__enter__") else {"device": self._device}

    def empty(self, shape: tuple[int, ...]) -> Any:
        return self._library.empty(shape, dtype=self._dtype, **self._placed())

    def bytes(self, count: int) -> Any:
        return self._library.empty((count,), dtype=self._library.uint8, **self._placed())

    def upload(self, host: np.ndarray) -> Any:
        """The copy is there when this returns: runs on any stream may read it."""
        array = self._library.asarray(host, **self._placed())
        stream = self._current_stream()
        if hasattr(stream, "synchronize"):
            stream.synchronize()
        return array

    def host(self, array: Any) -> np.ndarray:
        return array.get() if hasattr(array, "get") else np.from_dlpack(array, device="cpu", copy=True)


class _Prepared(NamedTuple):
    plan: _native.DevicePlan
    packed: Any  # on the device


_MOST_PLANS = 64
"""Of one layer, for as many shapes; beyond them the one that was used longest ago goes."""
_HEADER_BYTES = 64
"""Of packed weights; it says whose weights they are, and in which packing."""


@dataclasses.dataclass
class _Kept:
    """What a layer keeps."""

    plans: collections.OrderedDict[Any, _Prepared] = dataclasses.field(default_factory=collections.OrderedDict)
    of_variant: dict[Any, Any] = dataclasses.field(default_factory=dict)
    """By device and variant: packed weights on the device."""
    of_packing: dict[Any, Any] = dataclasses.field(default_factory=dict)
    """By device and header, the same: several variants may have one packing."""


_kept: weakref.WeakKeyDictionary[Any, _Kept] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def _plan(layer: _native.Layer, inputs: _native.DeviceTensor, residual: bool, stream: int) -> _native.DevicePlan:
    plan = _native.DevicePlan(layer, inputs, residual)
    plan.warm_up(stream)
    return plan


def _prepare(
    layer: _native.Layer, inputs: _native.DeviceTensor, residual: bool, library: Any, stream: int
) -> _Prepared:
    plan = _plan(layer, inputs, residual, stream)
    return _Prepared(plan, library.upload(plan.packed(layer)))


def _prepared_for(layer: Any, inputs: _native.DeviceTensor, residual: bool, library: Any, stream: int) -> _Prepared:
    """What the layer keeps for inputs of this shape: a plan for each of the last shapes, one copy of the weights for each packing."""
    key = (*inputs.key, residual)
    with _lock:
        kept = _kept.setdefault(layer, _Kept())
        if key not in kept.plans:
            plan = _plan(layer._layer, inputs, residual, stream)
            variant = (inputs.key[0], plan.variant)
            if variant not in kept.of_variant:
                host = plan.packed(layer._layer)
                packing = (inputs.key[0], host[:_HEADER_BYTES].tobytes())
                if packing not in kept.of_packing:
                    kept.of_packing[packing] = library.upload(host)
                kept.of_variant[variant] = kept.of_packing[packing]
            kept.plans[key] = _Prepared(plan, kept.of_variant[variant])
            while len(kept.plans) > _MOST_PLANS:
                kept.plans.popitem(last=False)
        kept.plans.move_to_end(key)
        return kept.plans[key]


def _launch(layer: Any, prepare: Callable[..., _Prepared], inputs: Any, residual: Any, out: Any, library: Any) -> Any:
    if not has_variants:
        raise NotImplementedError(
            "inputs are in a GPU's memory, and this build of sepconv has no GPU variants: install it with "
            "pip install . -C cmake.define.SEPCONV_GPU=ON"
        )
    library = ArrayLibrary(inputs) if library is None else library
    with library.current():
        stream = library.stream()
        given = _native.DeviceTensor("inputs", inputs, stream)
        added = None if residual is None else _native.DeviceTensor("residual", residual, stream)
        plan, packed = prepare(layer, given, residual is not None, library, stream)
        result = library.empty(plan.output_shape) if out is None else out
        workspace = library.bytes(plan.workspace_size) if plan.workspace_size else None
        plan.run(
            stream,
            given,
            _native.DeviceTensor("packed", packed, stream, bytes=True),
            added,
            _native.DeviceTensor("out", result, stream),
            None if workspace is None else _native.DeviceTensor("workspace", workspace, stream, bytes=True),
        )
    return result


def run(runnable: Any, inputs: Any, residual: Any = None, out: Any = None, library: Any = None) -> Any:
    """Runs a `Layer` or a `Chain` on a device array; the result is of the same library, on the same device.

    Raises:
        NotImplementedError: this build has no GPU variants, or none that computes a layer (float64).
        RuntimeError: there is no CUDA driver or device.
    """
    *before, last = runnable.layers
    for layer in before:
        inputs = _launch(layer, _prepared_for, inputs, None, None, library)
    return _launch(last, _prepared_for, inputs, residual, out, library)


def conv(inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, *arguments: Any, library: Any = None) -> Any:
    """`separable_conv` on a device array. The weights, from the host or from the device, are packed on the host."""
    kernels = host(depthwise_kernel, library), host(pointwise_kernel, library)
    layer = _native.Layer(*kernels, None, None, *arguments, None, None, None, 0)
    return _launch(layer, _prepare, inputs, None, None, library)


def host(array: Any, library: Any = None) -> Any:
    """An array as the host reads it: a copy, and a wait, for one on a device."""
    if array is None or not on_device(array):
        return array
    return (ArrayLibrary(array) if library is None else library).host(array)
