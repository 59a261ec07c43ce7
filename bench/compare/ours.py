"""sepconv, through bench/compare/ours.cpp."""

import ctypes
import os

import numpy as np
from layers import LAST
from tensors import Tensors, channels_first, channels_last
from worker import Server


def pointer(array):
    return None if array is None else array.ctypes.data_as(ctypes.c_void_p)


class Library:
    def __init__(self, path):
        self.lib = lib = ctypes.CDLL(str(path))
        for name in ("error", "variant", "choice"):
            getattr(lib, f"compare_{name}").restype = ctypes.c_char_p
        for name in ("check", "peak", "bandwidth"):
            getattr(lib, f"compare_{name}").restype = ctypes.c_double
        lib.compare_open.restype = lib.compare_output.restype = ctypes.c_void_p

    def ok(self, good):
        if not good:
            raise RuntimeError(self.lib.compare_error().decode())

    def register(self, own):
        self.ok(self.lib.compare_register(own) == 0)

    def choice(self, file, name, threads):
        """The variant that dispatch takes from those that are registered now."""
        variant = self.lib.compare_choice(os.fsencode(file), name.encode(), threads)
        self.ok(variant)
        return variant

    def open(self, file, name, threads, t, variant=None):
        """A layer of a file, planned: with the variant of that name, or with what dispatch takes."""
        arrays = (t.depthwise, t.pointwise, t.mid_bias, t.out_bias)
        weights = [pointer(array) for array in arrays]
        handle = self.lib.compare_open(
            os.fsencode(file), name.encode(), threads, variant, *weights
        )
        self.ok(handle)
        return ctypes.c_void_p(handle)

    def close(self, handle):
        self.lib.compare_close(handle)

    def call(self, handle, x):
        run, data = self.lib.compare_run, pointer(x)
        return lambda: run(handle, data)

    def check(self, handle, x):
        """The largest error against a double-precision reference, relative to the largest magnitude."""
        error = self.lib.compare_check(handle, pointer(x))
        self.ok(error >= 0)
        return error

    def output(self, handle, shape):
        data = ctypes.cast(
            self.lib.compare_output(handle), ctypes.POINTER(ctypes.c_float)
        )
        return np.ctypeslib.as_array(data, shape).copy()

    def variant(self, handle):
        return self.lib.compare_variant(handle).decode()

    def peak(self, threads):
        """GFLOP/s of the best multiply-add loop."""
        return self.lib.compare_peak(threads)

    def bandwidth(self, size):
        """GB/s of one core reading `size` bytes over and over."""
        return self.lib.compare_bandwidth(ctypes.c_int64(size))


class OurServer(Server):
    """In a worker of its own, as the peers are: a layer's own variant, the shipped one, and on request channels last."""

    def __init__(self, path, file, names, threads, cold):
        super().__init__(cold)
        self.library, self.file, self.threads = Library(path), file, threads
        self.library.register(0)
        self.shipped = {}
        for name in names:  # before the layers' own variants, which rank first
            try:
                self.shipped[name] = self.library.choice(file, name, threads)
            except RuntimeError as error:  # of a layer that none of them takes
                self.shipped[name] = error
        self.library.register(1)
        self.handles = []

    def load(self, layer, expected, beside_last):
        """Writes our answer, channels last, to the file `expected`. {"variant", "max_error"}"""
        tensors = Tensors(layer)
        first = channels_first(tensors.x) if layer.channels_first else tensors.x
        own = self._open("ours", layer.name, tensors, first)
        shipped = self._open("shipped", layer.name, tensors, first, True)
        error = max(self.library.check(handle, first) for handle in (own, shipped))
        outputs, batch = layer.fields["cout"], layer.fields["n"]
        shape = (batch, *layer.output, outputs)
        if layer.channels_first:
            shape = (batch, outputs, *layer.output)
        answer = self.library.output(own, shape)
        np.save(expected, channels_last(answer) if layer.channels_first else answer)
        if beside_last:
            self._open("channels_last", layer.name + LAST, tensors, tensors.x)
        return {"variant": self.library.variant(own), "max_error": error}

    def _open(self, name, layer, tensors, x, shipped=False):
        variant = self.shipped[layer] if shipped else None
        if isinstance(variant, RuntimeError):
            raise variant
        handle = self.library.open(self.file, layer, self.threads, tensors, variant)
        self.handles.append((handle, tensors, x))  # what the calls read lives as long
        self.made[name] = self.library.call(handle, x), None
        return handle

    def unload(self):
        super().unload()
        for handle, _, _ in self.handles:
            self.library.close(handle)
        self.handles = []
