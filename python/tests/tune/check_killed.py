"""What a search keeps when its program is killed, at length (test_tune.py has the short form): the same search undisturbed, and several
times killed at a random moment and resumed; then all their winners in one race.

    python check_killed.py LAYERS.json --filter RE --target T --tools DIR [--trials 60] [--rounds 5] [--runner PREFIX]

The arguments that it does not know are those of sepconv tune. Exits with 1 where a finished trial was lost, or where the slowest winner
takes more than 3% longer than the undisturbed search's."""

import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import optuna

ROOT = pathlib.Path(__file__).parents[3]
sys.path.append(str(ROOT / "python"))

from sepconv_tune import candidate, layers, machine, space, storage, tasks
from sepconv_tune.toolchain import Toolchain

LIMIT = 1.03


def finished(path: pathlib.Path) -> dict[int, float]:
    """The values of the trials that have one."""
    if not path.exists():
        return {}
    opened = storage.open_storage(str(path))
    studies = [optuna.load_study(study_name=name, storage=opened) for name in optuna.get_all_study_names(opened)]
    done = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    return {
        t.number: t.intermediate_values.get(0, t.value) for study in studies for t in study.trials if t.state in done
    }


class Search:
    """A search with a storage and records of its own."""

    def __init__(self, folder: pathlib.Path, words: list[str], trials: int, seed: int):
        self.folder, self.storage = folder, folder / "tune.db"
        own = ["--storage", str(self.storage), "--database", str(folder / "tuning"), "--seed", str(seed)]
        self.command = [sys.executable, "-m", "sepconv_tune", *words, *own, "--trials", str(trials)]
        self.environment = os.environ | {"PYTHONPATH": str(ROOT / "python")}

    def start(self) -> subprocess.Popen:
        return subprocess.Popen(self.command, env=self.environment, stdout=subprocess.DEVNULL, start_new_session=True)

    def complete(self) -> None:
        if self.start().wait():
            raise SystemExit(f"failed: {' '.join(self.command)}")

    def killed(self, count: int, seconds: float) -> dict[int, float]:
        """What was finished when it was killed, with all that it had started, some seconds after so many trials."""
        program = self.start()
        while len(finished(self.storage)) < count and program.poll() is None:
            time.sleep(0.3)
        time.sleep(seconds)
        if program.poll() is not None:
            raise SystemExit(f"ended before it was killed, with {program.returncode}: {' '.join(self.command)}")
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
        return finished(self.storage)

    def parameters(self, target: str) -> dict[str, int]:
        records = json.loads((self.folder / f"tuning/{target}.json").read_text())["records"]
        ((record,),) = (by_cpu.values() for by_cpu in records.values())
        return record["parameters"]


def race(arguments: argparse.Namespace, layer: layers.Layer, found: list[dict[str, int]]) -> list[float]:
    """Milliseconds of each winner."""
    tools = Toolchain.load(arguments.tools)
    own = space.Space(tools, layer.variant, arguments.target, layer)
    own.close()
    points = [own.default | parameters for parameters in found]
    compiled = [
        candidate.compile_point(str(tools.path), layer.variant, arguments.target, p, own.chosen(p)) for p in points
    ]
    program = candidate.link(str(tools.path), compiled)
    prefix = arguments.quiet_runner or arguments.runner
    answer = machine.run_layer(prefix, program, layer, ["budget=1", "slower=1000"], 600)
    return [result["ms_min"] for result in answer["candidates"]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--filter", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--runner", default="")
    parser.add_argument("--quiet-runner", default="", help="of the last race, where it needs another one")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    arguments, more = parser.parse_known_args()
    print("seed", arguments.seed, flush=True)
    tools = Toolchain.load(arguments.tools)
    (task,) = tasks.of_layers([x for x in layers.read(arguments.file, tools) if x.name.endswith(arguments.filter)])
    words = [
        arguments.file,
        "--filter",
        arguments.filter + "$",
        "--target",
        arguments.target,
        "--tools",
        arguments.tools,
    ]
    words += ["--runner", arguments.runner] if arguments.runner else []
    draw, lost = random.Random(arguments.seed), 0
    with tempfile.TemporaryDirectory(prefix="sepconv_tune_check_") as name:
        searches = []
        for i in range(arguments.rounds + 1):
            folder = pathlib.Path(name, str(i))
            folder.mkdir()
            searches.append(Search(folder, [*words, *more], arguments.trials, draw.randrange(10**6)))
        searches[0].complete()
        print(f"undisturbed: {len(finished(searches[0].storage))} trials with a time", flush=True)
        for i, search in enumerate(searches[1:], 1):
            kept = search.killed(draw.randint(0, arguments.trials * 2 // 3), draw.uniform(0, 4))
            search.complete()
            after = finished(search.storage)
            missing = [number for number, value in kept.items() if after.get(number) != value]
            lost += len(missing)
            print(f"{i}: killed with {len(kept)} such trials, resumed to {len(after)}, lost {missing}", flush=True)
        times = race(arguments, task.layers[0], [{}, *(search.parameters(arguments.target) for search in searches)])
    default, undisturbed, *others = times
    print(f"{task.name}: defaults {default:.4f} ms, undisturbed {undisturbed:.4f} ms")
    print("killed and resumed, over undisturbed:", *(f"{ms / undisturbed:.3f}" for ms in others))
    return 1 if lost or max(others) > LIMIT * undisturbed else 0


if __name__ == "__main__":
    sys.exit(main())
