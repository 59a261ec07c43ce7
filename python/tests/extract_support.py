"""What the tests of sepconv.extract share."""

import os

import numpy as np
import pytest

import sepconv.extract
import sepconv_layers

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def needs_tensorflow():
    pytest.importorskip("tensorflow")
    if pytest.importorskip("keras").backend.backend() != "tensorflow":
        pytest.skip("exporting needs Keras on TensorFlow")


def network(name):
    keras = pytest.importorskip("keras")
    return randomized(getattr(keras.applications, name)(weights=None))


def randomized(model):
    """With vectors that are nowhere 0: the exporters leave such biases out."""
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if len(weight.shape) == 1:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return model


def layer(spatial, cin, cout, kernel, **other):
    """The keys of a layer that say what it computes."""
    rank = len(spatial)
    fields = {"spatial": spatial, "cin": cin, "cout": cout, "kernel": kernel, "strides": [1] * rank}
    return fields | {"dilation": [1] * rank, "padding": "valid"} | other


def extracted(path, **arguments):
    """The layers of a file, each with those keys alone; and those that are left, by name, with the reasons."""
    found = sepconv.extract.extract(path, **arguments)
    if found:  # they can be written: names differ, all keys are known
        sepconv_layers.parse({"version": 1, "layers": list(found)})
    ignored = {"name", "source", "dtype", "data_format", "repeat"}
    layers = [{key: value for key, value in fields.items() if key not in ignored} for fields in found]
    return layers, {left.name: left.reason for left in found.left}
