"""Proof of erasure: people are looked for on another way than they were taken out on."""

from __future__ import annotations

from typing import Any

from privacy.errors import UsageError, VerificationError
from privacy.fates import Fate
from stores.ledger import open_ledger
from stores.opening import open_warehouse
from stores.settings import Settings
from stores.warehouse import Suppressed
from tasks.chamber import read_rules
from tasks.remains import doomed
from tasks.standing import check_standing


def verify_erasure(settings: Settings, reference: str) -> dict[str, Any]:
    """Look for the people of a request in all that the warehouse consists of; VerificationError if anything is left."""
    _, keyring = read_rules(settings)
    warehouse, ledger = open_warehouse(settings.warehouse), open_ledger(settings.ledger)
    check_standing(warehouse, ledger, keyring)
    request, published = ledger.requests.get(reference), warehouse.published()
    if request.right != "erasure":
        raise UsageError(f"This request is one for {request.right}; an erasure is what can be verified.")
    if published is None:
        raise UsageError("warehouse: nothing is published, so there is nothing to verify.")
    named = ledger.requests.identifiers([request.request_id]).get(request.request_id, {})
    macs = {(one.identifies, bytes.fromhex(one.mac)) for person in named.values() for one in person}
    wanted = [one for one in doomed(ledger, published) if one.fate == Fate.ERASED and (one.identifies, one.mac) in macs]
    known = {(one.identifies, one.mac) for one in wanted}
    here = {(i.identifies, bytes.fromhex(i.mac)) for p in named.values() for i in p if i.epoch == published.index_epoch}
    wanted += [Suppressed(Fate.ERASED, identifies, mac) for identifies, mac in sorted(here - known)]
    checks = warehouse.search(wanted, None)
    told = {
        "reference": reference,
        "state": request.state,
        "run_id": request.run_id,
        "receipt_id": request.receipt_id,
        "identifiers": len(wanted),
        "checks": checks,
    }
    if left := sum(found for name, found in checks.items() if name != "files_searched"):
        error = VerificationError(
            f"{left:,} traces of this request's people are in the warehouse; it is {request.state}.\n"
            "  Apply it with `sluis erase plan` and `sluis erase apply`, or with the next run."
        )
        error.found = told
        raise error
    return told
