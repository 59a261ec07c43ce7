"""Arguments that Hypothesis makes up: legal ones give what the reference gives, others a sentence that names the argument.

SEPCONV_TEST_COUNT=5000 draws so many, others each time; without it they are the same few hundred.
"""

import os

import numpy as np
import pytest

import sepconv
from sepconv import _reference

hypothesis = pytest.importorskip("hypothesis")
given, settings, st = hypothesis.given, hypothesis.settings, hypothesis.strategies

COUNT = os.environ.get("SEPCONV_TEST_COUNT")
settings = settings(max_examples=int(COUNT or 300), derandomize=COUNT is None, deadline=None)

ARGUMENTS = ("inputs", "depthwise_kernel", "pointwise_kernel", "strides", "padding", "data_format", "dilation_rate")
JUNK = (
    st.none()
    | st.booleans()
    | st.integers(-3, 0)
    | st.sampled_from([1 << 31, 1 << 62, 1 << 63, 1 << 70, -(1 << 70)])
    | st.floats()
    | st.text(max_size=6)
    | st.binary(max_size=6)
    | st.lists(st.integers(-2, 5), max_size=4)
    | st.lists(st.lists(st.integers(-2, 5), max_size=3), max_size=4)
    | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2)
    | st.builds(object)
    | st.builds(
        np.zeros, st.lists(st.integers(0, 3), max_size=6).map(tuple), st.sampled_from(["f", "d", "i", "?", "O"])
    )
)


def forms(values):
    """One number or a list of them, in the forms that Python has for it."""
    kinds = [tuple(values), list(values), np.array(values), [np.int64(value) for value in values]]
    if len(set(values)) == 1:
        kinds += [values[0], np.int32(values[0]), [values[0]]]
    return st.sampled_from(kinds)


@st.composite
def problems(draw):
    """Legal arguments, by name."""
    rank = draw(st.integers(1, 3))
    axes = st.tuples(*[st.integers(1, 3)] * rank)
    kernel, strides, dilation = draw(axes), draw(axes), draw(axes)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    extents = [r + draw(st.integers(0, 6)) for r in reach]
    padding = draw(
        st.sampled_from(["valid", "same", "VALID", "Same", *["causal"] * (rank == 1)])
        | st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=rank, max_size=rank)
    )
    channels, multiplier, filters, batch = (draw(st.integers(low, 5)) for low in (1, 1, 1, 0))
    data_format = draw(st.sampled_from(["channels_last", "channels_first", "Channels_Last"]))
    first = data_format == "channels_first"
    dtype = draw(st.sampled_from(["f", "d"]))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    array = lambda *shape: rng.standard_normal(shape).astype(dtype)
    pointwise = None if draw(st.booleans()) else array(*[1] * rank, channels * multiplier, filters)
    return {
        "inputs": array(batch, channels, *extents) if first else array(batch, *extents, channels),
        "depthwise_kernel": array(*kernel, channels, multiplier),
        "pointwise_kernel": pointwise,
        "strides": draw(forms(strides)),
        "padding": padding,
        "data_format": data_format,
        "dilation_rate": draw(forms(dilation)),
    }


def layer_of(arguments):
    return sepconv.Layer(**{name: value for name, value in arguments.items() if name != "inputs"})


@settings
@given(problems())
def test_what_is_legal_is_right(arguments):
    result = sepconv.separable_conv(**arguments)
    x = arguments["inputs"]
    simple = arguments | {"data_format": arguments["data_format"].lower()}
    if isinstance(simple["padding"], str):
        simple["padding"] = simple["padding"].lower()
    exact = _reference.separable_conv(**simple)
    assert result.shape == exact.shape and result.dtype == x.dtype
    largest = max(np.abs(exact).max(initial=0), 1)
    assert np.abs(result - exact).max(initial=0) <= 100 * np.finfo(x.dtype).eps * largest
    layer = layer_of(arguments)
    assert layer.output_shape(x.shape) == result.shape
    assert layer(x).tobytes() == result.tobytes()
    assert layer.variant(x.shape) in sepconv.explain(**arguments)


@settings
@given(problems(), st.sampled_from(ARGUMENTS), JUNK)
def test_what_is_not_is_named(arguments, name, junk):
    spoilt = arguments | {name: junk}
    for call in (lambda: sepconv.separable_conv(**spoilt), lambda: layer_of(spoilt)(spoilt["inputs"])):
        try:
            result = call()
        except (ValueError, TypeError, NotImplementedError) as error:
            says = str(error)
            # A rule that joins two arguments may be told from the other one's side.
            assert any(word in says for word in (name, *RELATED.get(name, ()))), (name, junk, says)
        else:
            assert isinstance(result, np.ndarray)  # legal all the same


RELATED = {
    "inputs": ("channels", "output size", "dtype"),
    "depthwise_kernel": (
        "inputs",
        "channels",
        "pointwise_kernel",
        "strides",
        "padding",
        "dilation_rate",
        "dtype",
        "output size",
    ),
    "pointwise_kernel": ("dtype",),
    "strides": ("stride",),
    "dilation_rate": ("output size", "dilation", "kernel"),
    "data_format": ("channels",),
    "padding": ("output size", "pad"),
}
