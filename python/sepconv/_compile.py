"""Layer files to static libraries: drives the CMake package that the wheel holds, so that nobody has to write CMake.

Needs the Halide compiler, CMake and Ninja from PyPI (`pip install 'sepconv[compile]'`) and a C compiler; for another
machine than this one, a C++ compiler for it, since the wheel holds the runtime for that machine as source.
"""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence

import sepconv_layers

from ._machines import machine_for
from ._native import __version__

_HERE = """\
cmake_minimum_required(VERSION 3.28)
project({name} LANGUAGES C)
find_package(sepconv REQUIRED)
"""

_ELSEWHERE = """\
cmake_minimum_required(VERSION 3.28)
project({name} VERSION {version} LANGUAGES C CXX)
include([==[{package}/SepconvHostTools.cmake]==])
_sepconv_find_host_tools()
add_subdirectory([==[{runtime}]==] runtime EXCLUDE_FROM_ALL)
include([==[{package}/SepconvVariants.cmake]==])
"""

_LIBRARY = """\
sepconv_add_library({name} LAYERS [==[{layers}]==]{targets})
install(TARGETS {name} ARCHIVE DESTINATION lib)
install(FILES "${{CMAKE_CURRENT_BINARY_DIR}}/{name}/include/{name}.h" DESTINATION include)
install(DIRECTORY [==[{headers}/sepconv]==] DESTINATION include PATTERN thread_pool.hpp EXCLUDE PATTERN gpu.h EXCLUDE)
install(FILES "$<TARGET_FILE:sepconv::runtime>" DESTINATION lib)
"""

_CONFIG = """\
# {name}: the compiled layers of {file}. Written by sepconv {version}.
#
#   find_package({name} REQUIRED)
#   target_link_libraries(my_program PRIVATE {name}::{name})      # {name}.h, sepconv/sepconv.h
get_filename_component(prefix "${{CMAKE_CURRENT_LIST_DIR}}/../../.." ABSOLUTE)
if(NOT TARGET sepconv::runtime)
  add_library(sepconv::runtime STATIC IMPORTED)
  set_target_properties(
    sepconv::runtime
    PROPERTIES
      IMPORTED_LOCATION "${{prefix}}/lib/libsepconv_runtime.a"
      INTERFACE_INCLUDE_DIRECTORIES "${{prefix}}/include"
      INTERFACE_LINK_LIBRARIES m
  )
endif()
if(NOT TARGET {name}::{name})
  add_library({name}::{name} STATIC IMPORTED)
  set_target_properties(
    {name}::{name}
    PROPERTIES
      IMPORTED_LOCATION "${{prefix}}/lib/lib{name}.a"
      INTERFACE_INCLUDE_DIRECTORIES "${{prefix}}/include"
      INTERFACE_LINK_LIBRARIES sepconv::runtime
  )
endif()
"""


