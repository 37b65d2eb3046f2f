"""A new DuckDB file in the making, with its private file: how it is opened, sealed, read by the gate and published."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from privacy.evidence import RunRecord
from stores.duckdb_dialect import read_only
from stores.quoting import identifier, literal
from stores.source import READERS
from stores.warehouse import ANALYTICS, INDEX, MARTS, QUARANTINE, Readable, Seal
from stores.warehouse.duckdb_live import LiveFile, limits
from stores.warehouse.duckdb_marts import DuckDBMarts
from stores.warehouse.run_row import run_row

ROWS_AN_INSERT = 122_880
"""A row group of DuckDB's: it keeps the rows that it reads until an insert ends, beside its limit."""

PLAIN = " using compression uncompressed"

WRITTEN_AS = {"storage_compatibility_version": "v1.3.0"}
"""The oldest DuckDB that can read a new file: by its way to store text, all is written in a fifth less (ADR 40)."""

STALE_LOG = "{} had been opened for writing by somebody; what was written there is gone with the old file"


class NewFile:
    """What the warehouse will be next: a file in the private folder, and the private file that it names."""

    def __init__(self, live: LiveFile, work: Path, run_id: str) -> None:
        self.warnings: list[str] = []
        self._live, self._work = live, work
        self._file = work / "candidate.duckdb"
        self._private = work / f"{live.live.name}.private-{run_id}"
        self._limits = limits(work)
        if live.remove_stale_log():
            self.warnings.append(STALE_LOG.format(live.live.name))
        self._connection = duckdb.connect(str(self._file), config=self._limits | WRITTEN_AS)
        self._connection.execute("set enable_progress_bar = false")  # it would be drawn on stdout
        self._connection.execute(f"attach {literal(str(self._private))} as private")
        for schema in (ANALYTICS, MARTS, "sluis_meta", f"private.{QUARANTINE}", f"private.{INDEX}"):
            self._connection.execute(f"create schema {schema}")

    @property
    def marts(self) -> DuckDBMarts:
        """Give the file's marts."""
        return DuckDBMarts(self._connection, self._live.live, self._work)

    def seal(self, record: RunRecord, seal: Seal) -> None:
        """End writing: note the run."""
        says = run_row(record, seal) | {"private_file": self._private.name}
        columns = ", ".join(f"? as {name}" for name in says)
        self._connection.execute(
            f"create table sluis_meta.run as select {columns}, now() as sealed_at", list(says.values())
        )
        self._connection.execute("checkpoint; checkpoint private")
        self.close()

    def readable(self) -> Readable:
        """Say where the gate reads the sealed file."""
        return Readable(read_only(self._file, self._limits | {"threads": str(READERS)}))

    def publish(self) -> None:
        """Make it the live file."""
        if self._live.swap_in(self._file, self._private):
            self.warnings.append(STALE_LOG.format(self._live.live.name))
        with contextlib.suppress(OSError):  # published is published
            for left in self._work.iterdir():  # second names of the file of before, which would be taken for traces
                left.unlink() if left.is_file() else shutil.rmtree(left)

    def close(self) -> None:
        """Close the file; harmless when it is closed already."""
        self._connection.close()

    @contextmanager
    def _reading(self, rows: pa.RecordBatchReader | pa.Table) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a connection of its own, so that tables can be staged at one time, which reads `rows` as `staged`."""
        with self._connection.cursor() as connection:
            connection.register("staged", rows)
            try:
                yield connection
            finally:
                connection.unregister(
                    "staged"
                )  # else a stream that was not read to its end crashes Python when it ends


def make_empty(connection: duckdb.DuckDBPyConnection, table: str, query: str, key: str) -> None:
    """Make a table with the columns of a query, in which tokens that are its key stand as they are.

    Of tokens in order DuckDB would leave out what neighbours share: an eighth of their bytes, which takes longer to
    write and to read, and hides them from a search of bytes.
    """
    columns = connection.execute(f"describe {query}").fetchall()
    plain = {name for name, kind, *_ in columns if name == key and kind == "UUID"}
    stored = [f"{identifier(name)} {kind}{PLAIN if name in plain else ''}" for name, kind, *_ in columns]
    connection.execute(f"create table {table} ({', '.join(stored)})")
