"""A real MariaDB for tests: one server a session on a folder and a socket of its own, a database for each test."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pymysql
import pytest
import sqlalchemy as sa

from tests.free_port import free_port

URL = "SLUIS_TEST_MARIADB_URL"
"""Names a server that runs already, by an account that may do everything: mysql+pymysql://root:…@127.0.0.1."""

MISSING = (
    "no MariaDB: install it (Debian and Ubuntu: apt-get install mariadb-server), so that `mariadbd` and "
    f"`mariadb-install-db` are found, or name a server to try things on with {URL}"
)


@dataclass(frozen=True)
class MariadbServer:
    """A server that runs."""

    url: sa.URL
    _daemon: Daemon | None = None
    port: int | None = None
    """That by which it is reached, where it is by more than a socket."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def kill(self) -> None:
        """End it as a machine that fails does, in the midst of whatever it does."""
        if self._daemon is None:
            pytest.skip(f"the server that {URL} names is not killed: install MariaDB, so that tests start their own")
        self._daemon.end(signal.SIGKILL)

    def start_again(self) -> None:
        """Start it on what a killed one left behind; nothing, where it runs."""
        if self._daemon:
            self._daemon.start()

    def new_database(self) -> sa.URL:
        """Make an empty database; give its URL."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.execute(f"create database {name} character set utf8mb4")
        return self.url.set(database=name)

    def execute(self, statement: str, url: sa.URL | None = None) -> None:
        """Run a statement, as the account that may do everything."""
        engine = sa.create_engine(url or self.url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)


@dataclass
class Daemon:
    """The server's process, by nobody's settings but these."""

    command: list[str]
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.folder / "socket"

    def start(self) -> None:
        """Start it, and wait until it lets somebody in."""
        if self.process is None:
            with (self.folder / "log").open("ab") as log:
                self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        _wait_until_up(self.process, self.socket)

    def end(self, by: signal.Signals) -> None:
        """End it, and wait for that."""
        if self.process:
            self.process.send_signal(by)
            self.process.wait()
            self.process = None


@contextmanager
def running(folder: Path, address: str | None = None, certificate: Path | None = None) -> Iterator[MariadbServer]:
    """Run a server; where there is none, tests that need one are skipped and say what to do.

    address: of this machine, for a server that is reached by a port there, too; by TLS, where it has a certificate,
    with key.pem beside it.
    """
    if named := os.environ.get(URL):
        yield MariadbServer(sa.make_url(named))
        return
    daemon = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
    if daemon is None or shutil.which("mariadb-install-db") is None:
        pytest.skip(MISSING)
    port = free_port(address) if address else None
    reached = [f"--bind-address={address}", f"--port={port}"] if address else ["--skip-networking"]
    if certificate:
        reached += [f"--ssl-cert={certificate}", f"--ssl-key={certificate.with_name('key.pem')}"]
    made = _installed(daemon, folder, reached)
    try:
        made.start()
        yield MariadbServer(sa.make_url(f"mysql+pymysql://root@localhost/?unix_socket={made.socket}"), made, port)
    finally:
        made.end(signal.SIGTERM)


def _installed(daemon: str, folder: Path, reached: list[str]) -> Daemon:
    data, user = folder / "data", [f"--user={os.environ.get('USER', 'root')}"] if os.geteuid() == 0 else []
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    subprocess.run([*install, "--skip-test-db", *user], check=True, stdout=subprocess.DEVNULL)
    settings = [
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-fast-shutdown=2",
        "--local-infile=1",
    ]
    files = [f"--datadir={data}", f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
    return Daemon([daemon, "--no-defaults", *files, *reached, *settings, *user], folder)


def _wait_until_up(process: subprocess.Popen[bytes], socket: Path) -> None:
    for _ in range(300):
        try:
            pymysql.connect(unix_socket=str(socket), user="root").close()
        except pymysql.err.OperationalError:
            assert process.poll() is None, "mariadbd ended; its log tells why"
            time.sleep(0.2)
        else:
            return
    raise AssertionError("mariadbd did not start in a minute")
