"""sepconv.extract of ONNX files: what exporters write for the parts of a layer."""

import numpy as np
import pytest
from extract_support import extracted, layer

import sepconv.extract
import sepconv_layers

onnx = pytest.importorskip("onnx")


def onnx_model(path, nodes, constants, channels, spatial, opset=20, outputs=("y",), batch=1):
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node(op, ins, outs, **attributes) for op, ins, outs, attributes in nodes],
        "g",
        [helper.make_tensor_value_info("x", floats, [batch, channels, *spatial])],
        [helper.make_tensor_value_info(name, floats, None) for name in outputs],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    domains = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=domains), path)


def test_operators(tmp_path):
    """Padding in front, normalisation as arithmetic, x * sigmoid(x), explicit padding, a number for all channels."""
    constants = {
        "dw": np.ones((8, 1, 3, 5), "f"), "pw": np.ones((6, 8, 1, 1), "f"), "bias": np.ones(6, "f"),
        "scale": np.ones((1, 8, 1, 1), "f"), "shift": np.ones((8, 1, 1), "f"), "lo": np.float32(-1), "hi": np.float32(1),
        "pads": np.array([0, 0, 1, 2, 0, 0, 0, 3]),
    }  # fmt: skip
    nodes = [
        ("Pad", ["x", "pads"], ["p"], {}),
        ("Conv", ["p", "dw"], ["d"], {"group": 4, "strides": [2, 1], "pads": [0, 0, 1, 0], "name": "dw1"}),
        ("Mul", ["d", "scale"], ["m"], {}),
        ("Add", ["shift", "m"], ["n"], {}),
        ("Sigmoid", ["n"], ["s"], {}),
        ("Mul", ["s", "n"], ["t"], {}),
        ("Conv", ["t", "pw", "bias"], ["o"], {}),
        ("Clip", ["o", "lo", "hi"], ["y"], {}),
    ]
    path = tmp_path / "model.onnx"
    onnx_model(path, nodes, constants, 4, [9, 9])
    (found,) = sepconv.extract.extract(path)
    assert found == {
        "name": "model/dw1", "spatial": [9, 9], "cin": 4, "mult": 2, "cout": 6, "kernel": [3, 5], "strides": [2, 1],
        "dilation": [1, 1], "padding": {"before": [1, 2], "after": [1, 3]}, "data_format": "channels_first",
        "dtype": "float32", "mid_bias": True, "mid_activation": "swish", "out_bias": True,
        "out_activation": {"clamp": [-1.0, 1.0]}, "source": "model.onnx",
    }  # fmt: skip


FOUR = {"dw": np.ones((4, 1, 3, 3), "f"), "pw": np.ones((6, 4, 1, 1), "f")}
DEPTHWISE = ("Conv", ["x", "dw"], ["d"], {"group": 4, "name": "dw"})


def four(tmp_path, between, last="d", constants=None, **arguments):
    """A depthwise convolution of 4 channels on 9x9, what is between, and a pointwise one of what is called `last`."""
    path = tmp_path / "model.onnx"
    nodes = [DEPTHWISE, *between, ("Conv", [last, "pw"], ["y"], {"name": "pw"})]
    onnx_model(path, nodes, FOUR | (constants or {}), 4, [9, 9], **arguments)
    return extracted(path)


def test_what_is_no_layer(tmp_path):
    """A dense convolution behind a depthwise one."""
    path = tmp_path / "model.onnx"
    nodes = [DEPTHWISE, ("Conv", ["d", "k3"], ["y"], {"name": "dense"})]
    onnx_model(path, nodes, FOUR | {"k3": np.ones((4, 4, 3, 3), "f")}, 4, [9, 9])
    reason = "needs a pointwise convolution behind it; behind it is dense (Conv)"
    assert extracted(path) == ([], {"model/dw": reason})


def test_middle_that_is_needed_elsewhere(tmp_path):
    """The depthwise result is an output of the model, too: one pass would not give it."""
    found, left = four(tmp_path, [], outputs=("y", "d"))
    between = "a tensor that is read by pw (Conv) and an output of the model"
    assert found == [layer([9, 9], 4, 6, [3, 3], fusable=False, between=between)]
    assert left == {}


