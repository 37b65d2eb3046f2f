"""Proof that people are gone: what a search on another way than they were taken out on has found, in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa

from privacy.errors import VerificationError
from stores.ledger import Ledger
from stores.warehouse import Found, Published, Suppressed, Warehouse
from tasks.held_back import doomed

STAYING = "identifiers_that_stay"
"""Of people who came back, or addresses that rows of another account carry."""


def asked_for(
    ledger: Ledger, published: Published, held_back: Iterable[Suppressed], requests: list[str]
) -> list[Suppressed]:
    """Give those of the held back who are so by some requests."""
    people = ledger.suppressions.of_requests(requests, published.index_epoch)
    return [one for one in held_back if (one.identifies, one.mac.hex()) in people]


def search_for_applied(warehouse: Warehouse, ledger: Ledger, requests: list[str]) -> dict[str, int]:
    """Look for the people of requests in what has just been published."""
    published = warehouse.published()
    assert published, "nothing was published"
    return search(warehouse, asked_for(ledger, published, doomed(ledger, published), requests), {})


def search(warehouse: Warehouse, people: list[Suppressed], keys: Mapping[str, pa.Array]) -> dict[str, int]:
    """Look for people in all that the warehouse consists of, and for rows that left; give counts for a receipt."""
    return counted(warehouse.look_for(people, keys))


def counted(found: Found) -> dict[str, int]:
    """Give what a search has found, in numbers."""
    return {
        "index_rows": sum(found.index.values()),
        "published_rows": sum(found.published.values()),
        "quarantine_rows": sum(found.quarantine.values()),
        "rows_without_index": sum(found.unindexed.values()),
        "rows_elsewhere": sum(found.elsewhere.values()),
        "places_in_bytes": sum(found.places.values()),
        "sought_in_bytes": found.sought,
        STAYING: found.staying,
    }


def traces(checks: Mapping[str, int]) -> int:
    """Add up what should not be there."""
    return sum(found for name, found in checks.items() if name not in ("sought_in_bytes", STAYING))


def refuse_traces(checks: Mapping[str, int]) -> None:
    """Tell of traces that are left after a publish."""
    if left := traces(checks):
        raise VerificationError(
            f"warehouse: published, but {left:,} traces of people who were to be gone are left in it.\n"
            "  Run `sluis run`, which builds it from the source; if the same is said again, tell the makers of Sluis."
        )
