"""Each promise as one check of Great Expectations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.sql.compiler import BIND_PARAMS, BIND_PARAMS_ESC

from expectations.candidate import Owed
from expectations.changes import measure_of_changes
from expectations.dialect import Dialect
from expectations.drift_query import kinds_found
from expectations.measures import measure_of
from privacy.promises import NoValueDrift
from stores.warehouse import Readable

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation


def expectation_of(
    owed: Owed, index: int, table: str, schema: str, sql: Dialect, changes: Readable | None = None
) -> Expectation:
    """Build the check of a promise; its meta tells its place in the suite and in the policy."""
    from expectations.kept import ExpectKept, ExpectNoValueDrift

    promise = owed.promise
    meta = {"index": index, "promise": promise.kind, "policy": f"{table}.{owed.column}", "line": owed.line}
    if isinstance(promise, NoValueDrift):
        before, behind = kinds_found(f'"{owed.column}"', promise, sql)
        return ExpectNoValueDrift(unexpected_rows_query=before + "{batch}" + escaped(behind), meta=meta)
    measure = measure_of_changes(owed, table, changes, sql) if changes else measure_of(owed, table, schema, sql)
    return ExpectKept(measure=measure, meta=meta)


def escaped(sql: str) -> str:
    """Keep braces from Great Expectations' templates, and from SQLAlchemy what it alone takes for a parameter.

    A colon of another kind must stay: of `[[:alnum:]` nothing is a parameter, and its backslash would not be taken off.
    """
    escaped = BIND_PARAMS_ESC.sub(r"\\\g<0>", sql.replace("{", "{{").replace("}", "}}"))
    return BIND_PARAMS.sub(r"\\\g<0>", escaped)
