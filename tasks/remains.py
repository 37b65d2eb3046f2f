"""Publish what is left of the warehouse when rows leave it: the source is not needed, nor need it be what it was."""

from __future__ import annotations

import datetime
import functools
from collections import Counter
from collections.abc import Iterable, Mapping

from expectations.candidate import TableFacts
from privacy.errors import StoreError
from privacy.evidence import RunRecord, TableCounts
from privacy.fates import Fate
from privacy.receipts import ReceiptKind
from privacy.world import local_date
from stores.actor import Actor
from stores.ledger import open_ledger
from stores.opening import open_warehouse
from stores.settings import Settings
from stores.warehouse import Published, Remaining, Suppressed
from tasks.chamber import read_rules
from tasks.extraction import LISTENER
from tasks.gate import pass_gate
from tasks.held_back import doomed
from tasks.marts import freeze_published
from tasks.proof import asked_for, search
from tasks.publication import CHANGED, Publication, new_run_id, open_publication


class Decision:
    """Who leaves: whoever the ledger holds back."""

    def whom(self, publication: Publication, published: Published) -> list[Suppressed]:
        """Say who leaves; the warehouse is held by now, and nothing is written yet."""
        return doomed(publication.ledger, published)

    def agree(self, publication: Publication, published: Published, removed: Mapping[str, int]) -> None:
        """Agree to the rows that leave, by published name, or refuse; the ledger holds back who leaves afterwards."""


def publish_remains(
    settings: Settings, kind: ReceiptKind, actor: Actor, as_of: datetime.date | None, decision: Decision
) -> RunRecord:
    """Take out of the warehouse whom a decision names and what has expired.

    Nothing is published unless what is left passes the gate and is what it was, row by row.
    """
    policy, keyring = read_rules(settings)
    warehouse, ledger = open_warehouse(settings.warehouse), open_ledger(settings.ledger)
    now = datetime.datetime.now(datetime.UTC)
    today = local_date(now, policy.time_zone)
    record = RunRecord(new_run_id(now), policy.version, policy.digest, "", as_of or today, kind=kind)
    with open_publication(warehouse, ledger, keyring, actor, record, now) as publication:
        published = warehouse.published()
        if published is None:
            raise StoreError("warehouse: nothing is published yet, so nothing can leave it.\n  Run `sluis run` first.")
        record.key_fingerprint = published.key_fingerprint
        with warehouse.remains(record.run_id) as remains:
            leaving = decision.whom(publication, published)
            remains.doom(policy, leaving, record.as_of)
            counts = remains.counts()
            decision.agree(publication, published, removed_by(counts))
            publication.suppressions()
            _refuse_others(leaving, held_back := doomed(ledger, published))
            closed = freeze_published(remains.marts, ledger, policy, today, record.as_of)
            keys = remains.doomed_keys()
            facts = {name: TableFacts(_counts(counts[t.publish_as]), None) for name, t in policy.in_order()}
            record.tables = {table.publish_as: facts[name].counts for name, table in policy.in_order()}
            remains.fill()
            remains.accept()
            publication.seal(remains, published.index_epoch, published.read_at)
            pass_gate(remains, policy, facts, record, today, functools.partial(LISTENER.get(), "gate"))
            ledger.frozen.add(closed, record.run_id, now)
            sought = held_back if kind == "replay" else asked_for(ledger, published, held_back, record.decided)
            publication.publish(remains, functools.partial(search, warehouse, sought, keys) if sought else dict)
            record.warnings += remains.warnings
    return record


def removed_by(counts: Mapping[str, Remaining]) -> dict[str, int]:
    """Count the rows that leave, by published name."""
    return {name: sum(table.removed.values()) for name, table in counts.items()}


def _refuse_others(leaving: Iterable[Suppressed], held_back: Iterable[Suppressed]) -> None:
    """Refuse to go on where the ledger holds others back than those whose rows leave."""
    if {(one.fate, one.identifies, one.mac) for one in leaving} != {
        (one.fate, one.identifies, one.mac) for one in held_back
    }:
        raise StoreError(CHANGED)


def _counts(remaining: Remaining) -> TableCounts:
    """Give the counts of what is left as a run gives those of what it read."""
    fates = Counter(remaining.removed)
    fates[Fate.PUBLISHED] = remaining.after
    fates[Fate.QUARANTINED] = remaining.set_aside_after
    unlinked = {column: Counter(by_fate) for column, by_fate in remaining.unlinked.items()}
    return TableCounts(fates=fates, unlinked=unlinked)
