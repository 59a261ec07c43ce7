"""Runs the programs with bad command lines, sizes that no machine has, and disks that are full: check_programs.py FOLDER PROGRAM...

Each ends with an exit status that is not 0, without a signal, and with a short sentence that names what is wrong. FOLDER is for files.
"""

import json
import pathlib
import subprocess
import sys

LAYER = {"name": "aaaa", "spatial": [8, 6], "cin": 4, "cout": 8, "kernel": [3, 3]}
PROBLEM = ("--problem", "--spatial", "8x8", "--cin", "8", "--cout", "8")


def cases(folder):
    """(program, arguments, words of the sentence)"""
    layers = folder / "a b;c'd$(e)[f].json"
    layers.write_text(json.dumps({"version": 1, "layers": [LAYER]}))
    quick = [layers, "--budget", "0.001"]
    for option, values in {
        "--core": ("-5", "1024", "99999999999999999999", "1x", "0x1", ""),
        "--threads": ("0", "-1", "1025", "2.0", "99999999999999999999"),
        "--budget": ("0", "-1", "nan", "inf", "1e999", "1s"),
    }.items():
        for value in values:
            yield "sepconv_bench", [*quick, option, value], option
    yield "sepconv_plan_time", [layers, "--threads", "1e3"], "--threads"
    for option in ("--spatial", "--kernel", "--strides", "--dilation"):
        for value in (
            "8xx8",
            "x8",
            "8x",
            "8x8x8x8",
            "0",
            "-8",
            "8x99999999999999999999",
            "8,8",
            "0x8",
            "8 x8",
            "",
        ):
            yield "sepconv_list", [*PROBLEM, option, value], option
    for option in ("--cin", "--cout", "--mult", "--batch", "--threads"):
        for value in (
            "-1",
            "99999999999999999999",
            "1'0",
            "1e3",
            "8x8",
            "0x8",
            "+8",
            "",
        ):
            yield "sepconv_list", [*PROBLEM, option, value], option
    yield "stream_filter", ["--chunk", "99999999999999999999"], "--chunk"
    yield "stream_filter", ["--seconds", "nan"], "--seconds"
    yield "picture_filter", ["--sigma", "nan"], "--sigma"

    for pattern in (
        "(",
        "[z-a]",
        "*",
        "(" * 100_000,
        "a{99999}",
        "((a{900}){900}){900}",
    ):
        yield "sepconv_bench", [*quick, "--filter", pattern], "--filter"
    # Back-references cannot be matched in a time that is bounded.
    for pattern in (r"(a)\1", "a)|(a"):
        yield "sepconv_bench", [*quick, "--filter", pattern], "--filter"
    long = folder / "long.json"
    long.write_text(json.dumps({"version": 1, "layers": [LAYER | {"name": "a" * 256}]}))
    for pattern in ("^b|a$b", "(a|b|n)*x", "(a*)*(a*)*(a*)*x", "(((a*)*){100}){99}x"):
        yield "sepconv_bench", [long, "--filter", pattern], "no layer was run"

    huge = folder / "huge.json"
    for change in (
        {"n": 2**31 - 1},
        {"cin": 2**28},
        {"spatial": [2**24, 2**20]},
        {"cout": 2**31 - 1, "cin": 2**24},
    ):
        huge.write_text(json.dumps({"version": 1, "layers": [LAYER | change]}))
        yield "sepconv_bench", [huge], "left out: aaaa: .* of memory"
    huge.write_text(
        json.dumps(
            {
                "version": 1,
                "layers": [LAYER | {"strides": [2**31 - 1] * 2, "n": 2**31 - 1}],
            }
        )
    )
    yield "sepconv_bench", [huge], "left out: aaaa: .* of memory"

    for file in ("/dev/full", folder / "no" / "such", folder):
        yield "sepconv_bench", [*quick, "--json", file], "cannot write"
        yield "stream_filter", ["--seconds", "0.1", "--output", file], "cannot write"
        yield "picture_filter", ["--output", file], "cannot write"


def full_disks(folder):
    """(program, arguments), of which each prints something"""
    layers = folder / "few.json"
    layers.write_text(json.dumps({"version": 1, "layers": [LAYER]}))
    yield "sepconv_bench", [layers, "--budget", "0.001"]
    yield "sepconv_plan_time", [layers]
    yield "sepconv_list", []
    yield "sepconv_list", PROBLEM
    yield "stream_filter", ["--seconds", "0.1", "--output", folder / "sound.wav"]
    yield "picture_filter", ["--output", folder / "picture.png"]
    yield "sepconv_space", ["2d_f32_nhwc_any", "portable", "x86-64-linux"]
    for program in (
        "sepconv_bench",
        "sepconv_plan_time",
        "sepconv_list",
        "stream_filter",
        "picture_filter",
    ):
        yield program, ["--help"]


def main(folder, *programs):
    import re

    paths = {pathlib.Path(program).name: program for program in programs}
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    wrong, count = [], 0

    def check(name, arguments, words, **more):
        nonlocal count
        if name not in paths:
            return
        count += 1
        done = subprocess.run(
            [paths[name], *arguments],
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
            **more,
        )
        said = done.stderr.decode() + (done.stdout or b"").decode()
        if (
            done.returncode <= 0
            or not re.search(words, said)
            or len(done.stderr) > 1000
        ):
            shown = " ".join(str(a)[:60] for a in arguments)
            wrong.append(
                f"{name} {shown}: exit status {done.returncode}; wanted {words}, received {said[-300:]}"
            )

    before = set(folder.iterdir())
    for name, arguments, words in cases(folder):
        check(name, arguments, words, stdout=subprocess.PIPE)
    left = {path.name for path in set(folder.iterdir()) - before} - {
        "a b;c'd$(e)[f].json",
        "huge.json",
        "long.json",
    }
    if left:
        wrong.append(f"left behind: {sorted(left)}")
    for name, arguments in full_disks(folder):
        with open("/dev/full", "wb") as full:
            check(
                name, arguments, f"{name}: cannot write to standard output", stdout=full
            )
    print(f"{count} command lines")
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