HARD_SWISH = {
    "HardSigmoid": [("HardSigmoid", ["d"], ["s"], {"alpha": 1 / 6}), ("Mul", ["d", "s"], ["m"], {})],
    "Div": [
        ("Add", ["d", "three"], ["a"], {}),
        ("Clip", ["a", "zero", "six"], ["c"], {}),
        ("Mul", ["d", "c"], ["n"], {}),
        ("Div", ["n", "six"], ["m"], {}),
    ],
    "sixth first": [
        ("Add", ["three", "d"], ["a"], {}),
        ("Clip", ["a", "zero", "six"], ["c"], {}),
        ("Mul", ["c", "sixth"], ["n"], {}),
        ("Mul", ["n", "d"], ["m"], {}),
    ],
}
NUMBERS = {name: np.float32(value) for name, value in {"zero": 0, "three": 3, "six": 6, "sixth": 1 / 6}.items()}


@pytest.mark.parametrize("form", HARD_SWISH)
def test_hard_swish(form, tmp_path):
    found, _ = four(tmp_path, HARD_SWISH[form], "m", NUMBERS)
    assert found == [layer([9, 9], 4, 6, [3, 3], mid_activation="hard_swish")]


def test_hard_swish_with_another_slope_is_none(tmp_path):
    nodes = [("HardSigmoid", ["d"], ["s"], {"alpha": 0.2}), ("Mul", ["d", "s"], ["m"], {})]
    found, _ = four(tmp_path, nodes, "m")
    assert not found[0]["fusable"] and "mid_activation" not in found[0]


def test_gelu_as_arithmetic(tmp_path):
    nodes = [
        ("Pow", ["d", "cube"], ["p"], {}),
        ("Mul", ["p", "a"], ["q"], {}),
        ("Add", ["d", "q"], ["r"], {}),
        ("Mul", ["r", "b"], ["s"], {}),
        ("Tanh", ["s"], ["t"], {}),
        ("Add", ["t", "one"], ["u"], {}),
        ("Mul", ["d", "u"], ["v"], {}),
        ("Mul", ["v", "half"], ["w"], {}),
    ]
    numbers = {"cube": 3, "a": 0.044715, "b": (2 / np.pi) ** 0.5, "one": 1, "half": 0.5}
    found, _ = four(tmp_path, nodes, "w", {name: np.float32(value) for name, value in numbers.items()})
    assert found == [layer([9, 9], 4, 6, [3, 3], mid_activation="gelu")]


@pytest.mark.parametrize(
    ("nodes", "names"),
    [
        ([("LeakyRelu", ["d"], ["m"], {"alpha": 0.1})], "LeakyRelu"),
        ([("PRelu", ["d", "slope"], ["m"], {})], "PRelu"),
        ([("Gelu", ["d"], ["m"], {})], "Gelu"),
        ([("Relu", ["d"], ["r"], {}), ("Mul", ["r", "vector"], ["b"], {}), ("Tanh", ["b"], ["m"], {})], "Mul, Tanh"),
    ],
)
def test_what_cannot_be_fused_is_named(nodes, names, tmp_path):
    constants = {"slope": np.full((4, 1, 1), 0.1, "f"), "vector": np.arange(1, 5, dtype="f").reshape(4, 1, 1)}
    (found,), _ = four(tmp_path, nodes, "m", constants)
    assert (found["fusable"], found["between"]) == (False, names)


def test_normalisation_behind_the_activation(tmp_path):
    """It is linear: a part of the pointwise stage."""
    vectors = {name: np.arange(1, 5, dtype="f") for name in ("gamma", "beta", "mean", "variance")}
    nodes = [
        ("Relu", ["d"], ["r"], {}),
        ("BatchNormalization", ["r", "gamma", "beta", "mean", "variance"], ["n"], {}),
    ]
    found, _ = four(tmp_path, nodes, "n", vectors)
    assert found == [layer([9, 9], 4, 6, [3, 3], mid_activation="relu", out_bias=True)]


