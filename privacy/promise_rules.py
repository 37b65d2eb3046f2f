"""Which promises can be made of a column at all: one that no check can read would stop every run."""

from __future__ import annotations

from typing import assert_never

import pyarrow as pa

from privacy.promises import (
    Between,
    ColumnPromise,
    InValues,
    IsNull,
    IsToken,
    Matches,
    MaxNullRate,
    MultipleOf,
    NoRawIdentifier,
    NotNull,
    PeriodStart,
    Unique,
)


def impossible(promise: ColumnPromise, published: pa.DataType) -> str | None:
    """Say why a promise cannot be kept, or not even be checked, of a column that is published as this type."""
    about = _about(promise)
    if about and about != _values_of(published):
        return f"{promise.kind} is about {about}, and the column is published as {_values_of(published)}"
    if isinstance(promise, Between) and not all(_within(published, bound) for bound in (promise.least, promise.most)):
        return "has a bound that the column's type cannot hold"
    if isinstance(promise, MultipleOf) and pa.types.is_floating(published):
        return "is about exact numbers, and the column is published as double"
    return None


def _about(promise: ColumnPromise) -> str | None:
    match promise:
        case InValues() | Matches() | NoRawIdentifier():
            return "text"
        case Between() | MultipleOf():
            return "numbers"
        case PeriodStart():
            return "dates"
        case IsToken() | NotNull() | IsNull() | Unique() | MaxNullRate():
            return None
        case _:
            assert_never(promise)


def _values_of(published: pa.DataType) -> str:
    if pa.types.is_string(published):
        return "text"
    if pa.types.is_date(published) or pa.types.is_timestamp(published):
        return "dates"
    if pa.types.is_boolean(published):
        return "yes or no"
    return "tokens" if published == pa.uuid() else "numbers"


def _within(published: pa.DataType, bound: int | float | None) -> bool:
    limit = 2**63 if pa.types.is_integer(published) else 10**38
    if pa.types.is_decimal(published):
        limit = 10 ** (published.precision - published.scale)
    return bound is None or abs(bound) < limit