def compile_layers(
    layers: pathlib.Path,
    output: pathlib.Path,
    name: str | None = None,
    targets: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda finished, total: None,
    machine: str | None = None,
    tuning: pathlib.Path | None = None,
) -> pathlib.Path:
    """Compiles the layers of a file; returns the static library, in the folder `lib` of `output`.

    Args:
        name: of the library; by default, that of the layer file.
        targets: such as `x86_avx2` or `arm_neon`; by default, those of the machine.
        progress: told the number of finished steps, and of all.
        machine: such as `aarch64-linux`, or a CMake toolchain file; by default, the one that has the targets.
        tuning: a folder of tuning records, as `sepconv tune` writes them.

    Raises:
        ValueError: what the layer file, the name or a target breaks.
        OSError: a tool is missing or fails.
    """
    sepconv_layers.read(layers)  # its errors are shorter than CMake's
    name = name or re.sub(r"\W", "_", layers.stem)
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]*", name):
        raise ValueError(f'name must be a C identifier, received "{name}"')
    prefix = pathlib.Path(os.environ.get("SEPCONV_PREFIX") or pathlib.Path(__file__).parent / "prefix")
    package = next(prefix.glob("lib*/**/sepconvGenerator.cmake"), None)
    if package is None:
        raise FileNotFoundError(f"{prefix} holds no generator: this sepconv was built without it")
    package = package.parent
    for target in targets:
        if not re.fullmatch(r"[a-z0-9_]+", target):
            raise ValueError(f'target "{target}" is none: its name is made of small letters, digits and "_"')
    other = machine_for(machine, targets, package / "toolchains")
    if other is not None:
        other.check()
    halide = _halide()
    environment = os.environ | {"NINJA_STATUS": "[%f/%t] "}
    environment["LD_LIBRARY_PATH"] = os.pathsep.join(
        filter(None, [str(halide / "lib64"), os.environ.get("LD_LIBRARY_PATH")])
    )
    words = {
        "name": name,
        "version": __version__,
        "layers": layers.resolve().as_posix(),
        "targets": f" TARGETS {' '.join(targets)}" if targets else "",
        "headers": (prefix / "include").as_posix(),
        "package": package.as_posix(),
        "runtime": (prefix / "share" / "sepconv" / "runtime").as_posix(),
    }
    cmake, ninja = _tool("cmake"), _tool("ninja")
    with tempfile.TemporaryDirectory() as folder:
        project = ((_HERE if other is None else _ELSEWHERE) + _LIBRARY).format_map(words)
        pathlib.Path(folder, "CMakeLists.txt").write_text(project)
        build = pathlib.Path(folder, "build")
        configure = [cmake, "-S", folder, "-B", build, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}"]
        configure += ["-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_INSTALL_PREFIX={folder}/installed"]
        if other is None:
            configure.append(f"-Dsepconv_DIR={package}")
        else:
            configure.append(f"-DCMAKE_TOOLCHAIN_FILE={other.toolchain}")
            configure += [f"-DSEPCONV_HOST_TOOLS={prefix}", f"-DSEPCONV_HALIDE_INCLUDE={halide / 'include'}"]
        if tuning is not None:
            configure.append(f"-DSEPCONV_TUNING={tuning.resolve()}")
        _run(configure, environment)
        _run([ninja, "-C", build], environment, progress)
        _run([cmake, "--install", build], environment)
        # Not installed there: a path with a ";" is a list to CMake.
        shutil.copytree(pathlib.Path(folder, "installed"), output, dirs_exist_ok=True)
    config = output / "lib" / "cmake" / name
    config.mkdir(parents=True, exist_ok=True)
    text = _CONFIG.format(name=name, file=ascii(layers.name), version=__version__)
    (config / f"{name}Config.cmake").write_text(text)
    return output / "lib" / f"lib{name}.a"


def _halide() -> pathlib.Path:
    found = importlib.util.find_spec("halide")
    if found is None or found.origin is None:
        raise FileNotFoundError("the Halide compiler is not installed: pip install 'sepconv[compile]'")
    return pathlib.Path(found.origin).parent


def _tool(name: str) -> str:
    """A program of this Python's environment, or of the PATH."""
    path = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed: pip install 'sepconv[compile]'")
    return found


def _run(
    command: list, environment: dict[str, str], progress: Callable[[int, int], None] = lambda finished, total: None
) -> None:
    lines = []
    with subprocess.Popen(
        list(map(str, command)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            if step := re.match(r"\[(\d+)/(\d+)\] ", line):
                progress(int(step[1]), int(step[2]))
    if process.returncode == 0:
        return
    text = "".join(lines)
    # CMake's message without its frame: the lines after "CMake Error at ...:", indented by two.
    if message := re.search(r"CMake Error.*:\n((?:\n|  .*\n)+)", text):
        raise ValueError(" ".join(message[1].split("Call Stack")[0].split()))
    raise OSError(f"{pathlib.Path(command[0]).name} failed:\n{text[-2000:]}")
