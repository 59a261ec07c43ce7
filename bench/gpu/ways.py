"""The ways in which PyTorch computes a layer, and ours, as functions of nothing that put their work on the current stream."""

import contextlib

import torch
import torch.nn.functional as F
from sepconv_layers.activations import function

OURS = "sepconv"
AUTOTUNE = True
"""Whether torch.compile tries out its own kernels too, which takes seconds a layer."""


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


def operands(layer, dtype=torch.float32, device="cpu"):
    """Random ones, the same every time: x with channels last, weights in Keras's layouts."""
    generator = torch.Generator().manual_seed(1)
    f, kernel = layer.fields, layer.kernel

    def draw(*shape, scale=1.0):
        values = torch.randn(*shape, generator=generator) * scale
        return values.to(dtype).to(device)

    tensors = {
        "x": draw(f["n"], *f["spatial"], f["cin"]),
        "depthwise": draw(*kernel, f["cin"], f["mult"], scale=layer.taps**-0.5),
        "pointwise": draw(
            *(1,) * layer.rank, layer.middle, f["cout"], scale=layer.middle**-0.5
        ),
    }
    if f["mid_bias"]:
        tensors["mid_bias"] = draw(layer.middle, scale=0.5)
    if f["out_bias"]:
        tensors["out_bias"] = draw(f["cout"], scale=0.5)
    return tensors


def module(layer):
    """PyTorch's operators for the layer: a function of x and weights with channels first."""
    conv = (F.conv1d, F.conv2d, F.conv3d)[layer.rank - 1]
    before, middle, after = (
        function(layer.activation(place), torch) for place in ("input", "mid", "out")
    )
    even = all(a == b for a, b in layer.pads)
    padding = tuple(a for a, _ in layer.pads) if even else 0
    flat = [pad for pair in reversed(layer.pads) for pad in pair]
    steps = {"stride": layer.strides, "dilation": layer.dilation}

    def run(x, depthwise, pointwise, mid_bias=None, out_bias=None):
        x = before(x)
        x = x if even else F.pad(x, flat)
        groups = layer.fields["cin"]
        x = conv(x, depthwise, mid_bias, padding=padding, groups=groups, **steps)
        return after(conv(middle(x), pointwise, out_bias))

    return run


def channels_first(layer, tensors):
    """The operands as PyTorch's operators take them."""
    rank = layer.rank
    depthwise = tensors["depthwise"].permute(rank, rank + 1, *range(rank))
    return {
        **tensors,
        "x": tensors["x"].movedim(-1, 1),
        "depthwise": depthwise.reshape(layer.middle, 1, *layer.kernel),
        "pointwise": tensors["pointwise"].permute(rank + 1, rank, *range(rank)),
    }


def reference(layer, device):
    """The result in float64, channels last. Its operands are the float32 ones."""
    given = {
        key: value.double() for key, value in operands(layer, device=device).items()
    }
    tensors = channels_first(layer, given)
    return module(layer)(**tensors).movedim(1, -1)


def make(name, layer, device, library=None):
    """The way: a function that computes the layer, and returns the output with channels last. `library`: ours, in place of the
    package."""
    tensors = operands(layer, device=device)
    if name == OURS and library is not None:
        from library import Layer

        ours = Layer(library, layer, tensors)
        return lambda: ours(tensors["x"])
    if name == OURS:
        import sepconv

        ours = sepconv.Layer(
            tensors["depthwise"],
            tensors["pointwise"],
            strides=tuple(layer.strides),
            padding=layer.pads,
            data_format="channels_last",
            dilation_rate=tuple(layer.dilation),
            mid_bias=tensors.get("mid_bias"),
            out_bias=tensors.get("out_bias"),
            **{
                f"{place}_activation": given
                for place in ("input", "mid", "out")
                if (given := layer.activation(place)) != "none"
            },
        )
        return lambda: ours(tensors["x"])
    weights = channels_first(layer, tensors)
    rank = layer.rank
    dense = {key: value.contiguous() for key, value in weights.items()}
    if "channels last" in name and rank > 1:
        kind = torch.channels_last if rank == 2 else torch.channels_last_3d
        for key in ("x", "depthwise", "pointwise"):
            dense[key] = dense[key].contiguous(memory_format=kind)
    elif "channels last" in name:
        dense["x"] = weights["x"]  # PyTorch has no such format of one axis: strides
    run = module(layer)
    if "compiled" in name:
        torch._dynamo.reset()  # of one function, eight shapes are compiled; then PyTorch runs it as it is
        mode = "max-autotune-no-cudagraphs" if AUTOTUNE else "default"
        run = torch.compile(run, mode=mode, dynamic=False)
    return lambda: run(**dense).movedim(1, -1)
