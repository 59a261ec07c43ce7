"""A point of the space as machine code: compiled by the generator, linked with others of its layer into one static program."""

import dataclasses
import hashlib
import pathlib
import tempfile

from . import device
from .space import Point
from .toolchain import Toolchain, ToolError

_CARRIED = ("chunk", "tile_pixels", "tile_channels", "tile_vectors", "vector", "sum_block", "strip_pixels")
"""Parameters that the row's table carries beside what is compiled: the planner reads them."""
_MEMORY = ("malloc", "free", "do_par_for")
_SECONDS = 300
"""The longest that a candidate may compile."""


@dataclasses.dataclass(frozen=True)
class Compiled:
    """A candidate's object, or why there is none."""

    variant: str
    target: str
    point: Point
    """Every parameter."""
    code: bytes = b""
    error: str = ""
    scheduler: str = ""
    """The one of Halide's autoschedulers that made the schedule, in place of the point."""

    @property
    def key(self) -> str:
        """The same for candidates that run the same code in the same way."""
        carried = [self.point.get(name) for name in _CARRIED]
        return hashlib.sha256(self.code + repr(carried).encode()).hexdigest()[:24]


def compile_point(
    tools_path: str, variant: str, target: str, point: Point, chosen: Point, scheduler: str = ""
) -> Compiled:
    """Never raises for what is wrong with the candidate. `chosen`: what of the point is not the schedule's default."""
    try:
        tools = Toolchain.load(tools_path)
        with tempfile.TemporaryDirectory(prefix="sepconv_tune_") as folder:
            words = [f"{name}={value}" for name, value in sorted(chosen.items())]
            command = tools.generate(folder, target, variant, "-t", str(_SECONDS), *words)
            if scheduler:
                library = pathlib.Path(tools["halide_library"]).parent / f"libautoschedule_{scheduler.lower()}.so"
                command += ["-p", str(library), f"autoscheduler={scheduler}", "autoscheduler.parallelism=1"]
            tools.run(command)
            code = pathlib.Path(folder, "leaf.o").read_bytes()
            return Compiled(variant, target, point, code, scheduler=scheduler)
    except (ToolError, OSError) as error:
        return Compiled(variant, target, point, error=str(error) or type(error).__name__, scheduler=scheduler)


def link(tools_path: str, candidates: list[Compiled]) -> bytes:
    """A program that runs these, in this order (tools/runner/main.cpp, static; for GPU rows device_main.cpp).

    Raises:
        ToolError: what the compiler says.
    """
    tools = Toolchain.load(tools_path)
    with tempfile.TemporaryDirectory(prefix="sepconv_tune_") as name:
        folder = pathlib.Path(name)
        sources, objects = [], {}
        for i, candidate in enumerate(candidates):
            function = f"c{hashlib.sha256(candidate.code).hexdigest()[:24]}"
            if function not in objects:
                memory = "sepconv_plain" if candidate.scheduler else "sepconv_scratch"
                renamed = device.RENAMED | {f"halide_{name}": f"{memory}_{name}" for name in _MEMORY}
                objects[function] = _rename(tools, candidate.code, folder / f"{function}.o", function, renamed)
            sources.append(_table(tools, candidate, folder, f"candidate_{i}", function, objects[function]))
        sources.append(_list(folder, len(candidates)))
        includes = [f"-I{path}" for path in tools["include"]]
        tools.run([tools.tool("compiler"), "-c", "-O1", *includes, *sources], folder)
        tables = [str(folder / pathlib.Path(source).with_suffix(".o").name) for source in sources]
        # The runner's main comes out of its archive, which needs the list of candidates.
        linked = [*tables, *map(str, objects.values()), "-s"]
        if device.is_device(tools.target(candidates[0].target)[1]):
            libraries = [tools["device_runner"], tools["gpu"], tools["runtime"], "-ldl"]
        else:
            libraries = ["-static", tools["runner"], tools["runtime"]]
        tools.run([tools.tool("linker"), "-o", "runner", *linked, *libraries, "-lm", "-pthread"], folder)
        return (folder / "runner").read_bytes()


def _rename(tools: Toolchain, code: bytes, path: pathlib.Path, function: str, names: dict[str, str]) -> pathlib.Path:
    """The object as the build has it: one symbol, and what it asks for from the runtime."""
    path.write_bytes(code)
    words = [f"--redefine-sym={old}={new}" for old, new in ({"leaf_argv": f"{function}_argv"} | names).items()]
    tools.run([tools.tool("objcopy"), *words, str(path)])
    tools.run([tools.tool("objcopy"), f"--keep-global-symbol={function}_argv", str(path)])
    return path


def _table(tools: Toolchain, c: Compiled, folder: pathlib.Path, library: str, function: str, obj: pathlib.Path) -> str:
    """The C source with the table of the one row."""
    halide_target, schedule = tools.target(c.target)
    words = [c.variant, c.target, schedule, halide_target, function, str(obj)]
    rows = folder / f"{library}.txt"
    rows.write_text(" ".join([*words, *(f"{name}={value}" for name, value in c.point.items())]) + "\n")
    source = folder / f"{library}.c"
    tools.run([tools["rows"], library, str(rows), str(source)])
    return str(source)


def _list(folder: pathlib.Path, count: int) -> str:
    names = [f"candidate_{i}_variants" for i in range(count)]
    lines = ['#include "candidates.h"', *(f"const sepconv_variant_table* {name}(void);" for name in names)]
    lines.append(f"const sepconv_candidate sepconv_candidates[] = {{{', '.join(names)}, 0}};")
    path = folder / "candidates.c"
    path.write_text("\n".join(lines) + "\n")
    return str(path)
