"""Compiles GPU variants for CUDA and links them into one shared library (library.cpp), to be timed by sweep.py on another machine.

    candidates.py OUT.so [POINTS.json] [--build build/gpu]

POINTS.json: [[variant, {parameter: value}], ...]; without it, the variants that the default library has. Beside OUT.so it writes
OUT.json for sweep.py: [[name, variant, {parameter: value}], ...], of what could be compiled. Needs a build of the preset gpu.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "python"))
from sepconv_tune import candidate
from sepconv_tune.toolchain import Toolchain, ToolError

TARGET = "cuda"


def word(number):
    """A family's word, for variants that fix the same: wba, wbb, ..."""
    letters = ""
    number += 26
    while number:
        letters = chr(ord("a") + number % 26) + letters
        number //= 26
    return "w" + letters


def default_point(tools, variant):
    halide_target, schedule = tools.target(TARGET)
    specs = json.loads(tools.run([tools["space"], variant, schedule, halide_target]))
    return {spec["name"]: spec["default"] for spec in specs}


def link(tools, folder, out, lines, objects):
    """The library: the table of the variants, their code, the runtime."""
    text, table = folder / "variants.txt", folder / "table.c"
    text.write_text("\n".join(lines) + "\n")
    name = "sepconv_default_gpu"
    tools.run([tools["variant_table"], "print", name, str(text), str(table)])
    header = folder / f"{name}.h"
    header.write_text(
        '#include "sepconv/sepconv.h"\n#ifdef __cplusplus\nextern "C"\n#endif\n'
        f"const sepconv_variant_table* {name}_variants(void);\n"
    )
    includes = [f"-I{path}" for path in [*tools["include"], folder]]
    tools.run(
        [tools.tool("compiler"), "-O1", "-fPIC", "-c", *includes, "table.c"], folder
    )
    response = folder / "objects.txt"
    response.write_text("\n".join(map(str, dict.fromkeys(objects))))
    flags = ["-std=c++17", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-s"]
    static = ["-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL"]
    source = str(pathlib.Path(__file__).with_name("library.cpp"))
    archives = [tools["gpu"], tools["runtime"]]
    tools.run(
        [
            tools.tool("linker"),
            *flags,
            *static,
            *includes,
            source,
            str(folder / "table.o"),
            f"@{response}",
            *archives,
            "-ldl",
            "-lm",
            "-pthread",
            "-o",
            str(out),
        ]
    )


def main(words):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("points", type=pathlib.Path, nargs="?")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/gpu")
    arguments = parser.parse_args(words)
    out = arguments.out.resolve()
    tools = Toolchain.load(arguments.build)
    if arguments.points:
        points = json.loads(arguments.points.read_text())
        if len({json.dumps(point, sort_keys=True) for point in points}) < len(points):
            sys.exit(f"candidates.py: {arguments.points} has a point twice")
    else:
        shipped = tools.shipped(TARGET)
        points = [[variant, default_point(tools, variant)] for variant in shipped]
    halide_target, schedule = tools.target(TARGET)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)

        def attempt(job):
            return candidate.compile_point(
                str(arguments.build), job[0], TARGET, job[1], job[1]
            )

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(attempt, points))
        lines, objects, listed = [], [], []
        for number, ((variant, point), result) in enumerate(
            zip(points, results, strict=True)
        ):
            if result.error:
                print(f"{variant} {point}: {result.error}", file=sys.stderr)
                continue
            # With a word of its own a variant can be asked for among others that fix the same; shipped ones have theirs.
            own = f"{variant}_{word(number)}" if arguments.points else variant
            path = candidate.rename(tools, result, folder, tools.renamed(TARGET))
            given = [f"{key}={value}" for key, value in point.items()]
            words = [own, TARGET, schedule, halide_target, result.function, str(path)]
            lines.append(" ".join([*words, *given]))
            objects.append(path)
            listed.append([own, variant, point])
        link(tools, folder, out, lines, objects)
    out.with_suffix(".json").write_text(json.dumps(listed) + "\n")
    print(f"{out}: {len(listed)} variants, {out.stat().st_size / 2**20:.0f} MiB")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ToolError, FileNotFoundError) as error:
        sys.exit(f"candidates.py: {error}")
