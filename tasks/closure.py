"""Which rows an incremental run treats: those that changed, and those that come out differently because of them.

Tables are gone through parents first. Where what is to be treated could only be guessed at, the run is to be a full one
(FullRunNeededError). Nothing is treated or written here.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy.column_types import ColumnType
from privacy.content import KeySet
from privacy.decided import Decided, Decider, stored, together
from privacy.declared import force_types
from privacy.incremental_rules import decided_wholly
from privacy.key_index import Mask
from privacy.policy import Column, Policy, Table
from stores.source import Reading, Schema
from stores.warehouse.changes import Changes
from tasks.change_stamp import change_stamp
from tasks.extraction import Extraction

TOO_MANY = "more rows changed than incremental.at_most allows"


class FullRunNeededError(Exception):
    """Why a run has to be a full one, in words without a value."""


@dataclass(frozen=True)
class Changed:
    """What is to become of one table."""

    seen: pa.Array = field(repr=False)
    """The keys, as the source has them, of rows that are to be treated."""
    leaving: pa.Array = field(repr=False)
    """The published keys of these, and of rows that are no longer in the source."""
    keys: KeySet
    """Of the whole table, as the source has it now."""


@dataclass
class Closure:
    """The changes of all tables, being found."""

    extraction: Extraction
    changes: Changes
    schema: Schema
    since: datetime.datetime
    """From when on rows may have been written that the last run did not see."""
    read_at: datetime.datetime
    """When it read the source: what lay ahead then may not any more."""
    before: Mapping[str, KeySet]
    """The keys of each table then."""
    at_most: int
    """How many rows may be seen."""
    found: dict[str, Changed] = field(default_factory=dict)
    _decided: dict[str, Decided] = field(default_factory=dict)
    _known: dict[str, pa.Array] = field(default_factory=dict)
    """The keys of each table that were looked for, whether there is such a row or not."""
    _moved: dict[str, pa.Array] = field(default_factory=dict)
    """The keys of rows whose children may come out differently."""
    _orphaned: defaultdict[str, list[pa.Array]] = field(default_factory=lambda: defaultdict(list))
    """The published keys of rows that referred to a row that is gone."""

    def find(self) -> Mapping[str, Changed]:
        """Go through all tables; FullRunNeededError says why that cannot be done."""
        self._whole = decided_wholly(self.policy)
        for name, table in self.policy.in_order():
            if not table.derived:
                self.found[name] = self._find(name, table)
                if sum(len(found.seen) for found in self.found.values()) > self.at_most:
                    raise FullRunNeededError(TOO_MANY)
        return self.found

    @property
    def policy(self) -> Policy:
        """Give the policy that is executed."""
        return self.extraction.world.policy

    def _find(self, name: str, table: Table) -> Changed:
        changed = self._changed(name, table)
        sought = _joined([changed, *self._of_moved_parents(name, table), *self._of_parents_gone(name, table)])
        if len(sought) > self.at_most:
            raise FullRunNeededError(TOO_MANY)
        decided = self._decide_all(name) if name in self._whole else self._decide(name, sought)
        if sought.null_count or decided.keys.null_count or not _among(sought, decided.keys).all():
            raise FullRunNeededError(f"{name}: rows whose key is missing, or reads otherwise, cannot be found again")
        self._know(name, decided, sought)
        known, alike = decided.found_in(
            self.changes.outcomes(table.publish_as, None if name in self._whole else decided.published)
        )
        of_sought = _among(decided.keys, sought)
        moved = ~alike & (known | ~decided.hidden | of_sought)
        self._moved[name] = decided.keys.filter(pa.array(moved))
        fresh = _among(decided.keys, changed) & ~known
        keys, gone = self._reconcile(name, table, decided, fresh)
        self._tell_children(name, gone)
        seen = pa.array(moved | of_sought)
        leaving = _joined([decided.published.filter(seen), gone])
        return Changed(decided.keys.filter(seen).unique(), leaving, keys)

    # ── what may have changed ─────────────────────────────────────────────────────────────────────────────────────

    def _changed(self, name: str, table: Table) -> pa.Array:
        """Give the keys of rows that were written since, or that held a date which lay ahead then."""
        stamp = change_stamp(self.policy, self.schema, name)
        if stamp is None:
            raise FullRunNeededError(f"{name}.{self.policy.changed(name)} holds no moments, by its type in the source")
        made_of_it = [of for of in self.policy.tables.values() if of.derived and of.derived.source == name]
        dates = {source: kind for of in (table, *made_of_it) for source, kind in _dates(of)}
        ahead = tuple((source, kind, self.read_at) for source, kind in dates.items())
        return self._keys(name, table, since=(*stamp, self.since), ahead=ahead)

    def _of_moved_parents(self, name: str, table: Table) -> Iterator[pa.Array]:
        for column, spec in _links(self.policy, table):
            if len(moved := self._moved[str(spec.references)]):
                yield self._keys(name, table, among=(table.source_of(column), moved))

    def _of_parents_gone(self, name: str, table: Table) -> Iterator[pa.Array]:
        if orphaned := self._orphaned.pop(name, []):
            keys = self._keys(name, table)
            yield keys.filter(pa.array(_among(Decider(name, self.extraction.world).published_keys(keys), *orphaned)))

    # ── what becomes of it ────────────────────────────────────────────────────────────────────────────────────────

    def _decide_all(self, name: str) -> Decided:
        self.extraction.note_events(name)
        decider = Decider(name, self.extraction.world)
        batches = self.extraction.raw(Reading(name, decider.read), "changes")
        return together([decider.nothing, *(decider.decide(*decider.typed(batch)) for batch in batches)])

    def _decide(self, name: str, keys: pa.Array) -> Decided:
        """Decide some rows of a table, once those that they refer to are decided."""
        table, decider = self.policy.tables[name], Decider(name, self.extraction.world)
        reading = Reading(name, decider.read, among=(self.policy.source_key(name), keys))
        typed = [decider.typed(batch) for batch in self.extraction.raw(reading, "changes")]
        for column, spec in _links(self.policy, table):
            self._decide_parents(str(spec.references), [columns[table.source_of(column)] for columns, _ in typed])
        return together([decider.nothing, *(decider.decide(*batch) for batch in typed)])

    def _decide_parents(self, name: str, referred: Iterable[pa.Array]) -> None:
        keys = _joined([self._known[name].slice(0, 0), *referred]).drop_null()
        missing = keys.filter(pa.array(~_among(keys, self._known[name])))
        if name not in self._whole and len(missing):
            self._know(name, together([self._decided[name], self._decide(name, missing)]), missing)

    def _know(self, name: str, decided: Decided, sought: pa.Array) -> None:
        self._decided[name] = decided
        self._known[name] = _joined([sought, self._known.get(name, sought)])
        self.extraction.world.indexes[name] = decided.index()

    # ── what is gone ──────────────────────────────────────────────────────────────────────────────────────────────

    def _reconcile(self, name: str, table: Table, decided: Decided, fresh: Mask) -> tuple[KeySet, pa.Array]:
        """Give all the table's keys as one sum, and the published keys of rows that are no longer in the source.

        As many rows as before and the new ones: none is gone. Else rows that are not published may have changed as
        well, and look new; the sum of all keys shows whether it is just that.
        """
        before = self.before[name]
        came, shown = self._set_of(decided, fresh), self._set_of(decided, fresh & ~decided.hidden)
        whole, none = name in self._whole, decided.published.slice(0, 0)
        if not whole and self.extraction.count(name) == before.rows + came.rows:
            return before.with_more(came), none
        raw = decided.keys if whole else self._keys(name, table)
        keys = KeySet.of(raw, self._secret)
        if keys in (before.with_more(came), before.with_more(shown)):
            return keys, none
        published = decided.published if whole else Decider(name, self.extraction.world).published_keys(raw)
        there = self.changes.keys(table.publish_as)
        if there.null_count:
            raise FullRunNeededError(f"{name}: rows without a key are set aside, and cannot be told from each other")
        gone = there.filter(pa.array(~_among(there, published)))
        unaccounted = before.rows + came.rows - keys.rows - len(gone)
        if unaccounted < 0:
            raise FullRunNeededError(f"{name}: rows came of which nothing tells when")
        # what refers to a row that was not published has lost the reference, so that the warehouse cannot tell it
        aside = len(gone) and pc.any(self.changes.outcomes(table.publish_as, gone)["set_aside"]).as_py()
        if (unaccounted or aside) and self._is_referred_to(name):
            raise FullRunNeededError(f"{name}: rows are gone, or changed, of which the warehouse knows nothing")
        return keys, gone

    def _tell_children(self, name: str, gone: pa.Array) -> None:
        for child, table in self.policy.tables.items() if len(gone) else ():
            for column, spec in _links(self.policy, table):
                if spec.references == name and len(keys := self.changes.referring(table.publish_as, column, gone)):
                    self._orphaned[child].append(keys)

    def _is_referred_to(self, name: str) -> bool:
        tables = self.policy.tables.values()
        return any(spec.references == name for table in tables for _, spec in _links(self.policy, table))

    def _set_of(self, decided: Decided, rows: Mask) -> KeySet:
        return KeySet.of(decided.keys.filter(pa.array(rows)), self._secret)

    @property
    def _secret(self) -> bytes:
        return self.extraction.world.keys.content_key()

    def _keys(self, name: str, table: Table, **narrowed: object) -> pa.Array:
        """Read the keys of some rows of a table, or of all."""
        key = self.policy.source_key(name)
        reading = Reading(name, {key: table.key_type}, **narrowed)  # type: ignore[arg-type]
        kind = table.key_type.arrow(self.policy.time_zone)
        batches = self.extraction.raw(reading, "keys")
        typed = (force_types(batch, dict(reading.columns), self.policy.time_zone)[0] for batch in batches)
        return pa.concat_arrays([pa.array([], kind), *(columns[key] for columns in typed)])


def _links(policy: Policy, table: Table) -> Iterator[tuple[str, Column]]:
    """Give the columns by which what becomes of a row depends on another table's."""
    for name, column in table.columns.items():
        if column.references and column.extracted and not (table.derived or policy.tables[column.references].derived):
            yield name, column


def _dates(table: Table) -> Iterator[tuple[str, ColumnType]]:
    """Give the source columns in which a date that lies ahead makes a difference until it has come."""
    for name, column in table.columns.items():
        matters = name == table.subject.happened or (column.extracted and column.future != "allow")
        if matters and column.type.name in ("date", "timestamp"):
            yield table.source_of(name), column.type


def _among(values: pa.Array, *sets: pa.Array) -> Mask:
    """Tell which values are in any of the sets."""
    found = np.zeros(len(values), np.bool_)
    for some in sets:
        found |= pc.is_in(stored(values), value_set=stored(some)).to_numpy(zero_copy_only=False)
    return found


def _joined(parts: Iterable[pa.Array]) -> pa.Array:
    """Join keys, each once; there is one part at least."""
    joined = pa.concat_arrays(list(parts))
    once = stored(joined).unique()
    return pa.ExtensionArray.from_storage(joined.type, once) if isinstance(joined, pa.ExtensionArray) else once
