"""What analysts read beside a table and its columns."""

from __future__ import annotations

from privacy.mart_columns import follow
from privacy.policy import Policy, Table
from privacy.policy_marts import MONTH, PEOPLE, WITHHELD
from privacy.treat import EXPIRES_ON
from stores.warehouse import Comments


def comments_on(table: Table) -> Comments:
    """Say what analysts should know of a table and its columns: meaning, role, treatment."""
    columns = {
        name: f"{column.meaning or name} · {column.role.replace('_', ' ')} · {column.treatment.told()}"
        for name, column in table.columns.items()
    }
    columns[EXPIRES_ON] = "the run drops the row from this day (NULL: no clock runs)"
    personal = any(column.extracted and column.role != "non_personal" for column in table.columns.values())
    status = "pseudonymised personal data" if personal else "nothing personal, by the policy"
    return Comments(f"{table.meaning} · {status}, for {table.purpose}", columns)


def comments_on_mart(policy: Policy, name: str) -> Comments:
    """Say what analysts should know of a mart and its columns."""
    mart = policy.marts[name]
    cells = {cell: follow(policy, mart, path).column.meaning or cell for cell, path in mart.cells.items()}
    measures = {measure: spec.meaning for measure, spec in mart.measures.items()}
    few = f"fewer than {mart.minimum_cell} people, or of which one makes up more than {mart.most_of_one:.0%}"
    columns = {
        MONTH: "first day of the month",
        **cells,
        **measures,
        PEOPLE: f"how many people the figures are of: {mart.minimum_cell} at least",
        WITHHELD: "true: the figures are not shown, and empty",
    }
    return Comments(
        f"{mart.meaning} · anonymous statistics; frozen: months once over are never counted again; "
        f"minimum cell {mart.minimum_cell}: figures of {few}, are withheld",
        columns,
    )
