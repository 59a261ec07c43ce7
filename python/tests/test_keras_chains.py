"""sepconv.keras.optimize: fused layers in a row, on the backend that KERAS_BACKEND names."""

import concurrent.futures

import numpy as np
import pytest
from keras_support import BACKEND, Runs, afterwards, check_training, keras, layers, numpy, randomized  # noqa: F401 (a fixture)

import sepconv
import sepconv.keras


def compiled(model):
    """The model as a function of the backend's tensors, compiled where the backend compiles."""
    if BACKEND == "tensorflow":
        import tensorflow

        return tensorflow.function(lambda x: model(x, training=False))
    if BACKEND == "jax":
        import jax

        return jax.jit(lambda x: model(x, training=False))
    if BACKEND == "torch":
        import torch

        torch.compiler.reset()
        return torch.compile(lambda x: model(x, training=False), backend="aot_eager")
    return lambda x: model(x, training=False)


def chain_names(model):
    return [layer.name for layer in model.layers if isinstance(layer, sepconv.keras.FusedChain)]


def four(shape=(12, 10, 3)):
    inputs = keras.Input(shape)
    x = layers.SeparableConv2D(8, 3, activation="relu", name="a")(inputs)
    x = layers.DepthwiseConv2D(3, use_bias=False, name="b")(layers.ZeroPadding2D(1, name="pad")(x))
    x = layers.Conv2D(6, 1, name="b_pw")(layers.BatchNormalization(name="b_bn")(x))
    x = layers.SeparableConv2D(7, (3, 2), 2, "same", depth_multiplier=2, name="c")(x)
    x = layers.SeparableConv2D(5, 3, padding="same", activation="silu", name="d")(x)
    return keras.Model(inputs, x)


def check_equal(found, expected, tolerance=1e-5):
    found, expected = (numpy(keras.ops.cast(t, "float32")) for t in (found, expected))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


REPLACED = [("a",), ("pad", "b", "b_bn", "b_pw"), ("c",), ("d",)]


def test_one_call_for_a_chain(rng, tmp_path):
    """Compiled, with extents that change from call to call; saved; and the same without chains."""
    model = randomized(four((None, None, 3)), rng)
    fast, single = sepconv.keras.optimize(model), sepconv.keras.optimize(model, chains=False)
    assert chain_names(fast) == ["a_chain"] and len(fast.layers) == 2 and fast.output_shape == model.output_shape
    assert chain_names(single) == [] and len(single.layers) == 5
    for optimized in (fast, single):
        assert [r.replaces for r in sepconv.keras.report(optimized)] == REPLACED
    fast.save(tmp_path / "fast.keras")
    loaded = keras.models.load_model(tmp_path / "fast.keras")
    assert sepconv.keras.report(loaded) == sepconv.keras.report(fast)
    graph = compiled(fast)
    for shape in [(2, 12, 10), (1, 12, 10), (1, 40, 31), (3, 9, 8), (2, 12, 10)]:
        x = rng.standard_normal((*shape, 3)).astype("f")
        expected = numpy(model(x))
        tensor = keras.ops.convert_to_tensor(x)
        with Runs() as runs:
            found = numpy(graph(tensor))
        assert runs.count == 4
        check_equal(found, expected)
        for other in (fast, loaded, single):
            np.testing.assert_array_equal(numpy(other(x)), found)


def test_weights_that_change(rng):
    model = four()
    fast = sepconv.keras.optimize(model)
    x = rng.standard_normal((2, 12, 10, 3)).astype("f")
    other = sepconv.keras.optimize(randomized(four(), rng))
    (chain,), (changed,) = ([layer for layer in m.layers if chain_names(m) == [layer.name]] for m in (fast, other))
    before, after = numpy(fast(x)), numpy(other(x))
    assert np.abs(before - after).max() > 0.01
    chain.set_weights(changed.get_weights())
    np.testing.assert_array_equal(numpy(fast(x)), after)
    for part, weights in zip(chain.parts, [part.get_weights() for part in changed.parts], strict=True):
        part.set_weights([0 * weight for weight in weights])
        part.set_weights(weights)
    np.testing.assert_array_equal(numpy(fast(x)), after)


