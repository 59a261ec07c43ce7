"""A point of the space as machine code: compiled by the generator, linked with others of its layer into one static program."""

import dataclasses
import hashlib
import pathlib
import tempfile

from . import device
from .space import Point
from .toolchain import Toolchain, ToolError

_PLAIN = ("malloc", "free", "do_par_for")
"""What autoscheduled code asks of Halide's runtime (tools/runner/plain_runtime.cpp)."""
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
    table: str = ""
    """The C source of a variant table with this one in it, called `candidate`: what the planner reads."""
    error: str = ""
    scheduler: str = ""
    """The one of Halide's autoschedulers that made the schedule, in place of the point."""

    @property
    def key(self) -> str:
        """The same for candidates that run the same code in the same way."""
        return hashlib.sha256(self.code + self.table.encode()).hexdigest()[:24]

    @property
    def function(self) -> str:
        return _function(self.code)


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
            table = _table(tools, variant, target, point, _function(code), pathlib.Path(folder))
            return Compiled(variant, target, point, code, table, scheduler=scheduler)
    except (ToolError, OSError) as error:
        return Compiled(variant, target, point, error=str(error) or type(error).__name__, scheduler=scheduler)


def link(tools_path: str, candidates: list[Compiled]) -> bytes:
    """A program that runs these, in this order (tools/runner/main.cpp, static; for GPU variants device_main.cpp).

    Raises:
        ToolError: what the compiler says.
    """
    tools = Toolchain.load(tools_path)
    with tempfile.TemporaryDirectory(prefix="sepconv_tune_") as name:
        folder = pathlib.Path(name)
        sources, objects = [], {}
        for i, candidate in enumerate(candidates):
            if candidate.function not in objects:
                plain = {f"halide_{name}": f"sepconv_plain_{name}" for name in _PLAIN}
                renamed = plain if candidate.scheduler else tools.renamed(candidate.target)
                objects[candidate.function] = rename(tools, candidate, folder, renamed)
            source = folder / f"candidate_{i}.c"
            source.write_text(f"#define candidate_variants candidate_{i}_variants\n{candidate.table}")
            sources.append(str(source))
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


def _function(code: bytes) -> str:
    """The same name for the same code, which then is linked once."""
    return f"c{hashlib.sha256(code).hexdigest()[:24]}"


def rename(tools: Toolchain, candidate: Compiled, folder: pathlib.Path, names: dict[str, str]) -> pathlib.Path:
    """The object as the build has it: one symbol, and what it asks for from the runtime."""
    path, function = folder / f"{candidate.function}.o", f"{candidate.function}_argv"
    path.write_bytes(candidate.code)
    words = [f"--redefine-sym={old}={new}" for old, new in ({"leaf_argv": function} | names).items()]
    tools.run([tools.tool("objcopy"), *words, str(path)])
    tools.run([tools.tool("objcopy"), f"--keep-global-symbol={function}", str(path)])
    return path


def _table(tools: Toolchain, variant: str, target: str, point: Point, function: str, folder: pathlib.Path) -> str:
    """The C source of the table of one variant, whose object lies in the folder."""
    halide_target, schedule = tools.target(target)
    words = [variant, target, schedule, halide_target, function, str(folder / "leaf.o")]
    line, source = folder / "variant.txt", folder / "table.c"
    line.write_text(" ".join([*words, *(f"{name}={value}" for name, value in point.items())]) + "\n")
    tools.run([tools["variant_table"], "print", "candidate", str(line), str(source)])
    return source.read_text()


def _list(folder: pathlib.Path, count: int) -> str:
    names = [f"candidate_{i}_variants" for i in range(count)]
    lines = ['#include "candidates.h"', *(f"const sepconv_variant_table* {name}(void);" for name in names)]
    lines.append(f"const sepconv_candidate sepconv_candidates[] = {{{', '.join(names)}, 0}};")
    path = folder / "candidates.c"
    path.write_text("\n".join(lines) + "\n")
    return str(path)
