"""The tuning records: generators/tuning/<target>.json (schema/tuning.schema.json). One record a variant and microarchitecture."""

import contextlib
import dataclasses
import fcntl
import functools
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import jsonschema

VERSION = 2


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
            text = self.path.read_text()
            content = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
        except (ValueError, RecursionError, OSError) as error:
            raise ValueError(f"{self.path}: no tuning records: {error}") from error
        self._check(content)
        if content["target"] != self.target:
            raise ValueError(f'{self.path}: "target" is "{content["target"]}", not "{self.target}"')
        self.records = {
            variant: {cpu: Record(**entry) for cpu, entry in by_cpu.items()}
            for variant, by_cpu in content["records"].items()
        }

    def _check(self, content: Any) -> None:
        """Raises ValueError for what the schema refuses: when it is read, and before it is written."""
        error = jsonschema.exceptions.best_match(_validator().iter_errors(content))
        if error is not None:
            where = ": ".join(_short(key) for key in error.absolute_path)
            raise ValueError(f"{self.path}: {where}{': ' if where else ''}{error.message[:300]}")

    def record(self, variant: str, cpu: str) -> Record | None:
        """The one for this microarchitecture, else "any", else the first."""
        of_variant = self.records.get(variant, {})
        return of_variant.get(cpu) or of_variant.get("any") or next(iter(of_variant.values()), None)

    def store(self, variant: str, cpu: str, record: Record) -> None:
        """Adds the record to the file as it is now: other programs may have written to it.

        Raises:
            ValueError: names what is wrong with the file, or with the record; nothing is written.
        """
        with locked(self.path):
            self.load()
            self.records.setdefault(variant, {})[cpu] = record
            content = self.to_json()
            self._check(content)
            text = json.dumps(content, indent=2) + "\n"
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


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is not a number that JSON has")


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    """Of the schema in this package, or in the source tree."""
    here = pathlib.Path(__file__).parent
    places = (folder / "tuning.schema.json" for folder in (here, here.parents[1] / "schema"))
    return jsonschema.Draft202012Validator(json.loads(next(filter(pathlib.Path.exists, places)).read_text()))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
