"""Functions that policies of the tests name: some do what they owe, others each fail in their own way."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd

NOT_CALLABLE = "shorten"


def shorten(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    """Leave the first three letters."""
    return column.str.slice(0, 3)


def with_country(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    """Put the country in front."""
    return beside["country"].fillna("?") + " " + column


def length(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return column.str.len()


def year(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return column.dt.year


def half(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return column / 2


def as_objects(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return pd.Series([None if pd.isna(value) else str(value) for value in column], dtype=object)


def as_dates(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return pd.Series([None if pd.isna(value) else datetime.date(2000, 1, 1) for value in column], dtype=object)


def as_decimals(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return pd.Series([None if pd.isna(value) else Decimal("1.234") for value in column], dtype=object)


def one_argument(column: pd.Series) -> pd.Series:
    return column


def too_short(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return column.iloc[1:]


def a_list(column: pd.Series, beside: pd.DataFrame) -> list[object]:
    return column.to_list()


def sorted_by_value(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return column.sort_values(ascending=False)


def all_missing(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return column.where(column.isna(), None)


def none_missing(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return column.fillna("?")


def mixed(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return pd.Series([index if index % 2 else "canary" for index in range(len(column))], dtype=object)


def raising(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    raise KeyError(f"no entry for {column.iloc[0]}")


def raising_deeper(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return raising(column, beside)


def leaving(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    raise SystemExit(f"{column.iloc[0]}")


class Unusual(BaseException):
    """Neither an exception as most are, nor the end of the process."""


def raising_unusually(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    raise Unusual(f"no entry for {column.iloc[0]}")


def raising_what_a_value_names(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    raise type(str(column.iloc[0]), (LookupError,), {})


def too_large(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return pd.Series([None if pd.isna(value) else 2**70 for value in column], dtype=object)


def numbered(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    """Depend on the place in the batch, which the last rows give away."""
    return pd.Series(np.arange(len(column))).where(column.notna().to_numpy())


def left_over(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    """Depend on the place in the batch, which the first rows give away."""
    return pd.Series(np.arange(len(column))[::-1])


def ranked(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    """Depend on the other rows."""
    return column.rank(method="dense").astype("int64[pyarrow]")


def random(column: pd.Series, beside: pd.DataFrame) -> pd.Series:
    return pd.Series(np.random.default_rng().integers(0, 2**60, len(column)))
