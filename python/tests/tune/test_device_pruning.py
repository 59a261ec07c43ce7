"""What is not worth compiling for a GPU."""

import sepconv_layers
from sepconv_tune.device import is_worthwhile

DEFAULT = {
    "chunk": 32, "threads_x": 16, "threads_y": 8, "threads_z": 1, "thread_pixels": 4, "thread_vectors": 1, "tap_unroll": 9, "window": 1,
    "split": 0,
}  # fmt: skip


def layer(**fields):
    given = {"name": "one", "spatial": [56, 56], "cin": 64, "cout": 64, "kernel": [3, 3], "padding": "same"} | fields
    (made,) = sepconv_layers.parse({"version": 1, "layers": [given]})
    return made


def keeps(one, **point):
    return is_worthwhile(DEFAULT | point, DEFAULT, one)


def test_the_default_is_kept():
    assert keeps(layer())


def test_blocks_that_are_mostly_empty_are_not():
    assert not keeps(layer(cout=4), thread_vectors=4)
    assert not keeps(layer(cin=8), chunk=32)


def test_windows_reach_into_the_image():
    assert keeps(layer(), window=4) and keeps(layer(spatial=[3, 56]), window=4)
    assert not keeps(layer(spatial=[2, 56]), window=4)
    assert not keeps(layer(spatial=[2], kernel=[3]), window=4, threads_y=2, thread_pixels=1)


def test_channels_are_shared_out_where_blocks_are_few():
    assert keeps(layer(), threads_z=4)
    assert not keeps(layer(n=64), threads_z=4)


def test_of_limits_that_unroll_the_same_one_is_enough():
    assert keeps(layer(kernel=[5, 5]), tap_unroll=5) and not keeps(layer(), tap_unroll=25)
    assert not keeps(layer(kernel=[5, 5]), tap_unroll=5, window=2)
    assert keeps(layer(kernel=[5, 5]), tap_unroll=25, window=2)
