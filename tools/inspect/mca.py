"""llvm-mca: how long one iteration of a loop takes on a model of a processor."""

import json
import pathlib
import re
import subprocess

ITERATIONS = 200
PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "dev/program.sh"


class Missing(Exception):
    """There is no llvm-mca of the release that the bounds were measured with."""


class Mca:
    """The llvm-mca of tools/dev/programs.txt, and a processor."""

    def __init__(self, cpu):
        found = subprocess.run(
            [PROGRAM, "llvm-mca"], capture_output=True, text=True, check=False
        )
        if found.returncode:
            raise Missing(found.stderr.strip())
        self.path = found.stdout.strip()
        text = subprocess.run(
            [self.path, "--version"], check=True, capture_output=True, text=True
        ).stdout
        self.version = re.search(r"version (\d+\.\d+\.\d+)", text)[1]
        host = re.search(r"Host CPU: (\S+)", text)
        self.cpu = host and host[1] if cpu == "native" else cpu
        self.bounds = {}

    def run(self, isa, lines):
        options = [f"-mcpu={self.cpu}", f"-iterations={ITERATIONS}", "--json"]
        result = subprocess.run(
            [self.path, *isa.MCA_OPTIONS, *options],
            input="\n".join(lines) + "\n",
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise RuntimeError(f"llvm-mca: {result.stderr.splitlines()[0]}")
        summary = json.loads(result.stdout)["CodeRegions"][0]["SummaryView"]
        return summary["BlockRThroughput"], summary["TotalCycles"] / ITERATIONS

    def loop(self, loop):
        """Cycles an iteration: the bound by resources alone, and simulated; None for a loop with branches inside."""
        if loop.blocks != 1:
            return None
        isa, lines = loop.isa(), ["again:"]
        for i in loop.instructions:
            if not i.idle():
                lines.append(f"{isa.MCA_JUMP} again" if i.jumps() else i.text)
        throughput, simulated = self.run(isa, lines)
        return {
            "block_reciprocal_throughput": throughput,
            "cycles": round(simulated, 2),
        }

    def multiply_add_bound(self, loop):
        """Cycles for each multiply-add, by the model, when nothing else is in the way."""
        counts = loop.counts()
        kind = counts["vector_bits"], counts["fused"]
        if kind not in self.bounds:
            lines = loop.isa().fma_block(*kind)
            self.bounds[kind] = self.run(loop.isa(), lines)[0] / len(lines)
        return self.bounds[kind]
