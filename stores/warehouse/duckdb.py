"""The warehouse in one DuckDB file: the candidate is a new file, and publishing is one rename.

Beside `warehouse.duckdb` stand `warehouse.duckdb.private-<run>` (0600: quarantine; named by `sluis_meta.run`), `….lock`
and, during a run, `….work/` (0700: candidate and spill files), which the next run removes if this one is killed.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from privacy.errors import StoreError, UsageError
from privacy.evidence import RunRecord
from privacy.fates import Fate
from privacy.policy import Derived
from privacy.treat import EXPIRES_ON, FATE, REASON
from stores.arrow_stream import in_tables
from stores.duckdb_dialect import read_only
from stores.durable import sync
from stores.lock import exclusive
from stores.quoting import literal
from stores.settings import file_of
from stores.source import READERS
from stores.token_order import in_token_order
from stores.warehouse import ANALYTICS, Comments, Grouped

MEMORY_LIMIT = "72MB"
"""Grouping and reading spill beyond this, into the private folder, so that memory does not grow with the shop."""

ROWS_AN_INSERT = 122_880
"""A row group of DuckDB's: it keeps the rows that it reads until an insert ends, beside its limit."""

THREADS = 1
"""Each further one holds rows in memory of its own."""

WRITE_AHEAD = ("wal", "wal.checkpoint", "wal.recovery")
"""What DuckDB looks for beside a file when it opens it, and replays."""

STALE_LOG = "{} had been opened for writing by somebody; what was written there is gone with the old file"


class DuckDBWarehouse:
    """The live file and what stands beside it."""

    def __init__(self, url: sa.URL) -> None:
        self.live = file_of(url, "warehouse").absolute()
        if not self.live.parent.is_dir():
            raise UsageError(f"--warehouse: there is no folder {self.live.parent}; make it first.")
        if "?" in str(self.live):
            raise UsageError("--warehouse: DuckDB cannot write to a path with a question mark; name another.")

    def exclusive(self, run_id: str) -> AbstractContextManager[None]:
        return exclusive(self.live, run_id)

    @contextmanager
    def candidate(self, run_id: str) -> Iterator[DuckDBCandidate]:
        work = self.beside("work")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700)
        try:
            self._remove_private_files_but(self.live_private_file(work))
            stale = self._remove_stale_log()
            with contextlib.closing(DuckDBCandidate(self, work, run_id)) as candidate:
                if stale:
                    candidate.warnings.append(STALE_LOG.format(self.live.name))
                yield candidate
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def beside(self, suffix: str) -> Path:
        """Name a file beside the live one."""
        return self.live.with_name(f"{self.live.name}.{suffix}")

    def swap_in(self, candidate: Path, private: Path) -> bool:
        """Make a sealed candidate the live file, and its private file the one it names; tell of a stale log."""
        private.chmod(0o600)
        private.rename(private := self.live.with_name(private.name))
        candidate.chmod(0o444)
        for path in (private, candidate, self.live.parent):
            sync(path)
        stale = self._remove_stale_log()
        candidate.replace(self.live)
        with contextlib.suppress(OSError):  # published is published; what is left to tidy, the next run tidies
            stale = self._remove_stale_log() or stale
            sync(self.live.parent)
            self._remove_private_files_but(private.name)
        return stale

    def _remove_stale_log(self) -> bool:
        """Remove the write-ahead file of somebody who wrote to the old live file, before a new one would replay it."""
        logs = [log for log in map(self.beside, WRITE_AHEAD) if log.exists()]
        for log in logs:
            log.unlink()
        return bool(logs)

    def live_private_file(self, work: Path) -> str | None:
        """Ask the live file, if it is one of ours, which private file it names.

        It is asked under a second name, beside which no write-ahead file of anybody stands.
        """
        if not self.live.exists():
            return None
        problem, found, alias = "", None, work / "live.duckdb"
        alias.hardlink_to(self.live)
        try:
            with duckdb.connect(str(alias), read_only=True) as connection:
                found = connection.execute("select private_file from sluis_meta.run").fetchone()
        except duckdb.IOException:
            problem = (
                "is damaged, or opened for writing by another process.\n  Close that process, or move the file away"
            )
        except duckdb.CatalogException:
            problem = "is no warehouse of Sluis, and is not overwritten.\n  Name another file with --warehouse"
        if problem:
            raise StoreError(f"warehouse: {self.live.name} {problem}.")
        return str(found[0]) if found else None

    def _remove_private_files_but(self, name: str | None) -> None:
        for path in self.live.parent.iterdir():
            if path.name.startswith(f"{self.live.name}.private-") and path.name != name:
                path.unlink()


