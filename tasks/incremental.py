"""Whether a run is incremental: what must be as it was in the last one, or all rows are read anew."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import metadata

import pyarrow as pa

from expectations.candidate import Whole
from privacy.content import METHOD, KeySet
from privacy.evidence import PublishedRun, RunRecord, TableCounts
from privacy.marts import first_open_month
from privacy.requests import earlier
from privacy.world import People, World
from stores.ledger import Ledger
from stores.source import Schema
from stores.warehouse import Warehouse
from stores.warehouse.changes import Changes
from tasks.closure import Changed, Closure, FullRunNeededError
from tasks.extraction import Extraction

SAID = {
    "policy": "the policy was changed",
    "keys": "the keys were changed",
    "version": "it is the first run of this version of Sluis",
    "month": "it is the first run of a month, in which rows expire",
    "open_month": "a month is over, and its figures are to be frozen",
    "held_back": "who is held back has changed",
    "holds": "legal holds have changed",
}
"""Why a run is full, by what is not as it was."""

LOOKED_BACK = 50
"""How many publishes may lie between two refreshes."""


@dataclass(frozen=True)
class Found:
    """What an incremental run is made of."""

    changes: Changes
    extraction: Extraction
    tables: Mapping[str, Changed]
    """By source name; none for derived tables."""
    full_on: str
    """The day of the last full run."""

    def leaving(self, published: str) -> pa.Array:
        """Give the published keys of rows that are replaced or gone; of groups all, or none if nothing changed."""
        policy = self.extraction.world.policy
        name = next(name for name, table in policy.tables.items() if table.publish_as == published)
        if name in self.tables:
            return self.tables[name].leaving
        there = self.changes.keys(published)
        return there.slice(0, 0) if name in self.extraction.only else there

    def whole(self, name: str, counts: TableCounts) -> Whole:
        """Count all rows of a table, once it is replaced, and note it beside what became of those seen."""
        standing = self.changes.standing(self.extraction.world.policy.tables[name].publish_as)
        groups = standing.published + standing.set_aside
        counts.in_table = standing.published
        counts.in_source = self.tables[name].keys.rows if name in self.tables else groups
        return Whole(standing.published, standing.set_aside, counts.in_source)


def basis_of(world: World, held_back: str, record: RunRecord) -> dict[str, str]:
    """Sum up what decides of every row besides the rows themselves: where it is not as before, all are read anew."""
    held = {
        table: {epoch: [mac.hex() for mac in macs.to_pylist()] for epoch, macs in sorted(epochs.items())}
        for table, epochs in sorted(world.held.items())
    }
    newest = world.subject_keys.newest if world.subject_keys else 0
    return {
        "policy": record.policy_digest,
        "keys": f"{record.key_fingerprint}:{newest}",
        "version": f"{metadata.version('sluis')}:{METHOD}",
        "month": f"{world.as_of:%Y-%m}",
        "open_month": first_open_month(world.today, world.as_of).isoformat(),
        "held_back": held_back,
        "holds": hashlib.sha256(json.dumps(held).encode()).hexdigest(),
    }


def find_changes(
    stack: ExitStack, warehouse: Warehouse, ledger: Ledger, extraction: Extraction, schema: Schema, record: RunRecord
) -> Found:
    """Find what changed since the last run; FullRunNeededError says why all rows are to be read instead."""
    changes = warehouse.changes(record.run_id)
    if changes is None:
        raise FullRunNeededError("this warehouse is a new file each time, in which nothing superseded is left")
    policy, last = extraction.world.policy, _carried_on(ledger, extraction.world, record)
    extraction = replace(extraction, world=replace(extraction.world, indexes={}, events={}, met=People()))
    with ExitStack() as attempt:
        closure = _closure(extraction, attempt.enter_context(changes), schema, last)
        tables = closure.find()
        stack.push(attempt.pop_all())
    only = {name: (policy.source_key(name), found.seen) for name, found in tables.items()}
    for name, table in policy.tables.items():
        if table.derived and not _touched(found := tables[table.derived.source], closure.before[table.derived.source]):
            only[name] = policy.source_key(table.derived.source), found.seen
    return Found(closure.changes, replace(extraction, only=only), tables, last.record["carried"]["full_on"])


def _carried_on(ledger: Ledger, world: World, record: RunRecord) -> PublishedRun:
    """Give the last refresh, if what it published still stands and nothing that decides of all rows has changed."""
    rules, last = world.policy.incremental, _last_refresh(ledger)
    assert rules, "the policy asks for none"
    before = last.record["carried"]
    for what, said in SAID.items():
        if before["basis"].get(what) != record.carried["basis"][what]:
            raise FullRunNeededError(said)
    if record.decided:
        raise FullRunNeededError(SAID["held_back"])
    if datetime.date.fromisoformat(before["full_on"]) <= earlier(world.today, rules.full_every):
        raise FullRunNeededError(f"the last full run is {rules.full_every} old")
    return last


def _last_refresh(ledger: Ledger) -> PublishedRun:
    """Give the last run that read the source; a nightly retention run after it that took nothing out is no matter."""
    runs = ledger.runs.recent(None, LOOKED_BACK)
    for run in runs:
        if run.record.get("carried"):
            return run
        if run.record["kind"] not in ("retention", "erasure") or _took_out(run):
            break
    said = "what is published is not what a run left that could be carried on" if runs else "it is the first run"
    raise FullRunNeededError(said)


def _took_out(run: PublishedRun) -> bool:
    tables = run.record["tables"].values()
    return any(table["extracted"] != table["published"] + table["quarantined"] for table in tables)


def _closure(extraction: Extraction, changes: Changes, schema: Schema, last: PublishedRun) -> Closure:
    rules = extraction.world.policy.incremental
    assert rules
    before = {name: KeySet(*keys) for name, keys in last.record["carried"]["keys"].items()}
    most = int(rules.at_most * sum(keys.rows for keys in before.values()))
    read_at = last.started_at if last.started_at.tzinfo else last.started_at.replace(tzinfo=datetime.UTC)
    return Closure(extraction, changes, schema, read_at - rules.overlap, read_at, before, most)


def _touched(found: Changed, before: KeySet) -> bool:
    return bool(len(found.seen) or len(found.leaving)) or found.keys != before
