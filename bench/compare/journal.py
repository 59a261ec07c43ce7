"""What a comparison has measured, written down layer by layer, so that the same command goes on where it was stopped."""

import hashlib
import json


class Journal:
    """A file of JSON lines in `folder`: what is measured once, then the results. Its name stands for all that the numbers depend on
    (`key`, any JSON): measurements of another program, or of other settings, are never mixed."""

    def __init__(self, folder, key):
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        self.file = folder / f"{digest[:16]}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        self.entries = list(read_lines(self.file))

    def add(self, entry):
        self.entries.append(entry)
        with self.file.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def remove(self):
        self.file.unlink(missing_ok=True)
        self.entries = []


def read_lines(file):
    """The entries, but for a last one that was not written to its end, which is taken off."""
    if not file.exists():
        return
    end = 0
    for line in file.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        end += len(line)
        yield json.loads(line)
    with file.open("r+b") as whole:
        whole.truncate(end)
