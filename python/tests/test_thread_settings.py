"""The table of docs/python.md that says whose settings of threads are honoured: each row is tried in a process of its own."""

import functools
import os
import pathlib
import re
import subprocess
import sys

import pytest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "python.md"
OTHERS = ("SEPCONV_NUM_THREADS", "OMP_NUM_THREADS")


def rows():
    text = PAGE.read_text()
    table = text[text.index("| setting |") :].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in table]
    return [(re.findall("`([^`]+)`", setting), answer) for setting, answer, _ in cells]


@functools.cache
def threads(statement="", **environment):
    """How many threads a call uses after the statement."""
    kept = {name: value for name, value in os.environ.items() if name not in OTHERS}
    program = f"import sepconv\n{statement}\nprint(sepconv.get_num_threads())"
    result = subprocess.run(
        [sys.executable, "-c", program], env=kept | environment, check=True, capture_output=True, text=True, timeout=300
    )
    return int(result.stdout.split()[-1])


DATA_LOADER = """
import torch.utils.data
class Data(torch.utils.data.Dataset):
    __len__ = lambda self: 1
    __getitem__ = lambda self, index: (sepconv.get_num_threads(), torch.get_num_threads())
loader = torch.utils.data.DataLoader(Data(), num_workers=1, worker_init_fn={})
((found, torchs),) = [(int(a), int(b)) for a, b in loader]
assert torchs == 1
sepconv.set_num_threads(found)
"""


@pytest.mark.parametrize(("names", "answer"), rows(), ids=str)
def test_row(names, answer):
    assert answer in ("yes", "no"), answer
    default, setting = threads(), names[0]
    wanted = default + 1
    if setting.isupper():
        found = threads(**{setting: str(wanted)})
    elif setting == "os.sched_setaffinity":
        wanted, found = 1, affinity_of_one()
    elif setting.startswith("DataLoader"):
        pytest.importorskip("torch")
        found, wanted = threads(DATA_LOADER.format(names[1] if len(names) > 1 else None)), 1
    else:
        module = setting.split(".")[0]
        if module != "sepconv":
            pytest.importorskip({"tf": "tensorflow"}.get(module, module))
        imported = "import tensorflow as tf" if module == "tf" else f"import {module}"
        statement = re.sub(r"\bn\b", str(wanted), setting)
        found = threads(f"{imported}\n{statement}")
    assert found == (wanted if answer == "yes" else default)


def affinity_of_one():
    """Of a process that is given one processor before it starts."""
    one = min(os.sched_getaffinity(0))
    program = f"import os, sys; os.sched_setaffinity(0, [{one}]); os.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])"
    inner = "import sepconv; print(sepconv.get_num_threads())"
    return int(
        subprocess.run([sys.executable, "-c", program, inner], check=True, capture_output=True, text=True).stdout
    )


def test_the_order_of_variables():
    both = {"SEPCONV_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}
    assert threads(**both) == 3
    assert threads("sepconv.set_num_threads(4)", **both) == 4
    assert threads(OMP_NUM_THREADS="6,2") == 6  # of the outermost level
    default = threads()
    for nonsense in ("0", "-2", "many", ""):
        assert threads(SEPCONV_NUM_THREADS=nonsense, OMP_NUM_THREADS=nonsense) == default
