"""sepconv compile: from a layer file to a C program, on this machine and, emulated, on another."""

import importlib.util
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest
from cli_support import sepconv

import sepconv as package
from sepconv import _machines
from sepconv import _reference as reference

pytest.importorskip("click")
PREFIX = pathlib.Path(os.environ.get("SEPCONV_PREFIX") or pathlib.Path(package.__file__).parent / "prefix")
FIND_PROGRAM = pathlib.Path(__file__).parents[2] / "tools/dev/program.sh"
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("halide") is None or not any(PREFIX.glob("lib*/**/sepconvGenerator.cmake")),
    reason="the package halide, or an installed generator (SEPCONV_PREFIX), is missing",
)

LAYERS = {
    "version": 1,
    "layers": [
        {
            "name": "a", "spatial": [14, 13], "cin": 16, "cout": 24, "kernel": [3, 3], "strides": [2, 1],
            "padding": "same",
        },
        {
            "name": "b", "spatial": [20], "cin": 4, "mult": 2, "cout": 8, "kernel": [3], "dilation": [2],
            "data_format": "channels_first", "padding": "valid", "input_activation": "swish",
        },
    ],
}  # fmt: skip
VARIANTS = ["2d_f32_nhwc_k3s2x1d1m1c16o24e14x13", "1d_f32_ncw_k3s1d2m2c4o8e20_act"]

