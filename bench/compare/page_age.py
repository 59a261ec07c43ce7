"""How old the measurements in docs/performance.md are: page_age.py [PAGE]

Prints the commit and the date that the page names, and how many commits since have changed what it measures. Fails above LIMIT: then
`./dev performance` has to measure anew, on a quiet machine.
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


def main(page):
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
        sys.exit(f"{text}, more than {LIMIT}: run ./dev performance")
    print(text)


if __name__ == "__main__":
    main(pathlib.Path((sys.argv[1:] or [ROOT / "docs/performance.md"])[0]))
