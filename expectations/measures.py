"""Each promise as one SQL aggregate over the candidate's table: how many rows break it, or 1 for a fact.

All aggregates of a table are worked out by one query.
"""

from __future__ import annotations

from typing import assert_never

from expectations.candidate import Owed
from expectations.dialect import Dialect
from expectations.marts import mart_measure
from privacy.identifiers import SHAPES
from privacy.mart_promises import (
    CountedWithin,
    MinimumCell,
    MonthsClosed,
    NoneWithheldAlone,
    OneRowPerCell,
    Withheld,
)
from privacy.promises import (
    Between,
    InValues,
    IsNull,
    IsToken,
    Matches,
    MaxNullRate,
    MultipleOf,
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
    UniqueKey,
    WithinQuarantine,
)
from stores.quoting import literal


def measure_of(owed: Owed, table: str, schema: str, sql: Dialect) -> str:
    """Give the aggregate that is 0 where the promise is kept."""
    column, promise, rows = f'"{owed.column}"', owed.promise, f'{schema}."{table}"'
    match promise:
        case IsNull():
            return f"count({column})"
        case NotNull():
            return f"count(*) - count({column})"
        case Unique():
            return _over_values(column, rows, "times > 1")
        case UniqueKey():
            before = f"select {column} as value, lag({column}) over ({sql.stored_order}) as before from {rows}"
            return alone(f"(select count(*) from ({before}) as pairs where value <= before)")
        case InValues():
            return _rows(f"{column} not in ({', '.join(map(literal, promise.values))})")
        case Between():
            least = f"{column} < {promise.least}" if promise.least is not None else "false"
            most = f"{column} > {promise.most}" if promise.most is not None else "false"
            return _rows(f"{least} or {most}")
        case IsToken():
            return _rows(f"{column} is not null and not {sql.is_token(column)}")
        case Matches():
            return _over_values(column, rows, f"not {sql.is_whole('value', promise.pattern)}")
        case NoRawIdentifier():
            return _over_values(column, rows, sql.holds_any("value", SHAPES))
        case MultipleOf():
            return _rows(f"{column} % {promise.step:f} <> 0")
        case PeriodStart():
            return _rows(f"{column} <> date_trunc('{promise.period}', {column})")
        case NothingExpired():
            return _rows(f"{column} <= date '{promise.as_of.isoformat()}'")
        case ReferenceHolds():
            found = (
                f'select 1 from {schema}."{promise.table}" as target where target."{promise.key}" = referring.{column}'
            )
            return f"count({column}) - (select count(*) from {rows} as referring where exists ({found}))"
        case MaxNullRate():
            return _fact(f"count(*) - count({column}) > {promise.share} * count(*)")
        case NullCount():
            return _fact(f"count(*) - count({column}) <> {promise.nulls}")
        case SumEquals():
            return _fact(f"coalesce(sum({column}), 0) <> {promise.total}")
        case SumWithin(total=total, most=most, of=of):
            number = column if of == "numbers" else f"({column} - date '1970-01-01')"
            return _fact(f"abs(coalesce(sum({number}), 0) - {total}) > {most}")
        case RowCount():
            return f"abs(count(*) - {promise.rows})"
        case NotEmpty():
            return _fact("count(*) = 0")
        case NoneAsRead():
            return _fact(f"{promise.rows} > 0")
        case WithinQuarantine():
            return _fact(f"{promise.rows} > {promise.allowed}")
        case Reconciles():
            return _fact(f"{promise.read} <> {promise.counted}")
        case MonthsClosed() | MinimumCell() | Withheld() | NoneWithheldAlone() | OneRowPerCell() | CountedWithin():
            return mart_measure(promise, column, rows)
        case NoValueDrift():
            raise AssertionError("it has a query of its own (expectations/drift_query.py)")
        case _:
            assert_never(promise)


def _rows(condition: str) -> str:
    return f"count(*) filter (where {condition})"


def _over_values(column: str, rows: str, condition: str) -> str:
    """Count the rows whose value is of a kind that takes long to tell: each distinct value is looked at once.

    They are materialized, or PostgreSQL would apply the condition to the rows that it groups.
    """
    values = f"select cast({column} as varchar) as value, count(*) as times from {rows} where {column} is not null"
    profile = f"with profile as materialized ({values} group by 1)"
    return alone(f"({profile} select coalesce(sum(times), 0) from profile where {condition})")


def _fact(condition: str) -> str:
    """Give 1 for a fact that breaks a promise."""
    return alone(f"cast({condition} as integer)")


def alone(number: str) -> str:
    """Make an aggregate, of which a query gives one row, of a number in which no column of the table stands."""
    return f"{number} + 0 * count(*)"
