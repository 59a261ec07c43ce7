"""Times of what runs on a device: CUDA graphs between events, in turns."""

import statistics
import time

import torch


class Clock:
    """Milliseconds of a call on a device. On the host, the same by its own clock, for trying things out."""

    def __init__(self, device, seconds):
        self.device, self.seconds = torch.device(device), seconds

    def graphed(self, call, count):
        """A function that makes `count` calls. On a GPU it replays a graph of them: nothing of the host's time is in it."""
        if self.device.type != "cuda":
            return lambda: [call() for _ in range(count)]
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            for _ in range(
                3
            ):  # libraries choose, code is compiled, memory is allocated
                call()
        stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(count):
                call()
        return graph.replay

    def once(self, run):
        if self.device.type != "cuda":
            start = time.perf_counter()
            run()
            return (time.perf_counter() - start) * 1e3
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        run()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end)

    def turns(self, calls):
        """{name: {min, median}} of one call each, in milliseconds. `calls`: {name: function}. Turns are shared out, so that a slow
        spell meets all of them."""
        runs, counts = {}, {}
        for name, call in calls.items():
            call()
            ms = max(self.once(call), 1e-4)
            counts[name] = max(1, min(50, int(2 / ms)))  # about 2 ms a replay
            runs[name] = self.graphed(call, counts[name])
            runs[name]()
        samples = {name: [] for name in calls}
        end = time.monotonic() + self.seconds * len(calls)
        while time.monotonic() < end or min(map(len, samples.values())) < 5:
            for name, run in runs.items():
                samples[name].append(self.once(run) / counts[name])
        return {
            name: {"min": min(values), "median": statistics.median(values)}
            for name, values in samples.items()
        }


def roofline(clock):
    """GB/s of a copy, counting both ways, and GFLOP/s of a float32 matrix product without and with TF32."""
    small = clock.device.type != "cuda"
    size = 1 << (24 if small else 30)
    source = torch.ones(size, dtype=torch.uint8, device=clock.device)
    target = torch.empty_like(source)
    n = 512 if small else 8192
    a = torch.randn(n, n, device=clock.device)
    found = {}
    ms = clock.turns({"copy": lambda: target.copy_(source)})["copy"]["min"]
    found["copy_gbytes_per_second"] = 2 * size / ms / 1e6
    before = torch.backends.cuda.matmul.allow_tf32
    for name, tf32 in (("float32", False), ("tf32", True)):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        ms = clock.turns({name: lambda: torch.mm(a, a)})[name]["min"]
        found[f"{name}_gflops"] = 2 * n**3 / ms / 1e6
    torch.backends.cuda.matmul.allow_tf32 = before
    return found
