"""What sepconv.separable_conv refuses, and with which words."""

import numpy as np
import pytest

import sepconv
from sepconv._geometry import geometry

DW, PW, X = np.ones((2, 2, 3, 2), "f"), np.ones((1, 1, 6, 5), "f"), np.ones((1, 4, 4, 3), "f")
ERRORS = [
    ({"inputs": np.ones((4, 4), "f")}, r"inputs must have the rank of the kernels, 4, received shape \(4, 4\)"),
    (
        {"depthwise_kernel": np.ones((2, 2), "f")},
        r"depthwise_kernel must have rank 3, 4 or 5, received shape \(2, 2\)",
    ),
    ({"inputs": np.ones((1, 4, 4, 4), "f")}, r"input channels must match the kernel: inputs of shape \(1, 4, 4, 4\)"),
    ({"data_format": "channels_first"}, "input channels must match the kernel"),
    ({"pointwise_kernel": np.ones((1, 1, 5, 5), "f")}, r"depth_multiplier = 6 rows, received shape \(1, 1, 5, 5\)"),
    ({"pointwise_kernel": np.ones((2, 1, 6, 5), "f")}, r"extent 1 along each spatial axis, received .*\(2, 1, 6, 5\)"),
    ({"pointwise_kernel": np.ones((1, 6, 5), "f")}, r"pointwise_kernel must have the rank of depthwise_kernel"),
    ({"depthwise_kernel": np.ones((2, 2, 0, 2), "f")}, r"depthwise_kernel must not be empty.*\(2, 2, 0, 2\)"),
    ({"pointwise_kernel": np.ones((1, 1, 6, 0), "f")}, r"pointwise_kernel must not be empty"),
    ({"depthwise_kernel": np.ones((0, 2, 3, 2), "f")}, r"depthwise_kernel must not be empty"),
    ({"strides": 0}, "strides must be positive, received 0"),
    ({"strides": (1, 2, 3)}, r"strides .* one entry for each of the 2 spatial axes, received \(1, 2, 3\)"),
    ({"strides": "2"}, "strides must be an integer or a sequence of integers, received '2'"),
    ({"dilation_rate": (1, -1)}, r"dilation_rate must be positive, received \(1, -1\)"),
    ({"dilation_rate": 1.5}, "dilation_rate must be an integer or a sequence of integers, received 1.5"),
    ({"padding": "full"}, 'padding must be .* received "full"'),
    ({"padding": "causal"}, 'padding "causal" needs inputs of rank 3'),
    ({"strides": None}, "strides must be an integer or a sequence of integers, received None"),
    ({"dilation_rate": None}, "dilation_rate must be an integer or a sequence of integers, received None"),
    ({"padding": None}, "padding must be .* received None"),
    ({"padding": 3}, "padding must be .* received 3"),
    ({"padding": [(1, 1)] * 3}, r"padding must .* each of the 2 spatial axes"),
    ({"padding": [(1, 1)]}, r"padding must have a pair \(before, after\) for each of the 2 spatial axes"),
    ({"padding": [(1, -1), (1, 1)]}, r"padding must not be negative, received \(-1, 1\)"),
    ({"data_format": "NHWC"}, 'data_format must be .* received "NHWC"'),
    ({"data_format": 1}, "data_format must be .* received 1"),
    ({"inputs": np.ones((1, 1, 4, 3), "f")}, "Computed output size would be zero or negative"),
    ({"dilation_rate": 4}, "Computed output size would be zero or negative"),
    ({"inputs": np.ones((1, 0, 4, 3), "f")}, "Computed output size would be zero or negative"),
    ({"inputs": X.astype("d")}, "same dtype: received float64, but depthwise_kernel is float32"),
    ({"pointwise_kernel": PW.astype("e")}, "same dtype: received float32, but pointwise_kernel is float16"),
    ({"inputs": X.astype("i")}, "inputs must be float16, bfloat16, float32 or float64, received int32"),
    ({"depthwise_kernel": DW.astype(">f4")}, "depthwise_kernel must be float16.* received >f4"),
    ({"inputs": np.ones((1,) * 6, "f")}, "inputs has rank 6, more than 5"),
]


@pytest.mark.parametrize(("change", "message"), ERRORS, ids=[m for _, m in ERRORS])
def test_errors(change, message):
    arguments = {"inputs": X, "depthwise_kernel": DW, "pointwise_kernel": PW} | change
    with pytest.raises(ValueError, match=message):
        sepconv.separable_conv(**arguments)


