"""A shop's server that fails while a table is read, its rows half sent: told by its kind, and outlived."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from privacy.treat import TableTreater
from tests import mariadb, postgres
from tests.conftest import Place
from tests.faults.homes import Ended, InFiles, State
from tests.faults.meeting import run
from tests.faults.shop import CANARIES, do, make
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer
from tests.shop_copies import copy_shop

Server = PostgresServer | MariadbServer
Trouble = Callable[[Server, sa.URL], None]

pytestmark = pytest.mark.long

RUNNING = {"postgresql": postgres.running, "mysql": mariadb.running}

WIDE = "select 1000 + n, concat('nobody', n, repeat('x', 1000), '@example.com'), joined_at, n from buyer, {} "
MANY_BUYERS = {
    "postgresql": WIDE.format("generate_series(1, 20000) as n") + "where buyer_id = 1",
    "mysql": WIDE.format("(select seq as n from seq_1_to_20000) as numbers") + "where buyer_id = 1",
}
"""Twenty megabytes of them: more than a server can have sent of a table when the first of its rows are treated."""

SENDING = {
    "postgresql": "select pid from pg_stat_activity where datname = '{}' and wait_event = 'ClientWrite'",
    "mysql": "select id from information_schema.processlist where db = '{}' and state = 'Writing to net'",
}

CUT = {"postgresql": "select pg_terminate_backend({})", "mysql": "kill {}"}
ENDED = {"postgresql": "select pg_cancel_backend({})", "mysql": "kill query {}"}
TIME_LIMIT = {
    "postgresql": "alter database {} set statement_timeout = '{}s'",
    "mysql": "set global max_statement_time = {1}",
}
LIMIT = 3


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server of each kind that nobody else needs."""
    with RUNNING[request.param](tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def shop(server: Server, tmp_path_factory: pytest.TempPathFactory) -> InFiles:
    """Make the shop on the server, published once. Not to be changed: tests take a copy."""

    def moved(home: InFiles) -> InFiles:
        copy_shop(Place(home.folder).source, url := server.new_database())
        server.execute(f"insert into buyer {MANY_BUYERS[url.get_backend_name()]}", url)
        return InFiles(home.folder, url)

    home, _ = make(tmp_path_factory.mktemp("shop"), InFiles, moved)
    return home


@pytest.fixture(scope="module")
def wanted(shop: InFiles, tmp_path_factory: pytest.TempPathFactory) -> State:
    """Give what a run publishes that nothing befalls."""
    run(copied := shop.copied(tmp_path_factory.mktemp("undisturbed") / "shop"))
    return copied.state()


def sending(server: Server, url: sa.URL) -> list[Any]:
    """Give the sessions that wait for us to take their rows, once there is one."""
    engine = sa.create_engine(server.url, poolclass=sa.pool.NullPool)
    query = SENDING[url.get_backend_name()].format(url.database)
    for _ in range(300):
        with engine.connect() as connection:
            if found := list(connection.exec_driver_sql(query).scalars()):
                return found
        time.sleep(0.1)
    pytest.fail("nobody is sending rows")


def killed(server: Server, url: sa.URL) -> None:
    sending(server, url)
    server.kill()


def said(statements: dict[str, str]) -> Trouble:
    """Say something to whatever session is sending rows."""

    def say(server: Server, url: sa.URL) -> None:
        for number in sending(server, url):
            server.execute(statements[url.get_backend_name()].format(number))

    return say


def too_slow(server: Server, url: sa.URL) -> None:
    sending(server, url)
    time.sleep(LIMIT)


@contextlib.contextmanager
def time_limit(server: Server, url: sa.URL, seconds: int) -> Iterator[None]:
    """Let statements take so long, as whoever runs the server may decide."""
    statement = TIME_LIMIT[url.get_backend_name()]
    server.execute(statement.format(url.database, seconds))
    yield
    server.start_again()
    server.execute(statement.format(url.database, 0))


TROUBLES = {
    "the server is killed": (killed, "connection", "connection was lost"),
    "its connection is cut": (said(CUT), "connection", "connection was lost"),
    "its statement is ended": (said(ENDED), "store", "buyer cannot be read"),
    "it takes longer than it may": (too_slow, "store", "it took longer than the server lets a statement take"),
}


@pytest.mark.parametrize(("trouble", "kind", "words"), TROUBLES.values(), ids=TROUBLES)
def test_what_befalls_a_table_while_it_is_read_leaves_the_state_of_before_and_the_next_run_makes_what_it_should(
    trouble: Trouble,
    kind: str,
    words: str,
    server: Server,
    shop: InFiles,
    wanted: State,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home, treat, befallen = shop.copied(tmp_path / "shop"), TableTreater.treat, []
    before, url = home.state(), shop.source
    assert url

    def treating(treater: TableTreater, *arguments: Any) -> Any:
        if not befallen:
            befallen.append(treater.name)
            trouble(server, url)
        return treat(treater, *arguments)

    with time_limit(server, url, LIMIT):
        monkeypatch.setattr(TableTreater, "treat", treating)
        ended = do(home.environment, "run", "")
        monkeypatch.undo()

    assert befallen == ["buyer"], "it is tried once, and not again by itself"
    _check_what_was_told(ended, kind, words)
    assert home.state() == before
    assert run(home).published
    assert home.state().is_like(wanted)
    assert home.left_behind() == []


def _check_what_was_told(ended: Ended, kind: str, words: str) -> None:
    assert (ended.code, ended.kind) == (3, kind), ended
    assert ended.said.startswith("source: "), ended
    assert words in ended.said, ended
    assert "\n  " in ended.said, "no way out is told"
    assert not any(canary in ended.said.lower() for canary in (*CANARIES, "nobody")), ended
