"""Fills the complaints: about orders, invoices, both or neither, by customers and guests, some never handled."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from demo.arrays import Bools, Ints, Objects, chance, either, handful, id_or_null, ids, pick
from demo.clock import DAY, NEVER, Calendar, iso
from demo.goods import COMPLAINT_CATEGORIES, PROCEDURES
from demo.orders import Orders
from demo.people import People
from demo.texts import Author
from demo.world import World

ORDER_ONLY, INVOICE_ONLY, BOTH, NEITHER = range(4)
LINK_SHARES: Final = (30, 15, 20, 35)
LINK_NAMES: Final = (
    "complaint_with_order_only", "complaint_with_invoice_only", "complaint_with_both", "complaint_with_neither",
)  # fmt: skip
FIVE_YEARS: Final = 5 * 366 * DAY

OLD_WITH_ORDER, OLD_WITHOUT_ORDER = 0, 1
PROCEDURES_AT: Final = slice(2, 5)
"""Which rows go to court or to the disputes committee."""
EDGES_AT: Final = 6
PLANTED: Final = (ORDER_ONLY, NEITHER, BOTH, ORDER_ONLY, NEITHER, INVOICE_ONLY)
"""How the first rows are linked; the last of a shop lie in the future."""


@dataclass(frozen=True)
class Dispute:
    """A complaint in a procedure, and the records that prove it; a missing one is 0."""

    complaint: int
    order: int
    invoice: int
    opened: int


@dataclass(frozen=True)
class _Drawn:
    """Complaints before they have words; `order` is an index, -1 for none."""

    link: Ints
    order: Ints
    person: Ints
    guest: Bools
    opened: Ints
    handled: Ints


def write_complaints(world: World, orders: Orders) -> list[Dispute]:
    """About one complaint for fifty orders; returns those in a procedure."""
    rng, n = world.stream("complaint"), max(24, len(orders) // 50)
    drawn = _draw(rng, world, orders, n)
    about_order = np.isin(drawn.link, (ORDER_ONLY, BOTH))
    about_invoice = np.isin(drawn.link, (INVOICE_ONLY, BOTH))
    order_ids = np.where(about_order, drawn.order + 1, 0)
    invoice_ids = np.where(about_invoice, orders.invoice[drawn.order], 0)
    procedure = np.full(n, None, dtype=object)
    procedure[PROCEDURES_AT] = [PROCEDURES[0], PROCEDURES[1], PROCEDURES[0]]
    shown = drawn.opened.copy()
    future = handful(n)
    shown[n - future :] = world.calendar.future(rng, future)
    handled = drawn.handled.copy()
    handled[n - future :] = NEVER
    subjects, bodies = _words(world, orders, drawn, about_invoice)
    _count(world, drawn, handled, future)
    world.shop.write("complaint", {
        "complaint_id": ids(1, n),
        "customer_id": id_or_null(np.where(drawn.guest, 0, drawn.person + 1)),
        "email": known_emails(world.people, drawn.person, drawn.guest),
        "order_id": id_or_null(order_ids),
        "invoice_id": id_or_null(invoice_ids),
        "category": pick(rng, COMPLAINT_CATEGORIES, n),
        "subject": subjects,
        "body": bodies,
        "opened_at": iso(shown),
        "handled_at": iso(handled),
        "procedure": procedure,
        "updated_at": iso(np.where(drawn.handled == NEVER, drawn.opened, drawn.handled)),
    })  # fmt: skip
    return [
        Dispute(row + 1, int(order_ids[row]), int(invoice_ids[row]), int(drawn.opened[row]))
        for row in range(n)[PROCEDURES_AT]
    ]


def known_emails(people: People, person: Ints, guest: Bools) -> Objects:
    """E-mail addresses as the shop knows them."""
    return either(people.unreachable[person] & ~guest, None, people.email[person])


def _draw(rng: np.random.Generator, world: World, orders: Orders, n: int) -> _Drawn:
    calendar = world.calendar
    link = pick(rng, [ORDER_ONLY, INVOICE_ONLY, BOTH, NEITHER], n, LINK_SHARES).astype(np.int64)
    link[: len(PLANTED)] = PLANTED
    edges = calendar.edges(rng, n // 3)
    at_edge = slice(EDGES_AT, EDGES_AT + edges.size)
    link[at_edge] = NEITHER
    order = _orders_to_complain_about(rng, orders, calendar, link)
    opened = calendar.inside(rng, orders.placed[order] + rng.integers(2 * DAY, 50 * DAY, n))
    alone = link == NEITHER
    opened[alone] = calendar.spread(rng, int(alone.sum()))
    opened[OLD_WITHOUT_ORDER] = calendar.end - FIVE_YEARS - 200 * DAY
    handled = calendar.later(rng, opened, DAY, 40 * DAY)
    handled[chance(rng, 0.07, n)] = NEVER
    handled[[OLD_WITH_ORDER, OLD_WITHOUT_ORDER]] = NEVER
    handled[at_edge], opened[at_edge] = edges, np.maximum(edges - 9 * DAY, calendar.start)
    person, guest = _who(rng, world.people, orders, order, alone, opened)
    return _Drawn(link, order, person, guest, opened, handled)


def _orders_to_complain_about(rng: np.random.Generator, orders: Orders, calendar: Calendar, link: Ints) -> Ints:
    """An order for each complaint, with an invoice and two months old; the planted ones are among the oldest."""
    usable = np.flatnonzero((orders.invoice > 0) & (orders.placed < calendar.end - 60 * DAY))
    chosen = usable[rng.integers(0, usable.size, link.size)]
    oldest = usable[: max(1, usable.size // 20)]
    chosen[: len(PLANTED)] = oldest[rng.integers(0, oldest.size, len(PLANTED))]
    return chosen


def _who(
    rng: np.random.Generator, people: People, orders: Orders, order: Ints, alone: Bools, opened: Ints
) -> tuple[Ints, Bools]:
    """The one who ordered; without an order any customer of the time, or now and then a guest."""
    known = people.known_at(opened)
    guest = np.where(alone, chance(rng, 0.25, alone.size) | (known == 0), orders.guest[order])
    holder = (rng.random(alone.size) * known).astype(np.int64)
    stranger = rng.integers(people.customers, len(people), alone.size)
    return np.where(alone, np.where(guest, stranger, holder), orders.person[order]), guest


def _words(world: World, orders: Orders, drawn: _Drawn, about_invoice: Bools) -> tuple[list[str], list[str]]:
    """Subjects and bodies."""
    scribe = world.scribe("complaint")
    subjects, bodies = [], []
    for row, (order, person) in enumerate(zip(drawn.order.tolist(), drawn.person.tolist(), strict=True)):
        linked = drawn.link[row] != NEITHER
        author = Author(
            person,
            orders.number(order) if linked else None,
            orders.invoice_number(order) if about_invoice[row] else None,
        )
        subjects.append(scribe.write("subject", row + 1, author))
        bodies.append(scribe.write("body", row + 1, author))
    return subjects, bodies


def _count(world: World, drawn: _Drawn, handled: Ints, future: int) -> None:
    dirt = world.shop.dirt
    for link, name in enumerate(LINK_NAMES):
        dirt.plant(name, int((drawn.link == link).sum()))
    old = (handled == NEVER) & (drawn.opened < world.calendar.end - FIVE_YEARS)
    old[handled.size - future :] = False
    dirt.plant("unhandled_old_with_order", int((old & (drawn.link != NEITHER)).sum()))
    dirt.plant("unhandled_old_without_order", int((old & (drawn.link == NEITHER)).sum()))
    dirt.plant("complaint_of_guest", int(drawn.guest.sum()))
    dirt.plant("future_complaint", future)
