"""Layers that leave their process: by pickle, and in the graphs that frameworks save."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from framework_support import TensorFlow, Torch

import sepconv


def layers(rng, data_format="channels_last"):
    """A layer and a chain, with an input for both."""
    dw, pw = rng.standard_normal((3, 2, 3, 2)).astype("f"), rng.standard_normal((1, 1, 6, 4)).astype("f")
    layer = sepconv.Layer(
        dw, pw, (2, 1), [(0, 1), (1, 1)], data_format, mid_bias=rng.standard_normal(6).astype("f"),
        input_activation=(-1, None), mid_activation="relu6", out_activation="swish", threads=2,
    )  # fmt: skip
    last = sepconv.Layer(rng.standard_normal((2, 2, 4, 1)).astype("f"), None, data_format=data_format)
    return layer, sepconv.Chain([layer, last]), rng.standard_normal((2, 6, 5, 3)).astype("f")


def test_pickle_and_copies(rng):
    *runnables, x = layers(rng)
    for runnable in runnables:
        for other in (pickle.loads(pickle.dumps(runnable)), copy.copy(runnable), copy.deepcopy([runnable])[0]):
            assert type(other) is type(runnable) and other.number != runnable.number
            assert [layer.threads for layer in other.layers] == [layer.threads for layer in runnable.layers]
            np.testing.assert_array_equal(other(x), runnable(x))
    for dtype in ("float16", "float64"):
        layer = sepconv.Layer(np.full((3, 3, 3, 1), 0.3, dtype), None)
        other = pickle.loads(pickle.dumps(layer))
        assert other.dtype == dtype
        np.testing.assert_array_equal(other(x.astype(dtype)), layer(x.astype(dtype)))


def run(program, folder):
    """In a process with layers of its own, as many as would get the same numbers if these were counted from 1."""
    others = """
import numpy as np, sepconv
others = [sepconv.Layer(np.ones((3, 2, 3, 2), "f"), np.ones((1, 1, 6, 4), "f")) for _ in range(30)]
"""
    subprocess.run([sys.executable, "-c", others + program], check=True, timeout=300, cwd=folder)


LOAD_TENSORFLOW = """
import tensorflow as tf
from sepconv.frameworks import tensorflow
tensorflow.operations()
saved, expected = tf.saved_model.load("saved"), np.load("expected.npz")
x = tf.constant(expected["x"])
for _ in range(2):
    for found, name in zip(saved(x), ("layer", "chain")):
        np.testing.assert_array_equal(found, expected[name])
with tf.GradientTape() as tape:
    tape.watch(x)
    y = tf.reduce_sum(saved(x)[1])
assert np.abs(tape.gradient(y, x)).max() > 0
"""


def test_saved_model(rng, tmp_path):
    tf = TensorFlow().tf
    layer, chain, x = layers(rng)

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
        def __call__(self, x):
            return layer(x), chain(x)

    tf.saved_model.save(Module(), str(tmp_path / "saved"))
    np.savez(tmp_path / "expected.npz", x=x, layer=layer(x), chain=chain(x))
    run(LOAD_TENSORFLOW, tmp_path)


LOAD_TORCH = """
import torch, sepconv.frameworks.torch
expected = np.load("expected.npz")
for name in ("layer", "chain"):
    program = torch.export.load(f"{name}.pt2")
    for _ in range(2):
        np.testing.assert_array_equal(program.module()(torch.from_numpy(expected["x"])), expected[name])
    revived = torch.load(f"{name}.pt", weights_only=False)
    np.testing.assert_array_equal(revived(expected["x"]), expected[name])
"""


@pytest.mark.parametrize("strict", [False, True])
def test_exported_program(strict, rng, tmp_path):
    torch = Torch().torch
    layer, chain, x = layers(rng)

    class Module(torch.nn.Module):
        def __init__(self, runnable):
            super().__init__()
            self.runnable = runnable

        def forward(self, x):
            return self.runnable(x)

    for name, runnable in (("layer", layer), ("chain", chain)):
        program = torch.export.export(Module(runnable), (torch.from_numpy(x),), strict=strict)
        torch.export.save(program, tmp_path / f"{name}.pt2")
        torch.save(runnable, tmp_path / f"{name}.pt")
    np.savez(tmp_path / "expected.npz", x=x, layer=layer(x), chain=chain(x))
    run(LOAD_TORCH, tmp_path)


def test_what_is_gone_is_not_another_layer(rng):
    torch = Torch().torch
    layer, _, x = layers(rng)
    key = layer.key
    del layer, _
    others = layers(rng)
    with pytest.raises(ValueError, match=f"sepconv layer {key} does not exist"):
        torch.ops.sepconv.layer(torch.from_numpy(x), None, key)
    del others
