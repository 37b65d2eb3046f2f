"""Gate 1: check every promise on all rows of the candidate with Great Expectations, as SQL inside the warehouse.

Kept of a result: which promise, where, how many rows, the class of an exception. Great Expectations' own results quote
values (in `observed_value`, in exception messages), so none of them leaves this module.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from expectations.candidate import Owed, Suites
from expectations.checks import expectation_of
from privacy.evidence import CrashedCheck, FailedPromise, GateReport

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.data_context import EphemeralDataContext

COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


def check_candidate(
    readable: sa.URL, schema: str, suites: Suites, on_table: Callable[[str], None] = lambda table: None
) -> GateReport:
    """Check every table's promises; a check that crashes is told apart from one that fails, and blocks as well."""
    context = _context()
    passed, failed, crashed = 0, list[FailedPromise](), list[CrashedCheck]()
    with sa.create_engine(readable).connect():  # keeps the file open between the checks
        for table, owed in suites.items():
            on_table(table)
            for promise, result in zip(owed, _results(context, readable, schema, table, owed), strict=True):
                place = (promise.promise.kind, table, promise.column, promise.line)
                if result["success"]:
                    passed += 1
                elif exception := _exception_of(result):
                    crashed.append(CrashedCheck(*place, exception=exception))
                else:
                    failed.append(FailedPromise(*place, rows=_rows_of(result)))
    return GateReport(passed, tuple(failed), tuple(crashed))


def _context() -> EphemeralDataContext:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _results(
    context: EphemeralDataContext, readable: sa.URL, schema: str, table: str, owed: list[Owed]
) -> Iterator[ExpectationValidationResult]:
    """Run one table's suite; results come in the order of the promises."""
    import great_expectations as gx

    name = f"{table} {uuid.uuid4()}"
    source = context.data_sources.add_sql(name, connection_string=readable.render_as_string(hide_password=False))
    asset = source.add_table_asset(name, table_name=table, schema_name=schema)
    suite = context.suites.add(gx.ExpectationSuite(name=name))
    for index, promise in enumerate(owed):
        expectation = expectation_of(promise, f"{table}.{promise.column}", schema)
        suite.add_expectation(expectation.copy(update={"id": None, "meta": {**expectation.meta, "index": index}}))
    batch = asset.add_batch_definition_whole_table(name)
    validation = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    results = {r.expectation_config.meta["index"]: r for r in validation.run(result_format=COUNTS_ONLY).results}
    return (results[index] for index in range(len(owed)))


def _exception_of(result: ExpectationValidationResult) -> str | None:
    """Give the class of the exception that a check crashed with; None if it just failed."""
    info: dict[str, Any] = result.exception_info or {}
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, dict)]
    for entry in entries:
        if entry.get("raised_exception"):
            classes = re.findall(r"^([A-Za-z_][\w.]*(?:Error|Exception))\b", entry.get("exception_traceback") or "", re.M)
            return str(classes[-1]) if classes else "Exception"
    return None


def _rows_of(result: ExpectationValidationResult) -> int | None:
    """Give the number of rows that break a promise, where the check tells one."""
    rows = result.result.get("unexpected_count", result.result.get("observed_value"))
    return rows if isinstance(rows, int) else None
