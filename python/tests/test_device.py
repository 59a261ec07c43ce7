"""Arrays in a GPU's memory, with a driver library that takes notes in place of CUDA's."""

import json
import pathlib

import numpy as np
import pytest

import sepconv
import sepconv_layers
from sepconv import _device, _native

if not _native.has_gpu_variants:
    pytest.skip("this build has no GPU variants", allow_module_level=True)

from fake_device import STREAM, Library

WAITS = {"cuStreamSynchronize", "cuCtxSynchronize", "cuEventSynchronize"}


def weights(rng, dtype="f"):
    return rng.standard_normal((3, 3, 8, 1)).astype(dtype), rng.standard_normal((1, 1, 8, 16)).astype(dtype)


def images(rng, library, shape=(2, 9, 9, 8), dtype="f"):
    return library.asarray(rng.standard_normal(shape).astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_warm_call_only_launches_on_the_callers_stream(rng, dtype):
    library = Library()
    x = images(rng, library, dtype=dtype)
    layer = sepconv.Layer(*weights(rng, dtype), padding="same", out_activation="relu")
    assert layer(x).shape == (2, 9, 9, 16)
    before, library.exports[:], library.allocated[:] = library.driver.count(), [], []
    y = layer(x)
    assert type(y) is type(x) and y.dtype == x.dtype
    assert library.driver.calls(before) == [("cuCtxGetCurrent", None), ("cuLaunchKernel", STREAM)]
    # Every tensor was asked for the stream before anything was put there; nothing was allocated but the output.
    assert [stream for _, stream, _ in library.exports] == [STREAM] * 3
    assert {count for _, _, count in library.exports} == {before}
    assert library.exports[0][0] is x and library.exports[-1][0] is y
    assert library.allocated == [((2, 9, 9, 16), dtype)]


def test_nothing_ever_waits_or_allocates_through_the_driver(rng):
    library = Library()
    before = library.driver.count()
    x = images(rng, library)
    sepconv.Layer(*weights(rng))(x)
    sepconv.separable_conv(x, *weights(rng))
    names = {name for name, _ in library.driver.calls(before)}
    assert "cuLaunchKernel" in names
    assert not names & (WAITS | {"cuMemAlloc", "cuMemFree", "cuMemcpyHtoDAsync", "cuMemcpyDtoHAsync"})


def test_a_split_variant_gets_its_workspace_from_the_arrays_library(rng):
    library = Library()
    x = images(rng, library, (1, 64, 64, 64))
    kernels = rng.standard_normal((7, 7, 64, 1)).astype("f"), rng.standard_normal((1, 1, 64, 1024)).astype("f")
    layer = sepconv.Layer(*kernels, padding="same")
    layer(x)
    before, library.allocated[:] = library.driver.count(), []
    layer(x)
    assert library.allocated == [((1, 64, 64, 1024), "float32"), ((4 * 64 * 64 * 64,), "uint8")]
    assert library.driver.calls(before)[1:] == [("cuLaunchKernel", STREAM)] * 2


def test_many_shapes_share_their_weights_and_old_plans_go(rng):
    library = Library()
    kernels = rng.standard_normal((5, 8, 1)).astype("f"), rng.standard_normal((1, 8, 16)).astype("f")
    layer = sepconv.Layer(*kernels, padding="same")
    inputs = [images(rng, library, (1, length, 8)) for length in range(8, 508)]
    library.uploaded[:] = []
    for x in inputs:
        assert layer(x).shape == (*x.shape[:2], 16)
    assert 1 <= len(library.uploaded) <= 3  # the packings of the 1-D variants
    kept = _device._kept[layer]
    assert len(kept.plans) == _device._MOST_PLANS
    assert len({id(array) for array in kept.of_variant.values()}) == len(library.uploaded)
    # What was used last is still there.
    before = library.driver.count()
    layer(inputs[-1])
    assert library.driver.calls(before) == [("cuCtxGetCurrent", None), ("cuLaunchKernel", STREAM)]


def test_out_and_residual_are_taken(rng):
    library = Library()
    x, added = images(rng, library), images(rng, library, (2, 7, 7, 16))
    out = library.empty((2, 7, 7, 16), dtype="f", device="cuda:0")
    layer = sepconv.Layer(*weights(rng))
    assert layer(x, added, out) is out
    before = library.driver.count()
    assert layer(x, added, out) is out
    assert library.driver.calls(before)[1:] == [("cuLaunchKernel", STREAM)]


def test_the_default_stream_has_dlpacks_number(rng):
    library = Library(stream=0)
    sepconv.Layer(*weights(rng))(images(rng, library))
    assert {stream for _, stream, _ in library.exports} == {1}


def test_the_weights_are_packed_as_on_the_host(rng):
    # What is on the device is sepconv_plan_pack's: its header, and every weight once.
    library = Library()
    dw, pw = weights(rng)
    x = _native.DeviceTensor("inputs", images(rng, library), STREAM)
    layer = sepconv.Layer(dw, pw)._layer
    packed = _native.DevicePlan(layer, x, False).packed(layer)
    assert packed.dtype == np.uint8 and bytes(packed[1:8]) == b"sepconv"
    values = np.sort(packed.view("f")[16:])
    np.testing.assert_array_equal(values[values != 0], np.sort(np.concatenate([dw.ravel(), pw.ravel()])))


def test_chains_run_layer_by_layer(rng):
    library = Library()
    first = sepconv.Layer(*weights(rng))
    second = sepconv.Layer(np.ones((3, 3, 16, 1), "f"), np.ones((1, 1, 16, 4), "f"))
    assert sepconv.Chain([first, second])(images(rng, library)).shape == (2, 5, 5, 4)


def test_what_does_not_fit_is_refused(rng):
    library = Library()
    layer = sepconv.Layer(*weights(rng))
    x = images(rng, library)
    with pytest.raises(ValueError, match="same dtype: received float32, but inputs is float16"):
        layer(images(rng, library, dtype="e"))
    with pytest.raises(ValueError, match=r"out must .* \(2, 7, 7, 16\), received shape \(2, 7, 7, 4\)"):
        layer(x, out=library.empty((2, 7, 7, 4), dtype="f", device="cuda:0"))
    with pytest.raises(NotImplementedError, match="float64|dtype"):
        sepconv.Layer(*weights(rng, "d"))(images(rng, library, dtype="d"))


def test_bytes_are_no_numbers(rng):
    # uint8 is what packed weights and workspaces are; taken for float32, it would be read four times past its end.
    library = Library()
    x = library.asarray(np.zeros((2, 9, 9, 8), np.uint8))
    for call in (sepconv.Layer(*weights(rng)), lambda x: sepconv.separable_conv(x, *weights(rng))):
        with pytest.raises(ValueError, match="inputs must be float16, bfloat16, float32 or float64"):
            call(x)
    out = library.empty((2, 7, 7, 16), dtype=np.uint8, device="cuda:0")
    with pytest.raises(ValueError, match="out must be float16"):
        sepconv.Layer(*weights(rng))(images(rng, library), out=out)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_depthwise_stage_alone(rng, dtype, data_format):
    library = Library()
    last = data_format == "channels_last"
    layer = sepconv.Layer(weights(rng, dtype)[0], None, data_format=data_format)
    x = images(rng, library, (2, 9, 9, 8) if last else (2, 8, 9, 9), dtype)
    assert layer(x).shape == ((2, 7, 7, 8) if last else (2, 8, 7, 7))
    before = library.driver.count()
    layer(x)
    assert library.driver.calls(before) == [("cuCtxGetCurrent", None), ("cuLaunchKernel", STREAM)]


def test_torch_registers_a_kernel_for_cuda():
    torch = pytest.importorskip("torch")
    from sepconv.frameworks import torch as adapter

    for name in ("sepconv::conv", "sepconv::layer"):
        assert torch._C._dispatch_has_kernel_for_dispatch_key(name, "CUDA")
    meta = torch.empty(2, 9, 9, 8, device="meta")
    layer = sepconv.Layer(torch.ones(3, 3, 8, 1), torch.ones(1, 1, 8, 16))
    assert adapter._layer(meta, None, layer.key).shape == (2, 7, 7, 16)
    assert torch.ops.sepconv.layer(meta, None, layer.key).device.type == "meta"


def test_dispatch_takes_what_was_measured_to_be_fast(rng):
    # bench/gpu/h200_times.json: of the shipped variants, milliseconds on a device. What is not listed was left out after one slow call.
    root = pathlib.Path(__file__).parents[2]
    rows = json.loads((root / "bench/gpu/h200_times.json").read_text())["rows"]
    layers = {
        layer.name: layer for path in (root / "bench/layers").glob("*.json") for layer in sepconv_layers.read(path)
    }
    library, costs = Library(), {}
    for row in rows:
        layer = layers[row["layer"]]
        kernels = (
            np.zeros((*layer.kernel, layer.fields["cin"], 1), "f"),
            np.zeros((*(1,) * layer.rank, layer.fields["cin"], layer.fields["cout"]), "f"),
        )
        made = sepconv.Layer(*kernels, strides=tuple(layer.strides), padding=layer.pads)
        x = library.empty((row["batch"], *layer.spatial, layer.fields["cin"]), dtype=np.float32, device="cuda:0")
        plan = _native.DevicePlan(made._layer, _native.DeviceTensor("inputs", x, STREAM), False)
        chosen = plan.variant.removesuffix("_cuda")
        if chosen in row["ms"] and len(row["ms"]) > 1:
            costs[row["layer"], row["batch"]] = row["ms"][chosen] / min(row["ms"].values())
    assert len(costs) >= 32
    assert np.exp(np.mean(np.log(list(costs.values())))) < 1.06, costs
    assert max(costs.values()) < 1.4, costs
