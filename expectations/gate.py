"""Gate 1: check every promise on all rows of the candidate with Great Expectations, as SQL inside the warehouse.

Kept of a result: which promise, where, how many rows, of which kind, the class of an exception. Great Expectations' own
results quote values (in `observed_value`, in exception messages), so none of them leaves this module.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from expectations.candidate import Owed, Suites
from expectations.checks import Asked, asked_of
from expectations.dialect import DIALECTS
from privacy.evidence import CrashedCheck, DriftedValues, FailedPromise, GateReport
from privacy.identifiers import Kind
from privacy.mart_promises import CountedWithin
from privacy.promises import (
    MaxNullRate,
    NoneAsRead,
    NotEmpty,
    NoValueDrift,
    NullCount,
    Reconciles,
    SumEquals,
    SumWithin,
    WithinQuarantine,
)
from stores.warehouse import Readable

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.data_context import EphemeralDataContext
    from great_expectations.datasource.fluent.interfaces import Batch


def check_candidate(
    readable: sa.URL,
    suites: Mapping[str, Suites],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    changes: Readable | None = None,
) -> GateReport:
    """Check every table's promises; a check that crashes is told apart from one that fails, and blocks as well.

    suites: by schema. on_progress is told how many tables are done, of how many. changes: where the schema holds the
    rows that come only.
    """
    sql = DIALECTS[readable.get_backend_name()]
    tables = asked_of(suites, sql, changes)
    passed, failed, crashed = 0, list[FailedPromise](), list[CrashedCheck]()
    with _batch(readable) as batch:
        for one, result in _results(batch, tables, sql.at_once, on_progress):
            owed = one.owed
            place = (owed.promise.kind, one.table, owed.column, owed.line)
            if result["success"]:
                passed += 1
            elif exception := _exception_of(result):
                crashed.append(CrashedCheck(*place, exception=exception))
            elif isinstance(owed.promise, NoValueDrift):
                failed += _drifted(owed, one.table, result.result["found"])
            else:
                failed.append(FailedPromise(*place, rows=_rows_of(owed, result)))
    return GateReport(passed, tuple(failed), tuple(crashed))


@contextmanager
def _batch(readable: sa.URL) -> Iterator[Batch]:
    """Give the candidate as one batch of Great Expectations'; its connections, of which it keeps some, end with it.

    One of ours keeps a file open between the checks. It is asked at the end whether the server is still there: a lost
    connection, which made checks crash, is no broken promise, and whoever lost it may try again.
    """
    url = readable.render_as_string(hide_password=False)
    source = _context().data_sources.add_sql(name="candidate", connection_string=url)
    with sa.create_engine(readable, poolclass=sa.NullPool).connect() as ours:
        try:
            asset = source.add_query_asset("tables", query="select 1 as candidate")  # each check names its own tables
            yield asset.add_batch_definition_whole_table("all").get_batch()
        finally:
            source.get_execution_engine().close()
            source.get_engine().dispose()
            ours.exec_driver_sql("select 1")


def _context() -> EphemeralDataContext:
    """Give a context in memory: no files, no progress bars, no log (it quotes values), no statistics sent away."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.datasource.fluent.interfaces import GxDatasourceWarning

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", category=GxDatasourceWarning)  # its own source for PostgreSQL adds nothing to SQL
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    # It would write itself out as YAML, into memory, each time it is told of a table: a fifth of the gate.
    context.variables.save = lambda: None  # type: ignore[method-assign]
    return context


def _results(
    batch: Batch, tables: Sequence[Sequence[Asked]], at_once: int, on_progress: Callable[[int, int], None]
) -> Iterator[tuple[Asked, ExpectationValidationResult]]:
    """Run the suites of all tables as one; each promise comes with its result."""
    from expectations.kept import asking

    engine = batch.datasource.get_execution_engine()
    asked = [one for table in tables for one in table]
    with asking(engine, [one.statement for one in asked], at_once) as answers:
        for done, table in enumerate(tables):
            on_progress(done, len(tables))
            wait(answers[one.statement] for one in table)
        on_progress(len(tables), len(tables))
        results = _validated(batch, asked)
    crashed = {one.statement for one, result in zip(asked, results, strict=True) if _exception_of(result)}
    if crashed:
        asked = [one.by_itself() if one.statement in crashed else one for one in asked]  # one takes others with it
        with asking(engine, [one.statement for one in asked], at_once):
            results = _validated(batch, asked)
    return zip(asked, results, strict=True)


def _validated(batch: Batch, asked: Sequence[Asked]) -> list[ExpectationValidationResult]:
    import great_expectations as gx

    checks = [one.expectation(index) for index, one in enumerate(asked)]
    outcome = batch.validate(gx.ExpectationSuite(name="promises", expectations=checks), result_format="BASIC")
    return sorted(outcome.results, key=_place_of)


def _drifted(promise: Owed, table: str, found: dict[Kind, int]) -> Iterator[DriftedValues]:
    assert promise.column, "values stand in a column"
    for kind, rows in found.items():
        yield DriftedValues(promise.promise.kind, table, promise.column, promise.line, rows, kind)


def _place_of(result: ExpectationValidationResult) -> int:
    assert result.expectation_config and result.expectation_config.meta
    place: int = result.expectation_config.meta["index"]
    return place


def _exception_of(result: ExpectationValidationResult) -> str | None:
    """Give the class of the exception that a check crashed with, as the driver raised it; None if it just failed."""
    info: dict[str, Any] = result.exception_info or {}
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, dict)]
    for entry in entries:
        if entry.get("raised_exception"):
            classes = re.findall(
                r"^([A-Za-z_][\w.]*(?:Error|Exception))\b", entry.get("exception_traceback") or "", re.M
            )
            return str(classes[0]) if classes else "Exception"
    return None


def _rows_of(owed: Owed, result: ExpectationValidationResult) -> int | None:
    """Give the number of rows that break a promise; None for a promise about a sum or a share."""
    match owed.promise:
        case WithinQuarantine(rows=rows) | NoneAsRead(rows=rows):
            return rows
        case Reconciles() | NullCount() | SumEquals() | SumWithin() | MaxNullRate() | NotEmpty() | CountedWithin():
            return None
        case _:
            return int(result.result["rows"])
