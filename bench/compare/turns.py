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


def one_turn(call, before=None):
    """The seconds of each call of one turn; `before`, if any, runs before each call and is not timed."""
    times, stop = [], time.perf_counter() + TURN
    while True:
        if before:
            before()
        start = time.perf_counter()
        call()
        now = time.perf_counter()
        times.append(now - start)
        if now > stop:
            return times


def in_turns(turns, budget, failed):
    """{name: {"min", "median"}} in milliseconds. `turns` has for each candidate a function that makes one turn and returns its
    times. `budget` is in seconds for each candidate. What raises RuntimeError is left out: failed[name] is why."""
    times = {name: [] for name in turns}
    end, count = time.perf_counter() + budget * len(turns), 0
    while times and (count < 4 or time.perf_counter() < end):
        for name in list(times):
            start = time.perf_counter()
            try:
                times[name] += turns[name]()
            except RuntimeError as error:
                failed[name] = str(error)
                del times[name]
                end += time.perf_counter() - start  # the others do not pay for it
        count += 1
    return {
        name: {"min": min(t) * 1e3, "median": statistics.median(t) * 1e3}
        for name, t in times.items()
    }
