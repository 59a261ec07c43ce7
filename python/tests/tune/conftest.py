"""A build of sepconv to tune with: SEPCONV_TEST_TOOLS, or build/dev or build/release of this checkout."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[3]
sys.path.append(str(ROOT / "python"))  # last: a sepconv that is built or installed comes first


@pytest.fixture(scope="session")
def build():
    places = [os.environ.get("SEPCONV_TEST_TOOLS"), ROOT / "build/dev", ROOT / "build/release"]
    for place in filter(None, places):
        if (pathlib.Path(place) / "tools/runner/libsepconv_runner.a").exists():
            return str(place)
    pytest.skip("no build folder with the target sepconv_runner")


def run_quietly(command):
    """Runs a command, whose output is only of interest if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{command[0]} ended with status {done.returncode}:\n{done.stdout}", pytrace=False)


@pytest.fixture(scope="session")
def aarch64_build(build, tmp_path_factory):
    """The runner and the runtime for AArch64, beside this machine's generator."""
    for program in ("aarch64-linux-gnu-g++", "qemu-aarch64-static"):
        if subprocess.run(["which", program], capture_output=True, check=False).returncode:
            pytest.skip(f"{program} is not installed")
    folder = tmp_path_factory.mktemp("aarch64")
    cmake = ROOT / ".venv/bin/cmake"
    command = [cmake, "-S", ROOT, "-B", folder, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ROOT}/.venv/bin/ninja"]
    command += [f"-DCMAKE_TOOLCHAIN_FILE={ROOT}/cmake/toolchains/aarch64-linux.cmake", f"-DSEPCONV_HOST_TOOLS={build}"]
    run_quietly([*command, "-DSEPCONV_TESTS=OFF", "-DCMAKE_BUILD_TYPE=Release"])
    targets = ["--target", "sepconv_runner", "sepconv_runtime"]
    run_quietly([cmake, "--build", folder, *targets])
    return str(folder)
