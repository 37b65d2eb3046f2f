"""Reading some rows of a table only: long lists of values in parts, and what stands where a moment is kept as text."""

from __future__ import annotations

import datetime
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.counting import added
from stores.quoting import identifier
from stores.source import ColumnKind, Reading, Totals
from stores.source_trouble import refuse_without_snapshot

T = TypeVar("T")

PART_VALUES = 10_000
PART_BYTES = 1 << 17
"""How many values are asked for by one statement, and about how many bytes of them: servers bound a statement."""

DATE_SHAPED = "____-__-__%"
"""What texts are like (SQL's LIKE) that begin with a date; others are no moments, and may mean any."""


class InParts(ABC):
    """A snapshot in which a reading that seeks many values is read part by part; its kinds tell how to read one."""

    without: Mapping[str, str] = MappingProxyType({})
    """Tables that the snapshot does not reach, and what stores them."""
    values_at_once = PART_VALUES

    @cached_property
    def _counted(self) -> dict[str, int]:
        """How many rows each table has, as far as that was asked: nothing in a snapshot changes."""
        return {}

    def totals(self, reading: Reading) -> Totals:
        if reading.whole and not reading.decimals and reading.table in self._counted:
            return Totals(self._counted[reading.table], {})
        totals = added_up(reading, map(self._totals, self._parts(reading)))
        if reading.whole:
            self._counted[reading.table] = totals.rows
        return totals

    def batches(self, reading: Reading, rows: int) -> Iterator[pa.RecordBatch]:
        for part in self._parts(reading):
            yield from self._batches(part, rows)

    def _parts(self, reading: Reading) -> Iterator[Reading]:
        refuse_without_snapshot(reading.table, self.without.get(reading.table))
        return in_parts(reading, self.values_at_once)

    @abstractmethod
    def _totals(self, reading: Reading) -> Totals: ...

    @abstractmethod
    def _batches(self, reading: Reading, rows: int) -> Iterator[pa.RecordBatch]: ...


def in_parts(reading: Reading, most: int = PART_VALUES) -> Iterator[Reading]:
    """Give a reading as readings of at most `most` of the values that are sought; as it is, where none are."""
    if reading.among is None:
        yield reading
        return
    column, values = reading.among
    distinct = pc.unique(values).drop_null()
    sizes = pc.fill_null(pc.binary_length(distinct), 0) if pa.types.is_string(distinct.type) else None
    before = np.zeros(len(distinct), np.int64) if sizes is None else np.cumsum(sizes.to_numpy(zero_copy_only=False))
    start = 0
    while start < len(distinct):
        room = int(np.searchsorted(before, before[start] + PART_BYTES, side="right"))
        end = min(start + most, max(start + 1, room))
        yield replace(reading, among=(column, distinct.slice(start, end - start)))
        start = end


def added_up(reading: Reading, totals: Iterable[Totals]) -> Totals:
    """Add up the totals of a reading's parts."""
    rows, sums = 0, dict.fromkeys(reading.decimals, Decimal(0))
    for part in totals:
        rows += part.rows
        sums = {name: added(total, part.sums[name]) for name, total in sums.items()}
    return Totals(rows, sums)


def changed(reading: Reading, on: Callable[[str, datetime.datetime], T], unsure: Callable[[str], T]) -> list[T]:
    """Give the conditions of which one must hold; none where all rows are read.

    on: that a column is not surely before a moment, and not NULL. unsure: that it is NULL, or no moment.
    """
    if reading.since is None:
        return []
    name, _, moment = reading.since
    return [on(name, moment), unsure(name), *(on(name, moment) for name, _, moment in reading.ahead)]


def changed_in_sql(
    reading: Reading,
    present: Mapping[str, ColumnKind],
    on: Callable[[str, ColumnKind, datetime.datetime], str],
    unsure: Callable[[str, ColumnKind], str],
) -> Iterator[str]:
    """Give these as one condition, where there are any: of columns in quotes, and what each is in the source."""
    on_column = lambda name, moment: on(identifier(name), present[name], moment)  # noqa: E731
    if conditions := changed(reading, on_column, lambda name: unsure(identifier(name), present[name])):
        yield f"({' or '.join(conditions)})"


def least_text(moment: datetime.datetime) -> str:
    """Give a text that none is less than which begins with the date of such a moment, by whichever clock."""
    return _a_day_before(moment).date().isoformat()


def least_by_any_clock(moment: datetime.datetime) -> datetime.datetime:
    """Give the earliest that a clock without offset can show at a moment; no clock is a day behind UTC."""
    return _a_day_before(moment).replace(tzinfo=None)


def _a_day_before(moment: datetime.datetime) -> datetime.datetime:
    floor = datetime.datetime.min.replace(tzinfo=datetime.UTC) + datetime.timedelta(days=1)
    return max(moment.astimezone(datetime.UTC), floor) - datetime.timedelta(days=1)
