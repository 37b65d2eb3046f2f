"""Looking for people who were to be gone, apart from what took them out: by row, and by byte.

By row: every line of the private index and of quarantine is compared with the MACs, and every column of tokens of every
table with the keys of rows that left, where these are known. Keys that are no tokens are not looked for.

By byte: every file that belongs to the warehouse is searched for the sixteen bytes of each MAC and key, as DuckDB
stores a UUID, as they are, and as text. What this does not show: DuckDB may compress a block, and a value in a
compressed block is not found by its bytes. It stores columns of tokens as they are as a rule, because nothing is gained
on random values; and the search by row sees through compression, but only what a table still holds. Nor are backups,
snapshots of the file system and freed blocks of the disk searched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from privacy.fates import Fate
from privacy.macs import MAC
from privacy.subjects import CUSTOMER, GENERATION, SUBJECT_COLUMNS
from stores.warehouse import ANALYTICS, Found, Suppressed
from stores.warehouse.byte_search import files_of, places_of
from stores.warehouse.duckdb_file import INDEX, QUARANTINE
from stores.warehouse.duckdb_live import LiveFile

PRIVATE_INDEX, PRIVATE_QUARANTINE = f"private.{INDEX}", f"private.{QUARANTINE}"


def look_for(live: LiveFile, suppressed: Sequence[Suppressed], keys: Mapping[str, pa.Array]) -> Found:
    """Look for people, and for the keys of rows that left (by published name), in every table and file."""
    people = People(suppressed)
    tokens = pa.chunked_array([some.storage for some in keys.values() if some.type == pa.uuid()], MAC)
    with live.opened() as connection:
        theirs = {schema: people.rows(connection, schema) for schema in (PRIVATE_INDEX, PRIVATE_QUARANTINE)}
        hold = {schema: _holding(connection, schema, tokens) for schema in (ANALYTICS, *theirs)}
        unindexed = {
            table: abs(_count(connection, ANALYTICS, table) - _count(connection, PRIVATE_INDEX, table))
            for table in _tables(connection, PRIVATE_INDEX)
        }
    sought = (people.macs - people.staying).union(tokens.to_pylist())
    return Found(
        _larger(theirs[PRIVATE_INDEX], hold[PRIVATE_INDEX]),
        _larger(hold[ANALYTICS]),
        _larger(theirs[PRIVATE_QUARANTINE], hold[PRIVATE_QUARANTINE]),
        _larger(unindexed),
        places_of(files_of(live.live), sorted(sought)),
        len(sought),
        len(people.staying),
    )


class People:
    """Those who were to be gone, recognised row by row as the rules say it: by account, or without one by address."""

    def __init__(self, suppressed: Sequence[Suppressed]) -> None:
        self._by_mac: dict[str, dict[bytes, list[Suppressed]]] = {name: defaultdict(list) for name in SUBJECT_COLUMNS}
        for one in suppressed:
            self._by_mac[one.identifies][one.mac].append(one)
        self.macs = {mac for by_mac in self._by_mac.values() for mac in by_mac}
        self.staying: set[bytes] = set()
        """MACs that were met in rows which stay by right."""

    def rows(self, connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, int]:
        """Count the rows that are theirs in each table of a schema of the private file."""
        prefix = "" if schema == PRIVATE_INDEX else "_"
        counted = {}
        for table in _tables(connection, schema):
            reader = connection.execute(f'from {schema}."{table}"').to_arrow_reader()
            columns = {name: f"{prefix}{name}" for name in SUBJECT_COLUMNS if f"{prefix}{name}" in reader.schema.names}
            generation = prefix + GENERATION.removeprefix("_")
            counted[table] = sum(self._theirs(batch, columns, generation) for batch in reader) if columns else 0
        return counted

    def _theirs(self, batch: pa.RecordBatch, columns: Mapping[str, str], generation: str) -> int:
        theirs = set()
        account = batch.column(columns[CUSTOMER]) if CUSTOMER in columns else None
        for identifies, column in columns.items():
            by_mac, values = self._by_mac[identifies], batch.column(column)
            known = pc.is_in(values.storage, value_set=pa.array(by_mac, MAC))
            for row in pc.indices_nonzero(known).to_pylist():
                mac, later = values.storage[row].as_py(), batch.column(generation).storage[row].as_py()
                of_another = identifies != CUSTOMER and account is not None and account[row].is_valid
                spared = all(one.fate == Fate.ERASED and later in one.generations for one in by_mac[mac])
                if of_another or spared:
                    self.staying.add(mac)
                else:
                    theirs.add(row)
        return len(theirs)


def _holding(connection: duckdb.DuckDBPyConnection, schema: str, tokens: pa.ChunkedArray) -> dict[str, int]:
    """Count the rows of each table of a schema that hold any of some tokens in any column."""
    if not len(tokens):
        return {}
    typed = [pa.ExtensionArray.from_storage(pa.uuid(), chunk) for chunk in tokens.chunks]
    connection.register("sought", pa.table({"token": pa.chunked_array(typed, pa.uuid())}))
    counted = {}
    for table in _tables(connection, schema):
        described = connection.execute(f'describe {schema}."{table}"').fetchall()
        held = [f'"{name}" in (select token from sought)' for name, kind, *_ in described if kind == "UUID"]
        counted[table] = _count(connection, schema, table, " or ".join(held)) if held else 0
    return counted


def _tables(connection: duckdb.DuckDBPyConnection, schema: str) -> list[str]:
    database, _, name = schema.rpartition(".")
    of = f"'{database}'" if database else "current_database()"
    there = f"database_name = {of} and schema_name = '{name}'"
    found = connection.execute(f"select table_name from duckdb_tables() where {there} order by all")
    return [table for (table,) in found.fetchall()]


def _count(connection: duckdb.DuckDBPyConnection, schema: str, table: str, where: str = "true") -> int:
    return int(connection.execute(f'select count(*) from {schema}."{table}" where {where}').fetchall()[0][0])


def _larger(*counts: Mapping[str, int]) -> dict[str, int]:
    """Of several counts of a table's rows, which may be of the same rows, give the largest, where there is any."""
    largest = {table: max(count.get(table, 0) for count in counts) for count in counts for table in count}
    return {table: rows for table, rows in largest.items() if rows}
