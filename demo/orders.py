"""Decides who orders when, before any row is written: later tables refer to these decisions."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from demo.arrays import Bools, Ints, Objects, chance, handful, pick, scatter, stream
from demo.clock import DAY, NEVER, Calendar, years_of
from demo.goods import ORDER_STATUSES
from demo.people import People

GUEST_SHARE: Final = 0.15
STATUS_SHARES: Final = (90, 5, 5)
"""Of delivered, returned and cancelled; orders of the last days are still shipped or open."""


@dataclass(frozen=True)
class Orders:
    """One entry an order, oldest first; order_id = index + 1. `invoice` is 0 and `invoiced` NEVER without one."""

    person: Ints
    guest: Bools
    placed: Ints
    status: Objects
    year: Ints
    invoice: Ints
    invoiced: Ints
    doubled: frozenset[int]
    orphans: Ints
    future: Ints
    future_invoices: Ints

    def __len__(self) -> int:
        return self.placed.size

    def customer_ids(self, which: Ints) -> Ints:
        """Customer numbers of the orders; zero (NULL) for guests, also those who got an account later."""
        return np.where(self.guest[which], 0, self.person[which] + 1)

    def number(self, order: int) -> str:
        """The order number; a duplicate has that of the order before it."""
        if order in self.doubled:
            order -= 1
        return f"AP{self.year[order]}{order + 1:07d}"

    def invoice_number(self, order: int) -> str | None:
        """The number of the order's invoice, if there is one."""
        return f"FA{self.year[order]}{self.invoice[order]:07d}" if self.invoice[order] else None

    def email_of(self, people: People, order: int) -> str | None:
        """The address the order was placed with, as the person's own spelling has it."""
        person = self.person[order]
        known = self.guest[order] or not people.unreachable[person]
        return str(people.email[person]) if known else None


def plan_orders(people: People, calendar: Calendar, n: int, seed: int) -> Orders:
    """Who orders when, as guest or by account, what becomes of it, and when it is invoiced."""
    rng = stream(seed, "orders")
    edges = calendar.edges(rng, n // 3)
    placed = np.sort(np.concatenate([calendar.spread(rng, n - edges.size), edges]))
    guest, person = _who(rng, people, placed)
    accounts = np.flatnonzero(~guest)
    middle = accounts[(accounts > 0) & (accounts < n - 1)]
    doubled, orphans, future = scatter(rng, middle, handful(n), handful(n), handful(n))
    status = pick(rng, ORDER_STATUSES[:3], n, STATUS_SHARES)
    age = calendar.end - placed
    status[(status != "cancelled") & (age < 6 * DAY)] = "shipped"
    status[(status != "cancelled") & (age < 2 * DAY)] = "open"
    invoiced = calendar.later(rng, placed, 300, 2 * DAY)
    invoiced[status == "cancelled"] = NEVER
    invoice = np.where(invoiced == NEVER, 0, np.cumsum(invoiced != NEVER))
    (late_invoices,) = scatter(rng, np.flatnonzero(invoice), handful(n))
    return Orders(
        person=person,
        guest=guest,
        placed=placed,
        status=status,
        year=years_of(placed),
        invoice=invoice,
        invoiced=invoiced,
        doubled=frozenset(doubled.tolist()),
        orphans=orphans,
        future=future,
        future_invoices=late_invoices,
    )


def _who(rng: np.random.Generator, people: People, placed: Ints) -> tuple[Bools, Ints]:
    """Guests and account holders; one guest order in twelve is of somebody who opens an account later."""
    n = placed.size
    known = people.known_at(placed)
    guest = chance(rng, GUEST_SHARE, n) | (known == 0)
    guest[:2] = True
    holder = (rng.random(n) ** 1.3 * known).astype(np.int64)
    stranger = people.customers + (rng.random(n) ** 1.5 * (len(people) - people.customers)).astype(np.int64)
    later = guest & (known < people.customers) & chance(rng, 1 / 12, n)
    later[0] = known[0] < people.customers
    to_come = np.minimum(known + (rng.random(n) * (people.customers - known)).astype(np.int64), people.customers - 1)
    return guest, np.where(later, to_come, np.where(guest, stranger, holder))
