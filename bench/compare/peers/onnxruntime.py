"""ONNX Runtime on the processor."""

from tensors import channels_first, channels_last

DISTRIBUTION = MODULE = "onnxruntime"
DEFAULT = True
MODEL = "onnx"


def candidates(_layer, tensors, threads, model):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    binding, x = session.io_binding(), channels_first(tensors.x)
    binding.bind_cpu_input("x", x)
    binding.bind_output(session.get_outputs()[0].name)
    yield (
        "onnxruntime_cf",
        lambda: session.run_with_iobinding(binding),
        lambda: channels_last(binding.copy_outputs_to_cpu()[0]),
    )
