"""sepconv, through bench/compare/ours.cpp."""

import ctypes
import os

import numpy as np


def pointer(array):
    return None if array is None else array.ctypes.data_as(ctypes.c_void_p)


class Ours:
    def __init__(self, library):
        self.lib = lib = ctypes.CDLL(str(library))
        for name in ("error", "variant"):
            getattr(lib, f"compare_{name}").restype = ctypes.c_char_p
        for name in ("flops", "check", "peak", "bandwidth"):
            getattr(lib, f"compare_{name}").restype = ctypes.c_double
        lib.compare_open.restype = lib.compare_output.restype = ctypes.c_void_p

    def ok(self, good):
        if not good:
            raise RuntimeError(self.lib.compare_error().decode())

    def register(self, own):
        self.ok(self.lib.compare_register(own) == 0)

    def open(self, file, name, threads, t):
        """A layer of a file, planned with the rows that are registered now."""
        weights = [
            pointer(a) for a in (t.depthwise, t.pointwise, t.mid_bias, t.out_bias)
        ]
        handle = self.lib.compare_open(
            os.fsencode(file), name.encode(), threads, *weights
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

    def flops(self, handle):
        return self.lib.compare_flops(handle)

    def peak(self, threads):
        """GFLOP/s of the best multiply-add loop."""
        return self.lib.compare_peak(threads)

    def bandwidth(self, size):
        """GB/s of one core reading `size` bytes over and over."""
        return self.lib.compare_bandwidth(ctypes.c_int64(size))
