"""Arrays that say they are in a GPU's memory, and the driver library that takes notes (tests/gpu/fake_cuda.h)."""

import ctypes
import types

import numpy as np

STREAM = 0x5EC0


class Driver:
    """What was asked of the driver: (function, stream) for each call."""

    def __init__(self):
        self._library = ctypes.CDLL("libcuda.so.1")
        self._library.fake_cuda_call_name.restype = ctypes.c_char_p
        self._library.fake_cuda_call_stream.restype = ctypes.c_void_p
        self._library.fake_cuda_set_context(ctypes.c_void_p(64))

    def count(self):
        return self._library.fake_cuda_call_count()

    def calls(self, since=0):
        return [
            (self._library.fake_cuda_call_name(i).decode(), self._library.fake_cuda_call_stream(i))
            for i in range(since, self.count())
        ]


class Array:
    """An array of the device: NumPy's memory under another name. Each export is noted in `library.exports`."""

    device = "cuda:0"

    def __init__(self, library, values):
        self._library, self._values = library, values
        self.dtype, self.shape = values.dtype, values.shape

    def __array_namespace__(self):
        return self._library

    def __dlpack_device__(self):
        return (2, 0)

    def __dlpack__(self, *, stream):
        self._library.exports.append((self, stream, self._library.driver.count()))
        capsule = self._values.__dlpack__()
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        address = pointer(capsule, b"dltensor")
        ctypes.c_int32.from_address(address + ctypes.sizeof(ctypes.c_void_p)).value = 2  # its device type
        return capsule


def aligned(shape, dtype):
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(size + 64, np.uint8)
    begin = -memory.ctypes.data % 64
    return memory[begin : begin + size].view(dtype).reshape(shape)


class Library(types.SimpleNamespace):
    """The library of these arrays, as the array API has it; streams as CuPy has them."""

    uint8 = np.dtype("uint8")

    def __init__(self, stream=STREAM):
        super().__init__(driver=Driver(), exports=[], allocated=[], uploaded=[])
        self.cuda = types.SimpleNamespace(get_current_stream=lambda: types.SimpleNamespace(ptr=stream))

    def empty(self, shape, *, dtype, device):
        assert device == Array.device
        self.allocated.append((tuple(shape), np.dtype(dtype).name))
        return Array(self, aligned(shape, dtype))

    def asarray(self, values, *, device=None):
        assert device in (None, Array.device)
        copy = aligned(values.shape, values.dtype)
        copy[...] = values
        self.uploaded.append(copy.nbytes)
        return Array(self, copy)
