"""What no deletion in the source may touch: records under a hold, and rows of people whose data are restricted.

Both are told row by row, as masks; whatever cannot be read protects.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from privacy.column_types import ColumnType
from privacy.fates import Fate
from privacy.holds import Period, source_holds
from privacy.key_index import Mask
from privacy.keys import SubjectKeys
from privacy.policy import Table
from privacy.records import Mac, held_macs, under_hold
from privacy.subjects import subjects_of
from privacy.suppression import Suppression, Suppressions
from stores.ledger import Ledger
from stores.source import Reading, Schema
from tasks.extraction import Extraction
from tasks.held_back import held_back_by
from tasks.holds_intake import kinds_of_holds
from tasks.request_table import requests_asked

UNREAD = "holds that cannot be read, {}: {:,}; until they can, no row may be deleted"


@dataclass(frozen=True)
class Protection:
    """What is protected, ready to be matched with rows."""

    keys: SubjectKeys
    restricted: Suppressions
    """People whose data may not be used, nor deleted."""
    held: Mapping[str, Mapping[int, pa.Array]] = field(repr=False)
    """By source table and epoch, the MACs of records under a hold."""
    unread: Counter[str]
    """Holds that cannot be read, so that nobody can say which record each is on: every row counts as held."""

    @property
    def warnings(self) -> list[str]:
        """Tell of holds that cannot be read."""
        return [UNREAD.format(why, holds) for why, holds in sorted(self.unread.items())]

    def held_rows(self, table: str, keys: pa.Array) -> Mask:
        """Tell which rows are records under a hold."""
        if self.unread:
            return np.ones(len(keys), np.bool_)
        return under_hold(table, keys, self.held.get(table, {}), self.keys)

    def identifying(self, table: Table) -> dict[str, ColumnType]:
        """Name the source columns that must be read to find the restricted, with their types."""
        if not self.restricted.listed:
            return {}
        return {table.source_of(found.column): table.columns[found.column].type for found in table.subject.found_by}

    def restricted_rows(self, table: Table, columns: Mapping[str, pa.Array], rows: int) -> Mask:
        """Tell which rows are found, by columns of their own, to be of somebody whose data are restricted."""
        if not self.identifying(table):
            return np.zeros(rows, np.bool_)
        macs = {
            (identifies, epoch): column
            for epoch in sorted(self.restricted.epochs)
            for identifies, column in subjects_of(table, columns, self.keys, epoch).items()
        }
        mask: Mask = self.restricted.hold_back(macs, None, rows).fates == Fate.RESTRICTED
        return mask


def protection(extraction: Extraction, schema: Schema, ledger: Ledger, keys: SubjectKeys) -> Protection:
    """Find what is protected on the day of the clocks, on the real one, or between the two."""
    world, unread = extraction.world, Counter[str]()
    days = sorted({world.as_of, world.today})
    held = [*_in_ledger(ledger, days), *_in_source(extraction, schema, keys, days, unread)]
    restricted = [one for one in held_back_by(ledger.suppressions.live()) if one.kind == "restricted"]
    restricted += _asked_for(extraction, schema, keys)
    return Protection(keys, Suppressions.of(restricted), held_macs(held), unread)


def _in_ledger(ledger: Ledger, days: list[datetime.date]) -> Iterator[tuple[str, Mac]]:
    """Give the records that the ledger knows to be held, by command or from the shop's own table."""
    for day in days:
        for table, records in ledger.holds.active(day).items():
            yield from ((table, mac) for mac in records)


def _in_source(
    extraction: Extraction, schema: Schema, keys: SubjectKeys, days: list[datetime.date], unread: Counter[str]
) -> Iterator[tuple[str, Mac]]:
    """Give the records that the shop's own table holds by now, also those that no run has registered yet."""
    policy = extraction.world.policy
    if not policy.holds:
        return
    reading = Reading(policy.holds.source, kinds_of_holds(schema, policy.holds))
    for columns, misfits in extraction.look_closely(reading, "holds"):
        for hold in source_holds(policy, columns, misfits, keys, unread):
            if hold.period is None or _meets(hold.period, days):
                yield from ((hold.record.table, mac) for mac in hold.record.macs)


def _asked_for(extraction: Extraction, schema: Schema, keys: SubjectKeys) -> Iterator[Suppression]:
    """Give whose data the shop's own table of requests restricts by now, also those that no run has registered yet."""
    table = extraction.world.policy.requests.table
    if not table:
        return
    for asked in requests_asked(extraction, schema, table, keys, Counter[str]()):
        over = asked.state in (*table.ended, *table.no_effect)
        if asked.request.right == "restriction" and not over:
            for one in (identifier for person in asked.request.subjects for identifier in person):
                mac = bytes.fromhex(one.mac)
                yield Suppression("restricted", one.identifies, one.epoch, mac, mac, asked.request.received_at)


def _meets(period: Period, days: list[datetime.date]) -> bool:
    return period.first <= days[-1] and (period.last is None or period.last >= days[0])
