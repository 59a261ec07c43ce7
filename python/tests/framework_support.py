"""PyTorch, JAX and TensorFlow behind one set of names. Each skips the test where it is not installed."""

import importlib.util

import numpy as np
import pytest

if importlib.util.find_spec("torch"):
    importlib.import_module("torch._dynamo")  # it imports triton, which crashes where TensorFlow was imported before


class Torch:
    def __init__(self):
        self.torch = pytest.importorskip("torch")
        self.kind = self.torch.Tensor

    def array(self, array):
        return self.torch.from_numpy(np.ascontiguousarray(array))

    def cast(self, tensor, dtype):
        return tensor.to(getattr(self.torch, dtype))

    def numpy(self, tensor):
        return tensor.detach().to(self.torch.float64).numpy()

    def compile(self, function):
        self.torch.compiler.reset()  # or the same code, compiled for many arguments, reaches a limit
        return self.torch.compile(function, fullgraph=True, backend="aot_eager")

    def gradients(self, function, *arrays):
        tensors = [self.array(a).requires_grad_() for a in arrays]
        function(*tensors).square().sum().backward()
        return [t.grad.numpy() for t in tensors]

    def conv(self):
        return importlib.import_module("sepconv.frameworks.torch")


class Jax:
    def __init__(self):
        self.jax = pytest.importorskip("jax")
        self.jax.config.update("jax_enable_x64", True)
        self.kind = self.jax.Array

    def array(self, array):
        return self.jax.numpy.asarray(array)

    def cast(self, tensor, dtype):
        return tensor.astype(dtype)

    def numpy(self, tensor):
        return np.asarray(tensor).astype("d")

    def compile(self, function):
        return self.jax.jit(function)

    def gradients(self, function, *arrays):
        loss = lambda *t: (function(*t) ** 2).sum()
        gradient = self.jax.jit(self.jax.grad(loss, argnums=range(len(arrays))))
        return [np.asarray(g) for g in gradient(*map(self.array, arrays))]

    def conv(self):
        return importlib.import_module("sepconv.frameworks.jax")


class TensorFlow:
    def __init__(self):
        self.tf = pytest.importorskip("tensorflow")
        self.kind = self.tf.Tensor

    def array(self, array):
        return self.tf.constant(array)

    def cast(self, tensor, dtype):
        return self.tf.cast(tensor, dtype)

    def numpy(self, tensor):
        return tensor.numpy().astype("d")

    def compile(self, function):
        return self.tf.function(function)

    def gradients(self, function, *arrays):
        tensors = [self.array(a) for a in arrays]
        with self.tf.GradientTape() as tape:
            tape.watch(tensors)
            loss = self.tf.reduce_sum(self.tf.function(function)(*tensors) ** 2)
        return [g.numpy() for g in tape.gradient(loss, tensors)]

    def conv(self):
        return importlib.import_module("sepconv.frameworks.tensorflow")


class TensorFlowThroughNumPy(TensorFlow):
    """Where the operations could not be compiled."""
