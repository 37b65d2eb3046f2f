"""What a run would do: the source is read and every row's fate decided as in a run; nothing is staged or written."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from expectations.source import find_drift, refuse_drift
from privacy.changes import changes
from privacy.evidence import KEY_CHANGED, PublishedRun, TableCounts, warnings_of
from privacy.expiries import Expiries
from privacy.fates import Days, Fate
from privacy.groups import Groups
from privacy.plan import Plan, TablePlan, columns_told, rules_of
from privacy.policy import Policy
from privacy.suppression import Suppressions
from privacy.treat import TableTreater
from privacy.world import World, local_date
from stores.ledger import look_at_ledger
from stores.opening import open_source, open_warehouse
from stores.settings import Settings
from stores.source import Schema
from tasks.chamber import read_rules
from tasks.extraction import LISTENER, Extraction
from tasks.held_back import held_back_by
from tasks.holds_intake import foresee_holds
from tasks.requests_intake import foresee, waiting_told
from tasks.standing import check_without_a_trace


@dataclass(frozen=True)
class Foreseen:
    """A table of which every row is decided: what becomes of them, and when those to be published expire."""

    treater: TableTreater
    counts: TableCounts
    expires: Days


def plan_refresh(settings: Settings, as_of: datetime.date | None) -> Plan:
    """Decide every row as a run of this moment would; DriftError where that would stop at gate 0."""
    policy, keyring = read_rules(settings)
    keys, people = keyring.analytics(), keyring.subjects()
    source, warehouse = open_source(settings.source), open_warehouse(settings.warehouse)
    ledger = look_at_ledger(settings.ledger)
    check_without_a_trace(warehouse, ledger, keyring)
    last = ledger.runs.last_published("refresh") if ledger else None
    now = datetime.datetime.now(datetime.UTC)
    world = World(policy, keys, as_of or local_date(now, policy.time_zone), now, people)
    schema = source.schema()
    refuse_drift(policy, find_drift(policy, schema))
    with source.snapshot() as snapshot:
        more, waiting = foresee(Extraction(world, snapshot, LISTENER.get()), schema, ledger, people)
        held_back = Suppressions.of([*(held_back_by(ledger.suppressions.live()) if ledger else ()), *more])
        extraction = Extraction(replace(world, suppressions=held_back), snapshot, LISTENER.get())
        unread = foresee_holds(extraction, schema, ledger, people)
        found = [_foresee(extraction, name) for name, _ in policy.in_order()]
    tables = {table.treater.table.publish_as: _told(table, world.as_of) for table in found}
    return Plan(
        policy_version=policy.version,
        rules=rules_of(policy),
        key_fingerprint=keys.fingerprint(),
        as_of=world.as_of,
        schema=_types(policy, schema),
        tables=tables,
        changes=tuple(changes(policy, keys, tables, last)),
        warnings=(*unread, *_warnings(policy, keys.fingerprint(), found, last, waiting)),
    )


def _foresee(extraction: Extraction, name: str) -> Foreseen:
    treater = extraction.treater(name)
    if derived := treater.table.derived:
        groups = Groups(derived.one_row_per)
        for batch in extraction.read(treater, 0):
            groups.add(treater.treat_for_grouping(batch))
        return Foreseen(treater, *groups.counts())
    verdicts = (treater.foresee(batch) for batch in extraction.read(treater, extraction.count(name)))
    expires = [verdict.expires[verdict.fates == Fate.PUBLISHED] for verdict in verdicts]
    extraction.finish(treater)
    return Foreseen(treater, treater.counts, np.concatenate([np.empty(0, np.int32), *expires]))


def _told(found: Foreseen, as_of: datetime.date) -> TablePlan:
    table = found.treater.table
    return TablePlan(
        source=table.derived.source if table.derived else found.treater.name,
        retention=table.retention.told(),
        columns=columns_told(table),
        counts=found.counts.as_json(),
        expiries=Expiries.of(found.expires, as_of),
        content=str(found.treater.content),
    )


def _types(policy: Policy, schema: Schema) -> dict[str, dict[str, str]]:
    return {
        name: {column: f"{kind.family} {kind.precision} {kind.scale}" for column, kind in schema[name].items()}
        for name, table in policy.tables.items()
        if not table.derived
    }


def _warnings(
    policy: Policy, fingerprint: str, found: list[Foreseen], last: PublishedRun | None, waiting: int
) -> Iterator[str]:
    if waiting:
        yield waiting_told(waiting, policy)
    if last and last.key_fingerprint != fingerprint:
        yield KEY_CHANGED
    tables = {table.treater.table.publish_as: table.counts for table in found}
    before = last.record["tables"] if last else {}
    yield from warnings_of(
        tables, {name: counts.get("in_table", counts["extracted"]) for name, counts in before.items()}
    )
    for name, counts in tables.items():
        set_aside, allowed = counts.fates[Fate.QUARANTINED], policy.quarantine.allowed(counts.extracted)
        if set_aside > allowed:
            yield f"{name}: the gate would refuse {set_aside:,} rows in quarantine; {allowed:,} are allowed"
