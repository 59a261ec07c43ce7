"""Where the programs are that compile a variant, link it and time it: targets.json of a build folder or an installed prefix."""

import dataclasses
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
from typing import Any

from . import device

_PATHS = (
    "generator", "variant_table", "space", "halide_library", "runner", "runtime", "device_runner", "gpu", "layer_names"
)  # fmt: skip
"""What may be relative to the file."""


@dataclasses.dataclass(frozen=True)
class Toolchain:
    """What cmake/SepconvTools.cmake writes, with absolute paths."""

    path: pathlib.Path
    fields: dict[str, Any]

    @staticmethod
    def load(path: str | os.PathLike) -> "Toolchain":
        """From the file, or a folder that holds it. On another machine, SEPCONV_TUNE_TOOLS says where it is there.

        Raises:
            FileNotFoundError: names the file.
        """
        given = pathlib.Path(os.environ.get("SEPCONV_TUNE_TOOLS") or path)
        places = [given, *(given / sub / "targets.json" for sub in ("generators", "libexec/sepconv", "."))]
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            raise FileNotFoundError(f"{given} holds no targets.json: it is no build folder or prefix of sepconv")
        fields = json.loads(found.read_text())
        for key in set(_PATHS) & set(fields):
            fields[key] = str(found.parent / fields[key])
        fields["include"] = [str(found.parent / folder) for folder in fields["include"]]
        return Toolchain(found.resolve(), fields)

    def __getitem__(self, key: str) -> Any:
        return self.fields[key]

    def target(self, name: str) -> tuple[str, str]:
        """The Halide target of a leaf and the schedule of a target.

        Raises:
            ValueError: the target is not among those of this build.
        """
        targets = self.fields["targets"]
        if name not in targets:
            raise ValueError(f'target "{name}" is none of {", ".join(targets)} in {self.path}')
        entry = targets[name]
        return "-".join([entry["halide_target"], *self.fields["leaf_features"]]), entry["schedule"]

    def shipped(self, target: str) -> list[str]:
        """The variants that the default library has for a target."""
        return self.fields["targets"].get(target, {}).get("variants", [])

    def tool(self, key: str) -> str:
        """A program's path; one of the build machine that is not here is looked for by its name, also beside this Python."""
        path, places = (
            self.fields[key],
            os.pathsep.join([os.environ.get("PATH", ""), str(pathlib.Path(sys.executable).parent)]),
        )
        return path if os.path.exists(path) else shutil.which(pathlib.Path(path).name, path=places) or path

    def generate(self, folder: str | os.PathLike, target: str, variant: str, *words: str) -> list[str]:
        """The command that compiles a variant to `leaf.o` in a folder. `words`: what else the generator is told.

        Raises:
            ValueError: the target is not among those of this build.
        """
        halide_target, schedule = self.target(target)
        generator = "device_conv" if device.is_device(schedule) else "separable_conv"
        names = ["-g", generator, "-f", "leaf", "-n", "leaf"]
        place = ["-o", str(folder), "-e", "object"]
        about = [f"target={halide_target}", f"variant={variant}", f"schedule={schedule}"]
        return [self["generator"], *names, *place, *about, *words]

    def renamed(self, target: str) -> dict[str, str]:
        """What a variant asks of Halide's runtime, and who answers."""
        key = "renamed_gpu" if device.is_device(self.target(target)[1]) else "renamed"
        return dict(pair.split("=") for pair in self.fields[key])

    def variants_of_layers(self, path: str | os.PathLike) -> dict[str, str]:
        """By the layers' names the variants that sepconv_add_library compiles for a layer file; none for those that are not fusable.

        Raises:
            ToolError: CMake refuses the file.
        """
        command = [self.tool("cmake"), "-D", f"LAYERS={pathlib.Path(path).resolve()}", "-P", self["layer_names"]]
        return dict(line.split("\t") for line in self.run(command).splitlines())

    def run(self, command: list[str], folder: str | os.PathLike | None = None, stdin: str | None = None) -> str:
        """What a program of the toolchain prints.

        Raises:
            ToolError: with the end of what it printed.
        """
        result = subprocess.run(
            command, cwd=folder, env=self.environment(), input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        if result.returncode:
            printed = (result.stderr.strip() or result.stdout.strip()).removeprefix("Unhandled exception: ")
            raise ToolError(f"{pathlib.Path(command[0]).name}: {printed[:300] or f'status {result.returncode}'}")
        return result.stdout

    def environment(self) -> dict[str, str]:
        """With the folder of libHalide: beside the programs, or in the package halide (a wheel holds no copy)."""
        folder = pathlib.Path(self.fields["halide_library"]).parent
        if not os.path.exists(self.fields["halide_library"]):
            found = importlib.util.find_spec("halide")
            folder = pathlib.Path(found.origin).parent / "lib64" if found and found.origin else folder
        libraries = [str(folder), os.environ.get("LD_LIBRARY_PATH", "")]
        return os.environ | {"LD_LIBRARY_PATH": os.pathsep.join(filter(None, libraries))}


class ToolError(RuntimeError):
    """A program of the toolchain has failed."""
