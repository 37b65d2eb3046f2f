"""Marts in PostgreSQL: counted from the published schema or the staged one, and written as staged tables."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from privacy.marts import Cell, Months
from privacy.policy import Policy
from stores.warehouse import ANALYTICS, MARTS, Comments
from stores.warehouse.marts import freeze, rows_of
from stores.warehouse.postgresql_layout import META, RUN, STAGED
from stores.warehouse.postgresql_session import Session
from stores.warehouse.postgresql_tables import create, finish, tables_in


class PostgreSQLMarts:
    """The marts of a candidate in the making, by the session that holds the warehouse: nobody else publishes."""

    def __init__(self, holding: Session) -> None:
        self._session = holding

    def count_published(self, policy: Policy, done: Months, open_from: datetime.date, run_id: str) -> list[Cell]:
        """Count figures from the published tables, where they are what a run published."""
        if RUN not in tables_in(self._session, META):
            return []
        if self._session.rows(f"select run_id from {RUN}") != [(run_id,)]:
            return []
        return freeze(self._session, ANALYTICS, policy, done, open_from)

    def count_staged(self, policy: Policy, done: Months, open_from: datetime.date) -> list[Cell]:
        """Count figures from the tables that are staged."""
        return freeze(self._session, STAGED[ANALYTICS], policy, done, open_from)

    def write(self, policy: Policy, name: str, cells: Iterable[Cell], comments: Comments) -> None:
        """Write a mart."""
        rows = rows_of(policy, name, cells)
        table = create(self._session, STAGED[MARTS], name, rows.schema)
        self._session.append(STAGED[MARTS], name, rows)
        finish(self._session, table, comments)
