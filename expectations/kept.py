"""A promise as an expectation of Great Expectations. Imported late, as it brings Great Expectations with it.

Its own expectations ask the database several times each. Ours stands on one metric, an SQL aggregate; and aggregates of
one table Great Expectations gathers into one query.
"""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy as sa
from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations import UnexpectedRowsExpectation
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider


class Breaks(TableMetricProvider):
    """How many rows of a table break a promise."""

    metric_name = "table.breaks"
    value_keys = ("measure",)

    @metric_partial(
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,  # noqa: N805 (Great Expectations makes a class method of it)
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> tuple[sa.ColumnElement[int], dict[str, Any], dict[str, Any]]:
        return sa.literal_column(metric_value_kwargs["measure"]), metric_domain_kwargs, {}


class _Unchanging(BatchExpectation):
    """An expectation that works its configuration out once; Great Expectations asks for it twenty times."""

    _configuration: ExpectationConfiguration | None = PrivateAttr(default=None)

    @property
    def configuration(self) -> ExpectationConfiguration:
        if self._configuration is None:
            self._configuration = super().configuration
        return self._configuration


class ExpectKept(_Unchanging):
    """Expect an aggregate, which counts what breaks a promise, to be 0."""

    measure: str

    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.breaks",)
    success_keys: ClassVar[tuple[str, ...]] = ("measure",)
    args_keys: ClassVar[tuple[str, ...]] = ("measure",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        rows = int(metrics["table.breaks"])
        return {"success": not rows, "result": {"rows": rows}}


class ExpectNoValueDrift(_Unchanging, UnexpectedRowsExpectation):
    """Expect a query that gives a kind of value and its number of rows, for each kind that was found, to give nothing.

    What it found is told in the result's `found`. That quotes no value; and the query, being the costly one, runs once.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        found = {row["kind"]: int(row["rows"]) for row in metrics["unexpected_rows_query.table"]}
        return {"success": not found, "result": {"found": found}}
