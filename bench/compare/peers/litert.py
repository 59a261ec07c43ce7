"""LiteRT, which was TensorFlow Lite, with XNNPACK."""

import numpy as np

DISTRIBUTION = "ai-edge-litert"
MODULE = "ai_edge_litert.interpreter"
DEFAULT = True
MODEL = "tflite"


def candidates(_layer, tensors, threads, model):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model, num_threads=threads)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], tensors.x)
    output = interpreter.get_output_details()[0]["index"]
    yield (
        "litert_cl",
        interpreter.invoke,
        lambda: np.array(interpreter.get_tensor(output)),
    )
