"""Runs Keras's own tests of the operation with sepconv enabled, from a checkout of Keras:

    python run_keras_tests.py CHECKOUT [BACKEND ...]     # numpy, jax, torch and tensorflow; default: all

For example, of the release that the package is tested with:

    git clone --depth 1 --branch v3.15.1 https://github.com/keras-team/keras

The tests are those of keras/src/ops/nn_test.py and of the layers SeparableConv1D, SeparableConv2D, DepthwiseConv1D and
DepthwiseConv2D. A backend passes if they pass, and if sepconv has computed something.
"""

import os
import pathlib
import subprocess
import sys

FILES = [
    "keras/src/ops/nn_test.py",
    "keras/src/layers/convolutional/separable_conv_test.py",
    "keras/src/layers/convolutional/depthwise_conv_test.py",
]
SELECTION = "separable_conv or Separable or depthwise_conv or Depthwise"


# ------------------------------------------------------------------------------ this file, as a plugin of those tests


def pytest_collection_finish(session):
    import sepconv.keras

    sepconv.keras.enable(always=True)


def pytest_terminal_summary(terminalreporter):
    import sepconv

    terminalreporter.write_line(f"sepconv computed {sepconv.run_count()} convolutions")


def pytest_sessionfinish(session, exitstatus):
    import sepconv

    if exitstatus == 0 and sepconv.run_count() == 0:
        session.exitstatus = 1


# ---------------------------------------------------------------------------------------------------------- the script


def run(checkout: pathlib.Path, backend: str) -> bool:
    here = pathlib.Path(__file__).resolve()
    paths = [str(here.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", here.stem, "-p", "no:cacheprovider", "-W", "ignore"]
    print(f"==> {backend}", flush=True)
    result = subprocess.run([*command, *FILES, "-k", SELECTION], cwd=checkout, env=environment, check=False)
    return result.returncode == 0


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        raise SystemExit(__doc__)
    checkout = pathlib.Path(sys.argv[1])
    if missing := [f for f in FILES if not (checkout / f).exists()]:
        raise SystemExit(f"{checkout} is no checkout of Keras: it has no {missing[0]}")
    failed = [b for b in sys.argv[2:] or ("numpy", "jax", "torch", "tensorflow") if not run(checkout, b)]
    if failed:
        raise SystemExit(f"failed on {', '.join(failed)}")


if __name__ == "__main__":
    main()
