"""The other libraries, each behind the same two calls: candidates(layer, tensors, threads) makes a dict from a name to a pair
(call, output), where call() runs the layer once and output() gives its result as channels-last float32.

A name ends in the layout that the library is given: _cf channels first, _cl channels last. Every library is set up as its
documentation recommends for one model: weights constant, buffers bound once, the wanted number of threads.
"""

import pathlib
import subprocess
import sys

import numpy as np

DEFAULT = ("onnxruntime", "openvino", "litert")
ALL = (*DEFAULT, "torch")


class Tensors:
    """Inputs and weights of a layer, in Keras's layouts, channels last."""

    def __init__(self, layer):
        rng = np.random.default_rng(20)
        rank, channels, multiplier, outputs = (
            len(layer["spatial"]),
            layer["cin"],
            layer.get("mult", 1),
            layer["cout"],
        )
        taps = int(np.prod(layer["kernel"]))

        def draw(shape, fan_in):
            return (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)

        self.x = rng.standard_normal(
            (layer.get("n", 1), *layer["spatial"], channels)
        ).astype(np.float32)
        self.depthwise = draw((*layer["kernel"], channels, multiplier), taps)
        self.pointwise = draw(
            (*[1] * rank, channels * multiplier, outputs), channels * multiplier
        )
        self.mid_bias = (
            draw(channels * multiplier, 8) if layer.get("mid_bias") else None
        )
        self.out_bias = draw(outputs, 8) if layer.get("out_bias") else None
        self.pads = []
        for i, axis in enumerate(layer["spatial"]):
            stride, dilation = (
                layer.get("strides", [1] * rank)[i],
                layer.get("dilation", [1] * rank)[i],
            )
            reach = (layer["kernel"][i] - 1) * dilation + 1
            total = (
                max((-(-axis // stride) - 1) * stride + reach - axis, 0)
                if layer.get("padding") == "same"
                else 0
            )
            self.pads.append((total // 2, total - total // 2))


def channels_first(a):
    return np.ascontiguousarray(np.moveaxis(a, -1, 1))


def channels_last(a):
    return np.ascontiguousarray(np.moveaxis(a, 1, -1))


def onnx_model(layer, t):
    """The layer as Conv (one group a channel), Conv 1x1, and what lies between and behind."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rank, channels, multiplier = (
        len(layer["spatial"]),
        layer["cin"],
        layer.get("mult", 1),
    )
    depthwise = np.moveaxis(
        t.depthwise.reshape(*layer["kernel"], channels * multiplier), -1, 0
    )[:, None]
    pointwise = t.pointwise.reshape(channels * multiplier, layer["cout"]).T.reshape(
        layer["cout"], -1, *[1] * rank
    )
    constants = {
        "depthwise": depthwise,
        "pointwise": pointwise,
        "mid_bias": t.mid_bias,
        "out_bias": t.out_bias,
    }
    nodes, last = [], "x"

    def activation(kind):
        nonlocal last
        if kind == "relu":
            nodes.append(helper.make_node("Relu", [last], [last + "_act"]))
        elif kind == "relu6":
            constants["zero"], constants["six"] = np.float32(0), np.float32(6)
            nodes.append(
                helper.make_node("Clip", [last, "zero", "six"], [last + "_act"])
            )
        elif kind not in (None, "none"):
            raise ValueError(f"activation {kind} has no translation")
        if nodes[-1].output[0] != last:
            last = nodes[-1].output[0]

    pads = [before for before, _ in t.pads] + [after for _, after in t.pads]
    inputs = ["x", "depthwise"] + (["mid_bias"] if t.mid_bias is not None else [])
    ones = [1] * rank
    nodes.append(
        helper.make_node(
            "Conv",
            inputs,
            ["middle"],
            group=channels,
            kernel_shape=layer["kernel"],
            strides=layer.get("strides", ones),
            dilations=layer.get("dilation", ones),
            pads=pads,
        )
    )
    last = "middle"
    activation(layer.get("mid_activation"))
    inputs = [last, "pointwise"] + (["out_bias"] if t.out_bias is not None else [])
    nodes.append(helper.make_node("Conv", inputs, ["result"], kernel_shape=ones))
    last = "result"
    activation(layer.get("out_activation"))
    shape = [layer.get("n", 1), channels, *layer["spatial"]]
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(np.ascontiguousarray(v), k)
            for k, v in constants.items()
            if v is not None
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    return onnx.shape_inference.infer_shapes(model).SerializeToString()


def onnxruntime(layer, t, threads, _cache):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(
        onnx_model(layer, t), options, providers=["CPUExecutionProvider"]
    )
    binding, x = session.io_binding(), channels_first(t.x)
    binding.bind_cpu_input("x", x)
    binding.bind_output(session.get_outputs()[0].name)
    return {
        "onnxruntime_cf": (
            lambda: session.run_with_iobinding(binding),
            lambda: channels_last(binding.copy_outputs_to_cpu()[0]),
        )
    }


def openvino(layer, t, threads, _cache):
    import openvino as ov
    from openvino.preprocess import PrePostProcessor

    core, result = ov.Core(), {}
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    settings["ENABLE_CPU_PINNING"] = False
    for layout in ("cf", "cl"):
        model, x = core.read_model(onnx_model(layer, t)), channels_first(t.x)
        if layout == "cl":
            last, first = (
                ("NHWC", "NCHW") if len(layer["spatial"]) == 2 else ("NWC", "NCW")
            )
            steps, x = PrePostProcessor(model), t.x
            steps.input().tensor().set_layout(ov.Layout(last))
            steps.input().model().set_layout(ov.Layout(first))
            steps.output().tensor().set_layout(ov.Layout(last))
            steps.output().model().set_layout(ov.Layout(first))
            model = steps.build()
        request = core.compile_model(model, "CPU", settings).create_infer_request()
        request.set_input_tensor(ov.Tensor(x))
        back = channels_last if layout == "cf" else np.array
        result[f"openvino_{layout}"] = (
            request.infer,
            lambda r=request, b=back: b(r.get_output_tensor().data),
        )
    return result


# TensorFlow converts in a process of its own, so that its threads are not in this one.
CONVERT = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import json, keras, numpy as np, tensorflow as tf
layer, weights = json.load(open(sys.argv[1])), np.load(sys.argv[2])
rank = len(layer["spatial"]); ones = [1] * rank
act = lambda k: None if k in (None, "none") else k
first = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)[rank - 1]
second = (keras.layers.Conv1D, keras.layers.Conv2D)[rank - 1]
model = keras.Sequential([
    keras.Input((*layer["spatial"], layer["cin"]), batch_size=layer.get("n", 1)),
    first(layer["kernel"], strides=layer.get("strides", ones), dilation_rate=layer.get("dilation", ones),
          padding=layer.get("padding", "valid"), depth_multiplier=layer.get("mult", 1), use_bias="mid_bias" in weights,
          activation=act(layer.get("mid_activation"))),
    second(layer["cout"], 1, use_bias="out_bias" in weights, activation=act(layer.get("out_activation"))),
])
model.layers[0].set_weights([weights[k] for k in ("depthwise", "mid_bias") if k in weights])
model.layers[1].set_weights([weights[k] for k in ("pointwise", "out_bias") if k in weights])
open(sys.argv[3], "wb").write(tf.lite.TFLiteConverter.from_keras_model(model).convert())
"""


def litert(layer, t, threads, cache):
    import json

    from ai_edge_litert.interpreter import Interpreter

    cache = pathlib.Path(cache)
    file = cache / "layer.tflite"
    weights = {
        k: getattr(t, k) for k in ("depthwise", "pointwise", "mid_bias", "out_bias")
    }
    np.savez(
        cache / "weights.npz", **{k: v for k, v in weights.items() if v is not None}
    )
    (cache / "layer.json").write_text(json.dumps(layer))
    command = [
        sys.executable,
        "-c",
        CONVERT,
        cache / "layer.json",
        cache / "weights.npz",
        file,
    ]
    subprocess.run(command, check=True, capture_output=True)
    interpreter = Interpreter(str(file), num_threads=threads)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], t.x)
    output = interpreter.get_output_details()[0]["index"]
    return {
        "litert_cl": (
            interpreter.invoke,
            lambda: np.array(interpreter.get_tensor(output)),
        )
    }


def torch(layer, t, threads, _cache):
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
    act = {
        "none": lambda v: v,
        None: lambda v: v,
        "relu": pt.relu_,
        "relu6": functional.relu6,
    }
    mid, out = act[layer.get("mid_activation")], act[layer.get("out_activation")]
    symmetric = all(before == after for before, after in t.pads)
    pads = [p for pair in reversed(t.pads) for p in pair]
    result = {}
    for layout in ("cf", "cl") if rank == 2 else ("cf",):
        order = {"memory_format": pt.channels_last} if layout == "cl" else {}
        x, dw, pw = (
            pt.from_numpy(np.ascontiguousarray(a)).to(**order)
            for a in (channels_first(t.x), depthwise, pointwise)
        )
        mid_bias, out_bias = (
            None if b is None else pt.from_numpy(b) for b in (t.mid_bias, t.out_bias)
        )
        strides, dilation = layer.get("strides", ones), layer.get("dilation", ones)
        padding = [before for before, _ in t.pads] if symmetric else 0

        def call(
            x=x,
            dw=dw,
            pw=pw,
            mid_bias=mid_bias,
            out_bias=out_bias,
            padding=padding,
            strides=strides,
            dilation=dilation,
        ):
            y = x if symmetric else functional.pad(x, pads)
            return out(
                conv(
                    mid(conv(y, dw, mid_bias, strides, padding, dilation, channels)),
                    pw,
                    out_bias,
                )
            )

        result[f"torch_{layout}"] = (call, lambda c=call: channels_last(c().numpy()))
    return result


def candidates(peers, layer, tensors, threads, cache):
    """All peers of the layer; one that fails is left out, with its reason in the second result."""
    made, failed = {}, {}
    for name in peers:
        try:
            made.update(globals()[name](layer, tensors, threads, cache))
        except Exception as error:  # noqa: BLE001 (a peer may fail in any way; the rest goes on)
            failed[name] = f"{type(error).__name__}: {str(error)[:200]}"
    return made, failed
