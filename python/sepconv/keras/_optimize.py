"""Whole models: chains of layers become fused ones."""

from typing import Any, NamedTuple

import keras
from keras.src.models.functional import Functional

from ._chains import Chain, Fold, Graph, find_chains, find_folds
from ._fused import FusedSeparableConv


class Replacement(NamedTuple):
    """A fused layer, and the layers whose place it takes."""

    name: str
    replaces: tuple[str, ...]


class Report(list[Replacement]):
    """What `optimize` replaced; printed, one line a layer."""

    def __str__(self) -> str:
        if not self:
            return "no separable layers were found"
        width = max(len(r.name) for r in self)
        return "\n".join(f"{r.name:{width}}  {' + '.join(r.replaces)}" for r in self)


def optimize(model: keras.Model, threads: int | None = None) -> keras.Model:
    """A model for inference that computes the same, with its separable layers fused.

    Replaced, where nothing else reads what lies between: a `SeparableConv1D` or `SeparableConv2D` with the batch
    normalisation and the activation after it; and a `DepthwiseConv1D` or `DepthwiseConv2D`, a batch normalisation, an
    activation, a convolution with a 1x1 kernel, and again a batch normalisation and an activation, of which only the
    convolutions must be there. A `ZeroPadding` layer in front is taken in. Batch normalisations are folded into the
    weights, which are packed once; the fused layers are not trained. The batch normalisation behind any other
    convolution is folded into that convolution, too.

    Args:
        model: a functional or sequential model, built. Models inside are optimized, too.
        threads: how many threads a fused layer uses; `None` for `sepconv.get_num_threads()` at the time of the call.

    Returns:
        A new functional model, which shares the layers that are not replaced with `model`. It can be saved and loaded
        (import `sepconv.keras` before), converted weights and all. `report` tells what was replaced.

    Raises:
        ValueError: the model is not functional or sequential, or has not been built.
    """
    functional = model
    if isinstance(model, keras.Sequential):
        functional = model._functional if model.built else None
    if not isinstance(functional, Functional):
        raise ValueError(f"model must be functional or sequential, and built, received {model}")
    graph = Graph(functional)
    chains = {id(chain.nodes[-1]): chain for chain in find_chains(graph)}
    inside = {id(node) for chain in chains.values() for node in chain.nodes}
    folds = {id(fold.nodes[-1]): fold for fold in find_folds(graph, inside)}
    inside |= {id(node) for fold in folds.values() for node in fold.nodes}
    optimized: dict[int, Any] = {}  # models inside, each once
    tensors = {id(tensor): tensor for tensor in keras.tree.flatten(functional.inputs)}
    for node in graph.nodes:
        if id(node) in chains:
            chain = chains[id(node)]
            source = chain.nodes[0].arguments.keras_tensors[0]
            tensors[id(node.outputs[0])] = _fused(chain, threads)(tensors[id(source)])
        elif id(node) in folds:
            fold = folds[id(node)]
            source = fold.nodes[0].arguments.keras_tensors[0]
            tensors[id(node.outputs[0])] = _folded(fold)(tensors[id(source)])
        elif id(node) not in inside:
            operation = node.operation
            if isinstance(operation, (Functional, keras.Sequential)):
                if id(operation) not in optimized:
                    optimized[id(operation)] = optimize(operation, threads)
                operation = optimized[id(operation)]
            args, kwargs = node.arguments.fill_in(tensors)
            outputs = operation(*args, **kwargs)
            for old, new in zip(node.outputs, keras.tree.flatten(outputs), strict=True):
                tensors[id(old)] = new
    outputs = keras.tree.map_structure(lambda tensor: tensors[id(tensor)], functional._outputs_struct)
    return keras.Model(functional._inputs_struct, outputs, name=model.name)


def report(model: keras.Model) -> Report:
    """The fused layers of this model, and what they replace: a list of `Replacement`, which prints as a table."""
    return Report(
        Replacement(layer.name, layer.replaces)
        for layer in model._flatten_layers()
        if isinstance(layer, FusedSeparableConv)
    )


def _folded(fold: Fold) -> keras.layers.Layer:
    layer = fold.nodes[0].operation
    folded = type(layer).from_config(layer.get_config() | {"use_bias": True, "name": f"{layer.name}_folded"})
    folded.build(fold.nodes[0].arguments.keras_tensors[0].shape)
    folded.set_weights([fold.kernel, fold.bias])
    return folded


def _fused(chain: Chain, threads: int | None) -> FusedSeparableConv:
    layer = chain.convolution
    *kernel_size, in_channels, depth_multiplier = chain.depthwise_kernel.shape
    fused = FusedSeparableConv(
        tuple(kernel_size),
        in_channels,
        depth_multiplier,
        chain.pointwise_kernel.shape[-1],
        layer.strides,
        chain.padding,
        layer.data_format,
        layer.dilation_rate,
        chain.mid_bias is not None,
        chain.out_bias is not None,
        chain.mid_activation,
        chain.out_activation,
        threads,
        tuple(replaced.name for replaced in chain.layers),
        name=f"{layer.name}_fused",
        dtype=layer.dtype_policy,
    )
    fused.build(chain.nodes[0].arguments.keras_tensors[0].shape)
    weights = (chain.depthwise_kernel, chain.pointwise_kernel, chain.mid_bias, chain.out_bias)
    fused.set_weights([weight for weight in weights if weight is not None])
    return fused