class DuckDBCandidate:
    """A new warehouse file in the making."""

    def __init__(self, warehouse: DuckDBWarehouse, work: Path, run_id: str) -> None:
        self.warnings: list[str] = []
        self._warehouse, self._work = warehouse, work
        self._file = work / "candidate.duckdb"
        self._private = work / f"{warehouse.live.name}.private-{run_id}"
        self._limits = {"memory_limit": MEMORY_LIMIT, "threads": str(THREADS), "temp_directory": str(work / "spill")}
        self._connection = duckdb.connect(
            str(self._file),
            config=self._limits,
        )
        self._connection.execute("set enable_progress_bar = false")  # it would be drawn on stdout
        self._connection.execute(f"attach {literal(str(self._private))} as private")
        for schema in (ANALYTICS, "marts", "sluis_meta", "private.sluis_quarantine"):
            self._connection.execute(f"create schema {schema}")

    def stage(
        self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch], rows: int, key: str, comments: Comments
    ) -> None:
        target, has_tokens = f'{ANALYTICS}."{table}"', schema.field(key).type == pa.uuid()
        if has_tokens:
            batches = in_token_order(batches, schema, key, rows, self._work)
        with self._reading(schema.empty_table()) as connection:
            connection.execute(f"create table {target} as from staged")
        for some in in_tables(batches, ROWS_AN_INSERT):
            with self._reading(some) as connection:
                connection.execute(f"insert into {target} from staged")
        with self._connection.cursor() as connection:
            if not has_tokens:
                connection.execute(f'create or replace table {target} as from {target} order by "{key}"')
            _comment(connection, table, comments)

    def stage_groups(self, table: str, batches: pa.RecordBatchReader, derived: Derived, comments: Comments) -> Grouped:
        key, published = f'"{derived.one_row_per}"', f"{FATE} = {Fate.PUBLISHED:d}"
        with self._reading(batches) as connection:
            connection.execute(f"create temp table grouping as from staged where {key} is not null")
            names = [c[0] for c in connection.execute("select * from grouping limit 0").description]
            least = [f'min("{n}") as "{n}"' for n in names if n not in (derived.one_row_per, EXPIRES_ON, FATE, REASON)]
            columns = ", ".join([key, *least, f"max({EXPIRES_ON}) as {EXPIRES_ON}"])
            connection.execute(
                f'create table {ANALYTICS}."{table}" as '
                f"select {columns} from grouping where {published} group by {key} order by {key}"
            )
            connection.execute(
                f"create temp table fates as select {key}, "
                f"if(bool_or({published}), {Fate.PUBLISHED:d}, min({FATE})) as fate, "
                f"min({REASON}) filter ({FATE} = {Fate.QUARANTINED:d}) as reason from grouping group by {key}"
            )
            fates = connection.execute("select fate, count(*) from fates group by fate").fetchall()
            quarantined = f"from fates where fate = {Fate.QUARANTINED:d}"
            reasons = connection.execute(f"select reason, count(*) {quarantined} group by reason").fetchall()
            set_aside = f"select * exclude ({FATE}) from grouping where {key} in (select {key} {quarantined})"
            connection.execute(f'create table private.sluis_quarantine."{table}" as {set_aside}')
            connection.execute("drop table grouping; drop table fates")
            _comment(connection, table, comments)
        return Grouped(dict(fates), dict(reasons))

    def quarantine(self, table: str, rows: pa.Table) -> None:
        with self._reading(rows) as connection:
            connection.execute(f'create table private.sluis_quarantine."{table}" as from staged')

    def seal(self, record: RunRecord) -> None:
        self._connection.execute(
            "create table sluis_meta.run as select ? as run_id, ? as policy_version, ? as policy_digest, "
            "?::date as as_of, now() as sealed_at, ? as key_fingerprint, ? as private_file, 'pseudonymised' as status",
            [
                record.run_id,
                record.policy_version,
                record.policy_digest,
                record.as_of,
                record.key_fingerprint,
                self._private.name,
            ],
        )
        self._connection.execute("checkpoint; checkpoint private")
        self.close()

    def readable(self) -> sa.URL:
        return read_only(self._file, self._limits | {"threads": str(READERS)})

    def publish(self) -> None:
        if self._warehouse.swap_in(self._file, self._private):
            self.warnings.append(STALE_LOG.format(self._warehouse.live.name))

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


def _comment(connection: duckdb.DuckDBPyConnection, table: str, comments: Comments) -> None:
    connection.execute(f'comment on table {ANALYTICS}."{table}" is {literal(comments.table)}')
    for column, text in comments.columns.items():
        connection.execute(f'comment on column {ANALYTICS}."{table}"."{column}" is {literal(text)}')
