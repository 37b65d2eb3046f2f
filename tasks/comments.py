"""What analysts read beside a table and its columns."""

from __future__ import annotations

from privacy.policy import Table
from privacy.treat import EXPIRES_ON
from stores.warehouse import Comments


def comments_on(table: Table) -> Comments:
    """Say what analysts should know of a table and its columns: meaning, role, treatment."""
    columns = {
        name: f"{column.meaning or name} · {column.role.replace('_', ' ')} · {column.treatment.told()}"
        for name, column in table.columns.items()
    }
    columns[EXPIRES_ON] = "the run drops the row from this day (NULL: no clock runs)"
    return Comments(f"{table.meaning} · pseudonymised personal data, for {table.purpose}", columns)
