"""Random numbers for all tests: SEPCONV_TEST_SEED is the seed."""

import importlib.util
import os

import numpy as np
import pytest

if all(importlib.util.find_spec(name) for name in ("tensorflow", "triton")):
    import triton  # noqa: F401 (PyTorch's compiler has it; it crashes if it is loaded after TensorFlow)

SEED = int(os.environ.get("SEPCONV_TEST_SEED", "1"))


@pytest.fixture
def rng():
    print("seed", SEED)
    return np.random.default_rng(SEED)