def test_bounds_that_are_computed(tmp_path):
    """Constants of other kinds, types and ways."""
    nodes = [
        ("Constant", [], ["lo"], {"value_float": 0.0}),
        ("Constant", [], ["wide"], {"value": onnx.numpy_helper.from_array(np.float64(6))}),
        ("Cast", ["wide"], ["narrow"], {"to": onnx.TensorProto.FLOAT}),
        ("Identity", ["narrow"], ["hi"], {}),
        ("Clip", ["d", "lo", "hi"], ["m"], {}),
    ]
    found, _ = four(tmp_path, nodes, "m")
    assert found == [layer([9, 9], 4, 6, [3, 3], mid_activation="relu6")]


def test_min_of_max_is_a_clamp(tmp_path):
    nodes = [("Max", ["d", "zero"], ["a"], {}), ("Min", ["a", "three"], ["m"], {})]
    found, _ = four(tmp_path, nodes, "m", NUMBERS)
    assert found == [layer([9, 9], 4, 6, [3, 3], mid_activation={"clamp": [0.0, 3.0]})]


def padded(tmp_path, pads, constants=None, nodes=(), conv=(), spatial=(9, 9), **attributes):
    path = tmp_path / "model.onnx"
    constants = FOUR | {"pads": np.array(pads)} | (constants or {})
    inputs = ["x", "pads"] if not conv else ["x", *conv]
    nodes = [*nodes, ("Pad", inputs, ["p"], attributes), ("Conv", ["p", "dw"], ["d"], {"group": 4, "name": "dw"})]
    onnx_model(path, [*nodes, ("Conv", ["d", "pw"], ["y"], {})], constants, 4, spatial)
    (found,), left = extracted(path)
    assert left == {}
    return found


def test_padding(tmp_path):
    same = layer([9, 9], 4, 6, [3, 3], padding="same")
    assert padded(tmp_path, [0, 0, 1, 1, 0, 0, 1, 1]) == same
    axes = {"axes": np.array([-1, 2]), "none": np.float32(0)}
    assert padded(tmp_path, [1, 1, 1, 1], axes, conv=["pads", "none", "axes"]) == same


def test_padding_that_cuts_or_is_not_zero(tmp_path):
    """It stays in front: the layer reads what it gives."""
    assert padded(tmp_path, [0, 0, -1, -1, 0, 0, -1, -1]) == layer([7, 7], 4, 6, [3, 3])
    assert padded(tmp_path, [0, 0, 1, 1, 0, 0, 1, 1], mode="reflect") == layer([11, 11], 4, 6, [3, 3])
    one = {"one": np.float32(1)}
    assert padded(tmp_path, [0, 0, 1, 1, 0, 0, 1, 1], one, conv=["pads", "one"]) == layer([11, 11], 4, 6, [3, 3])


def causal(tmp_path, pad, cut, stride=1):
    path = tmp_path / "model.onnx"
    constants = {"dw": np.ones((4, 1, 3), "f"), "pw": np.ones((6, 4, 1), "f")}
    constants |= {"from": np.array([0]), "to": np.array([-cut]), "axis": np.array([2])}
    attributes = {"group": 4, "dilations": [2], "pads": [pad, pad], "strides": [stride], "name": "dw"}
    nodes = [
        ("Conv", ["x", "dw"], ["d"], attributes),
        ("Slice", ["d", "from", "to", "axis"], ["s"], {}),
        ("Relu", ["s"], ["r"], {}),
        ("Conv", ["r", "pw"], ["y"], {}),
    ]
    onnx_model(path, nodes, constants, 4, [30])
    return extracted(path)


def test_causal_as_padding_and_a_slice(tmp_path):
    expected = layer([30], 4, 6, [3], dilation=[2], padding="causal", mid_activation="relu")
    assert causal(tmp_path, 4, 4) == ([expected], {})
    other = {"before": [4], "after": [2]}
    assert causal(tmp_path, 4, 2) == ([expected | {"padding": other}], {})
    # At a stride of 2 an output is two inputs' worth of padding.
    assert causal(tmp_path, 4, 2, 2) == ([expected | {"strides": [2]}], {})
    reason = "needs a pointwise convolution behind it; behind it is Slice_1 (Slice)"
    assert causal(tmp_path, 4, 5) == ([], {"model/dw": reason})  # more than padding


