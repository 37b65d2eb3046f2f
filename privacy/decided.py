"""Rows that are decided and not treated: all that an incremental run must know of those around what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.declared import force_types
from privacy.fates import NO_CLOCK, Days, Fate, FateIndex, FateIndexBuilder, Fates
from privacy.key_index import Mask, is_null
from privacy.treat import EVERY_ROW, TableTreater
from privacy.treatments.base import arrow, series
from privacy.verdict import Columns, decide


@dataclass(frozen=True)
class Decided:
    """What was decided of rows, by their keys as the source has them and as they are published."""

    keys: pa.Array = field(repr=False)
    published: pa.Array = field(repr=False)
    fates: Fates
    expires: Days

    @property
    def hidden(self) -> Mask:
        """Tell which of them a warehouse knows nothing of: they are neither published nor set aside."""
        return self.fates < Fate.QUARANTINED

    def index(self) -> FateIndex:
        """Give them to those that refer to them."""
        shown = self.published.filter(pa.array(self.fates == Fate.PUBLISHED))
        index = FateIndexBuilder()
        index.add(self.keys, self.fates, self.expires, shown if shown.type == pa.uuid() else None)
        return index.build()

    def found_in(self, outcomes: pa.Table) -> tuple[Mask, Mask]:
        """Tell which of them are there at all, and which just as they are here.

        outcomes: `key`, `expires_on` and `set_aside` of rows that are published or set aside. A row that is there
        twice is never alike.
        """
        there = stored(outcomes["key"].combine_chunks())
        at = pc.index_in(stored(self.published), value_set=there, skip_nulls=True)
        known, line = ~is_null(at), at.fill_null(0).to_numpy(zero_copy_only=False)
        if not len(there):
            return known, known
        aside = outcomes["set_aside"].to_numpy()[line]
        expires = outcomes["expires_on"].cast(pa.int32()).fill_null(int(NO_CLOCK)).to_numpy()[line]
        shown = np.where(aside, self.fates == Fate.QUARANTINED, self.fates == Fate.PUBLISHED)
        counted = there.value_counts()
        twice = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
        once = ~pc.is_in(stored(self.published), value_set=twice).to_numpy(zero_copy_only=False)
        return known, known & once & shown & (self.expires == expires)


def together(parts: Sequence[Decided]) -> Decided:
    """Put parts of a table together, of which there is one at least."""
    return Decided(
        pa.concat_arrays([part.keys for part in parts]),
        pa.concat_arrays([part.published for part in parts]),
        np.concatenate([part.fates for part in parts]),
        np.concatenate([part.expires for part in parts]),
    )


def stored(keys: pa.Array) -> pa.Array:
    """Give published keys in a form that can be compared."""
    return keys.storage if isinstance(keys, pa.ExtensionArray) else keys


class Decider(TableTreater):
    """Decides the rows of a table; of their values it treats only the keys."""

    def typed(self, batch: pa.RecordBatch) -> tuple[Columns, Mapping[str, Mask]]:
        """Force a raw batch (the columns of `columns_read` in order, then the marks of misfits) into declared types."""
        return force_types(batch, self.read, self.world.policy.time_zone)

    def decide(self, columns: Columns, misfits: Mapping[str, Mask]) -> Decided:
        """Decide a batch as `typed` gave it."""
        verdict = decide(self.name, self.table, columns, misfits, self.world)
        raw = columns[self.table.source_of(self.table.primary_key)]
        published = self._of_new_people(self.table.primary_key, self.published_keys(raw), raw, verdict, EVERY_ROW)
        return Decided(raw, published, verdict.fates, verdict.expires)

    def published_keys(self, raw: pa.Array) -> pa.Array:
        """Give keys as they are published, where their people were never erased."""
        treatment = self.treatments[self.table.primary_key]
        return arrow(self._naming(self.table.primary_key, treatment.treat, series(raw), {}, self.world.keys))

    @property
    def nothing(self) -> Decided:
        """Give what is decided of no rows."""
        key = self.table.columns[self.table.primary_key]
        raw = pa.array([], key.type.arrow(self.world.policy.time_zone))
        return Decided(raw, self.published_keys(raw), np.empty(0, np.uint8), np.empty(0, np.int32))
