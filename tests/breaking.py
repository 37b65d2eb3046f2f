"""Ways to make a run fail, each with a value in the error underneath, in whichever process the run is.

A worker starts runs in processes of their own: `sitecustomize` in tests/breaking_in makes those that run flows break in
the way that the file named by BREAK_IN_WAY holds.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import adbc_driver_sqlite.dbapi as adbc
import duckdb
import pytest
import sqlalchemy as sa

from privacy.treatments.masking import MaskEmail
from tests.conftest import Place
from tests.quoting import EMAIL, QUOTING

WAY = "BREAK_IN_WAY"

Break = Callable[[pytest.MonkeyPatch, Place], None]


def called(target: str, error: str) -> Break:
    """Let a call fail with a library's error."""

    def break_it(patch: pytest.MonkeyPatch, place: Place) -> None:
        patch.setattr(target, lambda *_, **__: QUOTING[error]())

    return break_it


def asked_of_adbc(part: str, error: str) -> Break:
    """Let a statement fail that is sent to the source."""

    def break_it(patch: pytest.MonkeyPatch, place: Place) -> None:
        execute = adbc.Cursor.execute

        def failing(cursor: adbc.Cursor, statement: str, *more: Any) -> Any:
            if part in statement.lower():
                QUOTING[error]()
            return execute(cursor, statement, *more)

        patch.setattr(adbc.Cursor, "execute", failing)

    return break_it


