"""How the package is built: which module imports which, and what comes with it."""

import ast
import graphlib
import pathlib

import sepconv
import sepconv_layers

PACKAGE = pathlib.Path(sepconv.__file__).resolve().parent
SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema" / "layers.schema.json"


def module_names():
    """{name: file} of all modules of the package; of the compiled one, its stub."""
    names = {}
    for path in (*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyi")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imported(name, path, modules):
    """What a module imports of the package: anywhere, so in functions and for type checkers, too."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(filter(None, (base, node.module)))
            candidates = [f"{base}.{alias.name}" for alias in node.names]
            candidates = [c if c in modules else base for c in candidates]
        else:
            continue
        yield from (c for c in candidates if c in modules)


def cycle(graph):
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return None


def test_no_import_circle():
    modules = module_names()
    graph = {name: set(imported(name, path, modules)) for name, path in modules.items()}
    assert graph["sepconv._ops"] >= {"sepconv._device", "sepconv.frameworks"}
    assert "sepconv.frameworks.torch" in graph["sepconv.frameworks"]  # an import in a function
    assert cycle(graph) is None
    # It would be seen.
    assert cycle(graph | {"sepconv._device": graph["sepconv._device"] | {"sepconv._layer"}}) is not None


def test_the_schema_of_layer_files_comes_with_the_package():
    shipped = pathlib.Path(sepconv_layers.__file__).parent / "layers.schema.json"
    assert shipped.read_text() == SCHEMA.read_text()
    assert sepconv_layers.schema()["title"].startswith("a sepconv layer file")
