"""The time from a new process to its first result, and the size of the library that the process needs.

Peers run in Python: `load_ms` is their import, `first_result_ms` goes from the model file on disk to the result. sepconv runs in a
static C program: `load_ms` goes from its being started to main, `first_result_ms` from nothing to the result: registering,
planning, packing, running. Sizes: a peer's are the shared libraries of its package that the process has mapped after the
result; ours is what the stripped static program is larger by than an empty one.
"""

import importlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from layers import read
from models import model_file, write_models
from peers import peer
from tensors import Tensors

RUNS = 3  # the median counts
LIMIT = 120  # seconds for one


def measure(names, programs, threads):
    """`programs` is the folder of first_result and first_result_empty."""
    file = pathlib.Path(__file__).with_name("first_result.json")
    (layer,) = read(file)
    kinds = sorted({peer(name).MODEL for name in names} - {None})
    libraries = {}
    with tempfile.TemporaryDirectory() as folder:
        (model,) = write_models(kinds, [layer], folder)
        for name in ("sepconv", *names):
            try:
                if name == "sepconv":
                    runs = [ours(programs) for _ in range(RUNS)]
                else:
                    runs = [of_peer(name, file, model, threads) for _ in range(RUNS)]
            except subprocess.CalledProcessError as error:
                reason = (error.stderr or error.stdout).strip().splitlines()[-1:]
                libraries[name] = {"failed": "".join(reason)}
                continue
            except subprocess.TimeoutExpired:
                libraries[name] = {"failed": f"no result in {LIMIT} s"}
                continue
            libraries[name] = {
                key: statistics.median(r[key] for r in runs) for key in runs[0]
            }
    return {"layer": layer.name, "runs": RUNS, "libraries": libraries}


def ours(programs):
    started = time.monotonic_ns()
    result = subprocess.run(
        [programs / "first_result"],
        check=True,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    start, begin, end = map(int, result.stdout.split())
    sizes = [(programs / f"first_result{e}").stat().st_size for e in ("", "_empty")]
    return {
        "load_ms": (start - started) / 1e6,
        "first_result_ms": (end - begin) / 1e6,
        "bytes": sizes[0] - sizes[1],
    }


def of_peer(name, file, model, threads):
    words = [sys.executable, __file__, name, str(file), str(model), str(threads)]
    result = subprocess.run(
        words, check=True, capture_output=True, text=True, timeout=LIMIT
    )
    return json.loads(result.stdout.splitlines()[-1])


def in_new_process(name, file, model, threads):
    (layer,) = read(file)
    tensors, it = Tensors(layer), peer(name)
    file = it.MODEL and model_file(pathlib.Path(model), it.MODEL)
    begin = time.perf_counter()
    module = importlib.import_module(it.MODULE)
    loaded = time.perf_counter()
    _, call, output = next(it.candidates(layer, tensors, int(threads), file))
    call()
    done = time.perf_counter()
    output()
    return {
        "load_ms": (loaded - begin) * 1e3,
        "first_result_ms": (done - loaded) * 1e3,
        "bytes": mapped(pathlib.Path(module.__file__).resolve()),
    }


def mapped(module):
    """Bytes of the shared libraries in the package of `module`, and in packages beside it, that this process has mapped. NumPy is
    the benchmark's own."""
    site = next(p for p in module.parents if p.name == "site-packages")
    lines = pathlib.Path("/proc/self/maps").read_text().splitlines()
    files = {
        os.path.realpath(line.split(maxsplit=5)[-1]) for line in lines if "/" in line
    }
    ours = [site / p for p in ("numpy", "numpy.libs")]
    return sum(
        os.path.getsize(f)
        for f in files
        if pathlib.Path(f).is_relative_to(site)
        and not any(pathlib.Path(f).is_relative_to(p) for p in ours)
    )


if __name__ == "__main__":
    print(json.dumps(in_new_process(*sys.argv[1:])))
