"""The other libraries. Each is a generator that loads a layer in every layout the library has, one after the other, and yields
(name, call, output): call() runs the layer once, output() gives its result as channels-last float32.

A name ends in the layout that the library is given: _cf channels first, _cl channels last. Every library is set up as its
documentation recommends for one model: weights constant, buffers bound once, the wanted number of threads.
"""

import numpy as np
from models import model_file
from tensors import channels_first, channels_last

DEFAULT = ("onnxruntime", "openvino", "litert")
ALL = (*DEFAULT, "torch")

# What a program imports.
MODULES = {
    "onnxruntime": "onnxruntime",
    "openvino": "openvino",
    "litert": "ai_edge_litert.interpreter",
    "torch": "torch",
}


def onnxruntime(_layer, t, threads, model):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(
        model_file(model, "onnx"), options, providers=["CPUExecutionProvider"]
    )
    binding, x = session.io_binding(), channels_first(t.x)
    binding.bind_cpu_input("x", x)
    binding.bind_output(session.get_outputs()[0].name)
    yield (
        "onnxruntime_cf",
        lambda: session.run_with_iobinding(binding),
        lambda: channels_last(binding.copy_outputs_to_cpu()[0]),
    )


def openvino(layer, t, threads, model):
    import openvino as ov
    from openvino.preprocess import PrePostProcessor

    core = ov.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,  # the benchmark has pinned the process
    }
    last, first = ("NHWC", "NCHW") if len(layer["spatial"]) == 2 else ("NWC", "NCW")
    for layout in ("cf", "cl"):
        network = core.read_model(model_file(model, "onnx"))
        x = channels_first(t.x)
        if layout == "cl":
            steps, x = PrePostProcessor(network), t.x
            for end in (steps.input(), steps.output()):
                end.tensor().set_layout(ov.Layout(last))
                end.model().set_layout(ov.Layout(first))
            network = steps.build()
        request = core.compile_model(network, "CPU", settings).create_infer_request()
        request.set_input_tensor(ov.Tensor(x))
        back = channels_last if layout == "cf" else np.array
        yield (
            f"openvino_{layout}",
            request.infer,
            lambda r=request, b=back: b(r.get_output_tensor().data),
        )


def litert(_layer, t, threads, model):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_file(model, "tflite"), num_threads=threads)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], t.x)
    output = interpreter.get_output_details()[0]["index"]
    yield (
        "litert_cl",
        interpreter.invoke,
        lambda: np.array(interpreter.get_tensor(output)),
    )


def torch(layer, t, threads, _model):
    import torch as pt
    from torch.nn import functional

    pt.set_num_threads(threads)
    pt.set_grad_enabled(False)
    rank, channels = len(layer["spatial"]), layer["cin"]
    conv = (functional.conv1d, functional.conv2d)[rank - 1]
    multiplier, ones = layer.get("mult", 1), [1] * rank
    depthwise = np.moveaxis(
        t.depthwise.reshape(*layer["kernel"], channels * multiplier), -1, 0
    )[:, None]
    pointwise = t.pointwise.reshape(channels * multiplier, layer["cout"]).T.reshape(
        layer["cout"], -1, *[1] * rank
    )
    activations = {
        "none": lambda v: v,
        None: lambda v: v,
        "relu": pt.relu_,
        "relu6": pt.nn.functional.relu6,
    }
    mid = activations[layer.get("mid_activation")]
    out = activations[layer.get("out_activation")]
    strides, dilation = layer.get("strides", ones), layer.get("dilation", ones)
    symmetric = all(before == after for before, after in t.pads)
    padding = [before for before, _ in t.pads] if symmetric else 0
    pads = [p for pair in reversed(t.pads) for p in pair]
    mid_bias, out_bias = (
        None if b is None else pt.from_numpy(b) for b in (t.mid_bias, t.out_bias)
    )
    for layout in ("cf", "cl") if rank == 2 else ("cf",):
        order = {"memory_format": pt.channels_last} if layout == "cl" else {}
        operands = [
            pt.from_numpy(np.ascontiguousarray(a)).to(**order)
            for a in (channels_first(t.x), depthwise, pointwise)
        ]

        def call(operands=operands):
            x, dw, pw = operands
            y = x if symmetric else functional.pad(x, pads)
            y = mid(conv(y, dw, mid_bias, strides, padding, dilation, channels))
            return out(conv(y, pw, out_bias))

        yield f"torch_{layout}", call, lambda c=call: channels_last(c().numpy())


def candidates(names, layer, tensors, threads, model):
    """{name: (call, output)} of all peers of the layer; one that fails is left out, with its reason in the second result."""
    made, failed = {}, {}
    for name in names:
        try:
            for layout, call, output in globals()[name](layer, tensors, threads, model):
                made[layout] = call, output
        except Exception as error:  # noqa: BLE001 (a peer may fail in any way; the rest goes on)
            failed[name] = f"{type(error).__name__}: {str(error)[:200]}"
    return made, failed
