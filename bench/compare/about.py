"""What a measurement has to say about itself: the machine, the commit, the libraries."""

import datetime
import importlib.metadata
import pathlib
import platform
import re
import subprocess

from peers import peer

# Levels of the x86-64 ABI, by the flags that Linux names.
LEVELS = [
    ("x86-64-v2", {"sse4_2", "ssse3", "popcnt", "cx16"}),
    ("x86-64-v3", {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"}),
    ("x86-64-v4", {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}),
]


def cpu():
    """The processor's name and the instructions it has."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    field = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", text, re.MULTILINE))
    flags, level = set(field.get("flags", "").split()), platform.machine()
    for name, needed in LEVELS:
        if not needed <= flags:
            break
        level = name
    name = field.get("model name", platform.processor() or "unknown")
    if "cpu family" in field:
        name += f", family {field['cpu family']}, model {field['model']}"
    return {"name": name, "level": level}


def commit(root):
    command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() or "unknown"


def about(root, peers, command):
    return {
        "date": datetime.datetime.now().astimezone().date().isoformat(),
        "commit": commit(root),
        "command": command,
        "cpu": cpu(),
        "system": f"{platform.system()} {platform.release()}",
        "versions": {
            p: importlib.metadata.version(peer(p).DISTRIBUTION) for p in peers
        },
    }
