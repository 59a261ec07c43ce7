"""llvm-mca: how long one iteration of a loop takes on a model of a processor."""

import glob
import json
import re
import shutil
import subprocess

ITERATIONS = 200


class Mca:
    """The newest llvm-mca of the system, and a processor."""

    def __init__(self, cpu):
        found = {}
        for path in [
            *glob.glob("/usr/lib/llvm-*/bin/llvm-mca"),
            shutil.which("llvm-mca"),
        ]:
            if path:
                text = subprocess.run(
                    [path, "--version"], check=True, capture_output=True, text=True
                ).stdout
                version = re.search(r"version (\d+)\.(\d+)\.(\d+)", text)
                host = re.search(r"Host CPU: (\S+)", text)
                found[tuple(map(int, version.groups()))] = path, host and host[1]
        if not found:
            raise FileNotFoundError("llvm-mca is not installed (Debian: llvm-19)")
        self.path, host = found[max(found)]
        self.version = ".".join(map(str, max(found)))
        self.cpu = host if cpu == "native" else cpu
        self.bounds = {}

    def run(self, lines):
        result = subprocess.run(
            [self.path, f"-mcpu={self.cpu}", f"-iterations={ITERATIONS}", "--json"],
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
        lines = ["again:"]
        for i in loop.instructions:
            if i.mnemonic.startswith("nop"):
                continue
            lines.append("jne again" if i.mnemonic.startswith("j") else i.text)
        throughput, simulated = self.run(lines)
        return {
            "block_reciprocal_throughput": throughput,
            "cycles": round(simulated, 2),
        }

    def multiply_add_bound(self, loop):
        """Cycles for each multiply-add, by the model, when nothing else is in the way."""
        counts = loop.counts()
        register = {512: "zmm", 256: "ymm", 128: "xmm"}[counts["vector_bits"]]
        kind = register, counts["fused"]
        if kind not in self.bounds:
            r = [f"%{register}{i}" for i in range(16)]
            if counts["fused"]:
                lines = [f"vfmadd231ps {r[14]},{r[15]},{r[i]}" for i in range(12)]
            else:
                lines = [f"mulps %xmm15,%xmm{i}" for i in range(12)]
            self.bounds[kind] = self.run(lines)[0] / 12
        return self.bounds[kind]
