"""Our way through a shared library (library.cpp) in place of the package: `compare_torch.py --library FILE`."""

import ctypes
import functools

import torch

KINDS = {"none": 0, "relu": 1, "relu6": 2}
DTYPES = {"float32": 0, "float16": 2, "bfloat16": 3}


class BenchLayer(ctypes.Structure):
    """sepconv_bench_layer of library.cpp."""

    _fields_ = [
        *(
            (name, ctypes.c_int64)
            for name in (
                "rank",
                "layout",
                "batch",
                "in_channels",
                "depth_multiplier",
                "out_channels",
                "dtype",
                "has_mid_bias",
                "has_out_bias",
            )
        ),
        *(
            (name, ctypes.c_int64 * 3)
            for name in (
                "in_extent",
                "kernel_extent",
                "stride",
                "dilation",
                "pad_before",
                "pad_after",
            )
        ),
        ("activation", ctypes.c_float * 3 * 3),
    ]


@functools.cache
def load(path):
    lib = ctypes.CDLL(str(path))
    pointer, size = ctypes.c_void_p, ctypes.c_uint64
    for name, result, arguments in (
        ("error", ctypes.c_char_p, ()),
        ("plan", pointer, (ctypes.POINTER(BenchLayer), ctypes.c_char_p)),
        ("variant", ctypes.c_char_p, (pointer,)),
        ("packed_size", size, (pointer,)),
        ("workspace_size", size, (pointer,)),
        ("pack", ctypes.c_int, (pointer,) * 6),
        ("run", ctypes.c_int, (pointer,) * 6),
        ("warm_up", ctypes.c_int, (pointer,) * 2),
        ("close", None, (pointer,)),
    ):
        function = getattr(lib, f"sepconv_bench_{name}")
        function.restype, function.argtypes = result, arguments
    return lib


def described(layer):
    """The layer as the library takes it."""
    f = layer.fields
    three = lambda values: (ctypes.c_int64 * 3)(*values)
    activations = ((ctypes.c_float * 3) * 3)()
    for i, place in enumerate(("input", "mid", "out")):
        given = layer.activation(place)
        if given not in KINDS:
            raise NotImplementedError(f"activation {given}")
        activations[i][0] = KINDS[given]
    return BenchLayer(
        rank=layer.rank,
        layout=0,
        batch=f["n"],
        in_channels=f["cin"],
        depth_multiplier=f["mult"],
        out_channels=f["cout"],
        dtype=DTYPES[f["dtype"]],
        has_mid_bias=bool(f["mid_bias"]),
        has_out_bias=bool(f["out_bias"]),
        in_extent=three(layer.spatial),
        kernel_extent=three(layer.kernel),
        stride=three(layer.strides),
        dilation=three(layer.dilation),
        pad_before=three([pad[0] for pad in layer.pads]),
        pad_after=three([pad[1] for pad in layer.pads]),
        activation=activations,
    )


class Layer:
    """A layer planned, packed and in the device's memory; a function of x, channels last."""

    def __init__(self, path, layer, tensors, variant=None, packed=None):
        self.lib = lib = load(path)
        self.plan = lib.sepconv_bench_plan(
            described(layer), variant and variant.encode()
        )
        if not self.plan:
            raise NotImplementedError(lib.sepconv_bench_error().decode())
        self.variant = lib.sepconv_bench_variant(self.plan).decode()
        device = tensors["x"].device
        self.packed = self.pack(tensors).to(device) if packed is None else packed
        size = lib.sepconv_bench_workspace_size(self.plan)
        self.workspace = torch.empty(max(size, 1), dtype=torch.uint8, device=device)
        self.shape = (layer.fields["n"], *layer.output, layer.fields["cout"])
        self.check(lib.sepconv_bench_warm_up(self.plan, stream()))

    def pack(self, tensors):
        """The packed weights, at a multiple of 64 bytes in host memory."""
        lib, size = self.lib, self.lib.sepconv_bench_packed_size(self.plan)
        weights = [
            tensors[key].cpu().contiguous() if key in tensors else None
            for key in ("depthwise", "pointwise", "mid_bias", "out_bias")
        ]
        room = torch.empty(size + 64, dtype=torch.uint8)
        begin = -room.data_ptr() % 64
        packed = room[begin : begin + size]
        addresses = [None if w is None else w.data_ptr() for w in weights]
        self.check(lib.sepconv_bench_pack(self.plan, *addresses, packed.data_ptr()))
        return packed

    def check(self, status):
        if status:
            raise RuntimeError(self.lib.sepconv_bench_error().decode())

    def __call__(self, x):
        out = torch.empty(self.shape, dtype=x.dtype, device=x.device)
        self.check(
            self.lib.sepconv_bench_run(
                self.plan,
                self.packed.data_ptr(),
                x.data_ptr(),
                out.data_ptr(),
                self.workspace.data_ptr(),
                stream(),
            )
        )
        return out

    def __del__(self):
        if getattr(self, "plan", None):
            self.lib.sepconv_bench_close(self.plan)


def stream():
    """The current one; the default one where PyTorch has no CUDA, as with the driver that only takes notes."""
    return (
        torch.cuda.current_stream().cuda_stream if torch.cuda.is_available() else None
    )
