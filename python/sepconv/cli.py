"""The command `sepconv`: list, bench, extract, doctor, tune, compile."""

import json
import pathlib
import sys
from typing import Any

try:
    import click
except ImportError:
    sys.exit("the command sepconv needs the package click: pip install 'sepconv[cli]'")

import sepconv
import sepconv_layers

from . import _native

_FILE = click.Path(exists=True, dir_okay=False, path_type=pathlib.Path)


_INPUT_SHAPE = click.option(
    "--input-shape",
    "shape",
    metavar="N,H,W,C",
    help="Of the model's input, all axes in the model's order, where it leaves some open.",
)


class _Errors(click.Group):
    """Errors of the library as one line, without a traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (ValueError, NotImplementedError, OSError, ImportError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Errors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(sepconv.__version__, prog_name="sepconv")
def main() -> None:
    """Separable convolution, compiled ahead of time."""


@main.command("list")
@click.option("--layers", type=_FILE, help="A layer file: which variant each of its layers runs here.")
@click.option("--explain", metavar="NAME", help="Of one layer of that file, why.")
@click.option("--full", is_flag=True, help="With --explain: the other variants, too, and why not they.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_command(layers: pathlib.Path | None, explain: str | None, full: bool, as_json: bool) -> None:
    """The variants of this build, and which of them run on this machine."""
    from ._layer_file import input_shape, make, read

    if full and explain is None:
        raise click.ClickException("--full lists why not the other variants: it needs --explain")
    if as_json and explain is not None:
        raise click.ClickException("--explain is a text for people: there is no --json of it")
    if layers is None:
        if explain is not None:
            raise click.ClickException("--explain names a layer of a file: it needs --layers")
        entries = [{"variant": name, "runnable": runnable} for name, runnable in sepconv.variants()]
    elif explain is not None:
        layer = next((layer for layer in read(layers) if layer.name == explain), None)
        if layer is None:
            raise click.ClickException(f'{layers} has no layer "{explain}" that can be computed in one pass')
        click.echo(make(layer).explain(input_shape(layer), full).rstrip().replace("full=True", "--full"))
        return
    else:
        entries = [{"layer": layer.name, "variant": make(layer).variant(input_shape(layer))} for layer in read(layers)]
    if as_json:
        click.echo(json.dumps(entries, indent=1))
        return
    width = max((len(next(iter(entry.values()))) for entry in entries), default=0)
    for entry in entries:
        first, second = entry.values()
        click.echo(f"{first:{width}}  {second if isinstance(second, str) else 'runs here' if second else '-'}")


@main.command()
@click.argument("layers", type=_FILE)
@click.option("--threads", type=click.IntRange(1, _native.max_threads), default=1, show_default=True)
@click.option("--filter", "pattern", metavar="RE", default="", help="Only layers whose name matches.")
@click.option("--json", "output", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="Results to a file.")
def bench(layers: pathlib.Path, threads: int, pattern: str, output: pathlib.Path | None) -> None:
    """Verifies the layers of a layer file against double precision, then times them."""
    from ._bench import run
    from ._layer_file import read

    selected = read(layers, pattern)
    if not selected:
        raise click.ClickException(f'no layer of {layers} matches "{pattern}"')
    width = max(len(layer.name) for layer in selected)
    click.echo(f"{'layer':{width}}  {'ms':>9}  {'median':>9}  {'GFLOP/s':>8}  {'error':>8}  variant")
    results = []
    for layer in selected:
        try:
            result = run(layer, threads)
        except MemoryError as error:
            raise click.ClickException(f'layer "{layer.name}" does not fit the memory: {error}') from error
        results.append(result)
        click.echo(
            f"{layer.name:{width}}  {result['ms_min']:9.4f}  {result['ms_median']:9.4f}  {result['gflops']:8.1f}  "
            f"{result['max_error']:8.1e}  {result['variant']}"
        )
    if output is not None:
        sepconv_layers.write_text(output, json.dumps(results, indent=1) + "\n")


@main.command("extract")
@click.argument("model", type=_FILE)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="Default: layers.json")
@click.option(
    "--data-format",
    type=click.Choice(_native.data_formats),
    help="Of the layers to compile; default: as in the model.",
)
@_INPUT_SHAPE
def extract_command(
    model: pathlib.Path, output: pathlib.Path | None, data_format: str | None, shape: str | None
) -> None:
    """The separable layers of MODEL (.onnx, .keras or .tflite) as a layer file; what is left out is said, with the reason."""
    from .extract import extract, write

    output = output or pathlib.Path("layers.json")
    layers = extract(model, data_format, _shape(shape))
    for name, reason in layers.left:
        click.echo(f"left out: {name} {reason}", err=True)
    if not layers:
        raise click.ClickException(f"{model} has no separable layer" + (" that can be taken" if layers.left else ""))
    write(layers, output, f"The separable layers of {model.name}")
    count = sum(layer.get("repeat", 1) for layer in layers)
    apart = sum(layer.get("repeat", 1) for layer in layers if not layer.get("fusable", True))
    click.echo(
        f"{output}: {count} layers of {len(layers)} shapes" + (f", {apart} of them not fusable" if apart else "")
    )
    for layer in layers:
        if not layer.get("fusable", True):
            click.echo(f"not fusable: {layer['name']} has {layer['between']} between its stages", err=True)


def _shape(text: str | None) -> tuple[int, ...] | None:
    try:
        return None if text is None else tuple(int(n) for n in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not numbers with commas between them", param_hint="--input-shape"
        ) from None


@main.command()
@click.argument("model", type=_FILE)
@_INPUT_SHAPE
@click.option("--threads", type=click.IntRange(1, _native.max_threads), default=1, show_default=True)
def doctor(model: pathlib.Path, shape: str | None, threads: int) -> None:
    """What of MODEL (.onnx, .keras or .tflite) runs here, on which variants, how fast beside its framework, and what was left."""
    from .doctor import examine

    click.echo(examine(model, _shape(shape), threads))


@main.command("tune", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def tune_command(arguments: tuple[str, ...]) -> None:
    """Finds the schedule parameters of layers by measurement: `sepconv tune --help`."""
    try:
        from sepconv_tune.cli import dispatch
    except ImportError as error:
        raise click.ClickException(
            f"sepconv tune needs more packages: pip install 'sepconv[tune]' ({error})"
        ) from error
    dispatch(list(arguments))


@main.command("compile")
@click.argument("layers", type=_FILE)
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=pathlib.Path), required=True, help="Folder.")
@click.option("--name", help="Of the library; default: that of the layer file.")
@click.option("--tuning", type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path),
              help="Folder of tuning records, as `sepconv tune` writes them.")  # fmt: skip
@click.option("--target", "targets", multiple=True, help="Such as x86_avx2 or arm_neon; may be repeated. Default: all.")
@click.option("--machine", help="Such as aarch64-linux, or a toolchain file. Default: the one that has the targets.")
def compile_command(
    layers: pathlib.Path,
    output: pathlib.Path,
    name: str | None,
    tuning: pathlib.Path | None,
    targets: tuple[str, ...],
    machine: str | None,
) -> None:
    """Compiles the layers of a layer file into a static library with its header and a CMake package."""
    from ._compile import compile_layers

    with click.progressbar(length=1, label="Compiling", show_eta=False) as bar:
        done = [0]

        def progress(finished: int, total: int) -> None:
            bar.length = total
            bar.update(finished - done[0])
            done[0] = finished

        library = compile_layers(layers, output, name, targets, progress, machine, tuning)
    click.echo(f"{library}: {library.stat().st_size / 1024:.0f} KB")
    click.echo(f"find_package({library.stem.removeprefix('lib')}) with CMAKE_PREFIX_PATH={output}")


if __name__ == "__main__":
    main()
