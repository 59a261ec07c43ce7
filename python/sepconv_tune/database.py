"""The tuning records: generators/tuning/<target>.json (schema/tuning.schema.json). One record a variant and microarchitecture."""

import contextlib
import dataclasses
import fcntl
import json
import math
import os
import pathlib
import re
from collections.abc import Iterator
from typing import Any

VERSION = 2
_NAME = re.compile(r"[123]d_[a-z0-9]+_n[dhwc]+_[a-z0-9_]+")
_MICROARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9._-]*")
_NUMBERS = ("ms", "ms_default", "peak_fraction")


@dataclasses.dataclass(frozen=True)
class Record:
    """What was found for a variant; times in milliseconds of a call on one core."""

    parameters: dict[str, int]
    """Those that differ from the schedule's defaults."""
    ms: float | None = None
    ms_default: float | None = None
    peak_fraction: float | None = None
    trials: int | None = None
    halide: str | None = None
    date: str | None = None

    def to_json(self) -> dict[str, Any]:
        """With sorted parameters; what is not known is left out."""
        fields = dataclasses.asdict(self) | {"parameters": dict(sorted(self.parameters.items()))}
        return {key: value for key, value in fields.items() if value is not None}


class Database:
    """The records of one target."""

    def __init__(self, path: str | os.PathLike, target: str):
        """Reads the file, if there is one.

        Raises:
            ValueError: names the file and the record that is wrong.
        """
        self.path, self.target = pathlib.Path(path), target
        self.records: dict[str, dict[str, Record]] = {}
        self.load()

    def load(self) -> None:
        self.records = {}
        if not self.path.exists():
            return
        try:
            content = json.loads(self.path.read_text(), object_pairs_hook=_unique)
        except (ValueError, RecursionError, OSError) as error:
            raise ValueError(f"{self.path}: no tuning records: {error}") from error
        if not isinstance(content, dict) or content.get("version") != VERSION:
            raise ValueError(f'{self.path}: no tuning records of version {VERSION}: "version" is missing or another')
        if content.get("target") != self.target:
            raise ValueError(f'{self.path}: "target" is {content.get("target")!r}, not "{self.target}"')
        records = content.get("records")
        if not isinstance(records, dict):
            raise ValueError(f'{self.path}: "records" is not an object')
        for variant, by_cpu in records.items():
            if not _NAME.fullmatch(variant) or not isinstance(by_cpu, dict) or not by_cpu:
                raise ValueError(
                    f'{self.path}: record "{_short(variant)}": it is not a variant with its microarchitectures'
                )
            self.records[variant] = {cpu: self._record(variant, cpu, entry) for cpu, entry in by_cpu.items()}

    def _record(self, variant: str, cpu: str, entry: Any) -> Record:
        where = f'{self.path}: record "{variant}" of "{_short(cpu)}"'
        if not _MICROARCHITECTURE.fullmatch(cpu):
            raise ValueError(f"{where}: that is not the name of a microarchitecture")
        if not isinstance(entry, dict) or not isinstance(entry.get("parameters"), dict):
            raise ValueError(f'{where}: "parameters" is missing, or not an object')
        known = {field.name for field in dataclasses.fields(Record)}
        for key, value in entry.items():
            if key not in known:
                raise ValueError(f'{where}: unknown key "{_short(key)}"')
            if key in _NUMBERS and not (_is_number(value) and math.isfinite(value) and value > 0):
                raise ValueError(f'{where}: "{key}" is {_short(value)}, not a positive number')
            if key == "trials" and not (_is_integer(value) and value >= 0):
                raise ValueError(f'{where}: "trials" is {_short(value)}, not a count')
            if key in ("halide", "date") and not isinstance(value, str):
                raise ValueError(f'{where}: "{key}" is {_short(value)}, not a string')
        for key, value in entry["parameters"].items():
            if not re.fullmatch("[a-z_]+", key) or not _is_integer(value) or not 0 <= value <= 65536:
                raise ValueError(f'{where}: "{_short(key)}" is {_short(value)}, not a parameter and its number')
        return Record(**entry)

    def record(self, variant: str, cpu: str) -> Record | None:
        """The one for this microarchitecture, else "any", else the first."""
        of_variant = self.records.get(variant, {})
        return of_variant.get(cpu) or of_variant.get("any") or next(iter(of_variant.values()), None)

    def store(self, variant: str, cpu: str, record: Record) -> None:
        """Adds the record to the file as it is now: other programs may have written to it."""
        with locked(self.path):
            self.load()
            self.records.setdefault(variant, {})[cpu] = record
            text = json.dumps(self.to_json(), indent=2) + "\n"
            partial = self.path.with_suffix(".partial")
            partial.write_text(text)
            partial.replace(self.path)

    def to_json(self) -> dict[str, Any]:
        records = {
            variant: {cpu: record.to_json() for cpu, record in sorted(by_cpu.items())}
            for variant, by_cpu in sorted(self.records.items())
        }
        schema = {"$schema": "../../schema/tuning.schema.json"} if self.path.parent.name == "tuning" else {}
        return {**schema, "version": VERSION, "target": self.target, "records": records}


@contextlib.contextmanager
def locked(path: pathlib.Path) -> Iterator[None]:
    """For one program at a time: what writes to this file. Makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f'record "{_short(twice)}" is there twice')
    return result


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
