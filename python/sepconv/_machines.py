"""The machines that `sepconv compile` compiles for, other than the one it runs on."""

import dataclasses
import pathlib
import shutil
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Machine:
    """A CMake toolchain file, and what has to be installed for it."""

    toolchain: pathlib.Path
    compiler: str | None = None
    package: str | None = None
    """Of Debian and Ubuntu."""

    def check(self) -> None:
        """Raises FileNotFoundError if there is no such file or no such compiler."""
        if not self.toolchain.is_file():
            raise FileNotFoundError(f"{self.toolchain} does not exist")
        if self.compiler is not None and shutil.which(self.compiler) is None:
            raise FileNotFoundError(
                f"{self.compiler} is not installed (on Debian and Ubuntu: apt-get install {self.package})"
            )


# Name of a toolchain file, its compiler, the Debian package that has it, and the targets that no other machine has.
_KNOWN = {
    "aarch64-linux": ("aarch64-linux-gnu-g++", "g++-aarch64-linux-gnu", ("arm_neon",)),
    "armv7-linux": ("arm-linux-gnueabihf-g++", "g++-arm-linux-gnueabihf", ("arm32_neon",)),
    "riscv64-linux": ("riscv64-linux-gnu-g++", "g++-riscv64-linux-gnu", ("riscv_v256",)),
    "wasm": ("em++", "emscripten", ("wasm_simd128",)),
}


def machine_for(name: str | None, targets: Sequence[str], toolchains: pathlib.Path) -> Machine | None:
    """The machine of a name or, without one, of the targets; `None` for this one.

    Args:
        name: one of the known machines, or the path of a CMake toolchain file.
        toolchains: the folder of the known machines' toolchain files.

    Raises:
        ValueError: the name is unknown, or the targets are those of several machines.
    """
    if name is None:
        names = {next((m for m, known in _KNOWN.items() if target in known[2]), None) for target in targets}
        if len(names) > 1:
            raise ValueError(f"targets {', '.join(targets)} are of different machines; one is compiled for at a time")
        name = next(iter(names), None)
        if name is None:
            return None
    if name in _KNOWN:
        compiler, package, _ = _KNOWN[name]
        return Machine(toolchains / f"{name}.cmake", compiler, package)
    if not name.endswith(".cmake"):
        raise ValueError(f'machine must be {", ".join(_KNOWN)} or a toolchain file (.cmake), received "{name}"')
    return Machine(pathlib.Path(name).resolve())
