"""When published rows leave: counts by table and `_expires_on`."""

from __future__ import annotations

import datetime

from privacy.treat import EXPIRES_ON
from stores.quoting import identifier
from stores.warehouse import ANALYTICS
from stores.warehouse.catalogue import Ask, tables_with

RowsByExpiry = dict[str, dict[datetime.date | None, int]]
"""By published table, rows by the day on which they leave; None where no clock runs."""


def rows_by_expiry(ask: Ask) -> RowsByExpiry:
    """Count the rows of every published table by the day from which they must be absent."""
    return {name: dict(ask(_counts(name))) for name in tables_with(ask, ANALYTICS, EXPIRES_ON)}


def _counts(table: str) -> str:
    return f"select {EXPIRES_ON}, count(*) from {ANALYTICS}.{identifier(table)} group by 1"
