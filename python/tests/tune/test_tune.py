"""The command, with a compiler and a runner: faults that are put in, programs that are killed, another machine's shell, Dask workers."""

import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import optuna
import pytest
from fake_workers import FIELDS

from sepconv_tune import storage
from sepconv_tune.toolchain import Toolchain

ROOT = pathlib.Path(__file__).parents[3]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "python")}


class Work:
    """A folder with a layer file, its storage and its records."""

    def __init__(self, folder, target="x86_avx2"):
        self.folder, self.target = folder, target
        (folder / "layers.json").write_text(json.dumps({"version": 1, "layers": [FIELDS]}))

    def command(self, tools, *more):
        words = [sys.executable, "-m", "sepconv_tune", "layers.json", "--target", self.target, "--tools", tools]
        return [*words, "--seconds", "0.02", *map(str, more)]

    def tune(self, tools, *more, status=0):
        done = subprocess.run(
            self.command(tools, *more),
            cwd=self.folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def trials(self):
        opened = storage.open_storage(str(self.folder / "tune.db"))
        names = optuna.get_all_study_names(opened)
        return [
            t for n in names for t in optuna.load_study(study_name=n, storage=opened).trials if "status" in t.user_attrs
        ]

    def record(self):
        (by_cpu,) = json.loads((self.folder / f"tuning/{self.target}.json").read_text())["records"].values()
        (record,) = by_cpu.values()
        return record


@pytest.fixture
def work(tmp_path):
    return Work(tmp_path)


def test_command(work, build):
    said = work.tune(build, "--trials", 6)
    assert "x86_avx2 on" in said and re.search(r"small: \d\.\d+ -> \d\.\d+ ms", said)
    record = work.record()
    assert record["trials"] == len(work.trials()) == 6 and record["halide"] == "21.0.0"
    assert record["ms"] <= 1.01 * record["ms_default"] and 0 < record["peak_fraction"] < 1
    assert "done before" in work.tune(build, "--trials", 6)
    assert "no layer that can be tuned" in work.tune(build, "--filter", "^other$", status=1)
    assert "none of" in work.tune(build, "--target", "x86_avx99", status=1)
    assert "not a time such as" in work.tune(build, "--time", "soon", status=2)


def test_variants_of_another_type_and_without_a_pointwise_stage(work, build):
    names = ["2d_f64_nhwc_any", "2d_f32_nhwc_any_depthwise", "2d_f64_nchw_any_depthwise"]
    said = work.tune(build, *(word for name in names for word in ("--variant", name)), "--trials", 3)
    assert all(f"{name}: " in said and f"{name}: left out" not in said for name in names), said
    records = json.loads((work.folder / "tuning/x86_avx2.json").read_text())["records"]
    assert sorted(records) == sorted(names)


def test_variants_that_nothing_suits(work, build):
    said = work.tune(build, "--variant", "1d_f32_nwc_any", "--variant", "3d_*", status=1)
    assert "none of the layers suits 1d_f32_nwc_any" in said
    assert "no variant to tune matches 1d_f32_nwc_any 3d_*" in said
    assert not (work.folder / "tuning").exists(), "nothing is written"


def test_a_corrupt_database_is_named(work, build):
    (work.folder / "tuning").mkdir()
    broken = {"2d_f32_nhwc_k3s1d1m1c32o64e112": {"any": {"parameters": {"chunk": "x"}}}}
    content = {"version": 2, "target": "x86_avx2", "records": broken}
    (work.folder / "tuning/x86_avx2.json").write_text(json.dumps(content))
    assert "2d_f32_nhwc_k3s1d1m1c32o64e112" in work.tune(build, "--trials", 2, status=1)


def faulty(build, folder):
    """The toolchain with a generator that, where chunk is not the default, compiles another layer's code: stride 1 in place of 2."""
    tools = Toolchain.load(build)
    script = folder / "generator.sh"
    script.write_text(
        "#!/bin/bash\nwords=()\nfault=0\n"
        'for word in "$@"; do case $word in chunk=*) fault=1 ;; esac; done\n'
        'for word in "$@"; do\n  if [ $fault = 1 ]; then word=${word/#variant=2d_f32_nhwc_k3s2/variant=2d_f32_nhwc_k3s1}; fi\n'
        f'  words+=("$word")\ndone\nexec {tools["generator"]} "${{words[@]}}"\n'
    )
    script.chmod(0o755)
    (folder / "targets.json").write_text(json.dumps(tools.fields | {"generator": str(script)}))
    return str(folder / "targets.json")


def test_a_wrong_candidate_never_wins(work, build):
    work.tune(faulty(build, work.folder), "--trials", 24, "--seed", 3)
    wrong = [t for t in work.trials() if t.params["chunk"] != 16]
    right = [t for t in work.trials() if t.params["chunk"] == 16]
    assert wrong and right, "the fault was met"
    assert all(t.user_attrs["status"] == "wrong" and t.state == optuna.trial.TrialState.FAIL for t in wrong)
    assert all(t.user_attrs["status"] in ("measured", "slow") for t in right)
    assert "chunk" not in work.record()["parameters"]


def test_killed_and_resumed(work, build):
    seed = int(os.environ.get("SEPCONV_TEST_SEED", time.time_ns() % 10**6))
    print("seed", seed)
    draw = random.Random(seed)
    kept = {}
    for _ in range(3):
        program = subprocess.Popen(
            work.command(build, "--trials", 400), cwd=work.folder, env=ENVIRONMENT, start_new_session=True
        )
        start = time.monotonic()
        while len(finished := work.trials()) <= len(kept) and time.monotonic() < start + 200:
            time.sleep(0.2)
        time.sleep(draw.random() * 2)
        assert program.poll() is None
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
        finished = {t.number: t.value for t in work.trials() if t.state == optuna.trial.TrialState.COMPLETE}
        assert kept.items() <= finished.items() and finished
        kept = finished
    total = len(work.trials()) + 4
    work.tune(build, "--trials", total)
    finished = {t.number: t.value for t in work.trials() if t.state == optuna.trial.TrialState.COMPLETE}
    assert kept.items() <= finished.items() and len(work.trials()) == total == work.record()["trials"]


def test_through_another_machines_shell(work, build):
    """A stand-in for ssh: what it is given goes through a shell, as a line."""
    ssh = work.folder / "ssh"
    ssh.write_text('#!/bin/sh\n[ "$1" = board ] || exit 255\nshift\nexec sh -c "$*"\n')
    ssh.chmod(0o755)
    work.tune(build, "--trials", 4, "--runner", f"{ssh} board")
    assert len(work.trials()) == 4
    said = work.tune(build, "--trials", 5, "--runner", f"{ssh} elsewhere", status=1)
    assert "status 255" in said


def test_emulated(tmp_path, aarch64_build):
    work = Work(tmp_path, "arm_neon")
    work.tune(aarch64_build, "--trials", 4, "--runner", "qemu-aarch64-static")
    assert len(work.trials()) == 4 and "arm_neon" in str(list((tmp_path / "tuning").iterdir()))


def test_workers_of_dask(tmp_path, aarch64_build):
    """One that compiles and one that measures, through an emulator; each is killed once on the way."""
    work = Work(tmp_path, "arm_neon")
    dask = [sys.executable, "-m", "dask"] if shutil.which("dask") is None else [shutil.which("dask")]
    file = tmp_path / "scheduler.json"
    log = (tmp_path / "dask.log").open("w")
    started = [subprocess.Popen([*dask, "scheduler", "--port", "0", "--dashboard-address", ":0", "--scheduler-file", file],
                                env=ENVIRONMENT, stdout=log, stderr=log)]  # fmt: skip
    try:
        while not file.exists():
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        for resource in ("compile", "measure"):
            words = [
                "worker",
                address,
                "--nthreads",
                "1",
                "--no-dashboard",
                "--resources",
                f"{resource}=1",
                "--name",
                resource,
            ]
            started.append(subprocess.Popen([*dask, *words], env=ENVIRONMENT, stdout=log, stderr=log))
        more = ["--trials", "10", "--scheduler", address, "--runner", "qemu-aarch64-static"]
        tuner = subprocess.Popen(work.command(aarch64_build, *more), cwd=tmp_path, env=ENVIRONMENT)
        for count, nanny in ((1, started[1]), (5, started[2])):
            while len(work.trials()) < count and tuner.poll() is None:
                time.sleep(0.2)
            children = subprocess.run(["pgrep", "-P", str(nanny.pid)], capture_output=True, text=True, check=True)
            for child in children.stdout.split():
                os.kill(int(child), signal.SIGKILL)
        assert tuner.wait(timeout=400) == 0
        statuses = [t.user_attrs["status"] for t in work.trials()]
        assert len(statuses) == 10 and "failed" not in statuses
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(timeout=20)
        log.close()