CMAKE = """
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES C)
find_package(my_layers REQUIRED)
add_executable(consumer consumer.c)
target_link_libraries(consumer PRIVATE my_layers::my_layers)
"""
# Prints its variants, then computes the first layer: numbers from a file to a file.
PROGRAM = """
#include <stdio.h>
#include <stdlib.h>

#include "my_layers.h"

static float input[14 * 13 * 16], depthwise[3 * 3 * 16], pointwise[16 * 24], output[7 * 13 * 24];

static int failed(const char* what) {
  printf("%s: %s\\n", what, sepconv_last_error());
  return 1;
}

int main(int count, char** arguments) {
  if (count != 3) return 2;
  if (sepconv_register(my_layers_variants()) != SEPCONV_OK) return failed("register");
  int runnable;
  const char* name;
  for (size_t i = 0; (name = sepconv_variant_name(i, &runnable)) != NULL; ++i) puts(name);

  FILE* file = fopen(arguments[1], "rb");
  if (file == NULL || fread(input, sizeof input, 1, file) != 1 || fread(depthwise, sizeof depthwise, 1, file) != 1 ||
      fread(pointwise, sizeof pointwise, 1, file) != 1) return failed("read");
  fclose(file);

  sepconv_problem problem;
  sepconv_problem_init(&problem, sizeof problem);
  problem.padding = SEPCONV_PADDING_SAME;
  problem.in_extent[0] = 14;
  problem.in_extent[1] = 13;
  problem.kernel_extent[0] = problem.kernel_extent[1] = 3;
  problem.stride[0] = 2;
  problem.in_channels = 16;
  problem.out_channels = 24;
  sepconv_plan* plan = NULL;
  if (sepconv_plan_create(&problem, NULL, &plan) != SEPCONV_OK) return failed("plan");
  puts(sepconv_plan_variant(plan));

  sepconv_weights weights = {.struct_size = sizeof weights, .depthwise_kernel = depthwise, .pointwise_kernel = pointwise};
  const size_t size = (sepconv_plan_packed_size(plan) + 63) / 64 * 64;
  void* packed = aligned_alloc(64, size);
  if (sepconv_plan_pack(plan, &weights, packed, size) != SEPCONV_OK) return failed("pack");
  sepconv_arguments run = {.struct_size = sizeof run, .packed = packed, .input = input, .output = output};
  if (sepconv_plan_run(plan, &run) != SEPCONV_OK) return failed("run");
  file = fopen(arguments[2], "wb");
  if (file == NULL || fwrite(output, sizeof output, 1, file) != 1 || fclose(file) != 0) return failed("write");
  free(packed);
  sepconv_plan_destroy(plan);
  return 0;
}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my-layers.json"
    path.write_text(json.dumps(LAYERS))
    return path


def check(file, rng, target, configure=(), emulator=(), arguments=()):
    """Compiles the layers and a program that links them, runs it, and compares with the reference."""
    folder = file.parent
    out, source, build = folder / "out", folder / "consumer", folder / "build"
    assert "libmy_layers.a" in sepconv("compile", file, "-o", out, "--target", target, *arguments)
    source.mkdir()
    (source / "CMakeLists.txt").write_text(CMAKE)
    (source / "consumer.c").write_text(PROGRAM)
    for command in (["-S", source, "-B", build, f"-Dmy_layers_DIR={out}/lib/cmake/my_layers", *configure],
                    ["--build", build]):  # fmt: skip
        done = subprocess.run(["cmake", *map(str, command)], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    x, dw, pw = (rng.standard_normal(shape).astype("f") for shape in [(1, 14, 13, 16), (3, 3, 16, 1), (1, 1, 16, 24)])
    (folder / "in").write_bytes(x.tobytes() + dw.tobytes() + pw.tobytes())
    done = subprocess.run(
        [*emulator, build / "consumer", folder / "in", folder / "result"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    variants = [f"{variant}_{target}" for variant in VARIANTS]
    assert done.stdout.split() == [*variants, variants[0]]
    y = np.fromfile(folder / "result", "f").reshape(1, 7, 13, 24)
    expected = reference.separable_conv(x, dw, pw, (2, 1), "same")
    assert np.abs(y - expected).max() < 1e-5 * np.abs(expected).max()


def test_here(file, rng):
    check(file, rng, "portable")


@pytest.mark.parametrize(
    ("target", "machine", "emulator"),
    [
        ("arm_neon", "aarch64-linux", "qemu-aarch64"),
        ("arm32_neon", "armv7-linux", "qemu-arm"),
        ("wasm_simd128", "wasm", "node"),
    ],
)
def test_other_machines(file, rng, target, machine, emulator):
    for program in (_machines._KNOWN[machine][0], emulator):
        found = subprocess.run([FIND_PROGRAM, program], capture_output=True, text=True, check=False)
        if found.returncode:
            pytest.skip(found.stderr.strip())
    emulator = found.stdout.strip()
    # A machine that is named, and one that follows from the target, are the same.
    arguments = ["--machine", machine] if machine == "armv7-linux" else []
    toolchain = next(PREFIX.glob(f"lib*/**/toolchains/{machine}.cmake"))
    options = [f"-DCMAKE_TOOLCHAIN_FILE={toolchain}"]
    if machine == "wasm":
        options += ["-DCMAKE_EXE_LINKER_FLAGS=-sNODERAWFS=1", "-DCMAKE_EXECUTABLE_SUFFIX="]
        check(file, rng, target, options, [emulator, "--no-experimental-fetch"], arguments)
    else:
        check(file, rng, target, [*options, "-DCMAKE_EXE_LINKER_FLAGS=-static"], [emulator], arguments)


def test_paths_that_cmake_has_a_meaning_for(file, tmp_path):
    layers, output = tmp_path / "a b;c'd$(e)${f}[g]\n.json", tmp_path / 'out ;$(x)"y'
    layers.write_bytes(file.read_bytes())
    sepconv("compile", layers, "-o", output, "--name", "odd", "--target", "portable")
    assert (output / "lib" / "libodd.a").exists() and (output / "include" / "odd.h").exists()
    config = (output / "lib" / "cmake" / "odd" / "oddConfig.cmake").read_text()
    assert f"# odd: the compiled layers of {layers.name!a}." in config
    injection = "portable) message(FATAL_ERROR hello"
    assert "is none: its name is made of" in sepconv(
        "compile", layers, "-o", output, "--name", "odd", "--target", injection, status=1
    )


def test_errors(file, tmp_path):
    def fails(*arguments, **environment):
        return sepconv("compile", file, "-o", tmp_path / "out", *arguments, status=1, **environment)

    assert 'target "z80" is none of' in fails("--target", "z80")
    assert "one is compiled for at a time" in fails("--target", "x86_avx2", "--target", "arm_neon")
    assert "machine must be aarch64-linux, " in fails("--machine", "pdp11")
    assert "absent.cmake does not exist" in fails("--machine", tmp_path / "absent.cmake")
    message = fails("--target", "arm_neon", PATH=str(tmp_path))
    assert "aarch64-linux-gnu-g++ is not installed" in message and "apt-get install g++-aarch64-linux-gnu" in message
