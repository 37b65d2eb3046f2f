"""Where shop, warehouse and ledger stand: in files of one folder, or in databases of a PostgreSQL server."""

from __future__ import annotations

import dataclasses
import json
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from privacy.keys import Keyring
from privacy.receipt_chain import Head, examine
from stores.keyring_file import read_keyring
from stores.ledger import Ledger, open_ledger
from stores.ledger.schema import LOCK, RECEIPT, RUN
from tests.conftest import Place
from tests.faults.troubles import put_it_back
from tests.postgres import PostgresServer
from tests.shop_copies import copy_shop
from tests.small_disk import Disk
from tests.warehouses import AnyWarehouse, InDuckDB, InPostgreSQL

FILES = ["keyring.toml", "policy.yaml", "shop.next", "shop.sqlite"]
"""What stands in the folder of every home."""

SCHEMAS = ["analytics", "marts", "sluis_meta", "sluis_private", "sluis_quarantine"]


@dataclass(frozen=True)
class Ended:
    """How a process ended that was not killed."""

    code: int
    kind: str = ""
    said: str = ""


@dataclass(frozen=True)
class State:
    """What is published: which run's, a hash of every table, and how many rows stand beside them."""

    run: str
    tables: dict[str, str]
    beside: dict[str, int]

    def is_like(self, other: State) -> bool:
        """Compare two states of different runs."""
        return self.run != other.run and (self.tables, self.beside) == (other.tables, other.beside)


class Home(ABC):
    """A folder with policy and keys, and three databases."""

    folder: Path
    warehouse: AnyWarehouse
    environment: dict[str, str]

    @abstractmethod
    def copied(self, folder: Path) -> Home:
        """Give a copy in another folder, to which nothing has happened."""

    @abstractmethod
    def bring_back(self) -> None:
        """Bring back what trouble took away: a folder, room on a disk."""

    @abstractmethod
    def remove(self) -> None:
        """Leave nothing of it on a server."""

    @abstractmethod
    def left_behind(self) -> list[str]:
        """Name what stands in the folder or the warehouse that should not, or lacks."""

    @property
    def ledger(self) -> Ledger:
        return open_ledger(sa.make_url(self.environment["SLUIS_LEDGER"]))

    @property
    def keyring(self) -> Keyring:
        return read_keyring(Place(self.folder).keyring)

    def state(self) -> State:
        """Read what is published, past our own code."""
        ((run,),) = self.warehouse.rows("select run_id from sluis_meta.run")
        beside = {
            f"{schema}.{table}": self.warehouse.private_rows(f'select count(*) from {schema}."{table}"')[0][0]
            for schema in ("sluis_private", "sluis_quarantine")
            for table in self.warehouse.tables()
            if self.warehouse.columns(schema, table)
        }
        return State(run, self.warehouse.hashes(), beside)

    def runs(self) -> dict[str, str]:
        """Give the state of each run."""
        with self.ledger.engine.connect() as connection:
            return dict(connection.execute(sa.select(RUN.c.run_id, RUN.c.state)).all())

    def receipts(self) -> tuple[list[str], tuple[str, ...]]:
        """Give the runs that receipts are of, and what is wrong with them."""
        published, ledger = self.warehouse.open().published(), self.ledger
        assert published
        with ledger.engine.connect() as connection:
            found = connection.execute(sa.select(RECEIPT).order_by(RECEIPT.c.number)).mappings().all()
            receipts = [dict(row) for row in found]
        head = Head("the warehouse", published.ledger_id, published.receipts, published.head)
        examined = examine(receipts, self.keyring.public_keys(), ledger.identity(), [head])
        return [str(json.loads(row["body"])["run_id"]) for row in receipts], examined.faults

    def locked_by(self) -> list[str]:
        """Name the runs in the lock's table."""
        with self.ledger.engine.connect() as connection:
            return list(connection.execute(sa.select(LOCK.c.run_id)).scalars())


@dataclass(frozen=True)
class InFiles(Home):
    """Everything in one folder: SQLite and DuckDB; but for the shop, where it has moved to a server."""

    folder: Path
    source: sa.URL | None = None

    @property
    def warehouse(self) -> AnyWarehouse:  # type: ignore[override]
        return InDuckDB(self.folder)

    @property
    def environment(self) -> dict[str, str]:  # type: ignore[override]
        moved = {"SLUIS_SOURCE": self.source.render_as_string(False)} if self.source else {}
        return Place(self.folder).environment | moved

    def copied(self, folder: Path) -> InFiles:
        shutil.copytree(self.folder, folder)
        return InFiles(folder, self.source)

    def bring_back(self) -> None:
        put_it_back(self.folder)

    def remove(self) -> None:
        pass

    def left_behind(self) -> list[str]:
        wanted = [*FILES, "ledger.sqlite", "ledger.sqlite.lock", *["warehouse.duckdb"] * 2, "warehouse.duckdb.lock"]
        return _unlike(self.folder, wanted)


@dataclass(frozen=True)
class OnServer(Home):
    """Shop, warehouse and ledger each in a database of its own."""

    folder: Path
    server: PostgresServer
    disk: Disk | None = None
    """That on which all of the server stands, or its write-ahead log, where there is one of its own."""
    urls: dict[str, sa.URL] = field(default_factory=dict)

    @property
    def warehouse(self) -> AnyWarehouse:  # type: ignore[override]
        return InPostgreSQL(self.urls["warehouse"])

    @property
    def environment(self) -> dict[str, str]:  # type: ignore[override]
        urls = {f"SLUIS_{name.upper()}": url.render_as_string(False) for name, url in self.urls.items()}
        return Place(self.folder).environment | urls

    @property
    def cut(self) -> str:
        """Give the statement that ends every session of the three, as a failing server does."""
        names = ", ".join(f"'{url.database}'" for url in self.urls.values())
        return f"select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname in ({names})"

    def with_source(self) -> OnServer:
        """Give the same home, with a database of what the shop is now."""
        urls = self.urls or {name: self.server.new_database() for name in ("warehouse", "ledger")}
        copy_shop(Place(self.folder).source, source := self.server.new_database())
        return dataclasses.replace(self, urls={**urls, "source": source})

    def copied(self, folder: Path) -> OnServer:
        shutil.copytree(self.folder, folder)
        self.server.execute(self.cut)  # nobody may be in what is copied; the gate's engine keeps a connection
        urls = {name: self.server.new_database(like=url) for name, url in self.urls.items()}
        return dataclasses.replace(self, folder=folder, urls=urls)

    def bring_back(self) -> None:
        if self.disk:
            self.disk.make_room()
            self.server.start_again()

    def remove(self) -> None:
        for url in self.urls.values():
            self.server.drop(str(url.database))

    def left_behind(self) -> list[str]:
        named = "select nspname from pg_namespace where nspname !~ '^(pg_|information_schema|public)'"
        schemas = {name for (name,) in self.warehouse.rows(named)}
        in_meta = {
            name for (name,) in self.warehouse.rows("select tablename from pg_tables where schemaname = 'sluis_meta'")
        }
        return [*_unlike(self.folder, FILES), *sorted(schemas ^ {*SCHEMAS}), *sorted(in_meta ^ {"run"})]


def _unlike(folder: Path, wanted: list[str]) -> list[str]:
    found = sorted(path.name.split(".private-")[0] for path in folder.rglob("*"))
    return [] if found == sorted(wanted) else found
