"""Real parts for tests: one Prefect server for each worker, the `sluis` command, and a small shop of three tables."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import gc
import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from stores.keyring_file import create_keyring
from tests.corner_shop import POLICY, SCHEMA, fill
from tests.prefect_server import PrefectServer, serving

# Here, so that it holds for every test: loaded machines are slow, which is no failure of a property.
settings.register_profile("sluis", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sluis")

# Prefect and Great Expectations are half a million objects, which each test would have searched for garbage many times.
gc.set_threshold(50_000, 20, 50)


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Give all that it printed."""
        return self.stdout + self.stderr

    @property
    def json(self) -> dict[str, Any]:
        """Give the one object on stdout."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found


@dataclass(frozen=True)
class Place:
    """A folder with a source, a policy, keys, and what runs make of them."""

    folder: Path

    @property
    def source(self) -> Path:
        return self.folder / "shop.sqlite"

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def policy(self) -> Path:
        return self.folder / "policy.yaml"

    @property
    def keyring(self) -> Path:
        return self.folder / "keyring.toml"

    @property
    def environment(self) -> dict[str, str]:
        """Give the SLUIS_ variables that point here."""
        return {
            "SLUIS_SOURCE": f"sqlite:///{self.source}",
            "SLUIS_WAREHOUSE": f"duckdb:///{self.warehouse}",
            "SLUIS_LEDGER": f"sqlite:///{self.folder / 'ledger.sqlite'}",
            "SLUIS_POLICY": str(self.policy),
            "SLUIS_KEYRING": str(self.keyring),
        }

    def change_source(self, *statements: str) -> None:
        """Change the shop's database."""
        with contextlib.closing(sqlite3.connect(self.source)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def change_policy(self, old: str, new: str) -> int:
        """Change the policy's text, which must hold `old` once; give the line on which the change begins."""
        text = self.policy.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the policy"
        self.policy.write_text(text.replace(old, new), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the published warehouse, as an analyst would."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def table(self, schema: str, table: str) -> list[dict[str, Any]]:
        """Read a table of the warehouse, also one that analysts do not see."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            if schema in ("sluis_private", "sluis_quarantine"):
                ((name,),) = connection.execute("select private_file from sluis_meta.run").fetchall()
                connection.execute(f"attach '{self.folder / name}' as private (read_only)")
                schema = f"private.{schema}"
            found = connection.execute(f"from {schema}.{table}")
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def ledger_engine(self) -> sa.Engine:
        """Open the ledger past our own code."""
        url = sa.make_url(self.environment["SLUIS_LEDGER"])
        options = {} if url.get_backend_name() == "sqlite" else {"options": "-c search_path=sluis_ledger"}
        return sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args=options)

    def ledger(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Ask the ledger, or change it, in plain SQL, with `?` for each value."""
        engine = self.ledger_engine()
        with engine.begin() as connection:
            said = statement if engine.dialect.name == "sqlite" else statement.replace("?", "%s")
            found = connection.exec_driver_sql(said, values or None)
            return [dict(row) for row in found.mappings()] if found.returns_rows else []

    def fingerprint(self) -> str:
        """Give the SHA-256 of the warehouse file."""
        return hashlib.sha256(self.warehouse.read_bytes()).hexdigest()

    def state(self) -> dict[str, str]:
        """Give a hash of each file of the warehouse, by name; none where nothing is there."""
        return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(self._warehouse_files())}

    # ── copies of warehouse and ledger ────────────────────────────────────────────────────────────────────────────

    def copied(self, folder: Path) -> Place:
        """Give a copy of all of it in another folder, which is not there yet or empty."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Place(folder)

    def back_up(self, name: str) -> None:
        """Copy the warehouse and the ledger."""
        (backup := self.folder / name).mkdir()
        for file in (*self._warehouse_files(), self.folder / "ledger.sqlite"):
            shutil.copy2(file, backup)

    def put_back(self, name: str, warehouse: bool, ledger: bool) -> None:
        """Put a copy of the warehouse, of the ledger, or of both in the place of what is there."""
        if warehouse:
            self.move_away()
            for file in (self.folder / name).glob("warehouse.duckdb*"):
                shutil.copy2(file, self.folder)
        if ledger:
            shutil.copy2(self.folder / name / "ledger.sqlite", self.folder)

    def move_away(self) -> None:
        """Move the warehouse away."""
        for file in self._warehouse_files():
            file.unlink()

    def remove(self) -> None:
        """Leave nothing of it."""
        shutil.rmtree(self.folder)

    def _warehouse_files(self) -> list[Path]:
        return [file for file in self.folder.glob("warehouse.duckdb*") if file.is_file() and file.suffix != ".lock"]


Command = Callable[..., Outcome]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what runs alone last, so that it waits for the other workers once."""
    items.sort(key=_runs_alone)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run a test while no other worker runs one marked `alone`; and one marked so while no other runs any."""
    with Path(__file__).open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX if _runs_alone(item) else fcntl.LOCK_SH)
        return (yield)


def _runs_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


@pytest.fixture(scope="session")
def orchestrator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Run a real Prefect server, which flows in this process and commands report to."""
    with serving(tmp_path_factory.mktemp("prefect"), "--no-ui") as server:
        os.environ |= server.environment
        _read_settings_again()
        try:
            yield server
        finally:
            _send_what_is_left()


@pytest.fixture(scope="session")
def prefect_server(orchestrator: PrefectServer) -> Path:
    """Run a real Prefect server; give its home."""
    return orchestrator.home


def _read_settings_again() -> None:
    """Let Prefect take its home from the environment: it may have been imported, and its settings read, before."""
    from prefect.context import refresh_global_settings_context

    refresh_global_settings_context()


def _send_what_is_left() -> None:
    """Let Prefect's client send its last logs and events while there is a server to send them to."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=10)


@pytest.fixture
def sluis(prefect_server: Path) -> Command:
    """Give the `sluis` command, run in this process against the session's Prefect server."""
    return run_in_process


def run_in_process(*arguments: str, **environment: str) -> Outcome:
    """Run the command as its script does, with some environment variables of its own."""
    from cli.main import main

    before, arguments_before = dict(os.environ), sys.argv
    out, err, code = io.StringIO(), io.StringIO(), 0
    os.environ |= environment
    sys.argv = ["sluis", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = arguments_before
        os.environ.clear()
        os.environ |= before
    return Outcome(code, out.getvalue(), err.getvalue())


def run_in_own_process(
    *arguments: str, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the installed command as a process of its own; its answer is kept, or goes where a file leads."""
    command = [str(Path(sys.executable).with_name("sluis")), *arguments]
    env = {**os.environ, **environment}
    return subprocess.run(command, env=env, stdout=stdout, stderr=stderr, text=True, check=False)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Make a corner shop with its policy and keys; nothing has run yet."""
    return corner_shop(tmp_path)


def corner_shop(folder: Path) -> Place:
    """Make a corner shop in a folder."""
    return place_with(folder, SCHEMA, lambda connection: fill(connection, datetime.date.today()), POLICY)


def place_with(folder: Path, schema: str, fill: Callable[[sqlite3.Connection], None], policy: str) -> Place:
    """Make a shop in a folder, with its policy and keys."""
    folder.mkdir(exist_ok=True)
    made = Place(folder)
    with contextlib.closing(sqlite3.connect(made.source)) as connection, connection:
        connection.executescript(schema)
        fill(connection)
    made.policy.write_text(policy, encoding="utf-8")
    create_keyring(made.keyring, datetime.date.today())
    return made


@pytest.fixture
def run(sluis: Command, place: Place) -> Command:
    """Give `sluis run --output json` on the corner shop, with further flags."""
    return lambda *flags, **more: sluis("run", "--output", "json", *flags, **{**place.environment, **more})
