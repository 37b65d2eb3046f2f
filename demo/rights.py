"""Fills the requests of data subjects and the legal holds of disputed complaints."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from demo.arrays import either, id_or_null, ids, pick, scatter
from demo.clock import DAY, iso, years_of
from demo.complaints import Dispute
from demo.goods import REQUEST_RIGHTS
from demo.world import World

MOST_REQUESTS: Final = 25
OPEN_FOR: Final = 20 * DAY
"""Requests younger than this are still open, so none of them is overdue."""


def write_requests(world: World) -> None:
    """At most 25 people, each with one request; the last three are open."""
    people, calendar, rng = world.people, world.calendar, world.stream("privacy_request")
    n = max(6, min(MOST_REQUESTS, people.customers // 10))
    reachable = np.flatnonzero(~people.unreachable[: people.customers])
    guests = np.arange(people.customers, len(people))
    person = rng.permutation(np.concatenate([*scatter(rng, reachable, n - n // 4), *scatter(rng, guests, n // 4)]))
    ages = np.append(rng.integers(30 * DAY, 700 * DAY, n - 3), rng.integers(DAY, OPEN_FOR, 3))
    received = np.sort(calendar.end - ages)
    still_open = calendar.end - received < OPEN_FOR
    world.shop.write("privacy_request", {
        "privacy_request_id": ids(1, n),
        "reference": [f"AVG-{year}-{i:04d}" for i, year in enumerate(years_of(received).tolist(), 1)],
        "request_right": pick(rng, REQUEST_RIGHTS, n),
        "customer_id": id_or_null(people.customer_ids(person)),
        "email": people.email[person],
        "received_at": iso(received),
        "state": either(still_open, "open", pick(rng, ("done", "refused"), n, (85, 15))),
        "updated_at": iso(received),
    })  # fmt: skip


def write_holds(world: World, disputes: Sequence[Dispute]) -> None:
    """A hold on each disputed complaint and on the order and invoice it is about; the last dispute is over."""
    held = [
        (nth, table, record, dispute.opened + 20 * DAY)
        for nth, dispute in enumerate(disputes, 1)
        for table, record in (("complaint", dispute.complaint), ("orders", dispute.order), ("invoice", dispute.invoice))
        if record
    ]
    since = np.array([begun for *_, begun in held], dtype=np.int64)
    until = iso(since + 400 * DAY)
    world.shop.write("legal_hold", {
        "legal_hold_id": ids(1, len(held)),
        "matter": [f"PROC-{year}-{nth:02d}" for (nth, *_), year in zip(held, years_of(since).tolist(), strict=True)],
        "table_name": [table for _, table, _, _ in held],
        "record_id": [record for _, _, record, _ in held],
        "held_from": iso(since),
        "held_until": [end if nth == len(disputes) else None for (nth, *_), end in zip(held, until, strict=True)],
        "updated_at": iso(since),
    })  # fmt: skip
