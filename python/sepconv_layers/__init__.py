"""Layer files (schema/layers.schema.json): the one reader of all Python programs here. Reading needs jsonschema; nothing here needs
NumPy or the compiled module.

What a file may hold is the schema's to say: keys, types, bounds, defaults. Here stands what a layer comes to. What each framework
calls the activations is in `sepconv_layers.activations`.
"""

import copy
import dataclasses
import functools
import json
import math
import os
import pathlib
import re
from collections.abc import Callable
from typing import Any

BYTES = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer. Sizes in elements; lists have one entry a spatial axis, outermost first."""

    fields: dict[str, Any]
    """As the layer file has them, with the schema's defaults where it is silent."""

    @property
    def name(self) -> str:
        return self.fields["name"]

    @property
    def network(self) -> str:
        """What the name has before its first "/"."""
        return self.name.split("/", 1)[0]

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.fields["spatial"])

    @property
    def spatial(self) -> list[int]:
        return self.fields["spatial"]

    @property
    def kernel(self) -> list[int]:
        return self.fields["kernel"]

    @property
    def strides(self) -> list[int]:
        return self.fields.get("strides", [1] * self.rank)

    @property
    def dilation(self) -> list[int]:
        return self.fields.get("dilation", [1] * self.rank)

    @property
    def channels_first(self) -> bool:
        return self.fields["data_format"] == "channels_first"

    @property
    def element_bytes(self) -> int:
        return BYTES[self.fields["dtype"]]

    @property
    def taps(self) -> int:
        return math.prod(self.kernel)

    @property
    def middle(self) -> int:
        """Channels between the stages."""
        return self.fields["cin"] * self.fields["mult"]

    @property
    def pads(self) -> list[tuple[int, int]]:
        """Zeros before and after each axis; the formulas of docs/semantics.md."""
        padding = self.fields["padding"]
        if isinstance(padding, dict):
            return list(zip(padding["before"], padding["after"], strict=True))
        axes = zip(self.spatial, self.kernel, self.strides, self.dilation, strict=True)
        return [axis_padding(padding, *axis) for axis in axes]

    def activation(self, place: str) -> str | tuple[float | None, float | None]:
        """Of "input", "mid" or "out": a word of the schema, or what `{"clamp": [lo, hi]}` clamps to."""
        value = self.fields[f"{place}_activation"]
        return tuple(value["clamp"]) if isinstance(value, dict) else value

    @property
    def output(self) -> list[int]:
        """Extents of the output."""
        axes = zip(self.spatial, self.pads, self.kernel, self.strides, self.dilation, strict=True)
        return [(size + sum(pads) - (taps - 1) * rate - 1) // stride + 1 for size, pads, taps, stride, rate in axes]

    @property
    def pixels(self) -> int:
        """Of the output of one image."""
        return math.prod(self.output)

    @property
    def flops(self) -> int:
        """Multiplications and additions of both stages, over the unpadded shape."""
        return 2 * self.fields["n"] * self.pixels * self.middle * (self.taps + self.fields["cout"])

    @property
    def bytes(self) -> int:
        """Of input, weights and output, each once."""
        f = self.fields
        tensors = f["n"] * (math.prod(self.spatial) * f["cin"] + self.pixels * f["cout"])
        return self.element_bytes * (tensors + self.middle * (self.taps + f["cout"]))

    def replaced(self, **fields: Any) -> "Layer":
        """The layer with other values of some fields."""
        return dataclasses.replace(self, fields=self.fields | fields)


def axis_padding(
    padding: str, size: Any, taps: int, stride: int, rate: int, maximum: Callable = max
) -> tuple[Any, Any]:
    """Zeros before and after an axis, for "valid", "causal" or "same": then the output has ceil(size / stride) elements, and the odd
    zero is at the end. The size may be a framework's symbol, for which `maximum` is then."""
    reach = (taps - 1) * rate
    if padding != "same":
        return (reach if padding == "causal" else 0), 0
    total = maximum((-(-size // stride) - 1) * stride + reach + 1 - size, 0)
    return total // 2, total - total // 2


def read(path: str | os.PathLike) -> list[Layer]:
    """All layers of a file, in its order; those that cannot be computed in one pass have `fusable` false.

    Raises:
        ValueError: what is no layer file, in a sentence that names the file, the layer and the key.
        OSError: a file that cannot be read.
    """
    try:
        return parse(_load(_text(path)))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _text(path: str | os.PathLike) -> str:
    most = schema()["x-maxBytes"]
    with open(path, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it has more than {most} bytes")
    return content.decode("utf-8-sig")  # some editors begin UTF-8 with a mark


def _load(text: str) -> Any:
    """What JSON text says, without what Python's reader takes beyond the standard, and without what readers take differently: equal
    keys in one object, of which one would get lost, and numbers that are no number."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{_shown(next(key for key in keys if keys.count(key) > 1))} stands twice in one object")
    return content


def _no_constant(word: str) -> None:
    raise ValueError(f"not JSON: {word} is no number")


def _finite(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise ValueError(f"not JSON: {_shown(digits)[1:-1]} is too large a number")
    return number


def name_filter(pattern: str) -> Callable[[str], bool]:
    """Whether a name holds something that the regular expression matches. Raises ValueError for what is none."""
    try:
        matches = re.compile(pattern).search
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{_shown(pattern)} is not a regular expression: {error}") from error
    return lambda name: matches(name) is not None


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a file whole or not at all: beside it, then in its place. What is no file, such as /dev/stdout, is written itself."""
    path = pathlib.Path(path)
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def parse(content: Any) -> list[Layer]:
    """The layers of a file's content. Raises ValueError, as `read`."""
    error = _jsonschema().exceptions.best_match(_validator().iter_errors(content))
    if error is not None:
        raise ValueError(_sentence(content, error))
    layers = [_with_defaults(fields) for fields in content["layers"]]
    names = set()
    for layer in layers:
        if layer.name in names:
            raise ValueError(f'layer "{layer.name}": another layer has the same "name"')
        names.add(layer.name)
        _check_beyond_schema(layer)
    return layers


@functools.cache
def schema() -> dict[str, Any]:
    """The schema, from this package or from the source tree."""
    here = pathlib.Path(__file__).parent
    for folder in (here, here.parents[1] / "schema"):
        if (folder / "layers.schema.json").exists():
            return json.loads((folder / "layers.schema.json").read_text())
    raise FileNotFoundError(f"layers.schema.json is neither in {here} nor in the source tree")


def _jsonschema() -> Any:
    try:
        import jsonschema
    except ImportError as error:
        raise ImportError("reading a layer file needs the package jsonschema: pip install jsonschema") from error
    return jsonschema


@functools.cache
def _validator() -> Any:
    return _jsonschema().Draft202012Validator(schema())


def properties() -> dict[str, dict[str, Any]]:
    """What the schema says of each key of a layer, references resolved."""
    definitions = schema()["$defs"]
    return {
        key: (definitions[value["$ref"].rsplit("/", 1)[1]] | value if "$ref" in value else value)
        for key, value in definitions["layer"]["properties"].items()
    }


def _with_defaults(fields: dict[str, Any]) -> Layer:
    defaults = {key: copy.copy(value["default"]) for key, value in properties().items() if "default" in value}
    return Layer(defaults | fields)


def _check_beyond_schema(layer: Layer) -> None:
    """What a schema cannot say: that the lists of a layer have one length, that clamps keep an order, and that the output is not
    empty."""
    padding = layer.fields["padding"]
    lists = {key: value for key, value in layer.fields.items() if isinstance(value, list)}
    if isinstance(padding, dict):
        lists |= {f"padding.{end}": value for end, value in padding.items()}
    for key, value in lists.items():
        if len(value) != layer.rank:
            raise ValueError(
                f'layer "{layer.name}": "{key}" has {len(value)} of {layer.rank} entries, one a spatial axis'
            )
    for place in ("input", "mid", "out"):
        bounds = layer.activation(place)
        if isinstance(bounds, tuple) and None not in bounds and bounds[0] > bounds[1]:
            raise ValueError(
                f'layer "{layer.name}": "{place}_activation" clamps to {list(bounds)}: the first must not exceed the second'
            )
    if padding == "causal" and layer.rank != 1:
        raise ValueError(f'layer "{layer.name}": "padding" is "causal", which needs one spatial axis')
    if min(layer.output) < 1:
        raise ValueError(f'layer "{layer.name}": the output would be empty: the kernel is larger than the padded input')
    if max(layer.bytes, layer.element_bytes * layer.pixels * layer.middle) >= 2**63:
        raise ValueError(f'layer "{layer.name}": the byte count of its tensors overflows')


def _sentence(content: Any, error: Any) -> str:
    """The error, with the layer by its name."""
    where = list(error.absolute_path)
    if where[:1] == ["layers"] and len(where) > 1:
        layer = content["layers"][where[1]]
        name = layer.get("name") if isinstance(layer, dict) else None
        is_name = _jsonschema().Draft202012Validator(schema()["$defs"]["line"]).is_valid(name)
        where[:2] = [f'layer "{name if is_name else f"number {where[1] + 1}"}"']
    message = error.message
    if "title" in error.schema and error.validator in (
        "type",
        "not",
        "minLength",
        "maxLength",
    ):  # "'\n' should not be valid under {'pattern': ...}" helps nobody
        message = f"{_shown(error.instance)} is not {error.schema['title']}"
    elif len(message) > _LONGEST:
        message = f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 2 :]}"
    return ": ".join([*(str(part) for part in where), message])


_LONGEST = 300
"""Characters of a sentence; values in it may be longer."""


def _shown(value: Any) -> str:
    """The value as a sentence has it: in JSON, in ASCII, and of what is long the beginning."""
    text = json.dumps(value)
    return text if len(text) <= 100 else f"{text[:96]}...{text[-1]}"