def test_matrix_product(tmp_path):
    """The pointwise stage as a linear layer, in channels last."""
    path = tmp_path / "model.onnx"
    constants = {"dw": FOUR["dw"], "w": np.ones((6, 4), "f"), "bias": np.ones(6, "f")}
    nodes = [
        DEPTHWISE,
        ("Transpose", ["d"], ["t"], {"perm": [0, 2, 3, 1]}),
        ("Transpose", ["w"], ["wt"], {"perm": [1, 0]}),
        ("MatMul", ["t", "wt"], ["m"], {}),
        ("Add", ["bias", "m"], ["n"], {}),
        ("Relu", ["n"], ["r"], {}),
        ("Transpose", ["r"], ["y"], {"perm": [0, 3, 1, 2]}),
    ]
    onnx_model(path, nodes, constants, 4, [9, 9])
    assert extracted(path) == ([layer([9, 9], 4, 6, [3, 3], out_bias=True, out_activation="relu")], {})


def test_matrix_product_over_another_axis(tmp_path):
    """Over the width, which has as many elements as there are channels."""
    path = tmp_path / "model.onnx"
    nodes = [("Conv", ["x", "dw"], ["d"], {"group": 4, "pads": [1, 1, 1, 1], "name": "dw"})]
    nodes += [("MatMul", ["d", "w"], ["y"], {"name": "product"})]
    onnx_model(path, nodes, {"dw": FOUR["dw"], "w": np.ones((4, 6), "f")}, 4, [9, 4])
    reason = "needs a pointwise convolution behind it; behind it is product (MatMul)"
    assert extracted(path) == ([], {"model/dw": reason})


def test_layer_norm_between(tmp_path):
    """As ConvNeXt has it."""
    path = tmp_path / "model.onnx"
    constants = {"dw": FOUR["dw"], "w": np.ones((4, 16), "f"), "gamma": np.ones(4, "f")}
    nodes = [
        DEPTHWISE,
        ("Transpose", ["d"], ["t"], {"perm": [0, 2, 3, 1]}),
        ("LayerNormalization", ["t", "gamma"], ["n"], {}),
        ("MatMul", ["n", "w"], ["y"], {}),
    ]
    onnx_model(path, nodes, constants, 4, [9, 9])
    expected = layer([9, 9], 4, 16, [3, 3], fusable=False, between="LayerNormalization")
    assert extracted(path) == ([expected], {})


def test_one_input_channel(tmp_path):
    path = tmp_path / "model.onnx"
    constants = {"k": np.ones((4, 1, 9), "f"), "pw": np.ones((8, 4, 1), "f")}
    onnx_model(path, [("Conv", ["x", "k"], ["d"], {}), ("Conv", ["d", "pw"], ["y"], {})], constants, 1, [50])
    assert extracted(path) == ([layer([50], 1, 8, [9], mult=4)], {})
    onnx_model(path, [("Conv", ["x", "k"], ["d"], {}), ("Relu", ["d"], ["y"], {})], constants, 1, [50])
    assert extracted(path) == ([], {})  # an ordinary convolution


@pytest.mark.parametrize("open_axis", [0, -1, None, "height"])
def test_open_extents(open_axis, tmp_path):
    path = tmp_path / "model.onnx"
    nodes = [DEPTHWISE, ("Conv", ["d", "pw"], ["y"], {})]
    onnx_model(path, nodes, FOUR, 4, [open_axis, 9])
    with pytest.raises(ValueError, match=r"extents of its input x, \(1, 4, \?, 9\), are not known: give input_shape"):
        sepconv.extract.extract(path)
    assert extracted(path, input_shape=(1, 4, 12, 9)) == ([layer([12, 9], 4, 6, [3, 3])], {})
    for shape in ((1, 4, 12), (1, 4, 12, 8)):
        with pytest.raises(ValueError, match=r"input_shape \(1, 4, 12(, 8)?\) does not fit .*\(1, 4, \?, 9\)"):
            sepconv.extract.extract(path, input_shape=shape)
    with pytest.raises(ValueError, match=r"input_shape must have positive integers, received \(1, 4, 0, 9\)"):
        sepconv.extract.extract(path, input_shape=(1, 4, 0, 9))


