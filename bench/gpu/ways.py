"""The ways in which PyTorch computes a layer, and ours, as functions of nothing that put their work on the current stream."""

import contextlib

import torch
import torch.nn.functional as F

ACTIVATIONS = {
    "none": lambda x: x,
    "relu": F.relu,
    "relu6": F.relu6,
    "swish": F.silu,
    "hard_swish": F.hardswish,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": lambda x: F.gelu(x, approximate="tanh"),
}
OURS = "sepconv"


def names():
    """Of all ways: layout, TF32, and whether it is compiled."""
    return [OURS] + [
        f"torch {how}, {layout}, TF32 {tf32}"
        for how in ("eager", "compiled")
        for layout in ("channels first", "channels last")
        for tf32 in ("off", "on")
    ]


def uses_tf32(name):
    return name.endswith("TF32 on")


@contextlib.contextmanager
def precision(name):
    """TF32 as the way's name says."""
    wanted = uses_tf32(name)
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = wanted
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


def activation(layer, place):
    value = layer.fields.get(f"{place}_activation", "none")
    if isinstance(value, dict):
        lo, hi = value["clamp"]
        return lambda x: torch.clamp(x, lo, hi)
    return ACTIVATIONS[value]


def operands(layer, dtype=torch.float32, device="cpu"):
    """Random ones, the same every time: x with channels last, weights in Keras's layouts."""
    generator = torch.Generator().manual_seed(1)
    f, kernel = layer.fields, layer.axes("kernel")

    def draw(*shape, scale=1.0):
        values = torch.randn(*shape, generator=generator) * scale
        return values.to(dtype).to(device)

    taps = torch.tensor(kernel).prod().item()
    rank = len(kernel)
    tensors = {
        "x": draw(layer.batch, *f["spatial"], f["cin"]),
        "depthwise": draw(*kernel, f["cin"], f.get("mult", 1), scale=taps**-0.5),
        "pointwise": draw(
            *(1,) * rank, layer.middle, f["cout"], scale=layer.middle**-0.5
        ),
    }
    if f.get("mid_bias"):
        tensors["mid_bias"] = draw(layer.middle, scale=0.5)
    if f.get("out_bias"):
        tensors["out_bias"] = draw(f["cout"], scale=0.5)
    return tensors


def module(layer):
    """PyTorch's operators for the layer: a function of x and weights with channels first."""
    rank = len(layer.fields["spatial"])
    conv = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    before, middle, after = (activation(layer, p) for p in ("input", "mid", "out"))
    even = all(a == b for a, b in layer.pads)
    padding = tuple(a for a, _ in layer.pads) if even else 0
    flat = [pad for pair in reversed(layer.pads) for pad in pair]
    steps = {"stride": layer.axes("strides"), "dilation": layer.axes("dilation")}

    def run(x, depthwise, pointwise, mid_bias=None, out_bias=None):
        x = before(x)
        x = x if even else F.pad(x, flat)
        groups = layer.fields["cin"]
        x = conv(x, depthwise, mid_bias, padding=padding, groups=groups, **steps)
        return after(conv(middle(x), pointwise, out_bias))

    return run


def channels_first(layer, tensors):
    """The operands as PyTorch's operators take them."""
    rank = len(layer.fields["spatial"])
    depthwise = tensors["depthwise"].permute(rank, rank + 1, *range(rank))
    return {
        **tensors,
        "x": tensors["x"].movedim(-1, 1),
        "depthwise": depthwise.reshape(layer.middle, 1, *layer.axes("kernel")),
        "pointwise": tensors["pointwise"].permute(rank + 1, rank, *range(rank)),
    }


def reference(layer):
    """The result in float64, computed on the host, channels last."""
    tensors = channels_first(layer, operands(layer, torch.float64))
    return module(layer)(**tensors).movedim(1, -1)


def make(name, layer, device):
    """The way: a function that computes the layer, and returns the output with channels last."""
    tensors = operands(layer, device=device)
    if name == OURS:
        import sepconv

        f = layer.fields

        def given(place):
            value = f.get(f"{place}_activation", "none")
            if isinstance(value, dict):
                return tuple(value["clamp"])
            return None if value == "none" else value

        ours = sepconv.Layer(
            tensors["depthwise"],
            tensors["pointwise"],
            strides=layer.axes("strides"),
            padding=layer.pads,
            data_format="channels_last",
            dilation_rate=layer.axes("dilation"),
            mid_bias=tensors.get("mid_bias"),
            out_bias=tensors.get("out_bias"),
            **{
                f"{place}_activation": given(place) for place in ("input", "mid", "out")
            },
        )
        return lambda: ours(tensors["x"])
    weights = channels_first(layer, tensors)
    rank = len(layer.fields["spatial"])
    dense = {key: value.contiguous() for key, value in weights.items()}
    if "channels last" in name and rank > 1:
        kind = torch.channels_last if rank == 2 else torch.channels_last_3d
        for key in ("x", "depthwise", "pointwise"):
            dense[key] = dense[key].contiguous(memory_format=kind)
    elif "channels last" in name:
        dense["x"] = weights["x"]  # PyTorch has no such format of one axis: strides
    run = module(layer)
    if "compiled" in name:
        run = torch.compile(run, mode="max-autotune-no-cudagraphs", dynamic=False)
    return lambda: run(**dense).movedim(1, -1)
