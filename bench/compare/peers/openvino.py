"""OpenVINO on the processor."""

import numpy as np
from tensors import channels_first, channels_last

DISTRIBUTION = MODULE = "openvino"
DEFAULT = True
MODEL = "onnx"


def candidates(layer, tensors, threads, model):
    import openvino as ov
    from openvino.preprocess import PrePostProcessor

    core = ov.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,  # the benchmark has pinned the process
    }
    axes = "DHW"[-layer.rank :] if layer.rank > 1 else "W"
    for layout in ("cf", "cl"):
        network, x = core.read_model(model), channels_first(tensors.x)
        if layout == "cl":
            steps, x = PrePostProcessor(network), tensors.x
            for end in (steps.input(), steps.output()):
                end.tensor().set_layout(ov.Layout(f"N{axes}C"))
                end.model().set_layout(ov.Layout(f"NC{axes}"))
            network = steps.build()
        request = core.compile_model(network, "CPU", settings).create_infer_request()
        request.set_input_tensor(ov.Tensor(x))
        back = channels_last if layout == "cf" else np.array
        yield (
            f"openvino_{layout}",
            request.infer,
            lambda r=request, b=back: b(r.get_output_tensor().data),
        )
