"""Where trials are kept: an Optuna storage, one study a layer."""

import datetime
import json
import pathlib
from typing import Any

import optuna
import sqlalchemy

from .database import locked

optuna.logging.set_verbosity(optuna.logging.ERROR)


def open_storage(where: str) -> optuna.storages.BaseStorage:
    """`where`: the URL of a database server; a path that ends in .journal; or that of an SQLite file.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        if "://" in where:
            storage = optuna.storages.RDBStorage(where, skip_compatibility_check=False)
        else:
            path = pathlib.Path(where).resolve()
            with locked(path):  # two programs cannot make the tables at once
                storage = _open_file(path)
        optuna.get_all_study_names(storage)
    except Exception as error:  # what a database raises depends on its kind
        raise ValueError(f"{where}: no storage of studies: {_first_line(error)}") from error
    return storage


def _open_file(path: pathlib.Path) -> optuna.storages.BaseStorage:
    if path.suffix == ".journal":
        return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": 60}})
    sqlalchemy.event.listen(storage.engine, "connect", _write_ahead)
    storage.engine.dispose()  # the connections so far are without it
    return storage


def open_study(storage: optuna.storages.BaseStorage, name: str, about: dict[str, Any]) -> optuna.Study:
    """The study of that name, made if it is not there; `about` is kept with a new one.

    Raises:
        ValueError: names a study that cannot be read.
    """
    try:
        study = optuna.create_study(storage=storage, study_name=name, load_if_exists=True)
        for key, value in about.items():
            if key not in study.user_attrs:
                study.set_user_attr(key, value)
        study.get_trials(deepcopy=False)
    except Exception as error:
        raise ValueError(f'study "{name}" cannot be read: {_first_line(error)}') from error
    return study


def _write_ahead(connection: Any, _record: Any) -> None:
    """A trial is some 25 commits. With a log ahead of the file they need not wait for the disk, and a program that is killed still
    loses none of them."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def plain(value: Any) -> Any:
    """As JSON has it."""
    return json.loads(json.dumps(value))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
