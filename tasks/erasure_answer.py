"""The answer to the person who asked for erasure: what is gone, what stays in the shop, why, and until when."""

from __future__ import annotations

import datetime
from dataclasses import asdict
from typing import Any

from privacy.erasure_plan import told_until
from privacy.errors import UsageError
from privacy.world import local_date
from stores.settings import Settings
from tasks.kept_in_source import kept_in_source
from tasks.opened import opened
from tasks.search import source_if_there

FOR_A_WHILE = (
    "Copies against loss of data, and what databases note for themselves, may hold it until they are written over or "
    "destroyed; after such a copy is put back, it is taken out again."
)


def answer_to(settings: Settings, reference: str) -> dict[str, Any]:
    """Draft the answer, as text and as data."""
    policy, keyring, warehouse, ledger = opened(settings)
    request = ledger.requests.get(reference)
    if request.right != "erasure" or request.applied_at is None:
        raise UsageError(f"This request for {request.right} is {request.state}; an applied erasure can be answered.")
    with source_if_there(settings, policy, keyring) as there:
        kept = kept_in_source(there, ledger, [request])
    today = local_date(datetime.datetime.now(datetime.UTC), policy.time_zone).isoformat()
    erased_on = request.applied_at.date().isoformat()
    lines = [
        f"Your request {reference} of {request.received_at.date().isoformat()}",
        "",
        f"On {erased_on} everything that tells of you was taken out of our analytics: no row of yours is left there.",
    ]
    if kept is None:
        why_not = there.why_not or "the policy does not say how long its rows stay (source)"
        lines.append(f"What our administration still holds of you cannot be told now: {why_not}.")
    elif kept:
        lines.append("Our administration still holds the following, and uses it for nothing else:")
        for name, one in kept.items():
            until = told_until(one.until, today)
            lines.append(f"  - {policy.tables[name].meaning.rstrip('.')}: {one.keep:,}{until}; {one.why}")
    else:
        lines.append("Our administration holds nothing of you either.")
    lines.append(FOR_A_WHILE)
    lines.append(f"Proof of this erasure bears the number {request.receipt_id}.")
    return {
        "reference": reference,
        "received_at": request.received_at.isoformat(),
        "erased_on": erased_on,
        "receipt_id": request.receipt_id,
        "beyond_reach": warehouse.beyond_reach(),
        "kept_in_source": None if kept is None else {name: asdict(one) for name, one in kept.items()},
        "text": "\n".join(lines),
    }
