"""Fills support tickets (questions, repairs, warranty, returns) and the messages in them."""

from typing import Final

import numpy as np

from demo import identifiers
from demo.arrays import Bools, Ints, chance, either, handful, id_or_null, ids, objects, pick
from demo.clock import DAY, HOUR, NEVER, iso
from demo.complaints import known_emails
from demo.goods import MESSAGE_AUTHORS, TICKET_KINDS
from demo.orders import Orders
from demo.templates import AGENT_MESSAGE, CUSTOMER_MESSAGE, FORMULA_INJECTION
from demo.texts import Author, Scribe
from demo.world import World

FORMULA_ROW: Final = 5


def write_support(world: World, orders: Orders) -> None:
    """About one ticket for 25 orders, half of them about an order, and two messages each."""
    calendar, rng = world.calendar, world.stream("support_ticket")
    n = max(24, len(orders) // 25)
    linked = chance(rng, 0.5, n)
    order = rng.integers(0, len(orders), n)
    created = calendar.inside(rng, orders.placed[order] + rng.integers(HOUR, 40 * DAY, n))
    created[~linked] = calendar.spread(rng, int((~linked).sum()))
    person, guest = _askers(rng, world, orders, order, linked, created)
    closed = calendar.later(rng, created, HOUR, 20 * DAY)
    closed[chance(rng, 0.1, n)] = NEVER
    authors = [
        Author(p, orders.number(o) if has else None)
        for p, o, has in zip(person.tolist(), order.tolist(), linked.tolist(), strict=True)
    ]
    _write_tickets(world, rng, authors, guest, np.where(linked, order + 1, 0), created, closed)
    _write_messages(world, authors, created)


def _askers(
    rng: np.random.Generator, world: World, orders: Orders, order: Ints, linked: Bools, created: Ints
) -> tuple[Ints, Bools]:
    """The one who ordered, or anybody."""
    people, n = world.people, order.size
    known = people.known_at(created)
    guest = np.where(linked, orders.guest[order], chance(rng, 0.35, n) | (known == 0))
    anybody = np.where(guest, rng.integers(people.customers, len(people), n), (rng.random(n) * known).astype(np.int64))
    return np.where(linked, orders.person[order], anybody), guest


def _write_tickets(
    world: World,
    rng: np.random.Generator,
    authors: list[Author],
    guest: Bools,
    order_ids: Ints,
    created: Ints,
    closed: Ints,
) -> None:
    people, scribe, n = world.people, world.scribe("support_ticket"), len(authors)
    person = np.array([author.person for author in authors])
    shown, future = created.copy(), handful(n)
    shown[n - future :] = world.calendar.future(rng, future)
    world.shop.dirt.plant("future_ticket", future)
    subjects = [_subject(scribe, ticket, author) for ticket, author in enumerate(authors, 1)]
    bodies = [scribe.write("body", ticket, author) for ticket, author in enumerate(authors, 1)]
    phones = zip(people.phone[person].tolist(), rng.integers(0, 9, n).tolist(), strict=True)
    towns = either(chance(rng, 0.9, n), [place.city for place in people.place[person]], pick(rng, world.pools.towns, n))
    world.shop.write("support_ticket", {
        "support_ticket_id": ids(1, n),
        "kind": pick(rng, TICKET_KINDS, n, (55, 15, 12, 18)),
        "customer_id": id_or_null(np.where(guest, 0, person + 1)),
        "name": either(chance(rng, 0.1, n), None, objects([people.full_name(p) for p in person.tolist()])),
        "email": known_emails(people, person, guest),
        "phone": either(chance(rng, 0.4, n), None, objects([identifiers.phone_form(*pair) for pair in phones])),
        "city": either(chance(rng, 0.3, n), "", towns),
        "order_id": id_or_null(order_ids),
        "subject": subjects,
        "body": bodies,
        "created_at": iso(shown),
        "closed_at": iso(np.where(shown == created, closed, NEVER)),
        "updated_at": iso(np.where(closed == NEVER, created, closed)),
    })  # fmt: skip


def _subject(scribe: Scribe, ticket: int, author: Author) -> str:
    """What the ticket is about; now and then a formula."""
    if ticket == FORMULA_ROW or ticket % 5_000 == 0:
        return scribe.fill("subject", ticket, author, FORMULA_INJECTION)
    return scribe.write("subject", ticket, author)


def _write_messages(world: World, authors: list[Author], created: Ints) -> None:
    """Up to six messages a ticket, by turns of shop and customer, each later than the one before."""
    rng, scribe = world.stream("support_message"), world.scribe("support_message")
    counts = np.minimum(rng.poisson(2.0, created.size), 6)
    counts[:3] = 2
    ticket = np.repeat(np.arange(created.size), counts)
    turn = np.arange(ticket.size) - np.repeat(np.cumsum(counts) - counts, counts)
    sent = world.calendar.later(rng, created[ticket] + turn * 2 * DAY, HOUR, 2 * DAY)
    happened = sent != NEVER
    ticket, turn, sent = ticket[happened], turn[happened], sent[happened]
    voices = [turn % 2 for turn in turn.tolist()]
    bodies = [
        scribe.write("body", i, authors[t], (AGENT_MESSAGE, CUSTOMER_MESSAGE)[voice])
        for i, (t, voice) in enumerate(zip(ticket.tolist(), voices, strict=True), 1)
    ]
    world.shop.write("support_message", {
        "support_message_id": ids(1, ticket.size),
        "support_ticket_id": ticket + 1,
        "author": [MESSAGE_AUTHORS[voice] for voice in voices],
        "body": bodies,
        "sent_at": iso(sent),
        "updated_at": iso(sent),
    })  # fmt: skip