def asked_of_the_ledger(part: str, error: str) -> Break:
    """Let a statement fail that goes through SQLAlchemy."""

    def break_it(patch: pytest.MonkeyPatch, place: Place) -> None:
        @sa.event.listens_for(sa.Engine, "before_cursor_execute")
        def failing(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            if connection.dialect.name == "sqlite" and part in " ".join(statement.lower().split()):
                QUOTING[error]()

    return break_it


class _Breaking:
    """A real DuckDB connection, but for one kind of statement."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, on: str, error: str) -> None:
        self._connection, self._on, self._error = connection, on, error

    def execute(self, statement: str, *more: Any) -> Any:
        if self._on in statement:
            QUOTING[self._error]()
        return self._connection.execute(statement, *more)

    def cursor(self) -> _Breaking:
        return _Breaking(self._connection.cursor(), self._on, self._error)

    def __enter__(self) -> _Breaking:
        return self

    def __exit__(self, *_: Any) -> None:
        self._connection.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def asked_of_duckdb(part: str, error: str = "duckdb") -> Break:
    """Let a statement fail by which a candidate is written."""

    def break_it(patch: pytest.MonkeyPatch, place: Place) -> None:
        connect = duckdb.connect

        def connecting(file: str, **options: Any) -> Any:
            made = connect(file, **options)
            return _Breaking(made, part, error) if "candidate" in str(file) else made

        shim = SimpleNamespace(**{**vars(duckdb), "connect": connecting})
        patch.setattr("stores.warehouse.duckdb_file.duckdb", shim)

    return break_it


def damaged_source(patch: pytest.MonkeyPatch, place: Place) -> None:
    """SQLite finds the damage while rows are read: the page of the sales is overwritten with their own values."""
    with closing(sqlite3.connect(place.source)) as connection:
        (page,) = connection.execute("select rootpage from sqlite_schema where name = 'sale'").fetchone()
        (size,) = connection.execute("pragma page_size").fetchone()
    with place.source.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write((EMAIL.encode() * size)[:size])


def crashing_check(patch: pytest.MonkeyPatch, place: Place) -> None:
    """DuckDB itself says: Could not convert string 'anna…' to INT32."""
    place.change_source(f"update sale set channel = '{EMAIL}' where sale_id = 1")
    patch.setattr("privacy.column_rules.impossible", lambda *_: None)
    says_nothing = "because: Says nothing of anybody."
    place.change_policy(says_nothing, says_nothing + ", promises: [{kind: between, least: 1, most: 2}]")


def broken_promise(patch: pytest.MonkeyPatch, place: Place) -> None:
    """The gate counts what it finds, and quotes none of it."""
    place.change_source(f"update sale set channel = '{EMAIL}'")


def drifted_source(patch: pytest.MonkeyPatch, place: Place) -> None:
    """A new column is told by its name; what stands in it is not."""
    place.change_source("alter table buyer add column more text", f"update buyer set more = '{EMAIL}'")


def policy_no_yaml(patch: pytest.MonkeyPatch, place: Place) -> None:
    """YAML's own errors show the text around a fault."""
    place.policy.write_text(f"version: [1\n{EMAIL}: {{{EMAIL}\n", encoding="utf-8")


def keyring_no_toml(patch: pytest.MonkeyPatch, place: Place) -> None:
    place.keyring.write_text(f"[roots\n{EMAIL} = {EMAIL}\n", encoding="utf-8")
    place.keyring.chmod(0o600)


def disk_full(patch: pytest.MonkeyPatch, place: Place) -> None:
    replace = Path.replace

    def full(self: Path, target: Path) -> Any:
        if Path(target) == place.warehouse:
            raise OSError(28, f"No space left for {EMAIL}", EMAIL, 0, EMAIL)
        return replace(self, target)

    patch.setattr(Path, "replace", full)


TREAT = "privacy.treatments.masking.MaskEmail.treat"

WAYS: dict[str, Break] = {
    "policy": policy_no_yaml,
    "keyring": keyring_no_toml,
    "drift": drifted_source,
    "reflection": asked_of_the_ledger("sqlite_master", "sqlalchemy"),
    "ledger: start": asked_of_the_ledger("insert into run", "sqlalchemy"),
    "totals": asked_of_adbc("count(", "adbc"),
    "batches": called("adbc_driver_sqlite.dbapi.Cursor.fetch_record_batch", "pyarrow reading"),
    "damage": damaged_source,
    "fates": called("privacy.treat.decide", "a group"),
    "treat, pandas": called(TREAT, "pandas"),
    "treat, pyarrow": called(TREAT, "pyarrow"),
    "treat, polars": called(TREAT, "polars"),
    "treat, pydantic": called(TREAT, "pydantic"),
    "treat, decoding": called(TREAT, "decoding"),
    "stage": asked_of_duckdb("create table analytics"),
    "schemas": asked_of_duckdb("create schema"),
    "quarantine": asked_of_duckdb("create table private.sluis_quarantine"),
    "comments": asked_of_duckdb("comment on column"),
    "seal": asked_of_duckdb("checkpoint"),
    "broken promise": broken_promise,
    "crashing check": crashing_check,
    "gate": called("great_expectations.datasource.fluent.interfaces.Batch.validate", "great expectations"),
    "ledger: seal": asked_of_the_ledger("update run set state=?, as_of", "sqlalchemy"),
    "publish: disk full": disk_full,
    "publish: mode": called("pathlib.Path.chmod", "a group"),
    "publish: name": called("pathlib.Path.rename", "sqlite"),
    "artifacts": called("tasks.shown.create_markdown_artifact", "pydantic"),
}
"""From the first file that is read to what is shown at the end: a run fails at 26 of them, and survives the last."""

PUBLISHED_ALL_THE_SAME = {"artifacts"}


HELD_UP = "held up"
"""No way to fail: a run waits at its first table, as long as the file says so."""


def break_this_process() -> None:
    """Break as the file says that BREAK_IN_WAY names; where it is empty, in no way."""
    file = Path(os.environ[WAY])
    way, patch = file.read_text(encoding="utf-8"), pytest.MonkeyPatch()
    if way == HELD_UP:
        treat = MaskEmail.treat

        def waiting(*arguments: Any) -> Any:
            while file.read_text(encoding="utf-8") == HELD_UP:
                time.sleep(0.2)
            return treat(*arguments)

        patch.setattr(MaskEmail, "treat", waiting)
    elif way:
        WAYS[way](patch, Place(Path(os.environ["SLUIS_POLICY"]).parent))
