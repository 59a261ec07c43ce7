"""What the tests of Keras share."""

import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
keras = pytest.importorskip("keras")

import sepconv
import sepconv.keras

BACKEND = keras.backend.backend()
layers = keras.layers


@pytest.fixture(autouse=True)
def afterwards():
    yield
    sepconv.keras.disable()
    keras.utils.clear_session()


class Runs:
    """Counts the convolutions of a block."""

    def __enter__(self):
        self.before = sepconv.run_count()
        return self

    def __exit__(self, *_):
        self.count = sepconv.run_count() - self.before


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def small_model(data_format="channels_last"):
    shape = (12, 10, 3) if data_format == "channels_last" else (3, 12, 10)
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.SeparableConv2D(8, 3, activation="relu", data_format=data_format),
            layers.DepthwiseConv2D(3, padding="same", data_format=data_format),
            layers.SeparableConv2D(4, (3, 2), 2, "same", data_format=data_format),
            layers.GlobalAveragePooling2D(data_format=data_format),
            layers.Dense(2),
        ]
    )


def randomized(model, rng):
    """Statistics that a fold which forgets something gets wrong."""
    for weight in model.weights:
        if "variance" in weight.path:
            weight.assign(rng.uniform(0.5, 2, weight.shape))
        elif len(weight.shape) == 1:
            weight.assign(rng.uniform(-0.5, 0.5, weight.shape) + ("gamma" in weight.path))
        else:
            weight.assign(rng.standard_normal(weight.shape) / np.sqrt(np.prod(weight.shape[:-1])))
    return model


def check_training(models, front, x, y):
    """The layer `front` learns the same from two epochs of each model, each from the same start."""
    start = front.get_weights()
    changes = []
    for model in models:
        front.set_weights(start)
        model.compile(keras.optimizers.SGD(1.0), "mse")  # so fast that rounding is small beside what changes
        model.fit(x, y, epochs=2, verbose=0)
        changes.append([after - before for after, before in zip(front.get_weights(), start, strict=True)])
    for expected, found in zip(*changes, strict=True):
        size = np.abs(expected).max()
        assert size > 1e-5
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3 * size + 1e-7)
