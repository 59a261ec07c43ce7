"""The clock: all candidates of a layer in turns, so that whatever else the machine does meets them alike."""

import statistics
import time

import numpy as np

TURN = 0.01  # seconds of one candidate in one turn


class Evictor:
    """Makes the caches cold: reads and writes twice the last level's size."""

    def __init__(self, size=128 << 20):
        self.memory = np.zeros(size // 4, np.float32)

    def __call__(self):
        self.memory += 1


def in_turns(calls, budget, before=None):
    """{name: (minimum, median)} in milliseconds. `budget` is in seconds for each candidate; `before`, if any, runs before each
    call and is not timed."""
    times = {name: [] for name in calls}
    for call in calls.values():
        call()
    end, turn = time.perf_counter() + budget * len(calls), 0
    while turn < 4 or time.perf_counter() < end:
        for name, call in calls.items():
            stop = time.perf_counter() + TURN
            while True:
                if before:
                    before()
                start = time.perf_counter()
                call()
                now = time.perf_counter()
                times[name].append(now - start)
                if now > stop:
                    break
        turn += 1
    return {
        name: (min(t) * 1e3, statistics.median(t) * 1e3) for name, t in times.items()
    }
