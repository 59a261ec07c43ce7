"""Whole models: groups of layers become fused ones, and those that follow one another one call."""

import itertools
import warnings
from typing import Any

import keras

from ._find import find_chains, find_folds, find_separable
from ._found import Chain, Fold, Separable
from ._fused import FusedSeparableConv
from ._fused_chain import FusedChain
from ._graph import Graph, is_functional, is_plain
from ._report import report


def optimize(model: keras.Model, threads: int | None = None, chains: bool = True) -> keras.Model:
    """A model for inference that computes the same, with its separable layers fused.

    Replaced, where nothing else reads what lies between: a `SeparableConv1D` or `SeparableConv2D` with the batch
    normalisation and the activation after it; and a `DepthwiseConv1D` or `DepthwiseConv2D`, a batch normalisation, an
    activation, a convolution with a 1x1 kernel, and again a batch normalisation and an activation, of which only the
    convolutions must be there. A `ZeroPadding` layer in front is taken in, and an activation before that. Where something
    else stands between the two stages, such as squeeze-and-excite, each becomes a layer of its own. Batch normalisations
    are folded into the weights, which are packed once; the fused layers are not trained. The batch normalisation behind
    any other convolution is folded into that convolution, too. One call gives the best: `enable()` adds nothing.

    Only what is exactly known is replaced: layers of Keras's own classes, not of subclasses, that are called with nothing
    but tensors; not, for example, a batch normalisation that is called with `training=True`. Where Keras is faster, as
    TensorFlow is with float16, bfloat16 and matrix products, its layers stay.

    Fused layers that follow one another become one layer, which runs them as a `sepconv.Chain`: what lies between them
    is not there to be looked at, as it is not between the layers that are fused.

    Args:
        model: a functional or sequential model, built. Models inside are optimized, too.
        threads: how many threads a fused layer uses; `None` for `sepconv.get_num_threads()` at the time of the call.
        chains: whether fused layers that follow one another become one; if not, each is a layer of the model.

    Returns:
        A new functional model, which shares the layers that are not replaced with `model`. It can be saved and loaded
        (import `sepconv.keras` before), converted weights and all. `report` tells what was replaced, and what was not
        and why.

    Raises:
        ValueError: the model is not functional or sequential, has not been built, or has a `call` of its own.

    Warns:
        UserWarning: nothing was replaced, with that report.
    """
    optimized = _optimize(model, threads, chains)
    result = report(optimized)
    if not result:
        warnings.warn(f"sepconv.keras.optimize replaced nothing in {model.name}:\n{result}", stacklevel=2)
    return optimized


def _optimize(model: keras.Model, threads: int | None, chains: bool) -> keras.Model:
    if not is_functional(model):
        raise ValueError(
            f"model must be functional or sequential, and built, without a call of its own, received {model}"
        )
    functional = model._functional if isinstance(model, keras.Sequential) else model
    graph = Graph(functional)
    separable, _ = find_separable(graph)
    found = find_chains(graph, separable) if chains else [Chain([link]) for link in separable]
    ends = {id(chain.nodes[-1]): chain for chain in found}
    inside = {id(node) for chain in found for node in chain.nodes}
    folds = {id(fold.nodes[-1]): fold for fold in find_folds(graph, inside)}
    inside |= {id(node) for fold in folds.values() for node in fold.nodes}
    optimized: dict[int, Any] = {}  # models inside, each once
    names: set[str] = set()  # of the new layers: what is called twice becomes two of them
    tensors = {id(tensor): tensor for tensor in keras.tree.flatten(functional.inputs)}
    for node in graph.nodes:
        if id(node) in ends:
            chain = ends[id(node)]
            source = chain.nodes[0].arguments.keras_tensors[0]
            tensors[id(node.outputs[0])] = _layer_for(chain, threads, names)(tensors[id(source)])
        elif id(node) in folds:
            fold = folds[id(node)]
            source = fold.nodes[0].arguments.keras_tensors[0]
            tensors[id(node.outputs[0])] = _folded(fold, names)(tensors[id(source)])
        elif id(node) not in inside:
            operation = node.operation
            if is_functional(operation) and is_plain(node):
                if id(operation) not in optimized:
                    optimized[id(operation)] = _optimize(operation, threads, chains)
                operation = optimized[id(operation)]
            args, kwargs = node.arguments.fill_in(tensors)
            outputs = operation(*args, **kwargs)
            for old, new in zip(node.outputs, keras.tree.flatten(outputs), strict=True):
                tensors[id(old)] = new
    outputs = keras.tree.map_structure(lambda tensor: tensors[id(tensor)], functional._outputs_struct)
    return keras.Model(functional._inputs_struct, outputs, name=model.name)


def _unique(name: str, names: set[str]) -> str:
    unique = next(n for n in itertools.chain([name], (f"{name}_{i}" for i in itertools.count(1))) if n not in names)
    names.add(unique)
    return unique


def _folded(fold: Fold, names: set[str]) -> keras.layers.Layer:
    layer = fold.nodes[0].operation
    name = _unique(f"{layer.name}_folded", names)
    folded = type(layer).from_config(layer.get_config() | {"use_bias": True, "name": name})
    folded.build(fold.nodes[0].arguments.keras_tensors[0].shape)
    folded.set_weights([fold.kernel, fold.bias])
    return folded


def _layer_for(chain: Chain, threads: int | None, names: set[str]) -> keras.layers.Layer:
    parts = [_fused(link, threads, names) for link in chain.links]
    if len(parts) == 1:
        return parts[0]
    first = chain.links[0].convolution
    return FusedChain(parts, name=_unique(f"{first.name}_chain", names), dtype=first.dtype_policy)


def _fused(found: Separable, threads: int | None, names: set[str]) -> FusedSeparableConv:
    layer = found.convolution
    depthwise, pointwise = found.depthwise_kernel, found.pointwise_kernel
    *kernel_size, in_channels, depth_multiplier = (
        (*pointwise.shape[:-1], None) if depthwise is None else depthwise.shape
    )
    fused = FusedSeparableConv(
        tuple(kernel_size),
        in_channels,
        depth_multiplier,
        None if pointwise is None else pointwise.shape[-1],
        layer.strides,
        found.padding,
        layer.data_format,
        1 if depthwise is None else layer.dilation_rate,
        found.mid_bias is not None,
        found.out_bias is not None,
        found.mid_activation,
        found.out_activation,
        threads,
        tuple(replaced.name for replaced in found.layers),
        found.input_activation,
        found.alone,
        name=_unique(f"{layer.name}_fused", names),
        dtype=layer.dtype_policy,
    )
    fused.build(found.nodes[0].arguments.keras_tensors[0].shape)
    weights = (depthwise, pointwise, found.mid_bias, found.out_bias)
    fused.set_weights([weight for weight in weights if weight is not None])
    return fused
