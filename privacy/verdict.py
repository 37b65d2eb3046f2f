"""Decide the fate of every row of a batch, and when it expires, before anything is treated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy.clocks import event_days
from privacy.fates import NO_CLOCK, Days, Fate, Fates, Linked
from privacy.key_index import Mask, Rows, is_null
from privacy.macs import MAC
from privacy.policy import Policy, Table
from privacy.policy_rights import Identifies
from privacy.records import under_hold
from privacy.retention import NO_EVENT, day_number, first_absent_month
from privacy.retention_rules import ClockOf, KeepAtMost, Unlimited, Via
from privacy.subjects import macs_of, others_named, subjects_of
from privacy.suppression import Held, happened_at
from privacy.world import World

Columns = Mapping[str, pa.Array]
"""Raw columns of a batch in their declared types, by source name."""


class Verdict:
    """The fates of a batch's rows: of several that apply to a row, the first in the order of `Fate` stands."""

    def __init__(self, rows: int) -> None:
        self.fates: Fates = np.full(rows, Fate.PUBLISHED, np.uint8)
        self.expires: Days = np.full(rows, NO_CLOCK, np.int32)
        self.reasons: list[str] = [""]
        self._reason: npt.NDArray[np.int16] = np.zeros(rows, np.int16)
        self.links: dict[str, Linked] = {}
        """For each reference column: what it refers to."""
        self.unlinked: dict[str, Fates] = {}
        """For each column that leads to no parent: the fate of the row, or of the person, that it refers to."""
        self.subjects: dict[Identifies, pa.Array] = {}
        """The MACs of each row's identifiers, by what they identify."""
        self.generations: pa.Array = pa.nulls(rows, MAC)
        """The erasure after which a row of somebody who came back happened."""
        self.held: Mask = np.zeros(rows, np.bool_)
        """Whether a row is under a legal hold, whatever its fate."""
        self.unstarted: Mask = np.zeros(rows, np.bool_)
        """Whether a row runs a clock of its own whose event has not happened."""

    def say(self, rows: Mask, fate: Fate, reason: str = "") -> None:
        """Give a fate to rows that no earlier one applies to."""
        applies = rows & (self.fates > fate)
        if applies.any():
            self.fates[applies] = fate
            self.reasons.append(reason)
            self._reason[applies] = len(self.reasons) - 1

    def share(self, fates: Fates, reason: str = "") -> None:
        """Give each row the fate in `fates`, where no earlier one applies."""
        for fate in np.flatnonzero(np.bincount(fates)).tolist():
            if fate < Fate.PUBLISHED:
                self.say(fates == fate, Fate(fate), reason)

    def reason_of(self, rows: Mask | Rows) -> pa.Array:
        """Give the reasons of some rows as text."""
        return pa.array(self.reasons, pa.string()).take(pa.array(self._reason[rows]))


def decide(name: str, table: Table, columns: Columns, misfits: Mapping[str, Mask], world: World) -> Verdict:
    """Decide a batch: who is suppressed, what has expired, what cannot be trusted."""
    rows = len(next(iter(columns.values())))
    verdict = Verdict(rows)
    _suppressed(table, columns, world, verdict)
    if table.objected_when_set:
        verdict.say(~is_null(columns[table.source_of(table.objected_when_set)]), Fate.OBJECTED)
    for column, mask in misfits.items():
        verdict.say(mask, Fate.QUARANTINED, f"{column}: not of its declared type")
    if not table.derived:
        key = table.source_of(table.primary_key)
        verdict.say(is_null(columns[key]), Fate.QUARANTINED, f"{key}: no key")
    _future(table, columns, world, verdict)
    _untreatable(table, columns, verdict)
    _references(table, columns, world, verdict)
    _others_named(table, columns, world, verdict)
    _clock(name, table, columns, world, verdict)
    _hold(name, table, columns, world, verdict)
    verdict.say(verdict.expires <= day_number(world.as_of), Fate.EXPIRED)
    return verdict


