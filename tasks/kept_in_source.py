"""What the shop still holds of people who asked to be erased: how many rows, why, and until when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from privacy.erasure_plan import KeptInSource
from privacy.fates import Days
from privacy.policy import Policy
from privacy.policy_source import Minimum, NeverDeleted, NoMinimum, SourceRules, WithParent
from privacy.retention import date_of
from privacy.source_clocks import NEVER
from privacy.suppression import Suppression, Suppressions
from stores.ledger import Ledger
from stores.ledger.request import Request
from tasks.plan_source import read_source, with_children
from tasks.protection import protection
from tasks.search import SourceThere

HELD = "; a legal hold keeps {:,} of them longer"


def kept_in_source(there: SourceThere, ledger: Ledger, requests: Sequence[Request]) -> dict[str, KeptInSource] | None:
    """Count the rows of these people that the source has; None where that cannot be told.

    The source must be readable, and the policy must say how long its rows stay (`source`).
    """
    if there.extraction is None or (source := there.extraction.world.policy.source) is None:
        return None
    world, keys = there.extraction.world, there.extraction.world.subject_keys
    assert keys
    protected = protection(there.extraction, there.schema, ledger, keys)
    theirs = replace(protected, restricted=_people(ledger, requests, keys.numbers))
    read, retention = read_source(there.extraction, there.schema, theirs)
    stays = retention.stays({name: table.held for name, table in read.items()})
    kept = {}
    for name, rows in with_children(world.policy, retention, read).items():
        if rows.any():
            held = int((rows & read[name].held).sum())
            why = _why(world.policy, source, name) + (HELD.format(held) if held else "")
            kept[name] = KeptInSource(int(rows.sum()), _last(stays[name].until[rows]), why)
    return kept


def _people(ledger: Ledger, requests: Sequence[Request], epochs: Collection[int]) -> Suppressions:
    """Give whom requests name as if their data were restricted, which is how rows of people are found here."""
    named = ledger.requests.identifiers(request.request_id for request in requests)
    asked = {request.request_id: request.received_at for request in requests}
    return Suppressions.of(
        Suppression("restricted", one.identifies, one.epoch, bytes.fromhex(one.mac), bytes(16), asked[request_id])
        for request_id, subjects in named.items()
        for person in subjects.values()
        for one in person
        if one.epoch in epochs
    )


def _last(until: Days) -> str | None:
    """Give the last day on which any of some rows stays, None where one stays for good as far as can be told."""
    return None if (until == NEVER).any() else date_of(int(np.max(until))).isoformat()


def _why(policy: Policy, source: SourceRules, name: str) -> str:
    match source.tables[name]:
        case Minimum(period=period):
            return source.periods[period].because
        case NoMinimum(no_minimum=reason):
            return f"no law asks for it: {reason}"
        case NeverDeleted(never_deleted=reason):
            return reason
        case WithParent(via=via):
            return f"as long as the {policy.tables[name].columns[via].references} that it belongs to"
