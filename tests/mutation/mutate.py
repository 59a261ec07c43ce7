"""Changes the runtime's sources, one operator or number at a time, and counts how many changes the tests notice.

    mutate.py BUILD [--mutants 300] [--seed 1] [--jobs 1] [--results FILE.json]

BUILD is a build folder with the tests of the rungs `problem`, `runtime` and `gpu` (those that it has). Nothing in it is
changed: the runtime is compiled once more, as a shared library, to which copies of the test programs are linked. A mutant
is then one file to compile. What compiles to the same code, or not at all, is no mutant. The sample follows from the
seed. FILE keeps every outcome, so a run that was stopped goes on where it was; survivors are printed.
"""

import argparse
import concurrent.futures
import filecmp
import hashlib
import json
import os
import pathlib
import random
import shlex
import shutil
import subprocess
import sys
import threading
import time

from changes import mutants_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "runtime/src"
LIBRARY = "libsepconv_runtime.so"
LABELS = "^(problem|runtime|gpu)$"
MOST_MEMORY = (
    12 << 30
)  # bytes of address space: some tests reserve far more than they touch


def digest_of_tree():
    """Of all that decides what becomes of a mutant."""
    folders = [SOURCES, ROOT / "runtime/include", ROOT / "tests"]
    files = sorted(path for folder in folders for path in folder.rglob("*"))
    found = hashlib.sha256()
    for path in files:
        if path.is_file() and "__pycache__" not in path.parts:
            found.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return found.hexdigest()


