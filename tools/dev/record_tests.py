"""Records in docs/tested.json which targets the tests of each machine found, and where they ran.

./dev support      after ./dev test and ./dev cross MACHINE, in any order

Reads build/PRESET/tests.xml (ctest --output-junit). What is known of machines that were not tested this time stays, and so does what
is known of targets that this processor does not run. A test that failed fails this, too.
"""

import collections
import json
import pathlib
import re
import sys
import xml.etree.ElementTree

from machines import MACHINES, ROOT

RECORD = ROOT / "docs/tested.json"
# Tests called emulated_CPU run the same programs on a CPU of qemu's.
CPUS = {
    "SandyBridge": "Sandy Bridge",
    "cortex-a53": "Cortex-A53",
    "neoverse-n1": "Neoverse N1",
    "cortex-a9": "Cortex-A9",
    "cortex-a15": "Cortex-A15",
    "rv64": "with vectors of 256 bits",
}


def results_of(folder: pathlib.Path) -> tuple[dict[str, str], list[str]]:
    """{test: its output}, and the names of those that failed."""
    outputs, failed = {}, []
    for case in xml.etree.ElementTree.parse(folder / "tests.xml").iter("testcase"):
        outputs[case.get("name")] = case.findtext("system-out") or ""
        if case.get("status") == "fail":
            failed.append(case.get("name"))
    return outputs, failed


def found_on(outputs: dict[str, str], runs: str) -> dict[str, list[str]]:
    """{target: the machines on which a test found it}, the preset's own first."""
    machines = collections.defaultdict(list)
    for test, output in outputs.items():
        _, emulated, cpu = test.partition("emulated_")
        machine = CPUS.get(cpu, cpu) if emulated else runs
        for found in re.findall(r"targets of this machine: (.*)", output):
            for target in found.split():
                if machine not in machines[target]:
                    machines[target].append(machine)
    return {
        t: sorted(ms, key=lambda m: m != runs) for t, ms in sorted(machines.items())
    }


def main():
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for preset, machine in MACHINES.items():
        folder = ROOT / "build" / preset
        if not (folder / "tests.xml").exists():
            print(
                f"support: {preset} has not been tested here; what is recorded of it stays",
                file=sys.stderr,
            )
            continue
        outputs, failed = results_of(folder)
        if failed:
            sys.exit(f"support: {preset}: these tests fail: {', '.join(failed)}")
        if not {"variants", "machine"} <= outputs.keys():
            sys.exit(f"support: {preset}: its tests were not all run")
        record.setdefault(preset, {}).update(found_on(outputs, machine.runs))
    presets = {p: dict(sorted(record[p].items())) for p in MACHINES if p in record}
    RECORD.write_text(json.dumps(presets, indent=2) + "\n")


if __name__ == "__main__":
    main()
