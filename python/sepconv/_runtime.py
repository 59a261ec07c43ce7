"""What belongs to no single call: threads, variants, counts."""

from typing import NamedTuple

from . import _native


class Variant(NamedTuple):
    """A compiled variant."""

    name: str
    """What it fixes and the target it is compiled for, such as `"2d_f32_nhwc_k3s1d1m1_x86_avx2"`."""
    runnable: bool
    """Whether this machine may run it; the environment variable `SEPCONV_TARGETS` restricts further."""


def variants() -> list[Variant]:
    """The variants of this build, in order of rank."""
    return [Variant(*entry) for entry in _native.variants()]


def beginning(text: str) -> str:
    """Of what `sepconv_plan_explain` writes: without the list of the variants."""
    head, _, others = text.partition("variants, in order of rank:\n")
    return f"{head}{others.count(chr(10))} variants were considered: full=True lists them\n"


def checked_threads(threads: int) -> int:
    """Raises ValueError if the number is not from 1 to 1024, TypeError if it is no integer."""
    if not hasattr(threads, "__index__"):
        raise TypeError(f"threads must be an integer or None, received {threads!r}")
    if not 1 <= threads <= _native.max_threads:
        raise ValueError(f"threads must be from 1 to {_native.max_threads}, received {threads}")
    return int(threads)


def get_num_threads() -> int:
    """The number of threads that calls use, and layers made without `threads`.

    At first `SEPCONV_NUM_THREADS`, else `OMP_NUM_THREADS`, else the number of processors that this process may use: its affinity mask, limited
    by its cgroup's quota.
    """
    return _native.get_threads()


def set_num_threads(threads: int) -> None:
    """Sets the number of threads that calls use, for the whole process.

    Raises:
        ValueError: `threads` is not from 1 to 1024.
        TypeError: `threads` is no integer.
    """
    if threads is None:
        raise TypeError("threads must be an integer, received None")
    _native.set_threads(checked_threads(threads))


def run_count() -> int:
    """How many convolutions this process has computed, in whatever framework: tells whether a call came here."""
    return _native.run_count()