def test_a_branch_ends_a_chain(rng, tmp_path):
    inputs = keras.Input((9, 9, 4))
    a = layers.SeparableConv2D(4, 3, padding="same", name="a")(inputs)
    b = layers.SeparableConv2D(4, 3, padding="same", name="b")(a)  # read twice
    c = layers.SeparableConv2D(4, 3, padding="same", name="c")(b)
    d = layers.SeparableConv2D(4, 3, padding="same", name="d")(c)
    e = layers.SeparableConv2D(4, 3, padding="same", name="e")(layers.Add()([b, d]))  # an output of the model
    f = layers.SeparableConv2D(4, 3, padding="same", name="f")(e)
    g = layers.SeparableConv2D(4, 3, padding="same", name="g", dtype="mixed_float16")(f)  # of another type
    h = layers.SeparableConv2D(4, 3, padding="same", name="h", dtype="mixed_float16")(g)
    model = randomized(keras.Model(inputs, [e, h]), rng)
    fast = sepconv.keras.optimize(model)
    stays = BACKEND == "tensorflow"  # 16-bit types
    assert sorted(chain_names(fast)) == ["a_chain", "c_chain", *([] if stays else ["g_chain"])]
    assert sorted(r.replaces for r in sepconv.keras.report(fast)) == [
        (name,) for name in ("abcdef" if stays else "abcdefgh")
    ]
    x = rng.standard_normal((2, 9, 9, 4)).astype("f")
    for found, expected, tolerance in zip(fast(x), model(x), (1e-5, 0.01), strict=True):
        check_equal(found, expected, tolerance)
    inner = keras.Model(inputs, c)  # what lies inside a chain, asked for by name
    check_equal(sepconv.keras.optimize(inner)(x), inner(x))


def test_layers_and_models_used_twice(rng, tmp_path):
    inputs = keras.Input((8, 8, 4))
    twice = layers.SeparableConv2D(4, 3, padding="same", name="twice")
    block = keras.Sequential([keras.Input((8, 8, 4)), twice, layers.SeparableConv2D(4, 3, padding="same", name="next")])
    model = randomized(keras.Model(inputs, block(layers.ReLU()(twice(layers.ReLU()(twice(block(inputs))))))), rng)
    fast = sepconv.keras.optimize(model)
    x = rng.standard_normal((2, 8, 8, 4)).astype("f")
    with Runs() as runs:
        check_equal(fast(x), model(x))
    assert runs.count == 6
    assert len(sepconv.keras.report(fast)) == 4
    assert len({layer.name for layer in fast.layers}) == len(fast.layers)
    fast.save(tmp_path / "fast.keras")
    np.testing.assert_array_equal(numpy(keras.models.load_model(tmp_path / "fast.keras")(x)), numpy(fast(x)))


def test_threads_share_a_model(rng):
    model = randomized(four((None, None, 3)), rng)
    fast = sepconv.keras.optimize(model)
    graph = compiled(fast)
    arrays = [keras.ops.convert_to_tensor(rng.standard_normal((1, 20 + i, 16, 3)).astype("f")) for i in range(3)]
    expected = [numpy(graph(x)) for x in arrays]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for found, i in pool.map(lambda i: (numpy(graph(arrays[i % 3])), i % 3), range(60)):
            np.testing.assert_array_equal(found, expected[i])


@pytest.mark.skipif(BACKEND == "numpy", reason="the NumPy backend has no gradients")
def test_gradients_pass_through_a_chain(rng):
    """A layer in front of it can be trained."""
    x, y = rng.standard_normal((4, 9, 9, 2)).astype("f"), rng.standard_normal((4, 4, 4, 5)).astype("f")
    front, back = layers.Conv2D(3, 1), four((9, 9, 3))
    back.trainable = False
    model = randomized(keras.Sequential([keras.Input((9, 9, 2)), front, back]), rng)
    check_training((model, sepconv.keras.optimize(model)), front, x, y)


def test_a_chain_without_weights():
    part = sepconv.keras.FusedSeparableConv((3, 3), 2, 1, 3)
    chain = sepconv.keras.FusedChain([part], name="empty")
    with pytest.raises(RuntimeError, match="empty has no weights yet"):
        chain(np.ones((1, 5, 5, 2), "f"))
    chain.pack()
    np.testing.assert_array_equal(numpy(chain(np.ones((1, 5, 5, 2), "f"))), 0)
