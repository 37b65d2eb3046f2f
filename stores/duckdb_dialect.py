"""SQLAlchemy on DuckDB for readers such as Great Expectations.

Great Expectations fetches results after it gave the connection back to the pool, when a DuckDB result is gone: here
every result is buffered as soon as the statement has run. The pool keeps nothing, so that the file is free afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb_sqlalchemy
import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy


class _BufferingContext(duckdb_sqlalchemy.DuckDBExecutionContext):
    def post_exec(self) -> None:
        super().post_exec()  # type: ignore[no-untyped-call]
        if self.cursor is not None and self.cursor.description:
            rows = self.cursor.fetchall()
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(self.cursor, initial_buffer=rows)


class ReadOnlyDuckDB(duckdb_sqlalchemy.Dialect):
    """DuckDB opened for reading, with results that outlive their connection and a pool that keeps none."""

    execution_ctx_cls = _BufferingContext
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, url: sa.URL) -> type[sa.Pool]:
        return sa.NullPool

    def connect(self, *args: Any, **kwargs: Any) -> Any:
        return super().connect(*args, **kwargs, read_only=True)


registry.register("duckdb.readonly", __name__, "ReadOnlyDuckDB")


def read_only(file: Path, options: Mapping[str, str]) -> sa.URL:
    """Give the URL under which a DuckDB file is read with some of DuckDB's own options."""
    return sa.URL.create("duckdb+readonly", database=str(file), query=dict(options))
