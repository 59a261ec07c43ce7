"""Assembles the PTX of CUDA variants for every architecture that they are meant for, and says what their kernels take.

    ptx.py [--ptxas FILE] [--arch sm_80 ...] OBJECT...

prints, for each kernel and architecture: registers of a thread, warps that fit a multiprocessor by its registers, bytes of the stack
and of spills, loads and stores of four elements at once (16 bytes, of float16 and bfloat16 8). Shared memory is given at the launch,
so it is not in the PTX. Fails if a kernel spills, has a stack, or if none of a variant's kernels moves four elements at once. The drivers
of GPUs do the same assembling when a program first runs a variant. Exits with 77, which ctest takes for "skipped", where there is no ptxas.
"""

import argparse
import concurrent.futures
import functools
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import tempfile

REGISTERS = 65536  # of one multiprocessor, from sm_70 to sm_90


def find_ptxas() -> str | None:
    """The one that requirements-gpu.txt pins."""
    spec = importlib.util.find_spec("nvidia")
    for folder in spec.submodule_search_locations if spec else []:
        for program in pathlib.Path(folder).glob("*/bin/ptxas"):
            return str(program)
    return None


def ptx_of(path: pathlib.Path) -> str:
    """The text that Halide leaves in an object's data, between NULs."""
    data = path.read_bytes()
    version = data.find(b"\n.version ")
    if version < 0:
        raise SystemExit(f"ptx.py: there is no PTX in {path}")
    return data[data.rfind(b"\0", 0, version) + 1 : data.find(b"\0", version)].decode()


def bodies(ptx: str) -> dict[str, str]:
    """The text of each kernel, by its name."""
    parts = re.split(r"\.entry (\w+)\(", ptx)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def assemble(ptxas: str, ptx: str, arch: str) -> dict[str, dict[str, int]]:
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "variant.ptx")
        source.write_text(ptx)
        command = [
            ptxas,
            "-v",
            f"-arch={arch}",
            str(source),
            "-o",
            str(source.with_suffix(".cubin")),
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SystemExit(f"ptx.py: {arch}: {result.stdout}{result.stderr}")
    kernels: dict[str, dict[str, int]] = {}
    for block in re.split(r"Compiling entry function ", result.stdout + result.stderr)[
        1:
    ]:
        name = re.match(r"'(\w+)'", block)[1]
        stack, stores, loads = map(
            int,
            re.search(
                r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+)", block
            ).groups(),
        )
        kernels[name] = {
            "registers": int(re.search(r"Used (\d+) registers", block)[1]),
            "stack": stack,
            "spills": stores + loads,
        }
    return kernels


def accesses_of_four(body: str, halves: bool) -> tuple[int, int]:
    """How many loads and stores of a kernel's text move four elements."""
    kinds = r"\.(?:v4\.[bu]16|v2\.[bu]32|[bu]64)" if halves else r"\.v[24]\.b(?:64|32)"
    loads = len(re.findall(r"ld\.global\S*" + kinds + r"\b", body))
    return loads, len(re.findall(r"st\.global\S*" + kinds + r"\b", body))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ptxas", default=find_ptxas())
    parser.add_argument(
        "--arch", nargs="+", default=["sm_75", "sm_80", "sm_86", "sm_89", "sm_90"]
    )
    parser.add_argument("objects", nargs="+", type=pathlib.Path, metavar="OBJECT")
    arguments = parser.parse_args()
    if arguments.ptxas is None:
        print("skipped: ptxas is missing: pip install -r requirements-gpu.txt")
        return 77
    wrong = []
    print(
        f"{'kernel':<58} {'arch':<6} registers warps stack spills  loads, stores of four"
    )
    pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
    for path in arguments.objects:
        ptx = ptx_of(path)
        halves = re.search(r"_b?f16_", path.stem) is not None
        wide = {
            name: accesses_of_four(body, halves) for name, body in bodies(ptx).items()
        }
        assembled = pool.map(
            functools.partial(assemble, arguments.ptxas, ptx), arguments.arch
        )
        for arch, kernels in zip(arguments.arch, assembled, strict=True):
            for name, found in sorted(kernels.items()):
                label = f"{path.stem.removesuffix('_cuda')} {'workspace' if 'workspace' in name else 'output'}"
                if not name.endswith("__1") and any(n.endswith("__1") for n in wide):
                    label += " (four at once)"
                warps = REGISTERS // (-(-found["registers"] // 8) * 8 * 32)
                loads, stores = wide[name]
                print(
                    f"{label:<58} {arch:<6} {found['registers']:9} {warps:5} {found['stack']:5} "
                    f"{found['spills']:6}  {loads}, {stores}"
                )
                if found["spills"] or found["stack"]:
                    wrong.append(
                        f"{label} on {arch}: {found['spills']} bytes of spills, a stack of {found['stack']} bytes"
                    )
        if not any(loads for loads, _ in wide.values()):
            wrong.append(f"{path.stem}: no kernel loads four elements at once")
    for sentence in wrong:
        print(f"ptx.py: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
