"""Writes the README's table of processors from what the tests ran.

./dev support      after ./dev test and ./dev cross MACHINE, in any order

Reads build/PRESET/tests.xml (ctest --output-junit) and the rows of the default library of each preset that was tested, and puts
the table between the markers of README.md. A target is listed with the rows that it has and whether they ran; a test that failed
fails this, too.
"""

import collections
import pathlib
import re
import sys
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- support: written by ./dev support -->\n", "<!-- end of support -->\n"
# Preset: the processor, and what runs its tests.
MACHINES = {
    "dev": ("x86-64", "natively"),
    "aarch64-linux": ("ARM, 64 bits", "qemu"),
    "armv7-linux": ("ARM, 32 bits (ARMv7, hard float)", "qemu"),
    "riscv64-linux": ("RISC-V, 64 bits, with vectors", "qemu"),
    "wasm": ("WebAssembly", "Node"),
}
# Tests called emulated_CPU run the same programs on a CPU of qemu's.
CPUS = {
    "SandyBridge": "Sandy Bridge",
    "cortex-a53": "Cortex-A53",
    "neoverse-n1": "Neoverse N1",
    "cortex-a9": "Cortex-A9",
    "cortex-a15": "Cortex-A15",
    "rv64": "with vectors of 256 bits",
}


def rows_of(folder):
    """{target: number of rows} of the default library."""
    lines = (folder / "generators/sepconv_default/rows.txt").read_text().splitlines()
    return collections.Counter(line.split()[1] for line in lines)


def results_of(folder):
    """{test: its output}, and the names of those that failed."""
    cases = xml.etree.ElementTree.parse(folder / "tests.xml").iter("testcase")
    outputs, failed = {}, []
    for case in cases:
        outputs[case.get("name")] = case.findtext("system-out") or ""
        if case.get("status") == "fail":
            failed.append(case.get("name"))
    return outputs, failed


def machines_of(outputs, where):
    """{target: the machines on which a test found it}, the preset's own first."""
    machines = collections.defaultdict(list)
    for test, output in outputs.items():
        _, emulated, cpu = test.partition("emulated_")
        machine = CPUS.get(cpu, cpu) if emulated else where
        for found in re.findall(r"targets of this machine: (.*)", output):
            for target in found.split():
                machines[target].append(machine)
    return machines


def words(machines, where):
    """["natively", "Penryn", "Haswell"] as "natively; as qemu's Penryn and Haswell"."""
    emulated = [machine for machine in machines if machine != where]
    *first, last = emulated or [""]
    names = f"{', '.join(first)} and {last}" if first else last
    if where in machines:
        also = "; as qemu's " if where != "qemu" else ", also as "
        return where + (also + names if emulated else "")
    return f"qemu {names}" if emulated else "built, not run"


def table(build):
    lines = ["| processor | target | rows | tested |", "|---|---|---|---|"]
    for preset, (processor, where) in MACHINES.items():
        folder = build / preset
        if not (folder / "tests.xml").exists():
            print(f"support: {preset} has not been tested", file=sys.stderr)
            continue
        outputs, failed = results_of(folder)
        if failed:
            sys.exit(f"support: {preset}: these tests fail: {', '.join(failed)}")
        if not {"variants", "machine"} <= outputs.keys():
            sys.exit(f"support: {preset}: its tests were not all run")
        machines = machines_of(outputs, where)
        for target, rows in sorted(rows_of(folder).items()):
            tested = words(machines[target], where)
            lines.append(f"| {processor} | `{target}` | {rows} | {tested} |")
    return "\n".join(lines) + "\n"


def main():
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        sys.exit(f"support: README.md has no {BEGIN.strip()} ... {END.strip()}")
    readme.write_text(before + BEGIN + table(ROOT / "build") + END + after)


if __name__ == "__main__":
    main()
