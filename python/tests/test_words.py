"""The lists of words in Python are those of sepconv.h, and of schema/layers.schema.json."""

import inspect
import warnings

import numpy as np
import pytest
from schema_support import words

import sepconv
import sepconv_layers
from sepconv import _native
from sepconv_layers import activations


def test_activations():
    assert tuple(activations.TABLE) == _native.activations
    own = [word for word in _native.activations if word != "clamp"]
    for place in ("input", "mid", "out"):
        assert words(sepconv_layers.properties()[f"{place}_activation"]) == own


def test_dtypes_data_formats_and_paddings():
    properties = sepconv_layers.properties()
    assert set(words(properties["dtype"])) == set(_native.dtypes) == set(sepconv_layers.BYTES)
    for name, size in sepconv_layers.BYTES.items():
        assert name == "bfloat16" or np.dtype(name).itemsize == size
    assert tuple(words(properties["data_format"])) == _native.data_formats
    assert (*words(properties["padding"]), "explicit") == _native.paddings


ALL = [word for word in activations.TABLE if word != "clamp"] + [(-0.5, 1.0), (None, 0.25), (0.5, None)]
X = np.concatenate([np.linspace(-9, 9, 181), [-40.0, 40.0]])


def formula(activation):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return activations.function(activation, np)(X)


@pytest.mark.parametrize("activation", ALL, ids=str)
def test_formulas(activation):
    """The library's functions are NumPy's formulas."""
    x = X.reshape(1, -1, 1)
    one = np.ones((1, 1, 1))
    found = sepconv.Layer(one, one, out_activation=activation)(x).ravel()
    np.testing.assert_allclose(found, formula(activation), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("activation", ALL, ids=str)
@pytest.mark.parametrize("framework", ["torch", "jax", "tensorflow"])
def test_frameworks(framework, activation):
    module = pytest.importorskip(framework)
    make = {
        "torch": lambda: module.from_numpy(X),
        "jax": lambda: module.numpy.asarray(X),
        "tensorflow": lambda: module.constant(X),
    }
    if framework == "jax":
        module.config.update("jax_enable_x64", True)
    found = np.asarray(activations.function(activation, module)(make[framework]()))
    np.testing.assert_allclose(found, formula(activation), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("word", [word for word, entry in activations.TABLE.items() if entry.keras])
def test_keras(word):
    keras = pytest.importorskip("keras")
    from sepconv.keras import _activations

    for name in activations.TABLE[word].keras:
        function = getattr(keras.activations, name)
        found = keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(X.astype("f"))))
        np.testing.assert_allclose(found, formula(word), rtol=1e-5, atol=1e-5)
        assert _activations.of_function(function) == word


@pytest.mark.parametrize("activation", ALL, ids=str)
def test_onnx(activation):
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    nodes, constants = [], []

    def op(operator, *inputs, **attributes):
        names = [i if isinstance(i, str) else f"c{len(constants) + k}" for k, i in enumerate(inputs)]
        constants.extend(
            onnx.numpy_helper.from_array(np.float64(i), n)
            for i, n in zip(inputs, names, strict=True)
            if not isinstance(i, str)
        )
        nodes.append(onnx.helper.make_node(operator, names, [f"t{len(nodes)}"], **attributes))
        return nodes[-1].output[0]

    last = activations.function(activation, op)("x")
    value = lambda name: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, [None])
    graph = onnx.helper.make_graph(nodes, "g", [value("x")], [value(last)], constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)])
    onnx.checker.check_model(model)
    (found,) = ReferenceEvaluator(model).run(None, {"x": X})
    np.testing.assert_allclose(found, formula(activation), rtol=1e-7, atol=1e-7)


def test_names():
    assert activations.standard(None) == activations.standard("linear") == "none"
    assert activations.standard("silu") == "swish" and activations.standard("no such") == "no such"
    assert activations.standard([0, None]) == (0, None)
    assert all(
        callable(getattr(entry, f)) for entry in activations.TABLE.values() for f in ("torch", "jax", "tensorflow")
    )
    assert inspect.signature(activations.TABLE["clamp"].numpy).parameters.keys() >= {"lo", "hi"}
    operators = activations.onnx_operators()
    assert operators["Gelu"] == ("gelu", {"approximate": "tanh"}) and operators["Swish"] == ("swish", {})
    assert operators["Identity"] == ("none", {}) and "Clip" not in operators