def _suppressed(table: Table, columns: Columns, world: World, verdict: Verdict) -> None:
    """Recognise whose rows these are, and hold back those of people who are not to be seen."""
    if world.subject_keys is None or not table.subject.found_by:
        return
    newest = world.subject_keys.newest
    verdict.subjects = subjects_of(table, columns, world.subject_keys, newest)
    macs = {(identifies, newest): column for identifies, column in verdict.subjects.items()}
    for epoch in world.suppressions.epochs - {newest}:
        older = subjects_of(table, columns, world.subject_keys, epoch)
        macs |= {(identifies, epoch): column for identifies, column in older.items()}
    happened = happened_at(table, columns, world.policy.time_zone, world.now)
    held = _held_back(macs, happened, verdict, world)
    verdict.share(held.fates)
    verdict.generations = held.generations


def _others_named(table: Table, columns: Columns, world: World, verdict: Verdict) -> None:
    """Find tokens of people who are held back, in rows of somebody else: they are emptied, whoever came back since."""
    keys = world.subject_keys
    if keys is None or not world.suppressions.epochs:
        return
    for name, identifies in others_named(world.policy, table).items():
        named = wanted(table, name, columns)
        epochs = world.suppressions.epochs | {keys.newest}
        macs = {(identifies, epoch): macs_of(named, identifies, keys.key(identifies, epoch)) for epoch in epochs}
        held = _held_back(macs, None, verdict, world)
        if (hidden := held.fates < Fate.PUBLISHED).any():
            verdict.unlinked[name] = np.where(hidden, held.fates, 0).astype(np.uint8)


def _held_back(
    macs: Mapping[tuple[Identifies, int], pa.Array], happened: pa.Array | None, verdict: Verdict, world: World
) -> Held:
    """Match people with those who are held back, and note who was met: nobody's tombstone ends before that."""
    newest = max(epoch for _, epoch in macs)
    held = world.suppressions.hold_back(macs, happened, len(verdict.fates))
    world.met.seen.update(held.seen)
    for met in held.met:
        if met.epoch != newest:
            anew = macs[met.identifies, newest].take(pa.array(met.rows))
            world.met.anew.update(
                (met.identifies, met.epoch, before, after)
                for before, after in zip(met.macs.to_pylist(), anew.to_pylist(), strict=True)
            )
    return held


def _future(table: Table, columns: Columns, world: World, verdict: Verdict) -> None:
    for name, column in table.columns.items():
        source = table.source_of(name)
        if column.future == "allow" or source not in columns or column.type.name not in ("date", "timestamp"):
            continue
        now = world.today if column.type.name == "date" else world.now
        later = pc.greater(columns[source], pa.scalar(now, columns[source].type))
        verdict.say(later.fill_null(False).to_numpy(zero_copy_only=False), Fate.QUARANTINED, f"{source}: in the future")


def _untreatable(table: Table, columns: Columns, verdict: Verdict) -> None:
    for name, column in table.columns.items():
        if not column.extracted:
            continue
        beside = {other: columns[table.source_of(other)] for other in column.treatment.needs()}
        for rows, reason in column.treatment.untreatable(wanted(table, name, columns), beside):
            mask = rows.fill_null(False).to_numpy(zero_copy_only=False)
            verdict.say(mask, Fate.QUARANTINED, f"{table.source_of(name)}: {reason}")


def wanted(table: Table, name: str, columns: Columns) -> pa.Array:
    """Give the values of a published column: those of its source, or only those `only_where_null` asks for."""
    column, value = table.columns[name], columns[table.source_of(name)]
    if not column.only_where_null:
        return value
    return pc.if_else(columns[table.source_of(column.only_where_null)].is_null(), value, pa.scalar(None, value.type))


