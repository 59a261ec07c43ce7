"""schema/layers.schema.json, taken apart."""

import sepconv_layers


def options(schema):
    """The schemas, references resolved, of which a value has to fit one."""
    if "$ref" in schema:
        schema = sepconv_layers.schema()["$defs"][schema["$ref"].rsplit("/", 1)[1]] | schema
    if "oneOf" in schema:
        return [option for part in schema["oneOf"] for option in options(part)]
    kinds = ["string"] if "enum" in schema else schema["type"]
    return [schema | {"type": kind} for kind in ([kinds] if isinstance(kinds, str) else kinds)]


def words(schema):
    """All words that a key takes."""
    return [word for option in options(schema) for word in option.get("enum", [])]
