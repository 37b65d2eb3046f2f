"""A ledger is opened, made and migrated, on SQLite and PostgreSQL, or refused without a value, a URL or a password."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from privacy.errors import ConnectionLostError, SluisError, StoreError, UsageError
from privacy.evidence import PublishedRun
from stores import patience
from stores.ledger import look_at_ledger, open_ledger
from stores.ledger.opening import HEAD
from stores.ledger.schema import METADATA
from tests.postgres import PostgresServer
from tests.requested import NOW, asked, customer

OF_BEFORE_MIGRATIONS = (
    """create table run (run_id varchar not null primary key, actor varchar not null,
    started_at MOMENT not null, ended_at MOMENT, state varchar not null, as_of date,
    policy_version varchar, policy_digest varchar, key_fingerprint varchar, record json)""",
    """create table watermark (table_name varchar not null primary key, run_id varchar not null,
    read_at MOMENT not null, "rows" integer not null)""",
    """insert into run values ('run 1', 'anna', '2026-11-22 12:00:00.123456', '2026-11-22 12:01:00.000000', 'published',
    '2026-11-22', '1.0', 'digest', 'fingerprint', '{"tables": {}}')""",
    "insert into watermark values ('orders', 'run 1', '2026-11-22 12:00:00.000000', 17)",
)
"""Tables as the version before wrote them, without any word of their revision."""

SECRET = "canary-secret"


def execute(url: sa.URL, *statements: str) -> None:
    on_server = url.get_backend_name() == "postgresql"
    with sa.create_engine(url, poolclass=sa.pool.NullPool).begin() as connection:
        if on_server:
            connection.exec_driver_sql("set timezone = 'UTC'; set search_path = sluis_ledger, public")
        for statement in statements:
            moment = "timestamp with time zone" if on_server else "datetime"
            connection.exec_driver_sql(statement.replace("MOMENT", moment))


def tables(url: sa.URL) -> set[str]:
    with sa.create_engine(url, poolclass=sa.pool.NullPool).connect() as connection:
        return set(sa.inspect(connection).get_table_names())


def last_published(url: sa.URL) -> PublishedRun | None:
    """Look up the last published run, without making a ledger."""
    found = look_at_ledger(url)
    return found.runs.last_published() if found else None


def refusal(url: sa.URL, look: Callable[[sa.URL], Any] = open_ledger) -> SluisError:
    """Give the error by which a ledger is refused, having seen that it tells no secret and drags nothing along."""
    with pytest.raises(SluisError) as refused:
        look(url)
    assert SECRET not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    return refused.value


def test_a_ledger_of_before_migrations_keeps_its_runs(ledger_url: sa.URL) -> None:
    execute(ledger_url, *OF_BEFORE_MIGRATIONS)

    ledger = open_ledger(ledger_url)

    last = ledger.runs.last_published()
    assert last is not None
    assert (last.run_id, last.started_at, last.key_fingerprint) == ("run 1", NOW, "fingerprint")
    assert ledger.runs.last_rows() == {"orders": 17}
    with ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("select number, kind from run").one() == (1, "refresh")
        assert connection.exec_driver_sql("select version_num from alembic_version").scalar_one() == HEAD
    assert last_published(ledger_url) == last


@pytest.mark.parametrize("older", [True, False], ids=["migrated", "new"])
def test_the_tables_are_those_of_the_schema(ledger_url: sa.URL, older: bool) -> None:
    execute(ledger_url, *(OF_BEFORE_MIGRATIONS if older else ()))

    with open_ledger(ledger_url).engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": METADATA}
        )
        differences = compare_metadata(context, METADATA)
        keys = {name: sa.inspect(connection).get_pk_constraint(name)["constrained_columns"] for name in METADATA.tables}

    assert differences == []
    assert keys == {name: table.primary_key.columns.keys() for name, table in METADATA.tables.items()}


def test_a_migration_that_breaks_off_leaves_the_ledger_as_it_was(
    ledger_url: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(ledger_url, *OF_BEFORE_MIGRATIONS)
    create = op.create_table

    def breaks_off(name: str, *columns: Any) -> Any:
        if name == "plan":
            raise KeyboardInterrupt
        return create(name, *columns)

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(op, "create_table", breaks_off)
        open_ledger(ledger_url)
    assert tables(ledger_url) == {"run", "watermark"}

    assert open_ledger(ledger_url).runs.last_rows() == {"orders": 17}


def test_opened_again_it_is_the_same_ledger(ledger_url: sa.URL) -> None:
    first = open_ledger(ledger_url)
    first.requests.register([asked("R-1", (customer(1),))], "anna", NOW)

    again = open_ledger(ledger_url)

    assert again.identity() == first.identity()
    assert again.requests.get("R-1").actor == "anna"


def test_two_who_open_a_new_ledger_at_once_get_the_same_one(ledger_url: sa.URL) -> None:
    with ThreadPoolExecutor(4) as pool:
        identities = set(pool.map(lambda _: open_ledger(ledger_url).identity(), range(4)))

    assert len(identities) == 1


def test_a_ledger_that_a_newer_version_wrote_is_refused_and_left_alone(ledger_url: sa.URL) -> None:
    open_ledger(ledger_url)
    execute(ledger_url, "update alembic_version set version_num = '9999'")

    for look in (open_ledger, last_published):
        error = refusal(ledger_url, look)
        assert isinstance(error, StoreError)
        assert str(error).startswith("ledger: a newer version of Sluis wrote it.")


def test_looking_makes_no_ledger(ledger_url: sa.URL) -> None:
    assert last_published(ledger_url) is None

    if ledger_url.get_backend_name() == "sqlite":
        assert not Path(str(ledger_url.database)).exists()
    else:
        assert tables(ledger_url) == set()


# --- what cannot be used


def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    file.write_bytes(SECRET.encode() * 999)

    for look in (open_ledger, last_published):
        error = refusal(sa.make_url(f"sqlite:///{file}"), look)
        assert "ledger: the file is damaged, or is no database.\n  Put its backup back" in str(error)
    assert file.read_bytes() == SECRET.encode() * 999


def test_a_file_damaged_further_on_is_told_when_it_is_met(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    ledger = open_ledger(sa.make_url(f"sqlite:///{file}"))
    ledger.requests.register([asked(f"{SECRET}-{n}", (customer(n),)) for n in range(500)], "anna", NOW)
    whole = file.read_bytes()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        ((page, size),) = connection.execute(
            "select rootpage, (select page_size from pragma_page_size) from sqlite_master where name = 'request'"
        ).fetchall()
    file.write_bytes(whole[: (page - 1) * size] + b"\xff" * size + whole[page * size :])

    assert "the file is damaged" in str(refusal(ledger.engine.url, lambda _: ledger.requests.list()))


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[Path]:
    """Give a folder that may be entered but not written, to whoever runs the tests: root, too, becomes nobody."""
    open_ledger(sa.make_url(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    tmp_path.chmod(0o555)
    (tmp_path / "ledger.sqlite").chmod(0o444)
    if root := os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield tmp_path
    finally:
        if root:
            os.seteuid(0)
        tmp_path.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_told(nobody: Path) -> None:
    error = refusal(sa.make_url(f"sqlite:///{nobody / 'other.sqlite'}"))

    assert isinstance(error, StoreError)
    assert "ledger: cannot be used (OperationalError).\n  Check --ledger: the folder of a file must" in str(error)


def test_a_ledger_that_can_only_be_read_is_read_but_not_written(nobody: Path) -> None:
    url = sa.make_url(f"sqlite:///{nobody / 'ledger.sqlite'}")
    ledger = open_ledger(url)
    assert ledger.requests.list() == ()
    assert last_published(url) is None

    error = refusal(url, lambda _: ledger.requests.register([asked(SECRET, (customer(1),))], "anna", NOW))

    assert "cannot be used (OperationalError)" in str(error)


@pytest.mark.parametrize(
    "url", [f"postgresql+psycopg2://anna:{SECRET}@host/ledger", f"sqlite+pysqlcipher:///{SECRET}.sqlite"]
)
def test_a_driver_that_is_not_installed_is_told_with_those_that_are(url: str) -> None:
    error = refusal(sa.make_url(url))

    assert isinstance(error, UsageError)
    assert "kind of database that is not installed" in str(error)
    assert "postgresql+psycopg://" in str(error)


@pytest.mark.parametrize("url", [f"mysql+pymysql://anna:{SECRET}@host/ledger", "duckdb:///ledger.duckdb"])
def test_another_kind_of_database_is_refused(url: str) -> None:
    for look in (open_ledger, last_published):
        error = refusal(sa.make_url(url), look)
        assert isinstance(error, UsageError)
        assert "a ledger is kept in SQLite or PostgreSQL" in str(error)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_ledger_that_would_forget_is_refused(url: str) -> None:
    assert isinstance(refusal(sa.make_url(url)), UsageError)


def test_a_server_that_does_not_answer_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SECONDS", 0.5)
    url = sa.make_url(f"postgresql+psycopg://anna:{SECRET}@/ledger?host={tmp_path}")

    for look in (open_ledger, last_published):
        error = refusal(url, look)
        assert isinstance(error, ConnectionLostError)
        assert "a server must be up and reachable" in str(error)


def test_a_user_who_may_not_make_tables_is_told(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    postgres.execute(f"create role reader_{url.database} login password '{SECRET}'")

    error = refusal(url.set(username=f"reader_{url.database}", password=SECRET))

    assert isinstance(error, StoreError)
    assert "cannot be used (ProgrammingError)" in str(error)
    assert tables(url) == set()


def test_a_new_ledger_is_its_owners_alone_and_a_mode_that_somebody_chose_stays(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    old = os.umask(0o022)
    try:
        open_ledger(sa.make_url(f"sqlite:///{file}"))
    finally:
        os.umask(old)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o660)
    open_ledger(sa.make_url(f"sqlite:///{file}"))
    assert file.stat().st_mode & 0o777 == 0o660
