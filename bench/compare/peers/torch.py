"""PyTorch, eager. Installed on request: it is several GB."""

from layers import function
from tensors import channels_first, channels_last

DISTRIBUTION = MODULE = "torch"
DEFAULT = False
MODEL = None


def candidates(layer, tensors, threads, _model):
    import torch
    from torch.nn import functional

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    conv = (functional.conv1d, functional.conv2d, functional.conv3d)[layer.rank - 1]
    before, middle, after = (
        function(layer.activation(place), torch) for place in ("input", "mid", "out")
    )
    symmetric = all(begin == end for begin, end in layer.pads)
    padding = [begin for begin, _ in layer.pads] if symmetric else 0
    pads = [pad for pair in reversed(layer.pads) for pad in pair]
    mid_bias, out_bias = (
        None if bias is None else torch.from_numpy(bias)
        for bias in (tensors.mid_bias, tensors.out_bias)
    )
    formats = (None, torch.channels_last, torch.channels_last_3d)
    for layout in ("cf", "cl") if layer.rank > 1 else ("cf",):
        order = {"memory_format": formats[layer.rank - 1]} if layout == "cl" else {}
        operands = [
            torch.from_numpy(array).to(**order)
            for array in (channels_first(tensors.x), *tensors.filters_first())
        ]

        def call(operands=operands):
            x, depthwise, pointwise = operands
            x = before(x)
            x = x if symmetric else functional.pad(x, pads)
            steps = (layer.strides, padding, layer.dilation, layer.fields["cin"])
            y = middle(conv(x, depthwise, mid_bias, *steps))
            return after(conv(y, pointwise, out_bias))

        yield f"torch_{layout}", call, lambda c=call: channels_last(c().numpy())
