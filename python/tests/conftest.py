"""Random numbers for all tests: SEPCONV_TEST_SEED is the seed."""

import os

import numpy as np
import pytest

SEED = int(os.environ.get("SEPCONV_TEST_SEED", "1"))


@pytest.fixture
def rng():
    print("seed", SEED)
    return np.random.default_rng(SEED)
