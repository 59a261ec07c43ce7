"""Puts the rows of ./dev nightly into docs/testing.md, with the date and the commit: nightly_summary.py ROWS PAGE."""

import datetime
import pathlib
import re
import subprocess
import sys

rows, page = (pathlib.Path(name) for name in sys.argv[1:])
commit = subprocess.run(
    ["git", "describe", "--always", "--dirty"],
    check=True,
    capture_output=True,
    text=True,
).stdout.strip()
begin, end = (
    "<!-- nightly: written by ./dev nightly -->\n",
    "<!-- end of nightly -->",
)
text = f"{datetime.date.today()}, {commit}:\n\n{rows.read_text()}"
page.write_text(
    re.sub(f"(?s){begin}.*?{end}", lambda _: begin + text + end, page.read_text())
)
