"""Writes the tables of the documents that state facts of the tree, between markers; with --check, fails where one is stale.

    ./dev tables       writes them
    ./dev lint         checks them

README.md: the targets of each processor with the number of their variants, from the manifest, and where they were tested, from
docs/tested.json; the activations, from words.inc; the speed, from docs/performance.md. CONTRIBUTING.md: the programs of the system that are needed, from
tools/dev/programs.txt.
"""

import json
import re
import sys

from machines import MACHINES, ROOT, variants_of_targets


def tested(machines: list[str] | None, runs: str) -> str:
    """["natively", "Penryn", "Haswell"] as "natively; as qemu's Penryn and Haswell"."""
    if machines is None:
        return "no recorded run"
    emulated = [machine for machine in machines if machine != runs]
    *first, last = emulated or [""]
    names = f"{', '.join(first)} and {last}" if first else last
    if runs in machines:
        also = "; as qemu's " if runs != "qemu" else ", also as "
        return runs + (also + names if emulated else "")
    return f"qemu {names}" if emulated else "built, not run"


def support() -> list[str]:
    record = json.loads((ROOT / "docs/tested.json").read_text())
    lines = ["| processor | target | variants | tested |", "|---|---|---|---|"]
    for preset, machine in MACHINES.items():
        of_machine = record.get(preset)
        for target, count in variants_of_targets(machine).items():
            where = None if of_machine is None else of_machine.get(target, [])
            lines.append(
                f"| {machine.name} | `{target}` | {count} | {tested(where, machine.runs)} |"
            )
    return lines


def activations() -> str:
    words = (ROOT / "runtime/include/sepconv/words.inc").read_text()
    names = re.findall(r'^SEPCONV_ACTIVATION_WORD\(\w+, "(\w+)"\)', words, re.MULTILINE)
    return ", ".join(names).replace("_", " ")


def speed() -> list[str]:
    """One sentence, from the page's table about the measurement and the one of networks, whose last row is "all"."""
    page = (ROOT / "docs/performance.md").read_text().splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page
        if line.startswith("|")
    ]
    about = {row[0]: row[1] for row in rows if len(row) == 2}
    head = next(i for i, row in enumerate(rows) if row[0] == "network")
    networks = []
    while not networks or networks[-1]["network"] != "all":
        networks.append(dict(zip(rows[head], rows[head + 2 + len(networks)])))
    *each, every = networks
    ratio = "best peer's time / ours"
    machine, date = (
        about["machine"].partition(" (")[0],
        about["commit, date"].split(", ")[1],
    )
    return [
        f"Measured on {date}, on one core of {machine}: {every[ratio]} as fast as the fastest of",
        f"{about['peers']}, in the geometric mean over {every['layers']} layers of",
        f"{len(each)} networks ({', '.join(n['network'] + ' ' + n[ratio] for n in each)}):",
        "[docs/performance.md](docs/performance.md).",
    ]


def programs() -> list[str]:
    lines = [
        "| program | at least | Debian's package | for | below that, or without it |",
        "|---|---|---|---|---|",
    ]
    for line in (ROOT / "tools/dev/programs.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, least, package, use, otherwise = [
                field.strip() for field in line.split("|")
            ]
            packages = " ".join(f"`{p}`" for p in package.split())
            lines.append(f"| {name} | {least} | {packages} | {use} | {otherwise} |")
    return lines


# By document: what writes the text between two markers, in lines of their own for a list of lines.
TABLES = {
    "README.md": {"speed": speed, "activations": activations, "support": support},
    "CONTRIBUTING.md": {"programs": programs},
}


def main():
    check, stale = "--check" in sys.argv[1:], False
    for file, tables in TABLES.items():
        path = ROOT / file
        text = path.read_text()
        for name, write in tables.items():
            begin, end = (
                f"<!-- {name}: written by ./dev tables -->",
                f"<!-- end of {name} -->",
            )
            before, _, rest = text.partition(begin)
            old, found, after = rest.partition(end)
            if not found:
                sys.exit(f"tables: {file} has no {begin} ... {end}")
            new = write()
            if isinstance(new, list):
                new = "\n" + "\n".join(new) + "\n"
            if check and new != old:
                print(f"{file}: {name} is stale: ./dev tables writes it")
                stale = True
            text = before + begin + new + end + after
        if not check:
            path.write_text(text)
    sys.exit(stale)


if __name__ == "__main__":
    main()
