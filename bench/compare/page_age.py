"""How old the measurements in docs/performance.md are: page_age.py [--insist] [PAGE]

Prints the commit and the date that the page names, and how many commits since have changed what it measures; above LIMIT, that
`./dev performance` has to measure anew, on a quiet machine. With --insist, it then fails.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEASURED = ("generators", "runtime/src")
LIMIT = 30


def git(*words):
    run = subprocess.run(
        ["git", "-C", ROOT, *words], capture_output=True, text=True, check=False
    )
    return run.stdout.strip() if run.returncode == 0 else None


def main(page, insist):
    found = re.search(
        r"^\| commit, date \| (\w+)\S*, (\S+) \|$", page.read_text(), re.MULTILINE
    )
    if not found:
        sys.exit(f"{page} does not say which commit it measures")
    commit, date = found.groups()
    count = git("rev-list", "--count", f"{commit}..HEAD", "--", *MEASURED)
    if count is None:
        print(
            f"{page.name}: measured at {commit}, {date}; this copy has no such commit"
        )
        return
    text = f"{page.name}: measured at {commit}, {date}; since then {count} commits changed {', '.join(MEASURED)}"
    if int(count) > LIMIT:
        text += f", more than {LIMIT}: run ./dev performance"
        if insist:
            sys.exit(text)
    print(text)


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--insist"]
    main(
        pathlib.Path((words or [ROOT / "docs/performance.md"])[0]),
        "--insist" in sys.argv,
    )
