"""The code of docs/python.md and docs/migration.md runs as it is printed, and does what they say."""

import pathlib
import re

import numpy as np
import pytest

import sepconv

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


def blocks(page):
    return re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)


def run(statements, names):
    exec(statements, names)  # noqa: S102 (of our own pages)


def cells(section):
    """The rows of a section's table of docs/migration.md with code in both cells: that code."""
    pattern = rf"^## {section}.*?\n(.*?)(?=^## |\Z)"
    text = re.search(pattern, (DOCS / "migration.md").read_text(), re.DOTALL | re.MULTILINE)[1]
    rows = [[re.findall(r"`([^`]+)`", cell) for cell in line.split(" | ")] for line in text.splitlines()]
    return [row for row in rows if len(row) == 2 and all(row)]


def kernels(rng, channels=6, multiplier=1, filters=6):
    shapes = (3, 3, channels, multiplier), (1, 1, channels * multiplier, filters)
    return tuple(rng.standard_normal(shape).astype("f") for shape in shapes)


def check_equal(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_python_page(rng):
    x = rng.standard_normal((2, 12, 10, 6)).astype("f")
    depthwise_kernel, pointwise_kernel = kernels(rng)
    b1, b2 = rng.standard_normal((2, 6)).astype("f")
    names = {"x": x, "depthwise_kernel": depthwise_kernel, "pointwise_kernel": pointwise_kernel, "b1": b1, "b2": b2}
    names["residual"] = rng.standard_normal(x.shape).astype("f")
    for name in ("layer1", "layer2", "layer3"):
        names[name] = sepconv.Layer(*kernels(rng), padding="same")
    operation, layer, chain, stream = (b for b in blocks("python.md") if "keras" not in b)
    run(operation, names)
    assert names["y"].shape == (2, 6, 5, 6) and names["z"].shape == (2, 10, 8, 6)
    run(layer, names)
    mid = sepconv.depthwise_conv(np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), depthwise_kernel) + b1
    check_equal(names["y"], np.clip(mid, 0, 6) @ pointwise_kernel[0, 0] + b2 + names["residual"])
    run(chain, names)
    check_equal(names["y"], names["layer3"](names["layer2"](names["layer1"](x))))
    names["causal"] = sepconv.Layer(depthwise_kernel[0], pointwise_kernel[0], padding="causal")
    names["frames"] = rng.standard_normal((2, 9, 6)).astype("f")
    run(stream, names)
    assert len(names["state"]) > 64 and names["rest"].shape == (2, 0, 6)
    np.testing.assert_array_equal(names["ready"], names["causal"](names["frames"]))


def test_python_page_keras(rng, capsys):
    keras = pytest.importorskip("keras")
    model = keras.applications.MobileNet(weights=None, input_shape=(32, 32, 3), alpha=0.25)
    names = {"model": model, "x": rng.standard_normal((2, 32, 32, 3)).astype("f")}
    plain = keras.models.clone_model(model)  # what a model's own predict has traced stays as it was traced
    plain.set_weights(model.get_weights())
    expected = plain.predict(names["x"], verbose=0)
    enabled, optimized = (b for b in blocks("python.md") if "keras" in b)
    before = sepconv.run_count()
    run(enabled, names)
    tensorflow = keras.backend.backend() == "tensorflow"  # whose own depthwise convolutions with 3x3 taps stay
    assert sepconv.run_count() - before >= (0 if tensorflow else 13) and not names["sepconv"].keras.is_enabled()
    check_equal(names["y"], expected)
    capsys.readouterr()
    run(optimized, names)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == (13 if tensorflow else 14)  # and the convolution at the end
    shown = re.findall(r"^    (conv_dw_.*)$", (DOCS / "python.md").read_text(), re.MULTILINE)
    assert [line.split() for line in shown] == [line.split() for line in printed[: len(shown)]] != []
    check_equal(names["fast"].predict(names["x"], verbose=0), expected)


def test_from_keras(rng):
    keras = pytest.importorskip("keras")
    x = rng.standard_normal((2, 9, 8, 6)).astype("f")
    dw, pw = kernels(rng, 6, 2, 5)
    names = {"keras": keras, "sepconv": sepconv, "x": x, "dw": dw, "pw": pw}
    rows = [(left[0], right[0]) for left, right in cells("Keras") if left[0].startswith("keras.ops.")]
    assert len(rows) == 2
    for theirs, ours in rows:
        found, expected = (eval(call.replace(", ...", ""), names) for call in (ours, theirs))
        check_equal(found, keras.ops.convert_to_numpy(expected))


def test_from_tensorflow(rng):
    tf = pytest.importorskip("tensorflow")
    x = rng.standard_normal((2, 9, 8, 6)).astype("f")
    dw, pw = kernels(rng, 6, 2, 5)
    names = {"tf": tf, "sepconv": sepconv, "x": x, "dw": dw, "pw": pw, "s": 2}
    rows = [(left[0], right[0]) for left, right in cells("TensorFlow") if "conv2d(" in left[0]]
    assert len(rows) == 2
    for theirs, ours in rows:
        check_equal(eval(ours, names), eval(theirs, names))


def test_from_torch(rng):
    torch = pytest.importorskip("torch")
    sizes = C, M, KH, KW, F = 6, 2, 3, 2, 5
    w, v = (torch.from_numpy(rng.standard_normal(s).astype("f")) for s in ((C * M, 1, KH, KW), (F, C * M, 1, 1)))
    x = torch.from_numpy(rng.standard_normal((2, C, 9, 8)).astype("f"))
    y = torch.nn.functional.conv2d(x, w, groups=C)
    names = dict(zip(("C", "M", "KH", "KW", "F"), sizes, strict=True)) | {"sepconv": sepconv, "x": x, "w": w, "v": v}
    rows = {left[0]: right[0] for left, right in cells("PyTorch")}
    run(f"{rows['w']}\n{rows['v']}", names)
    check_equal(eval(rows["F.conv2d(x, w, groups=C)"], names), torch.nn.functional.conv2d(y, v))


def test_from_litert(rng):
    C, M, KH, KW, F = 6, 2, 3, 2, 5
    names = {"C": C, "M": M, "KH": KH, "KW": KW, "F": F}
    statements = [right[0] for _, right in cells("LiteRT") if " = f." in right[0]]
    shapes = (1, KH, KW, C * M), (F, 1, 1, C * M)
    depthwise, pointwise = filters = [rng.standard_normal(shape) for shape in shapes]
    for statement, names["f"] in zip(statements, filters, strict=True):
        run(statement, names)
    dw, pw = names["dw"], names["pw"]
    assert dw.shape == (KH, KW, C, M) and pw.shape == (1, 1, C * M, F)
    assert dw[2, 1, 4, 1] == depthwise[0, 2, 1, 4 * M + 1] and pw[0, 0, 9, 3] == pointwise[3, 0, 0, 9]