def test_open_batch(tmp_path):
    """A reshape that needs the batch to be known."""
    path = tmp_path / "model.onnx"
    nodes = [
        ("Shape", ["x"], ["s"], {}),
        ("Slice", ["s", "0", "1"], ["n"], {}),
        ("Concat", ["n", "rest"], ["to"], {"axis": 0}),
        ("Reshape", ["x", "to"], ["z"], {}),
        ("Conv", ["z", "dw"], ["d"], {"group": 4}),
        ("Conv", ["d", "pw"], ["y"], {}),
    ]
    constants = {"0": np.array([0]), "1": np.array([1]), "rest": np.array([4, 3, 27])}
    onnx_model(path, nodes, FOUR | constants, 4, [9, 9], batch="batch")
    assert extracted(path) == ([layer([3, 27], 4, 6, [3, 3])], {})


def test_one_dimension_in_two(tmp_path):
    path = tmp_path / "model.onnx"
    constants = {"dw": np.ones((4, 1, 1, 5), "f"), "pw": np.ones((6, 4, 1, 1), "f"), "axis": np.array([2])}
    constants |= {"bias": np.ones((6, 1), "f")}
    nodes = [
        ("Unsqueeze", ["x", "axis"], ["u"], {}),
        ("Conv", ["u", "dw"], ["d"], {"group": 4, "pads": [0, 2, 0, 2]}),
        ("Conv", ["d", "pw"], ["p"], {}),
        ("Squeeze", ["p", "axis"], ["q"], {}),
        ("Add", ["q", "bias"], ["b"], {}),
        ("Relu", ["b"], ["y"], {}),
    ]
    onnx_model(path, nodes, constants, 4, [40])
    expected = layer([40], 4, 6, [5], padding="same", out_bias=True, out_activation="relu")
    assert extracted(path) == ([expected], {})


def quantized(tmp_path, nodes, last):
    path = tmp_path / "model.onnx"
    constants = {"scale": np.float32(0.1), "zero": np.int8(0), "qdw": np.ones((4, 1, 3, 3), "i1"), "pw": FOUR["pw"]}
    front = [("QuantizeLinear", ["x", "scale", "zero"], ["qx"], {})]
    onnx_model(path, [*front, *nodes, ("Conv", [last, "pw"], ["y"], {})], constants, 4, [9, 9])
    return extracted(path)


def test_quantised(tmp_path):
    """Of both kinds: the convolution is listed, and said to be quantised."""
    fake = [
        ("DequantizeLinear", ["qx", "scale", "zero"], ["fx"], {}),
        ("DequantizeLinear", ["qdw", "scale", "zero"], ["fdw"], {}),
        ("Conv", ["fx", "fdw"], ["d"], {"group": 4, "name": "dw"}),
    ]
    whole = ["qx", "scale", "zero", "qdw", "scale", "zero", "scale", "zero"]
    own = [
        ("QLinearConv", whole, ["q"], {"group": 4, "name": "dw"}),
        ("DequantizeLinear", ["q", "scale", "zero"], ["d"], {}),
    ]
    for nodes in (fake, own):
        found, left = quantized(tmp_path, nodes, "d")
        assert found == [] and list(left) == ["model/dw"]
        assert "is quantised (int8)" in left["model/dw"]


def test_what_optimisers_make_is_listed(tmp_path):
    path = tmp_path / "model.onnx"
    fused = ("FusedConv", ["x", "dw"], ["y"], {"group": 4, "name": "fused", "domain": "com.microsoft"})
    onnx_model(path, [fused], FOUR, 4, [9, 9])
    reason = "is a FusedConv, which an optimiser has made: extract the model from before"
    assert extracted(path) == ([], {"model/fused": reason})


