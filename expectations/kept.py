"""A promise as an expectation of Great Expectations. Imported late, as it brings Great Expectations with it.

Its own expectations ask the database several times each, and it works out at length what to ask. Ours stand on one
metric, the answer to a statement of SQL; those of one table share a statement, and with it its answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies

Rows = list[sa.Row[Any]]

ANSWER = "query.answer"
"""The name of the metric."""

_asked: WeakKeyDictionary[SqlAlchemyExecutionEngine, dict[str, Future[Rows]]] = WeakKeyDictionary()


@contextmanager
def asking(
    engine: SqlAlchemyExecutionEngine, statements: Iterable[str], at_once: int
) -> Iterator[Mapping[str, Future[Rows]]]:
    """Send statements, some at a time, before Great Expectations, which goes for one after the other, wants to know."""
    with ThreadPoolExecutor(at_once) as pool:
        _asked[engine] = {sql: pool.submit(_ask, engine, sql) for sql in dict.fromkeys(statements)}
        yield _asked[engine]


def _ask(engine: SqlAlchemyExecutionEngine, asked: str) -> Rows:
    """Send a statement as it is: it has no parameters, so that neither SQLAlchemy nor a driver seeks any."""
    with engine.get_connection() as connection:
        return [*connection.exec_driver_sql(asked, execution_options={"no_parameters": True})]


class Answer(TableMetricProvider):
    """The rows that a statement gives."""

    metric_name = ANSWER
    domain_keys = ("batch_id",)
    value_keys = ("asked",)

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls,  # noqa: N805 (Great Expectations makes a class method of it)
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> Rows:
        return _asked[execution_engine][metric_value_kwargs["asked"]].result()


class _OfAnswer(BatchExpectation):
    """An expectation of an answer's rows.

    What it needs it says outright. Great Expectations would find out by making it anew some ten times.
    """

    asked: str
    place: int

    metric_dependencies: ClassVar[tuple[str, ...]] = (ANSWER,)
    success_keys: ClassVar[tuple[str, ...]] = ("asked", "place")

    _configuration: ExpectationConfiguration | None = PrivateAttr(default=None)

    @property
    def configuration(self) -> ExpectationConfiguration:
        if self._configuration is None:
            self._configuration = super().configuration
        return self._configuration

    def get_validation_dependencies(
        self, execution_engine: Any = None, runtime_configuration: dict[str, Any] | None = None
    ) -> ValidationDependencies:
        metric = MetricConfiguration(ANSWER, {"batch_id": self.batch_id}, {"asked": self.asked})
        return ValidationDependencies({ANSWER: metric}, {"result_format": "BASIC"})


class ExpectKept(_OfAnswer):
    """Expect a number in the one row of an answer, which counts what breaks a promise, to be 0."""

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        (row,) = metrics[ANSWER]
        rows = int(row[self.place])
        return {"success": not rows, "result": {"rows": rows}}


class ExpectNoValueDrift(_OfAnswer):
    """Expect an answer, each row of which tells of a place, a kind of value and a number of rows, not to name a place.

    What it found is told in the result's `found`. That quotes no value.
    """

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        found = {kind: int(rows) for place, kind, rows in metrics[ANSWER] if place == self.place}
        return {"success": not found, "result": {"found": found}}
