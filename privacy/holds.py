"""Legal holds of the shop's own table: its rows, read as text, become periods in which a record is held."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from privacy.key_index import Mask
from privacy.keys import SubjectKeys
from privacy.policy import Policy
from privacy.policy_rights import Holds
from privacy.records import Record, records_of, typed_keys


class Period(NamedTuple):
    """From its first day to its last, both included; without a last one until it is released."""

    first: datetime.date
    last: datetime.date | None

    def covers(self, day: datetime.date) -> bool:
        """Tell whether a day is within it."""
        return self.first <= day and (self.last is None or day <= self.last)


class SourceHold(NamedTuple):
    """A hold of the shop's own table."""

    matter: str
    record: Record
    period: Period | None
    """None where it cannot be read: what is known of such a hold stays as it is."""


def source_holds(
    policy: Policy,
    columns: Mapping[str, pa.Array],
    misfits: Mapping[str, Mask],
    root: SubjectKeys,
    unread: Counter[str],
) -> Iterator[SourceHold]:
    """Give the holds that rows of the shop's own table tell of; those that cannot be read are counted by reason."""
    table = policy.holds
    assert table
    records = _records(policy, table, columns, root)
    named = (columns[name].to_pylist() for name in (table.matter, table.table, table.held_from, table.held_until))
    nothing = np.zeros(len(records), np.bool_)
    unfit = misfits.get(table.held_from, nothing) | misfits.get(table.held_until, nothing)
    for row, (matter, name, first, last) in enumerate(zip(*named, strict=True)):
        record, period = records[row], _period(first, last, policy.time_zone)
        if (name or "").strip() not in held_tables(policy):
            unread["a table that the policy does not have"] += 1
        elif record is None:
            unread["no key of its table"] += 1
        elif not matter or not matter.strip():
            unread["no matter"] += 1
        elif isinstance(period, str) or unfit[row]:
            unread[period if isinstance(period, str) else _NO_DATE] += 1
            yield SourceHold(matter.strip(), record, None)
        else:
            yield SourceHold(matter.strip(), record, period)


def held_tables(policy: Policy) -> set[str]:
    """Name the source tables whose records can be held."""
    return {name for name, table in policy.tables.items() if not table.derived}


_NO_DATE = "a date that is none"


def _records(policy: Policy, table: Holds, columns: Mapping[str, pa.Array], root: SubjectKeys) -> list[Record | None]:
    """Give the record that each row names."""
    tables = [(name or "").strip() for name in columns[table.table].to_pylist()]
    found: list[Record | None] = [None] * len(tables)
    for name in held_tables(policy) & set(tables):
        rows = [row for row, named in enumerate(tables) if named == name]
        texts = columns[table.record].take(pa.array(rows)).cast(pa.string())
        keys = typed_keys(texts, policy.tables[name].key_type, policy.time_zone)
        for row, record in zip(rows, records_of(name, keys, root), strict=True):
            found[row] = record
    return found


def _period(first: str | None, last: str | None, time_zone: str) -> Period | str:
    """Read a period, or tell what is wrong with it. Without a beginning nobody knows whether a hold has begun."""
    begins, ends = _day(first, time_zone), _day(last, time_zone)
    if begins is None or (last and ends is None):
        return _NO_DATE
    return "an end before its beginning" if ends and ends < begins else Period(begins, ends)


def _day(text: str | None, time_zone: str) -> datetime.date | None:
    """Give the local date of a day or moment in ISO 8601."""
    try:
        moment = datetime.datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    try:
        return (moment.astimezone(ZoneInfo(time_zone)) if moment.tzinfo else moment).date()
    except OverflowError:  # year 1 or 9999, which stand for no limit
        return moment.date()
