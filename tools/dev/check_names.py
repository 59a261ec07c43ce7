"""Checks every variant's name in the documents and in the comments of the sources: it follows the grammar, and where it fixes no size of
a layer, so that it can only be a shipped one, the manifest has it (for the target that it names, if it names one).

The grammar is CMake's _sepconv_check_name. Tests are left out: they are full of names that are wrong on purpose.
"""

import collections
import io
import pathlib
import re
import subprocess
import sys
import tokenize

from machines import MACHINES, ROOT, cmake_script, manifest

NAME = re.compile(r"(?<![\w*.])[123]d_[a-z0-9]+_n[a-z0-9_]+(?![\w*<>{}\[])")
LAYER = re.compile(
    r"_(?:k\w*)?[co][0-9]|[a-z0-9]e[0-9]+"
)  # channels or extents of one layer
COMMENTS = {
    **dict.fromkeys([".c", ".cpp", ".h", ".hpp", ".inc", ".js"], r"//.*|/\*.*?\*/"),
    **dict.fromkeys(
        [".cmake", ".sh", "CMakeLists.txt", "dev", "lint", "run"], r"(?<![\w$\"'])#.*"
    ),
    ".md": r".+",
    "programs.txt": r".+",
}


def comments(path: pathlib.Path):
    """(line number, text) of what is said in a file."""
    if path.suffix == ".py":
        with path.open("rb") as file:
            for token in tokenize.tokenize(io.BytesIO(file.read()).readline):
                said = token.type == tokenize.COMMENT or token.string.startswith(
                    ('"""', 'f"""')
                )
                if said:
                    for i, line in enumerate(token.string.splitlines()):
                        yield token.start[0] + i, line
        return
    pattern = COMMENTS.get(path.suffix) or COMMENTS.get(path.name)
    if pattern:
        text = path.read_text()
        for match in re.finditer(
            pattern, text, re.DOTALL if path.suffix == ".md" else 0
        ):
            start = text.count("\n", 0, match.start()) + 1
            for i, line in enumerate(match[0].splitlines()):
                yield start + i, line


def named() -> dict[str, list[str]]:
    """{name: where it stands}"""
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = collections.defaultdict(list)
    for file in files.stdout.splitlines():
        if "tests/" not in file and (ROOT / file).exists():
            for line, text in comments(ROOT / file):
                for name in NAME.findall(text):
                    found[name].append(f"{file}:{line}")
    return found


def broken_rule(names: list[str]) -> str:
    """What the grammar has against the first of these names that is wrong, or nothing."""
    done = cmake_script(
        "CMAKE_SYSTEM_NAME=Linux",
        "CMAKE_SYSTEM_PROCESSOR=x86_64",
        f"CHECK={';'.join(names)}",
    )
    sentence = done.stderr.partition("\n\n")[0].partition("Call Stack")[0]
    return " ".join(sentence.split()).partition("sepconv: ")[2] or done.stderr


def family(variant: str) -> str:
    return "_".join(variant.split("_")[4:])


def main():
    shipped = {
        line
        for machine in MACHINES.values()
        for line in manifest(machine, "SEPCONV_GPU=ON")
    }
    variants, targets = {v for v, _ in shipped}, {t for _, t in shipped}
    families = {family(v) for v in variants} | {"act"}  # which layers of a file have
    found = {}
    for name, places in sorted(named().items()):
        target = next(
            (
                t
                for t in sorted(targets, key=len, reverse=True)
                if name.endswith(f"_{t}")
            ),
            None,
        )
        found[name] = name.removesuffix(f"_{target}"), target, places
    follow_grammar, wrong = not broken_rule([v for v, _, _ in found.values()]), False
    for name, (variant, target, places) in found.items():
        why = "" if follow_grammar else broken_rule([variant])
        if not why and family(variant) not in families:
            why = f"there is no family {family(variant)}"
        elif (
            not why
            and not LAYER.search(variant)
            and not (
                variant in variants if target is None else (variant, target) in shipped
            )
        ):
            why = f"no variant {variant} is shipped" + (
                f" for {target}" if target else ""
            )
        if why:
            print(f"{', '.join(places)}: {name}: {why}")
            wrong = True
    sys.exit(wrong)


if __name__ == "__main__":
    main()
