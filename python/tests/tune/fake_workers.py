"""Workers that compute a time for each point where real ones would measure: searches that take no time and have a known best."""

import sepconv_layers
from sepconv_tune.candidate import Compiled
from sepconv_tune.layers import Layer
from sepconv_tune.machine import RunnerError

FIELDS = {
    "name": "small", "spatial": [14, 14], "cin": 32, "cout": 32, "kernel": [3, 3], "strides": [2, 2], "padding": "same",
    "mid_bias": True, "mid_activation": "relu6", "out_bias": True,
}  # fmt: skip


def layer(variant, **fields):
    """One as the tuner reads it, but that its variant is given."""
    (read,) = sepconv_layers.parse({"version": 1, "layers": [FIELDS | fields]})
    return Layer(read.fields, variant)


def cost(point):
    """Milliseconds: least for tile_pixels 8, sum_unroll 2, strip_pixels 128, panel_inner 1."""
    ms = 1.0 + 0.05 * abs(point["tile_pixels"] - 8) + 0.1 * abs(point["sum_unroll"] - 2)
    return ms + 0.0004 * abs((point["strip_pixels"] or 1024) - 128) + (0.0 if point["panel_inner"] else 0.1)


class FakeWorkers:
    """wrong, crashes and broken: predicates of a point whose answer is wrong, that ends the runner, that does not compile."""

    width, overlaps = 4, False

    def __init__(self, wrong=None, crashes=None, broken=None, lost=()):
        never = lambda _point: False
        self.wrong, self.crashes, self.broken = wrong or never, crashes or never, broken or never
        self.lost = list(lost)
        self.measured = []
        self.calls = 0

    def compile_later(self, jobs):
        def one(job):
            if self.broken(job.point):
                return Compiled(job.variant, job.target, job.point, error="the generator says no")
            return Compiled(job.variant, job.target, job.point, repr(sorted(job.point.items())).encode())

        return lambda: [one(job) for job in jobs]

    def measure(self, candidates, _layer, _words, _seconds):
        self.calls += 1
        if self.calls in self.lost:
            raise RunnerError("connection lost")
        if any(self.crashes(c.point) for c in candidates):
            raise RunnerError("the runner ended with status -11")
        first = cost(candidates[0].point)
        results = []
        for c in candidates:
            self.measured.append(c.point)
            ms = cost(c.point)
            if self.wrong(c.point):
                results.append({"max_error": 0.3})
            else:
                results.append({"max_error": 1e-7, "ms_min": ms, "ms_median": ms, "ratio": ms / first, "samples": 9})
        return {"cpu": "znver4", "peak_gflops": 100.0, "candidates": results}

    def close(self):
        pass
