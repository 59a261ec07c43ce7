"""Threads, forks, the environment."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import sepconv


def test_threads():
    before = sepconv.get_num_threads()
    try:
        sepconv.set_num_threads(3)
        assert sepconv.get_num_threads() == 3
        for wrong in (0, -1, 1025):
            with pytest.raises(ValueError, match=f"threads must be from 1 to 1024, received {wrong}"):
                sepconv.set_num_threads(wrong)
    finally:
        sepconv.set_num_threads(before)


def test_many_callers_and_many_threads(rng):
    x = rng.standard_normal((2, 64, 64, 32)).astype("f")
    dw, pw = rng.standard_normal((3, 3, 32, 1)).astype("f"), rng.standard_normal((1, 1, 32, 48)).astype("f")
    expected = sepconv.Layer(dw, pw, threads=1)(x)
    layer = sepconv.Layer(dw, pw, threads=3)
    results = [None] * 8

    def call(i):
        for _ in range(5):
            results[i] = layer(x) if i % 2 else sepconv.separable_conv(x, dw, pw)

    callers = [threading.Thread(target=call, args=(i,)) for i in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    for result in results:
        np.testing.assert_array_equal(result, expected)


FORK = """
import os, sys, numpy as np, sepconv
x, dw, pw = np.ones((1, 64, 64, 32), "f"), np.ones((3, 3, 32, 1), "f"), np.ones((1, 1, 32, 48), "f")
layer = sepconv.Layer(dw, pw, threads=4)
y = layer(x)
child = os.fork()
if child == 0:
    os._exit(0 if (layer(x) == y).all() else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_fork():
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60)


def test_environment():
    def run(**environment):
        program = (
            "import sepconv; print(sepconv.get_num_threads(), *{v.name for v in sepconv.variants() if v.runnable})"
        )
        result = subprocess.run(
            [sys.executable, "-c", program], env=os.environ | environment, check=True, capture_output=True, text=True
        )
        return result.stdout.split()

    threads, *names = run(SEPCONV_NUM_THREADS="5", SEPCONV_TARGETS="portable")
    assert threads == "5"
    assert names and all(name.endswith("_portable") for name in names)
