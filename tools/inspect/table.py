"""The loops of a variant as a table for people."""

import json

COLUMNS = [
    ("role", "role"),
    ("copies", "copies"),
    ("address", "address"),
    ("instructions", "instr"),
    ("multiply_adds", "FMA"),
    ("vector_bits", "bits"),
    ("loads", "loads"),
    ("broadcasts", "bcast"),
    ("stores", "stores"),
    ("spills", "spills"),
    ("loads_per_multiply_add", "loads/FMA"),
    ("block_reciprocal_throughput", "rthroughput"),
    ("cycles", "cycles"),
    ("cycles_per_multiply_add", "cycles/FMA"),
    ("bound_per_multiply_add", "bound"),
    ("efficiency", "% of bound"),
]


def cell(counts, key):
    value = counts.get(key)
    if value is None:
        return "-"
    if key == "address":
        return f"{value:x}"
    if key == "efficiency":
        return f"{100 * value:.1f}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def merged(found):
    """Loops with equal counts as one, with the number of `copies`: a nest is compiled once for each of its specialisations."""
    result = {}
    for counts, loop in found:
        key = json.dumps({k: v for k, v in counts.items() if k != "address"})
        first = result.setdefault(key, ({**counts, "copies": 0}, loop))
        first[0]["copies"] += 1
    return list(result.values())


def show(found, every, assembly):
    """Loops without multiply-adds only with `every`; the loops themselves with `assembly`."""
    shown = merged([f for f in found if every or f[0]["multiply_adds"]])
    keys = [k for k, _ in COLUMNS if any(k in c for c, _ in shown)]
    rows = [[dict(COLUMNS)[k] for k in keys]]
    rows += [[cell(c, k) for k in keys] for c, _ in shown]
    widths = [max(len(row[i]) for row in rows) for i in range(len(keys))]
    for number, row in enumerate(rows):
        print("  ".join(t.rjust(w) for t, w in zip(row, widths)).rstrip())
        if assembly and number:
            print_loop(shown[number - 1][1])
    if any(not c["fused"] for c, _ in shown if c["multiply_adds"]):
        print("(a target without FMA: multiplications are counted in its place)")
    rest = [c for c, _ in found if not c["multiply_adds"]]
    if rest and not every:
        roles = sorted({c["role"] for c in rest})
        kinds = [f"{sum(c['role'] == r for c in rest)} {r}" for r in roles]
        print(f"and {len(rest)} loops without multiply-adds: {', '.join(kinds)}")


def print_loop(loop):
    for i in loop.instructions:
        mark = "  <- spill" if any(i.reads_writes()) and loop.slot(i) else ""
        print(f"    {i.address:6x}  {i.mnemonic:<14}{i.operands}{mark}")
    print()
