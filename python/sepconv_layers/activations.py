"""The activations, and what every framework calls them: the only such list in Python. A test holds it to the list of sepconv.h.

No framework is imported here: a cell is a function of the framework's module and of a tensor. A new activation is one entry.
"""

import dataclasses
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

Bounds = tuple[float | None, float | None]
Cell = Callable[..., Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Activation:
    """One activation. The functions take the framework's module and a tensor; that of "clamp" takes its bounds, too."""

    numpy: Cell
    """The formula of docs/semantics.md, for references."""
    torch: Cell
    jax: Cell
    tensorflow: Cell
    onnx: Cell
    """Takes `op(operator, *inputs, **attributes)`, which adds a node and returns its output, in place of a module. A number among
    the inputs is a constant."""
    onnx_operator: str | None = None
    """An operator that computes the same alone, where `onnx` needs several for the sake of older readers."""
    keras: tuple[str, ...] = ()
    """Names in `keras.activations` of the functions that compute it. `sepconv.Layer` takes them as well."""
    tflite: tuple[str, int] | None = None
    """Operator of TensorFlow Lite: its name and its builtin code."""
    tflite_option: int | None = None
    """The field of that operator's options that has to be true."""
    tflite_fused: int | None = None
    """The value of a convolution's fused activation."""


def _formula_clamp(np: Any, x: Any, lo: float | None, hi: float | None) -> Any:
    return np.minimum(np.maximum(x, -np.inf if lo is None else lo), np.inf if hi is None else hi)


def _torch_clamp(torch: Any, x: Any, lo: float | None, hi: float | None) -> Any:
    return x if lo is None and hi is None else torch.clamp(x, lo, hi)


def _tensorflow_clamp(tf: Any, x: Any, lo: float | None, hi: float | None) -> Any:
    x = x if lo is None else tf.maximum(x, tf.cast(lo, x.dtype))
    return x if hi is None else tf.minimum(x, tf.cast(hi, x.dtype))


TABLE: dict[str, Activation] = {
    "none": Activation(
        numpy=lambda np, x: x,
        torch=lambda torch, x: x,
        jax=lambda jax, x: x,
        tensorflow=lambda tf, x: x,
        onnx=lambda op, x: op("Identity", x),
        keras=("linear",),
        tflite_fused=0,
    ),
    "relu": Activation(
        numpy=lambda np, x: np.maximum(x, 0),
        torch=lambda torch, x: torch.relu(x),
        jax=lambda jax, x: jax.nn.relu(x),
        tensorflow=lambda tf, x: tf.nn.relu(x),
        onnx=lambda op, x: op("Relu", x),
        keras=("relu",),
        tflite=("RELU", 19),
        tflite_fused=1,
    ),
    "relu6": Activation(
        numpy=lambda np, x: np.clip(x, 0, 6),
        torch=lambda torch, x: torch.nn.functional.relu6(x),
        jax=lambda jax, x: jax.nn.relu6(x),
        tensorflow=lambda tf, x: tf.nn.relu6(x),
        onnx=lambda op, x: op("Clip", x, 0.0, 6.0),
        keras=("relu6",),
        tflite=("RELU6", 21),
        tflite_fused=3,
    ),
    "clamp": Activation(
        numpy=_formula_clamp,
        torch=_torch_clamp,
        jax=lambda jax, x, lo, hi: jax.numpy.clip(x, lo, hi),
        tensorflow=_tensorflow_clamp,
        onnx=lambda op, x, lo, hi: op("Clip", x, "" if lo is None else lo, "" if hi is None else hi),
    ),
    "swish": Activation(
        numpy=lambda np, x: x / (1 + np.exp(-x)),
        torch=lambda torch, x: torch.nn.functional.silu(x),
        jax=lambda jax, x: jax.nn.silu(x),
        tensorflow=lambda tf, x: tf.nn.silu(x),
        onnx=lambda op, x: op("Mul", x, op("Sigmoid", x)),
        onnx_operator="Swish",
        keras=("silu", "swish"),
    ),
    "hard_swish": Activation(
        numpy=lambda np, x: x * np.clip(x + 3, 0, 6) / 6,
        torch=lambda torch, x: torch.nn.functional.hardswish(x),
        jax=lambda jax, x: jax.nn.hard_swish(x),
        tensorflow=lambda tf, x: x * tf.nn.relu6(x + 3) / 6,
        onnx=lambda op, x: op("HardSwish", x),
        keras=("hard_silu", "hard_swish"),
        tflite=("HARD_SWISH", 117),
    ),
    "sigmoid": Activation(
        numpy=lambda np, x: 1 / (1 + np.exp(-x)),
        torch=lambda torch, x: torch.sigmoid(x),
        jax=lambda jax, x: jax.nn.sigmoid(x),
        tensorflow=lambda tf, x: tf.math.sigmoid(x),
        onnx=lambda op, x: op("Sigmoid", x),
        keras=("sigmoid",),
        tflite=("LOGISTIC", 14),
    ),
    "tanh": Activation(
        numpy=lambda np, x: np.tanh(x),
        torch=lambda torch, x: torch.tanh(x),
        jax=lambda jax, x: jax.numpy.tanh(x),
        tensorflow=lambda tf, x: tf.math.tanh(x),
        onnx=lambda op, x: op("Tanh", x),
        keras=("tanh",),
        tflite=("TANH", 28),
        tflite_fused=4,
    ),
    "gelu": Activation(  # the tanh form; that of keras.activations.gelu is another
        numpy=lambda np, x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
        torch=lambda torch, x: torch.nn.functional.gelu(x, approximate="tanh"),
        jax=lambda jax, x: jax.nn.gelu(x, approximate=True),
        tensorflow=lambda tf, x: tf.nn.gelu(x, approximate=True),
        onnx=lambda op, x: op("Gelu", x, approximate="tanh"),
        tflite=("GELU", 150),
        tflite_option=0,
    ),
}

NAMES: dict[str, str] = {name: word for word, entry in TABLE.items() for name in (word, *entry.keras)}
"""The words, and Keras's names, to the words."""


def standard(activation: str | Bounds | None) -> str | Bounds:
    """One form for each activation: the word, or the bounds of a clamp. What is not known stays as it is."""
    if activation is None:
        return "none"
    if isinstance(activation, str):
        return NAMES.get(activation, activation)
    return tuple(activation) if isinstance(activation, Iterable) else activation


def function(activation: str | Bounds, framework: ModuleType | Callable) -> Callable[[Any], Any]:
    """The activation in its standard form as a function of tensors of numpy, torch, jax or tensorflow (the module); or, with the
    `op` of `Activation.onnx` for it, of the name of an ONNX tensor."""
    word, bounds = (activation, ()) if isinstance(activation, str) else ("clamp", activation)
    cell = getattr(TABLE[word], framework.__name__ if isinstance(framework, ModuleType) else "onnx")
    return lambda x: cell(framework, x, *bounds)


def onnx_operators() -> dict[str, tuple[str, dict[str, Any]]]:
    """ONNX operators that are an activation by themselves: the word, and the attributes that they must have."""
    known = {}
    for word, entry in TABLE.items():
        nodes: list[tuple[str, dict[str, Any]]] = []
        if word != "clamp":
            entry.onnx(lambda operator, *_, nodes=nodes, **attributes: nodes.append((operator, attributes)), "x")
        if len(nodes) == 1 and nodes[0][0] != "Clip":  # whose inputs say which clamp it is
            known[nodes[0][0]] = (word, nodes[0][1])
        if entry.onnx_operator is not None:
            known[entry.onnx_operator] = (word, {})
    return known
