"""The machines that the project is tested on, one a CMake preset, and the manifest of each."""

import collections
import dataclasses
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Machine:
    name: str  # for people
    system: str  # CMAKE_SYSTEM_NAME
    processor: str  # CMAKE_SYSTEM_PROCESSOR
    runs: str  # what runs the tests


# By CMake preset.
MACHINES = {
    "dev": Machine("x86-64", "Linux", "x86_64", "natively"),
    "aarch64-linux": Machine("ARM, 64 bits", "Linux", "aarch64", "qemu"),
    "armv7-linux": Machine(
        "ARM, 32 bits (ARMv7, hard float)", "Linux", "armv7", "qemu"
    ),
    "riscv64-linux": Machine(
        "RISC-V, 64 bits, with vectors", "Linux", "riscv64", "qemu"
    ),
    "wasm": Machine("WebAssembly", "Emscripten", "x86", "Node"),
}


def cmake_script(*definitions: str) -> subprocess.CompletedProcess:
    """Runs manifest.cmake."""
    cmake = shutil.which("cmake", path=ROOT / ".venv/bin") or "cmake"
    options = [f"-D{d}" for d in definitions]
    script = ROOT / "tools/dev/manifest.cmake"
    return subprocess.run(
        [cmake, *options, "-P", script], capture_output=True, text=True, check=False
    )


def manifest(machine: Machine, *definitions: str) -> list[tuple[str, str]]:
    """(variant, target) of the default library, in order of rank."""
    of_machine = (
        f"CMAKE_SYSTEM_NAME={machine.system}",
        f"CMAKE_SYSTEM_PROCESSOR={machine.processor}",
    )
    done = cmake_script(*of_machine, *definitions)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [tuple(line.split()) for line in done.stdout.splitlines() if line]


def variants_of_targets(machine: Machine) -> dict[str, int]:
    """{target: number of its variants}"""
    return dict(
        sorted(collections.Counter(target for _, target in manifest(machine)).items())
    )
