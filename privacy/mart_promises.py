"""What must hold of a mart in the candidate, whether its figures were counted now or come from the ledger."""

from __future__ import annotations

import datetime
from typing import Literal

from privacy.promises import Promise


class MonthsClosed(Promise):
    """Every month is written by its first day, and was over before `open_from`."""

    kind: Literal["months_closed"] = "months_closed"
    open_from: datetime.date


class MinimumCell(Promise):
    """Every figure that is shown is of at least so many people."""

    kind: Literal["minimum_cell"] = "minimum_cell"
    people: int


class Withheld(Promise):
    """Where figures are withheld, all of these columns are empty, and nowhere else is one."""

    kind: Literal["withheld"] = "withheld"
    columns: tuple[str, ...]


class NoneWithheldAlone(Promise):
    """No month withholds exactly one of several cells: a total known from elsewhere would give it away."""

    kind: Literal["none_withheld_alone"] = "none_withheld_alone"


class OneRowPerCell(Promise):
    """No combination of these columns stands twice."""

    kind: Literal["one_row_per_cell"] = "one_row_per_cell"
    columns: tuple[str, ...]


class CountedWithin(Promise):
    """In months that this run counted from the candidate, the rows shown are no more than the table has."""

    kind: Literal["counted_within"] = "counted_within"
    months: tuple[datetime.date, ...]
    rows: int


MartPromise = MonthsClosed | MinimumCell | Withheld | NoneWithheldAlone | OneRowPerCell | CountedWithin
"""What a run must show of a mart, beside promises that tables make as well."""
