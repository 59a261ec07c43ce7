"""The report: what it reads from a storage, and the page in a browser."""

import os
import pathlib
import random
import re
import subprocess
import sys

import optuna
import pytest

from sepconv_tune import results, storage

ENVIRONMENT = os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parents[2])}
NAMES = {"tile_pixels": [4, 5, 6, 7, 8], "sum_unroll": [1, 2, 4], "strip_pixels": [0, 64, 128, 256]}


@pytest.fixture
def where(tmp_path):
    """Three searches, one of another machine, and two baselines."""
    draw, path = random.Random(1), str(tmp_path / "t.db")
    opened = storage.open_storage(path)
    for i, cpu in enumerate(("znver4", "znver4", "haswell")):
        about = {
            "layer": f"<net>/{i}", "variant": f"v{i}", "target": "x86_avx2", "cpu": cpu, "flops": 10**8 * (i + 1), "bytes": 10**6,
            "peak_gflops": 100.0, "bandwidth": {"L2": 100.0, "L3": 80.0, "memory": 20.0}, "halide": "21.0.0", "baseline": "",
        }  # fmt: skip
        study = storage.open_study(opened, f"v{i}@{cpu}", about)
        for _ in range(30):
            trial = study.ask({n: optuna.distributions.CategoricalDistribution(v) for n, v in NAMES.items()})
            trial.set_user_attr("status", "measured")
            study.tell(trial, 1 + 0.1 * abs(trial.params["tile_pixels"] - 7) + 0.01 * draw.random())
        study.set_user_attr("chosen", {"tile_pixels": 7})
        study.set_user_attr("outcome", {"point": {}, "ms": 2.0, "ms_default": 3.0, "trials": 30})
    baseline = {"variant": "v0", "target": "x86_avx2", "cpu": "znver4", "layer": "<net>/0"}
    li = storage.open_study(opened, "v0@li", baseline | {"baseline": "li2018"})
    li.set_user_attr("times", {"ms": 1.0, "ms_default": 1.5, "ms_baseline": 4.0})
    other = storage.open_study(opened, "v0@adams", baseline | {"baseline": "adams2019"})
    other.set_user_attr("times", {"ms": 1.0, "ms_default": 1.5, "failed": "no answer"})
    return path


def write(where, tmp_path):
    page = tmp_path / "tune.html"
    command = [sys.executable, "-m", "sepconv_tune", "report", "--storage", where, "-o", page]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    return page


def test_results(where):
    found, studies = results.read(storage.open_storage(where))
    assert [r.layer for r in found] == ["<net>/0", "<net>/1"] and len(studies) == 2, (
        "of the machine with the most layers"
    )
    assert found[0].gain == 1.5 and found[0].intensity == 100 and found[0].gflops(2.0) == 50
    assert found[0].baselines == {"li2018": 8.0}, "relative to the record beside it; a failure has no time"
    best = found[0].best_so_far()
    assert len(best) == 30 and best == sorted(best, reverse=True)


def test_page(where, tmp_path):
    text = write(where, tmp_path).read_text()
    assert "&lt;net&gt;/0" in text and "1.500" in text
    assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//', text), (
        "it needs nothing from elsewhere"
    )


def test_no_results(tmp_path):
    command = [sys.executable, "-m", "sepconv_tune", "report", "--storage", tmp_path / "empty.db"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 1 and "no finished search" in done.stderr


def test_in_a_browser(where, tmp_path):
    program = pathlib.Path(__file__).parents[3] / "tools/dev/program.sh"
    found = subprocess.run([program, "chromium"], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip(found.stderr.strip())
    command = [
        found.stdout.strip(),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=10000",
        "--window-size=1200,2600",
    ]
    page = write(where, tmp_path).as_uri()
    picture = tmp_path / "tune.png"
    options = {"capture_output": True, "text": True, "timeout": 120}
    tree = subprocess.run(
        [*command, f"--user-data-dir={tmp_path}/profile", "--dump-dom", page], check=True, **options
    ).stdout
    assert len(re.findall(r'<svg class="main-svg"', tree)) >= 4, "every figure is drawn"
    assert "tile_pixels" in tree and tree.count("scatterlayer") >= 2
    subprocess.run(
        [*command, f"--user-data-dir={tmp_path}/profile", f"--screenshot={picture}", page], check=True, **options
    )
    assert picture.stat().st_size > 20000, "not an empty page"
