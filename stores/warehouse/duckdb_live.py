"""The live DuckDB file, and what stands beside it."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import sqlalchemy as sa

from privacy.errors import StoreError, UsageError
from stores.durable import sync
from stores.quoting import literal
from stores.settings import file_of
from stores.warehouse import Published
from stores.warehouse.catalogue import Ask
from stores.warehouse.expiries import RowsByExpiry, rows_by_expiry
from stores.warehouse.run_row import published_of

T = TypeVar("T")

WRITE_AHEAD = ("wal", "wal.checkpoint", "wal.recovery")
"""What DuckDB looks for beside a file when it opens it, and replays."""

LOOK = "look-"
"""Begins the suffix of folders in which the live file has a second name for as long as it is asked something."""

MEMORY_LIMIT = "72MB"
"""Grouping and reading spill beyond this, into the private folder, so that memory does not grow with the shop."""

THREADS = 1
"""Each further one holds rows in memory of its own."""

RUN_FIRST = "Run `sluis run` once; it builds the warehouse from the source."


def limits(folder: Path) -> dict[str, Any]:
    """Give the options under which DuckDB works within bounds; what it spills lies in a private folder."""
    return {"memory_limit": MEMORY_LIMIT, "threads": str(THREADS), "temp_directory": str(folder / "spill")}


def asking(connection: duckdb.DuckDBPyConnection) -> Ask:
    """Let a connection be asked."""
    return lambda query: connection.execute(query).fetchall()


class LiveFile:
    """The file that analysts read, by its name; it may not be there yet."""

    def __init__(self, url: sa.URL) -> None:
        self.live = file_of(url, "warehouse").absolute()
        if not self.live.parent.is_dir():
            raise UsageError(f"--warehouse: there is no folder {self.live.parent}; make it first.")
        if "?" in str(self.live):
            raise UsageError("--warehouse: DuckDB cannot write to a path with a question mark; name another.")

    def beside(self, suffix: str) -> Path:
        """Name a file beside the live one."""
        return self.live.with_name(f"{self.live.name}.{suffix}")

    def published(self) -> Published | None:
        """Read what the live file says of itself, None where there is none; StoreError if it is not ours."""
        return self._ask(_of_itself)

    def rows_by_expiry(self) -> RowsByExpiry | None:
        """Count the published rows by table and the day on which they leave, None where nothing is published."""
        return self._ask(lambda connection: rows_by_expiry(asking(connection)))

    def private_file(self) -> str | None:
        """Name the private file that belongs to the live one, None where there is no live one."""
        return self._ask(_private_file)

    @contextmanager
    def clear(self) -> Iterator[Path]:
        """Give a private folder beside the live file, after all that killed runs left is gone; it goes as well."""
        work = self.beside("work")
        for left in [work, *self.live.parent.glob(f"{_literally(self.live.name)}.{LOOK}*")]:
            shutil.rmtree(left, ignore_errors=True)
        work.mkdir(mode=0o700)
        try:
            self._remove_private_files_but(self.private_file())
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def swap_in(self, candidate: Path, private: Path) -> bool:
        """Make a sealed candidate the live file, and its private file the one it names; tell of a stale log."""
        private.chmod(0o600)
        private.rename(private := self.live.with_name(private.name))
        candidate.chmod(0o444)
        for path in (private, candidate, self.live.parent):
            sync(path)
        stale = self.remove_stale_log()
        candidate.replace(self.live)
        with contextlib.suppress(OSError):  # published is published; what is left to tidy, the next run tidies
            stale = self.remove_stale_log() or stale
            sync(self.live.parent)
            self._remove_private_files_but(private.name)
        return stale

    def remove_stale_log(self) -> bool:
        """Remove the write-ahead file of somebody who wrote to the old live file, before a new one would replay it."""
        logs = [log for log in map(self.beside, WRITE_AHEAD) if log.exists()]
        for log in logs:
            log.unlink()
        return bool(logs)

    @contextmanager
    def opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the live file, and its private file as `private`, for reading; StoreError where either is missing.

        Each under a second name, beside which no write-ahead file of anybody stands.
        """
        name = self.private_file()
        private = self.live.with_name(name) if name else None
        if private is None or not private.exists():
            raise StoreError(f"warehouse: nothing is published at {self.live} with its private file.\n  {RUN_FIRST}")
        with (
            self._second_names(self.live, private) as (live_alias, private_alias),
            duckdb.connect(str(live_alias), True, limits(live_alias.parent)) as connection,
        ):
            connection.execute(f"attach {literal(str(private_alias))} as private (read_only)")
            connection.execute("set enable_progress_bar = false; set arrow_lossless_conversion = true")
            yield connection

    def _ask(self, question: Callable[[duckdb.DuckDBPyConnection], T]) -> T | None:
        """Ask the live file, under a second name, beside which no write-ahead file of anybody stands."""
        if not self.live.exists():
            return None
        problem = ""
        with self._second_names(self.live) as (alias,):
            try:
                with duckdb.connect(str(alias), read_only=True) as connection:
                    return question(connection)
            except duckdb.IOException:
                problem = (
                    "is damaged, or opened for writing by another process.\n  Close that process, or move the file away"
                )
            except duckdb.CatalogException:
                problem = "is no warehouse of Sluis, and is not overwritten.\n  Name another file with --warehouse"
        raise StoreError(f"warehouse: {self.live.name} {problem}.")

    @contextmanager
    def _second_names(self, *files: Path) -> Iterator[list[Path]]:
        with tempfile.TemporaryDirectory(prefix=f"{self.live.name}.{LOOK}", dir=self.live.parent) as look:
            aliases = [Path(look) / f"{number}.duckdb" for number, _ in enumerate(files)]
            for alias, file in zip(aliases, files, strict=True):
                alias.hardlink_to(file)
            yield aliases

    def _remove_private_files_but(self, name: str | None) -> None:
        for path in self.live.parent.iterdir():
            if path.name.startswith(f"{self.live.name}.private-") and path.name != name:
                path.unlink()


def _private_file(connection: duckdb.DuckDBPyConnection) -> str | None:
    found = connection.execute("select private_file from sluis_meta.run").fetchone()
    return str(found[0]) if found else None


def _of_itself(connection: duckdb.DuckDBPyConnection) -> Published | None:
    run = connection.execute("select * from sluis_meta.run")
    names, values = [column[0] for column in run.description], run.fetchone()
    if not values:
        return None
    return published_of(names, values)


def _literally(name: str) -> str:
    """Quote a name for `glob`."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
