"""Calls of sepconv's functions through XLA's foreign function interface."""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jax.experimental.custom_partitioning import custom_partitioning
from jax.sharding import NamedSharding, PartitionSpec

from .. import _native


@functools.cache
def _register() -> None:
    for name, handler in _native.jax_handlers().items():
        jax.ffi.register_ffi_target(name, handler, platform="cpu")


def call(
    name: str, shape: Callable[..., Sequence[Any]], batched: Sequence[bool], *arrays: jax.Array, **attributes: Any
) -> jax.Array:
    """The function on arrays in a CPU's memory.

    Args:
        shape: of the output, from the arrays.
        batched: which arrays begin with the batch, as the output does. Where these are sharded along it, each device
            computes its share.
    """
    _register()

    def on_one_device(*local: jax.Array) -> jax.Array:
        result = jax.ShapeDtypeStruct(tuple(shape(*local)), local[0].dtype)
        return jax.ffi.ffi_call(name, result, vmap_method="sequential")(*local, **attributes)

    if sum(device.platform == "cpu" for device in jax.devices()) < 2:
        return on_one_device(*arrays)
    return _spread(on_one_device, batched, [a.ndim for a in arrays])(*arrays)


def _spread(function: Callable[..., jax.Array], batched: Sequence[bool], ranks: Sequence[int]) -> Callable[..., Any]:
    """The function on all devices that hold a part of the batch."""
    part = custom_partitioning(function)

    def shardings(mesh, arguments, _result):
        spec = arguments[0].sharding.spec
        share, whole = NamedSharding(mesh, PartitionSpec(*spec[:1])), NamedSharding(mesh, PartitionSpec())
        return share, tuple(share if b else whole for b in batched)

    names = (f"axis{i}" for i in itertools.count())
    axes = [" ".join(["batch" if b else next(names), *itertools.islice(names, rank - 1)])
            for b, rank in zip((*batched, True), (*ranks, ranks[0]), strict=True)]  # fmt: skip
    part.def_partition(
        infer_sharding_from_operands=lambda *given: shardings(*given)[0],
        partition=lambda mesh, *given: (mesh, function, *shardings(mesh, *given)),
        sharding_rule=f"{', '.join(axes[:-1])} -> {axes[-1]}",
    )

    # custom_partitioning has no rule for vmap.
    mapped = custom_vmap(lambda *arrays: part(*arrays))

    @mapped.def_vmap
    def _(size, stacked, *arrays):
        if any(s and not b for s, b in zip(stacked, batched, strict=True)):  # other weights for each
            every = [a if s else jnp.broadcast_to(a, (size, *a.shape)) for a, s in zip(arrays, stacked, strict=True)]
            return jax.lax.map(lambda one: part(*one), every), True
        arrays = [a if s or not b else jnp.broadcast_to(a, (size, *a.shape))
                  for a, s, b in zip(arrays, stacked, batched, strict=True)]  # fmt: skip
        flat = [a.reshape(-1, *a.shape[2:]) if b else a for a, b in zip(arrays, batched, strict=True)]
        result = part(*flat)
        return result.reshape(size, -1, *result.shape[1:]), True

    return mapped
