"""The command sepconv, as a process of its own."""

import os
import subprocess
import sys


def sepconv(*arguments, status=0, both=False, **environment):
    command = [sys.executable, "-m", "sepconv.cli", *map(str, arguments)]
    result = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, timeout=600, check=False
    )
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout + result.stderr if both else result.stdout if status == 0 else result.stderr
