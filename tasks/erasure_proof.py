"""Proof of erasure: people are looked for on another way than they were taken out on."""

from __future__ import annotations

from typing import Any

from privacy.errors import UsageError, VerificationError
from privacy.fates import Fate
from stores.settings import Settings
from tasks.erasure import as_suppressed
from tasks.held_back import doomed
from tasks.opened import opened
from tasks.proof import asked_for, search, traces


def verify_erasure(settings: Settings, reference: str) -> dict[str, Any]:
    """Look for the people of a request in all that the warehouse consists of; VerificationError if anything is left."""
    _, _, warehouse, ledger = opened(settings)
    request, published = ledger.requests.get(reference), warehouse.published()
    if request.right != "erasure":
        raise UsageError(f"This request is one for {request.right}; an erasure is what can be verified.")
    if published is None:
        raise UsageError("warehouse: nothing is published, so there is nothing to verify.")
    people = asked_for(ledger, published, doomed(ledger, published), [request.request_id])
    if request.state == "registered":  # nobody is held back yet
        people = as_suppressed(ledger, [request], published)
    if not people:
        raise UsageError(
            "This request's people cannot be looked for by the keys of this warehouse: it was turned down, its "
            "tombstone has expired, or the last full run met none of them under the key of then."
        )
    checks = search(warehouse, [one for one in people if one.fate == Fate.ERASED], {})
    told = {
        "reference": reference,
        "state": request.state,
        "run_id": request.run_id,
        "receipt_id": request.receipt_id,
        "identifiers": len(people),
        "checks": checks,
        "beyond_reach": warehouse.beyond_reach(),
    }
    if left := traces(checks):
        error = VerificationError(
            f"{left:,} traces of this request's people are in the warehouse; it is {request.state}.\n"
            "  Apply it with `sluis erase plan` and `sluis erase apply`, or with the next run."
        )
        error.found = told
        raise error
    return told