def test_layers_of_one_name_are_told_apart(tmp_path):
    path = tmp_path / "model.onnx"
    second = ("Conv", ["y", "dw6"], ["e"], {"group": 6, "name": "dw"})
    nodes = [DEPTHWISE, ("Conv", ["d", "pw"], ["y"], {}), second, ("Conv", ["e", "pw6"], ["z"], {})]
    constants = FOUR | {"dw6": np.ones((6, 1, 3, 3), "f"), "pw6": np.ones((2, 6, 1, 1), "f")}
    onnx_model(path, nodes, constants, 4, [9, 9], outputs=("z",))
    assert [one["name"] for one in sepconv.extract.extract(path)] == ["model/dw", "model/dw:2"]


def test_data_format_is_a_word(tmp_path):
    with pytest.raises(ValueError, match='data_format must be "channels_last", "channels_first" or None, received'):
        sepconv.extract.extract(tmp_path / "model.onnx", data_format="NCHW")


def test_branches_are_not_read(tmp_path):
    path = tmp_path / "model.onnx"
    helper = onnx.helper
    out = [helper.make_tensor_value_info("d", onnx.TensorProto.FLOAT, None)]
    branch = helper.make_graph([helper.make_node("Conv", ["x", "dw"], ["d"], name="inner", group=4)], "b", [], out)
    node = ("If", ["which"], ["y"], {"then_branch": branch, "else_branch": branch, "name": "choice"})
    onnx_model(path, [node], {"dw": FOUR["dw"], "which": np.array(True)}, 4, [9, 9])
    assert extracted(path) == ([], {"model/inner": "is inside choice (If), which is not read"})


def test_channel_shuffle(tmp_path):
    """Behind a convolution whose weights are computed of constants."""
    path = tmp_path / "model.onnx"
    nodes = [("Transpose", ["dw"], ["t"], {"perm": [0, 1, 3, 2]}), ("Conv", ["x", "t"], ["d"], {"group": 4})]
    nodes += [("Reshape", ["d", "groups"], ["r"], {}), ("Transpose", ["r"], ["s"], {"perm": [0, 2, 1, 3, 4]})]
    nodes += [("Reshape", ["s", "back"], ["u"], {}), ("Conv", ["u", "pw"], ["y"], {})]
    constants = {"groups": np.array([1, 2, 2, 7, 7]), "back": np.array([1, 4, 7, 7])}
    onnx_model(path, nodes, FOUR | constants, 4, [9, 9])
    (found,), _ = extracted(path)
    assert (found["fusable"], found["between"]) == (False, "Reshape, Transpose, Reshape")


def test_command(tmp_path):
    """What is left out and what is not fusable is said on the way."""
    pytest.importorskip("click")
    from cli_support import sepconv as command

    path, out = tmp_path / "model.onnx", tmp_path / "layers.json"
    nodes = [
        DEPTHWISE,
        ("Conv", ["d", "pw"], ["e"], {"name": "pw"}),
        ("Conv", ["e", "last"], ["y"], {"group": 6, "name": "z"}),
    ]
    onnx_model(path, nodes, FOUR | {"last": np.ones((6, 1, 1, 1), "f")}, 4, ["height", 9])
    assert "give input_shape (--input-shape)" in command("extract", path, "-o", out, status=1)
    assert not out.exists()
    assert "is not numbers with commas" in command("extract", path, "--input-shape", "1x4", "-o", out, status=2)
    text = command("extract", path, "--input-shape", "1,4,12,9", "-o", out, both=True)
    assert "1 layers of 1 shapes" in text and "left out: model/z needs a pointwise convolution behind it" in text
    (found,) = sepconv_layers.read(out)
    assert found.spatial == [12, 9]
    onnx_model(path, [DEPTHWISE, ("Relu", ["d"], ["y"], {})], FOUR, 4, [9, 9])
    assert "has no separable layer that can be taken" in command("extract", path, "-o", out, status=1)
