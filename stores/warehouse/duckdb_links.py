"""Who is known to the private index, and who is tied to which address."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa

from privacy.policy_rights import Identifies
from privacy.subjects import CUSTOMER, EMAIL
from stores.warehouse.duckdb_file import INDEX
from stores.warehouse.duckdb_live import LiveFile

PAIRS_A_TIME = 10_000


def links(live: LiveFile, identifies: Identifies, macs: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Give each pair of an account's MAC and an e-mail address's that one indexed row carries, of those sought."""
    with live.opened() as connection:
        both = _tables(connection, CUSTOMER, EMAIL)
        if not both:
            return
        connection.register("sought", pa.table({"mac": pa.array(macs, pa.uuid())}))
        found = " union ".join(
            f'select {CUSTOMER}, {EMAIL} from private.{INDEX}."{table}" '
            f"where {identifies} in (select mac from sought) and {CUSTOMER} is not null and {EMAIL} is not null"
            for table in both
        )
        pairs = connection.execute(found)
        while some := pairs.fetchmany(PAIRS_A_TIME):
            yield from ((customer.bytes, email.bytes) for customer, email in some)


def known(live: LiveFile, identifies: Identifies, macs: Sequence[bytes]) -> set[bytes]:
    """Give those of the MACs that an indexed row carries."""
    with live.opened() as connection:
        connection.register("sought", pa.table({"mac": pa.array(macs, pa.uuid())}))
        found = " union ".join(
            f'select {identifies} from private.{INDEX}."{table}" where {identifies} in (select mac from sought)'
            for table in _tables(connection, identifies)
        )
        return {mac.bytes for (mac,) in connection.execute(found).fetchall()} if found else set()


def _tables(connection: duckdb.DuckDBPyConnection, *columns: str) -> list[str]:
    """Name the tables of the private index that have all of some columns."""
    named = ", ".join(f"'{column}'" for column in columns)
    found = connection.execute(
        f"select table_name from duckdb_columns() where database_name = 'private' and schema_name = '{INDEX}' "
        f"and column_name in ({named}) group by table_name having count(*) = {len(columns)} order by all"
    )
    return [table for (table,) in found.fetchall()]