class Build:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        commands = json.loads((build / "compile_commands.json").read_text())
        self.compile = {}
        for command in commands:
            source = pathlib.Path(command["file"])
            if (
                "sepconv_runtime.dir" in command["command"]
                and SOURCES in source.parents
            ):
                self.compile[source] = self.own_flags(shlex.split(command["command"]))
        self.objects = {
            source: folder / (source.stem + ".o") for source in self.compile
        }
        for source in self.compile:
            if not self.compiled(source, self.objects[source], source.read_text()):
                sys.exit(f"{source} does not compile")
        self.link(folder / "library", {})
        self.tests = [self.linked(test) for test in self.listed()]

    @staticmethod
    def own_flags(command):
        """Quick to compile, all symbols visible: tests look inside. Warnings are no concern of ours."""
        dropped = (
            "-g",
            "-O",
            "-W",
            "-pedantic",
            "--coverage",
            "-fprofile",
            "-fvisibility",
            "-o",
            "-c",
        )
        flags = [
            part
            for part in command[1:-1]
            if not part.startswith(dropped) and not part.endswith(".o")
        ]
        return [command[0], *flags, "-w", "-O1"]

    def compiled(self, source, to, text):
        command = [
            *self.compile[source],
            f"-I{source.parent}",
            "-x",
            "c++",
            "-c",
            "-o",
            to,
            "-",
        ]
        return (
            subprocess.run(
                command,
                check=False,
                input=text,
                text=True,
                stderr=subprocess.DEVNULL,
                cwd=self.build,
            ).returncode
            == 0
        )

    def link(self, folder, changed):
        """libsepconv_runtime.so in the folder, of all objects but the changed ones."""
        folder.mkdir(exist_ok=True)
        objects = [changed.get(source, own) for source, own in self.objects.items()]
        subprocess.run(
            [
                "cc",
                "-shared",
                f"-Wl,-soname,{LIBRARY}",  # by which programs find it in LD_LIBRARY_PATH
                "-o",
                folder / LIBRARY,
                *objects,
                "-lm",
            ],
            check=True,
        )

    def listed(self):
        output = subprocess.run(
            ["ctest", "--test-dir", self.build, "-L", LABELS, "--show-only=json-v1"],
            check=True,
            capture_output=True,
        ).stdout
        for test in json.loads(output)["tests"]:
            program = pathlib.Path(test.get("command", [""])[0])
            if program.name.startswith("sepconv_") and program.is_file():
                yield test["name"], program

    def linked(self, test):
        """(name, program): the test, with the runtime as a shared library."""
        name, program = test
        command = subprocess.run(
            [
                "ninja",
                "-C",
                self.build,
                "-t",
                "commands",
                "-s",
                program.relative_to(self.build),
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        command = command.split("\n")[-1].removeprefix(": && ").removesuffix(" && :")
        parts = shlex.split(command)
        own = self.folder / program.name
        parts[parts.index("-o") + 1] = str(own)
        library = str(self.folder / "library" / LIBRARY)
        parts = [
            library if part.endswith("libsepconv_runtime.a") else part for part in parts
        ]
        subprocess.run(parts, check=True, cwd=self.build)
        return name, own


def run(program, library, timeout):
    """Whether the test passes."""
    fake = program.parent.parent / "tests/fake_cuda"
    environment = os.environ | {
        "LD_LIBRARY_PATH": f"{library}:{fake}",
        "LD_BIND_NOW": "1",
    }
    process = subprocess.Popen(
        [
            "prlimit",
            f"--as={MOST_MEMORY}",
            "--core=0",
            program,
            "--gtest_brief=1",
            "--gtest_fail_fast",
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(timeout) == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
        return False


class Hunt:
    def __init__(self, build):
        self.build = build
        self.order, self.lock = [], threading.Lock()
        for name, program in build.tests:
            start = time.monotonic()
            if not run(program, build.folder / "library", 600):
                print(
                    f"left out: {name}, which does not pass with the runtime as a shared library"
                )
                continue
            if run(program, build.folder / "none", 600):
                sys.exit(f"{name} does not use the library that it is given")
            self.order.append((time.monotonic() - start, name, program))
        self.order.sort()

    def outcome(self, mutant):
        """Who kills it; "" if nobody does, None if it is no mutant."""
        source, number, _, changed = mutant
        lines = source.read_text().split("\n")
        lines[number - 1] = changed
        folder = self.build.folder / f"mutant{threading.get_ident()}"
        folder.mkdir(exist_ok=True)
        target = folder / (source.stem + ".o")
        if not self.build.compiled(source, target, "\n".join(lines)):
            return None
        if filecmp.cmp(target, self.build.objects[source], shallow=False):
            return None
        self.build.link(folder, {source: target})
        for test in list(self.order):
            seconds, name, program = test
            if run(program, folder, 30 + 20 * seconds):
                continue
            with self.lock:  # who kills one often kills the next
                self.order.remove(test)
                self.order.insert(0, test)
            return name
        return ""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--mutants", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--results", type=pathlib.Path)
    arguments = parser.parse_args()
    folder = arguments.build.resolve() / "mutation"
    build = Build(arguments.build.resolve(), folder)
    hunt = Hunt(build)
    sources = sorted(build.compile)
    if not any(name == "cuda" for _, name, _ in hunt.order):
        print("left out: what only GPU variants use, runtime/src/device*.cpp")
        sources = [source for source in sources if not source.name.startswith("device")]
    drawn = [(source, *mutant) for source in sources for mutant in mutants_of(source)]
    random.Random(arguments.seed).shuffle(drawn)
    known, digest = {}, digest_of_tree()
    if arguments.results is not None and arguments.results.exists():
        kept = json.loads(arguments.results.read_text())
        if kept["digest"] != digest:
            sys.exit(
                f"{arguments.results} is of other sources or tests: give another file"
            )
        known = kept["outcomes"]
    print(
        f"{len(drawn)} changes are possible; {len(hunt.order)} test programs; seed {arguments.seed}",
        flush=True,
    )

    def look(mutant):
        source, number, line, changed = mutant
        key = f"{source.relative_to(ROOT)}:{number}: {line.strip()}  ->  {changed.strip()}"
        return key, known[key] if key in known else hunt.outcome(mutant)

    found, queue = 0, iter(drawn)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        while found < arguments.mutants:
            batch = [mutant for _, mutant in zip(range(arguments.jobs), queue)]
            if not batch:
                break
            for key, killer in pool.map(look, batch):
                known[key] = killer
                found += killer is not None
                if killer == "":
                    print(f"survives: {key}", flush=True)
            if arguments.results is not None:
                kept = {"digest": digest, "outcomes": known}
                arguments.results.write_text(json.dumps(kept, indent=1))
    killed = sum(1 for killer in known.values() if killer)
    total = sum(1 for killer in known.values() if killer is not None)
    print(f"{total} mutants, {killed} killed ({100 * killed / max(total, 1):.1f}%)")


if __name__ == "__main__":
    main()