OPTIONS = [change for change, _ in ERRORS if set(change) <= {"strides", "padding", "data_format", "dilation_rate"}]
OPTIONS += [{"padding": [(1, 1, 1, 1)]}, {"padding": [(1,), (2, 3, 4)]}, {"padding": []}, {"padding": [1, 1]}]


@pytest.mark.parametrize("change", OPTIONS, ids=map(str, OPTIONS))
def test_graphs_read_the_arguments_as_calls_do(change):
    # What a framework's graph needs before there are values is read in Python (_geometry.py): it refuses nothing that the
    # compiled module takes, and in its words. The rest is checked where it runs.
    given = {"strides": 1, "padding": "valid", "data_format": None, "dilation_rate": 1} | change
    with pytest.raises(ValueError) as refused:
        sepconv.separable_conv(X, DW, PW, **given)
    try:
        geometry(DW.shape, PW.shape, *given.values())
    except ValueError as error:
        assert str(error) == str(refused.value)
    else:
        assert str(refused.value).split()[0] in ("Computed", "strides", "dilation_rate", "padding", "the")


def test_a_stage_without_taps_has_no_padding():
    for padding in ("valid", "same", [(0, 0), (0, 0)]):
        assert sepconv.Layer(None, PW, padding=padding)(np.ones((1, 4, 4, 6), "f")).shape == (1, 4, 4, 5)
    with pytest.raises(ValueError, match=r"padding must be 0, received \(1, 0\) before .* depthwise_kernel is None"):
        sepconv.Layer(None, PW, padding=[(1, 0), (0, 0)])


def test_what_is_no_array():
    with pytest.raises(TypeError, match="inputs must be an array .* received <class 'list'>"):
        sepconv.separable_conv([[1.0]], DW, PW)
    with pytest.raises(TypeError, match="depthwise_kernel must be an array"):
        sepconv.separable_conv(X, 3.0, PW)


def test_none_is_no_argument():
    """Refused by its name, in every call."""
    layer = sepconv.Layer(DW, PW)
    for call in (
        lambda: sepconv.separable_conv(None, DW, PW),
        lambda: layer(None),
        lambda: sepconv.Chain([layer])(None),
    ):
        with pytest.raises(TypeError, match="inputs must be an array .* received <class 'NoneType'>"):
            call()
    for call in (lambda: sepconv.separable_conv(X, None, PW), lambda: sepconv.depthwise_conv(X, None)):
        with pytest.raises(TypeError, match="depthwise_kernel must be an array .* received <class 'NoneType'>"):
            call()
    for argument in ("strides", "padding", "dilation_rate"):
        with pytest.raises(ValueError, match=f"{argument} must be .* received None"):
            sepconv.Layer(DW, PW, **{argument: None})
    for call in (layer.variant, layer.explain, layer.output_shape):
        with pytest.raises(ValueError, match="input_shape must be a shape .* received None"):
            call(None)
    with pytest.raises(TypeError, match="threads must be an integer, received None"):
        sepconv.set_num_threads(None)
    with pytest.raises(ValueError, match="threads must be from 1 to 1024, received 1099511627776"):
        sepconv.set_num_threads(2**40)
    with pytest.raises(TypeError, match="layers must be a sequence of sepconv.Layer, received None"):
        sepconv.Chain(None)


def test_what_is_no_activation():
    with pytest.raises(ValueError, match="mid_activation must be None, .* received 3"):
        sepconv.Layer(DW, PW, mid_activation=3)


def test_huge_outputs_say_how_large_they_are():
    shape = r"of shape \(1, 33554435, 33554435, 5\) and dtype float32: 22518002163384500 bytes"
    calls = [lambda **pads: sepconv.separable_conv(X, DW, PW, **pads), lambda **pads: sepconv.Layer(DW, PW, **pads)(X)]
    for call in calls:
        with pytest.raises(MemoryError, match=f"the memory is too small for the output, {shape}"):
            call(padding=[(1 << 24, 1 << 24)] * 2)


@pytest.mark.parametrize("zeros", [1 << 20, 1 << 40, (1 << 63) - 1])
def test_huge_sizes_are_refused(zeros):
    with pytest.raises((ValueError, MemoryError)):
        sepconv.separable_conv(X, DW, PW, padding=[(zeros, zeros)] * 2)
    with pytest.raises(ValueError, match="overflow|64 bits|too large"):
        sepconv.explain((1 << 40, 1 << 22, 4, 3), DW.shape, PW.shape, padding="same")
