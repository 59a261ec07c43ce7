"""Runs a static runner on the machine that is tuned for: this one, an emulator, or a board behind any command that reaches its shell."""

import json
import os
import pathlib
import shlex
import subprocess
import tempfile
from typing import Any

from .layers import Layer


class RunnerError(RuntimeError):
    """The runner did not give an answer: it crashed, took too long, or the machine could not be reached."""


def run_layer(prefix: str, program: bytes, layer: Layer, words: list[str], seconds: float) -> dict[str, Any]:
    """What a runner prints about a layer (tools/runner/answer.h).

    Raises:
        RunnerError: no answer.
    """
    return run(prefix, program, [*layer.words, *words], seconds, Layer.file([layer]))


def run(prefix: str, program: bytes, words: list[str], seconds: float, stdin: str = "") -> dict[str, Any]:
    """What the program prints. `prefix`:

    - "": the program is run here;
    - a command with {}, such as "qemu-aarch64 {}" or "taskset -c 1 {}": {} becomes its path here. A command that begins with qemu
      needs none;
    - any other, such as "ssh board": a command that runs its arguments in the shell of another machine. The program is sent through
      it to /tmp there (or where SEPCONV_TUNE_REMOTE says).

    Raises:
        RunnerError: no answer.
    """
    with tempfile.TemporaryDirectory(prefix="sepconv_tune_") as folder:
        path = pathlib.Path(folder, "runner")
        path.write_bytes(program)
        path.chmod(0o700)
        command = shlex.split(prefix)
        if not command:
            return _answer([str(path), *words], seconds, stdin)
        if "{}" in command:
            return _answer([str(path) if word == "{}" else word for word in command] + words, seconds, stdin)
        if pathlib.Path(command[0]).name.startswith("qemu"):
            return _answer([*command, str(path), *words], seconds, stdin)
        place = os.environ.get("SEPCONV_TUNE_REMOTE", "/tmp") + f"/sepconv_tune_{os.getpid()}"
        # Words that no shell on the way changes.
        _call([*command, "dd", f"of={place}", "bs=65536"], seconds, program)
        _call([*command, "chmod", "700", place], seconds)
        try:
            return _answer([*command, place, *words], seconds, stdin)
        finally:
            subprocess.run([*command, "rm", "-f", place], check=False, capture_output=True)


def _answer(command: list[str], seconds: float, stdin: str) -> dict[str, Any]:
    text = _call(command, seconds, stdin.encode())
    try:
        answer = json.loads(text)
        if isinstance(answer["candidates"], list):
            return answer
    except (ValueError, KeyError, TypeError):
        pass
    raise RunnerError(f"the runner printed {text[:200]!r}, which is not an answer")


def _call(command: list[str], seconds: float, stdin: bytes = b"") -> str:
    try:
        result = subprocess.run(command, input=stdin, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise RunnerError(f"no answer within {seconds:.0f} s") from error
    except OSError as error:
        raise RunnerError(f"{command[0]}: {error}") from error
    if result.returncode:
        printed = result.stderr.decode(errors="replace").strip()[-300:]
        raise RunnerError(printed or f"the runner ended with status {result.returncode}")
    return result.stdout.decode(errors="replace")
