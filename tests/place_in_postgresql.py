"""A place whose warehouse and ledger are databases of a PostgreSQL server, for tests that any place will do for."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.conftest import Place
from tests.postgres import PostgresServer
from tests.warehouses import InPostgreSQL

SCHEMAS = ("analytics", "marts", "sluis_meta", "sluis_private", "sluis_quarantine")
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class PlaceInPostgreSQL(Place):
    """A folder with source, policy and keys, and two databases."""

    server: PostgresServer
    name: str
    """Begins the names of its databases."""

    @classmethod
    def made(cls, folder: Path, server: PostgresServer) -> PlaceInPostgreSQL:
        """Make its empty databases."""
        place = cls(folder, server, f"place_{os.getpid()}_{next(_NUMBERS)}")
        for database in place._databases:
            server.execute(f"create database {database}")
        return place

    @property
    def environment(self) -> dict[str, str]:
        """Give the SLUIS_ variables that point here."""
        urls = (self._url(database).render_as_string(hide_password=False) for database in self._databases)
        return {**super().environment, **dict(zip(("SLUIS_WAREHOUSE", "SLUIS_LEDGER"), urls, strict=True))}

    @property
    def seen(self) -> InPostgreSQL:
        """Give the warehouse as a superuser sees it."""
        return self.databases[0]

    @property
    def databases(self) -> list[InPostgreSQL]:
        """Give the warehouse and the ledger as a superuser sees them."""
        return [InPostgreSQL(self._url(database)) for database in self._databases]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the published warehouse."""
        return self.seen.rows(query)

    def table(self, schema: str, table: str) -> list[dict[str, Any]]:
        """Read a table of the warehouse, also one that analysts do not see."""
        names = self.seen.columns(schema, table)
        return [dict(zip(names, row, strict=True)) for row in self.rows(f'select * from {schema}."{table}"')]

    def fingerprint(self) -> str:
        """Give a hash of every row of every table."""
        tables = [(schema, table) for schema in SCHEMAS for table in self.seen.tables(schema)]
        found = [(schema, table, sorted(map(repr, self.table(schema, table)))) for schema, table in tables]
        return hashlib.sha256(repr(found).encode()).hexdigest()

    def state(self) -> dict[str, str]:
        """Give a hash of what the warehouse consists of; who may read it apart."""
        return {"rows": self.fingerprint()}

    def copied(self, folder: Path) -> PlaceInPostgreSQL:
        """Give a copy of all of it, in another folder and other databases."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        new = PlaceInPostgreSQL(folder, self.server, f"place_{os.getpid()}_{next(_NUMBERS)}")
        for of, to in zip(self._databases, new._databases, strict=True):
            self.server.copy(of, to)
        return new

    def back_up(self, name: str) -> None:
        """Copy the warehouse and the ledger."""
        for database in self._databases:
            self.server.copy(database, self._backup(database, name))

    def put_back(self, name: str, warehouse: bool, ledger: bool) -> None:
        """Put a copy of the warehouse, of the ledger, or of both in the place of what is there."""
        for database, wanted in zip(self._databases, (warehouse, ledger), strict=True):
            if wanted:
                self.server.copy(self._backup(database, name), database)

    def move_away(self) -> None:
        """Move the warehouse away."""
        self.server.drop(self._databases[0])
        self.server.execute(f"create database {self._databases[0]}")

    def remove(self) -> None:
        """Leave nothing of it."""
        for (database,) in InPostgreSQL(self.server.url).rows(
            f"select datname from pg_database where datname ~ '^{self.name}_(w|l)'"
        ):
            self.server.drop(database)
        super().remove()

    @property
    def _databases(self) -> tuple[str, str]:
        return f"{self.name}_w", f"{self.name}_l"

    def _backup(self, database: str, name: str) -> str:
        return f"{database}_{name.replace('-', '_')}"

    def _url(self, database: str) -> sa.URL:
        return self.server.url.set(database=database)