def _references(table: Table, columns: Columns, world: World, verdict: Verdict) -> None:
    for name, column in table.columns.items():
        if not column.references or not column.extracted or world.policy.tables[column.references].derived:
            continue
        source = table.source_of(name)
        verdict.links[name] = world.indexes[column.references].look_up(columns[source])
        fates, expires, _ = verdict.links[name]
        verdict.say(
            fates == Fate.ORPHAN, Fate.QUARANTINED, f"{source}: the source has no such row in {column.references}"
        )
        if name == table.subject.via:
            verdict.share(np.where(fates <= Fate.OBJECTED, fates, Fate.PUBLISHED).astype(np.uint8))
        if name == table.via:
            verdict.share(fates, f"{source}: its row in {column.references} is in quarantine")
            verdict.say(is_null(columns[source]), Fate.QUARANTINED, f"{source}: no parent")
            verdict.expires = expires
        elif (hidden := fates < Fate.PUBLISHED).any():
            verdict.unlinked[name] = np.where(hidden, fates, 0).astype(np.uint8)


def _clock(name: str, table: Table, columns: Columns, world: World, verdict: Verdict) -> None:
    match table.retention:
        case Via() | Unlimited():
            pass
        case KeepAtMost() as rule:
            verdict.expires = _own_clock(
                name, table, rule, columns, world, verdict, np.ones(len(verdict.fates), np.bool_)
            )
        case ClockOf() as rule:
            verdict.expires = _linked_clock(name, table, rule, columns, world, verdict)


def _own_clock(
    name: str, table: Table, rule: KeepAtMost, columns: Columns, world: World, verdict: Verdict, rows: Mask
) -> Days:
    """Run the clock of `rule` on some rows; the others get NO_CLOCK."""
    key = columns[table.source_of(table.primary_key)]
    own = [event_days(table, event, columns, world.keys) for event in rule.own_events]
    others = [world.events[name, *event].look_up(key) for event in rule.other_events]
    events = np.where(rows, np.maximum.reduce(own + others), NO_EVENT).astype(np.int32)
    verdict.unstarted = rows & (events == NO_EVENT)
    if rule.while_unset == "quarantine":
        verdict.say(verdict.unstarted, Fate.QUARANTINED, f"{', '.join(rule.events)}: not set, so no clock can run")
    return first_absent_month(events, rule.keep_at_most)


def _hold(name: str, table: Table, columns: Columns, world: World, verdict: Verdict) -> None:
    """Recognise rows under a hold; where its table says so, their clock stands still, so that they stay.

    What it leads to and what is derived from it may have gone with the clock: it stays for its own sake only.
    """
    if name not in world.held or world.subject_keys is None:
        return
    verdict.held = under_hold(name, columns[table.source_of(table.primary_key)], world.held[name], world.subject_keys)
    if table.while_held == "stay":
        suspended = verdict.held & (verdict.fates > Fate.EXPIRED)
        over = suspended & (verdict.expires <= day_number(world.as_of))
        verdict.expires = np.where(suspended, NO_CLOCK, verdict.expires).astype(np.int32)
        for column in _derived_links(world.policy, table) if over.any() else ():
            leads = over & ~is_null(wanted(table, column, columns))
            verdict.unlinked[column] = np.where(leads, Fate.EXPIRED, 0).astype(np.uint8)


def _derived_links(policy: Policy, table: Table) -> Iterator[str]:
    """Name the columns of a table that lead to a table derived from it."""
    for name, column in table.columns.items():
        if column.references and policy.tables[column.references].derived:
            yield name


def _linked_clock(name: str, table: Table, rule: ClockOf, columns: Columns, world: World, verdict: Verdict) -> Days:
    """Run the clock of the linked records, the first of several; rows without a link run their own."""
    expires = np.full(len(verdict.fates), NO_CLOCK, np.int32)
    linked = np.zeros(len(expires), np.bool_)
    for link in rule.clock_of:
        target = table.columns[link].references
        fates, clock, _ = verdict.links[link]
        clockless = (fates == Fate.QUARANTINED) & (clock == NO_CLOCK)
        verdict.say(clockless, Fate.QUARANTINED, f"{link}: its row in {target} is in quarantine and has no clock")
        expires = np.minimum(expires, clock)
        linked |= ~is_null(columns[table.source_of(link)])
    own = _own_clock(name, table, rule.otherwise, columns, world, verdict, ~linked)
    return np.where(linked, expires, own).astype(np.int32)
