"""Each promise as one Great Expectations check: its own expectation where there is one, SQL where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from sqlalchemy.sql.compiler import BIND_PARAMS, BIND_PARAMS_ESC

from expectations.candidate import Owed
from expectations.drift_query import kinds_found
from privacy.identifiers import RAW_IDENTIFIER
from privacy.promises import (
    Between,
    InValues,
    IsNull,
    IsToken,
    Matches,
    MaxNullRate,
    NoneAsRead,
    NoRawIdentifier,
    NotEmpty,
    NothingExpired,
    NotNull,
    NoValueDrift,
    NullCount,
    PeriodStart,
    Reconciles,
    ReferenceHolds,
    RowCount,
    SumEquals,
    SumWithin,
    Unique,
    WithinQuarantine,
)
from stores.quoting import literal

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation


def expectation_of(owed: Owed, policy: str, schema: str) -> Expectation:
    """Build the check of a promise; its meta tells the place in the policy."""
    import great_expectations.expectations as gxe

    meta = {"policy": policy, "line": owed.line, "promise": owed.promise.kind}
    column, promise = owed.column, owed.promise
    match promise:
        case IsNull():
            return gxe.ExpectColumnValuesToBeNull(column=column, meta=meta)
        case NotNull():
            return gxe.ExpectColumnValuesToNotBeNull(column=column, meta=meta)
        case Unique():
            return gxe.ExpectColumnValuesToBeUnique(column=column, meta=meta)
        case InValues():
            return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(promise.values), meta=meta)
        case Between():
            return gxe.ExpectColumnValuesToBeBetween(
                column=column, min_value=promise.least, max_value=promise.most, meta=meta
            )
        case RowCount():
            return gxe.ExpectTableRowCountToEqual(value=promise.rows, meta=meta)
        case NoValueDrift():
            from expectations.drift_check import ExpectNoValueDrift

            before, behind = kinds_found(f'"{column}"', promise)
            return ExpectNoValueDrift(unexpected_rows_query=before + "{batch}" + _escaped(behind), meta=meta)
        case _:
            return gxe.UnexpectedRowsExpectation(unexpected_rows_query=_query(owed, schema), meta=meta)


def _query(owed: Owed, schema: str) -> str:
    """Give the SQL that selects a 1 for every row, or for the one fact, that breaks a promise."""
    column, promise = f'"{owed.column}"', owed.promise
    match promise:
        case IsToken():
            text = f"cast({column} as varchar)"
            wrong = f"typeof({column}) <> 'UUID' or {text}[15] <> '8' or {text}[20] not in ('8', '9', 'a', 'b')"
            return _rows(f"{column} is not null and ({wrong})")
        case Matches():
            return _rows(f"not regexp_full_match(cast({column} as varchar), {literal(promise.pattern)})")
        case PeriodStart():
            return _rows(f"{column} <> date_trunc('{promise.period}', {column})")
        case NoRawIdentifier():
            return _rows(f"regexp_matches({column}, {literal(RAW_IDENTIFIER)})")
        case NothingExpired():
            return _rows(f"{column} <= date '{promise.as_of.isoformat()}'")
        case ReferenceHolds():
            key = f'"{promise.key}"'
            keys = f'select {key} from {schema}."{promise.table}" where {key} is not null'
            return _rows(f"{column} is not null and {column} not in ({keys})")
        case MaxNullRate():
            return _fact(f"count(*) - count({column})", f"> {promise.share} * count(*)")
        case NullCount():
            return _fact(f"count(*) - count({column})", f"<> {promise.nulls}")
        case SumEquals():
            return _fact(f"coalesce(sum({column}), 0)", f"<> {promise.total}")
        case SumWithin(total=total, most=most, of=of):
            number = column if of == "numbers" else f"datediff('day', date '1970-01-01', {column})"
            return _fact(f"abs(coalesce(sum({number}), 0) - {total})", f"> {most}")
        case NotEmpty():
            return _fact("count(*)", "= 0")
        case NoneAsRead():
            return _fact(str(promise.rows), "> 0")
        case WithinQuarantine():
            return _fact(str(promise.rows), f"> {promise.allowed}")
        case Reconciles():
            return _fact(str(promise.read), f"<> {promise.counted}")
        case IsNull() | NotNull() | Unique() | InValues() | Between() | RowCount() | NoValueDrift():
            raise AssertionError("these have an expectation of their own")
        case _:
            assert_never(promise)


def _rows(condition: str) -> str:
    return "select 1 from {batch} where " + _escaped(condition)


def _fact(measure: str, breaks: str) -> str:
    """A fact of the whole table. An aggregate gives its one row for an empty table, too."""
    return "select 1 from (select count(*) from {batch} having " + _escaped(f"{measure} {breaks}") + ") as broken"


def _escaped(sql: str) -> str:
    """Keep braces from Great Expectations' templates, and from SQLAlchemy what it alone takes for a parameter.

    A colon of another kind must stay: of `[[:alnum:]` nothing is a parameter, and its backslash would not be taken off.
    """
    escaped = BIND_PARAMS_ESC.sub(r"\\\g<0>", sql.replace("{", "{{").replace("}", "}}"))
    return BIND_PARAMS.sub(r"\\\g<0>", escaped)
