"""A MobileNet of Keras before and after sepconv.keras.optimize: equality and time, on one thread.

    KERAS_BACKEND=torch python python/examples/keras_mobilenet.py [MODEL.keras]

Without a model it is keras.applications.MobileNet with random weights. The backend is jax, tensorflow, torch or numpy.
"""

import os

# Before a framework is imported: one thread each.
os.environ |= {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false"

import statistics
import sys
import time

import keras
import numpy as np

import sepconv
import sepconv.keras


def milliseconds(calls, seconds=8.0):
    """Of each call the times of many runs, ten at a time in turns. The first ones compile and warm up, and do not count."""
    for call in calls:
        call()
    times = [[] for _ in calls]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for call, its in zip(calls, times, strict=True):
            call()
            for _ in range(10):
                start = time.perf_counter()
                call()
                its.append((time.perf_counter() - start) * 1e3)
    return times


def compiled(model, x):
    """A call of the model without Keras's loop around it, as a server would make it."""
    x = keras.ops.convert_to_tensor(x)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        graph = tensorflow.function(lambda x: model(x, training=False))
        return lambda: graph(x).numpy()
    if keras.backend.backend() == "torch":
        import torch

        def run():
            with torch.inference_mode():
                return model(x, training=False).numpy()

        return run
    return lambda: model.predict_on_batch(x)


def main():
    sepconv.set_num_threads(1)
    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(1)
    if len(sys.argv) > 1:
        model = keras.models.load_model(sys.argv[1])
    else:
        keras.utils.set_random_seed(1)
        model = keras.applications.MobileNet(weights=None, classifier_activation=None)
    x = np.random.default_rng(1).random((1, *model.input_shape[1:]), "f")

    fast = sepconv.keras.optimize(model)
    print(sepconv.keras.report(fast))
    calls = compiled(model, x), compiled(fast, x)
    before, after = (np.asarray(call()) for call in calls)
    difference = np.abs(before - after).max() / np.abs(before).max()
    times = milliseconds(calls)
    for name, of in (("fastest", min), ("median", statistics.median)):
        before, after = map(of, times)
        print(f"{keras.backend.backend()}, {name}: {before:.2f} ms before, {after:.2f} ms after: {before / after:.2f}x")
    print(f"largest difference of the outputs, relative to the largest: {difference:.1e}")


if __name__ == "__main__":
    main()
