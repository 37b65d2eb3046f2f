"""However many tables there are, a run keeps to a few connections: so many can be granted to its accounts."""

from __future__ import annotations

import datetime
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import Command, Place
from tests.demo_place import demo_place
from tests.elsewhere import moved
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer

pytestmark = pytest.mark.long

SESSIONS = {
    "postgresql": "select datname, pid from pg_stat_activity where datname is not null and pid <> pg_backend_pid()",
    "mysql": "select db, id from information_schema.processlist where db is not null and id <> connection_id()",
}


@contextmanager
def counted(*servers: sa.URL) -> Iterator[Counter[str]]:
    """Give by database how many sessions there were at a time; not those that are just being ended."""
    most, over = Counter[str](), threading.Event()

    def look(url: sa.URL) -> None:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            before: set[tuple[str, int]] = set()
            while not over.wait(0.005):
                now = {(name, pid) for name, pid in connection.exec_driver_sql(SESSIONS[url.get_backend_name()])}
                for name, sessions in Counter(name for name, _ in now & before).items():
                    most[name] = max(most[name], sessions)
                before = now

    threads = [threading.Thread(target=look, args=(url,)) for url in servers]
    for thread in threads:
        thread.start()
    try:
        yield most
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Make a demo shop of 2,000 orders. Not to be changed."""
    return demo_place(tmp_path_factory.mktemp("shop"), 2_000, datetime.date.today())


def test_a_run_keeps_to_so_many_connections_to_source_warehouse_and_ledger(
    demo: Place, server: PostgresServer | MariadbServer, postgres: PostgresServer, sluis: Command, tmp_path: Path
) -> None:
    shop = moved(demo, tmp_path, server.new_database())
    warehouse, ledger = postgres.new_database(), postgres.new_database()
    stored = {"SLUIS_WAREHOUSE": warehouse, "SLUIS_LEDGER": ledger}
    environment = shop.environment | {name: url.render_as_string(False) for name, url in stored.items()}

    with counted(*{server.url, postgres.url}) as most:
        for flags in ([], [], ["--full"]):
            outcome = sluis("run", "--output", "json", *flags, **environment)
            assert outcome.exit_code == 0, outcome.said

    assert most[str(shop.url.database)] <= 3
    assert most[str(warehouse.database)] <= 6
    assert most[str(ledger.database)] <= 3
    assert min(most[str(url.database)] for url in (shop.url, warehouse, ledger)) >= 2, "nobody was seen"
