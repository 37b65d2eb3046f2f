"""What one writes by hand in an afternoon: pandas in chunks, hashlib a value, Faker a row, `to_sql`.

It hashes the columns that the policy turns into tokens, invents names and addresses in tables that hold names, cuts
moments to days, masks IP addresses and copies the rest. It drops no expired row, keeps no reference sound and checks
nothing; an unkeyed salted hash protects less than a token. It writes into SQLite, where `to_sql` is fastest, or into
the kind of file that a run writes, where each row is a statement.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
from faker import Faker

from benchmarks.measure import WHOLE, Measured, tell
from benchmarks.places import policy_of
from privacy.policy import Table
from privacy.treat import columns_read
from privacy.treatments import Pseudonymize
from privacy.treatments.masking import MaskIp
from privacy.treatments.periods import ToPeriod
from stores.quoting import identifier

CHUNK = 50_000
SALT = "pepper"
NAME = "name"
FAKED = {"first_name": "first_name", "last_name": "last_name", NAME: "name", "email": "email", "phone": "phone_number"}
"""Endings of columns, and which of Faker's inventions goes into them."""


def measure(shop: Path, to: Path, kind: str, share: str) -> Measured:
    """Treat the first rows of each table, as large a share of them as asked for: the cost of a row does not change."""
    measured, fake = Measured(), Faker("nl_NL")
    tables = [(name, table) for name, table in policy_of(shop).in_order() if not table.derived]
    with (
        measured.step(WHOLE) as whole,
        closing(sqlite3.connect(shop / "shop.sqlite")) as source,
        opened(kind, to / "by_hand") as target,
    ):
        for name, table in tables:
            invented = invented_columns(table)
            selected = ", ".join(map(identifier, dict.fromkeys([*columns_read(table), *invented])))
            (rows,) = source.execute(f"select count(*) from {identifier(name)}").fetchone()
            query = f"select {selected} from {identifier(name)} limit {round(rows * float(share))}"
            with measured.step(name) as step:
                for chunk in pd.read_sql(query, source, chunksize=CHUNK):
                    treat(chunk, table)
                    for column, invention in invented.items():
                        invent = getattr(fake, invention)
                        chunk[column] = [invent() for _ in range(len(chunk))]
                    chunk.to_sql(table.publish_as, target, if_exists="append", index=False)
                    step.rows += len(chunk)
            whole.rows += step.rows
        target.commit()
    return measured


def opened(kind: str, file: Path) -> AbstractContextManager[sqlite3.Connection | sa.Connection]:
    """Open a new file as pandas writes it fastest: its own connection to SQLite, SQLAlchemy's to DuckDB."""
    return closing(sqlite3.connect(file)) if kind == "sqlite" else sa.create_engine(f"{kind}:///{file}").connect()


def invented_columns(table: Table) -> dict[str, str]:
    """Name the columns that are filled with inventions: of tables with names, those that the policy suppresses."""
    person = [
        table.source_of(name)
        for name, column in table.columns.items()
        if column.role == "direct_identifier" and not column.extracted
    ]
    if not any(column.endswith(NAME) for column in person):
        return {}
    endings = {column: next(filter(column.endswith, FAKED), None) for column in person}
    return {column: FAKED[ending] for column, ending in endings.items() if ending}


def treat(chunk: pd.DataFrame, table: Table) -> None:
    """Treat a chunk's columns in place, one after the other."""
    for name, column in table.columns.items():
        source = table.source_of(name)
        match column.treatment:
            case Pseudonymize():
                chunk[source] = chunk[source].map(hashed, na_action="ignore")
            case ToPeriod():
                chunk[source] = chunk[source].str[:10]
            case MaskIp():
                chunk[source] = chunk[source].str.replace(r"\.\d+$", ".0", regex=True)


def hashed(value: object) -> str:
    """Hash one value."""
    return hashlib.sha256(f"{SALT}{value}".encode()).hexdigest()


if __name__ == "__main__":
    tell(measure)
