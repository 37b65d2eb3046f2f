"""The check of value drift: one query per column, told kind by kind. Imported late, as it brings Great Expectations."""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.expectations import UnexpectedRowsExpectation


class ExpectNoValueDrift(UnexpectedRowsExpectation):
    """Expect a query that gives a kind of value and its number of rows, for each kind that was found, to give nothing.

    What it found is told in the result's `found`. That quotes no value; and the query, being the costly one, runs once.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        found = {row["kind"]: int(row["rows"]) for row in metrics["unexpected_rows_query.table"]}
        return {"success": not found, "result": {"found": found}}
