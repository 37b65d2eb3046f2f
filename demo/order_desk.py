"""Fills orders and order lines from the plan, chunk by chunk."""

from typing import Final

import numpy as np

from demo.arrays import Bools, Ints, Objects, chance, either, euros, handful, id_or_null, ids, objects, pick
from demo.catalogue import Catalogue
from demo.clock import iso
from demo.goods import PAYMENT_METHODS
from demo.orders import Orders
from demo.templates import SQL_INJECTION
from demo.texts import Author
from demo.world import FAR, World

LINES_PER_ORDER: Final = (1, 2, 3, 4, 5, 7)
LINE_SHARES: Final = (30, 28, 20, 12, 7, 3)
DELIVERY_CENTS: Final = (0, 395, 695)
NOTE_SHARE: Final = 0.12


class OrderDesk:
    """Writes orders with their lines; totals are sums of lines and delivery, to the cent."""

    def __init__(self, world: World, orders: Orders, catalogue: Catalogue) -> None:
        """Start with order line 1."""
        self._world, self._orders, self._catalogue = world, orders, catalogue
        self._rng, self._notes = world.stream("order desk"), world.scribe("orders")
        self._next_line = 1

    def write(self, which: Ints) -> Ints:
        """Write these orders (consecutive indexes) and their lines; return the totals in cents."""
        rng, n = self._rng, which.size
        counts = pick(rng, LINES_PER_ORDER, n, LINE_SHARES).astype(np.int64)
        owner = np.repeat(np.arange(n), counts)
        product = (rng.random(owner.size) ** 1.5 * len(self._catalogue)).astype(np.int64)
        quantity = pick(rng, (1, 2, 4), owner.size, (75, 20, 5)).astype(np.int64)
        cents = (self._catalogue.cents[product] * rng.uniform(0.85, 1.0, owner.size)).astype(np.int64)
        shipping = pick(rng, DELIVERY_CENTS, n, (35, 45, 20)).astype(np.int64)
        totals = shipping + np.bincount(owner, quantity * cents, n).astype(np.int64)
        self._write_orders(which, shipping, totals)
        self._write_lines(which[owner], product, quantity, cents)
        if which[-1] == len(self._orders) - 1:
            self._write_orphan_lines(product, quantity, cents)
        return totals

    def _write_lines(self, order: Ints, product: Ints, quantity: Ints, cents: Ints) -> None:
        first = order[0]
        written = objects(iso(self._orders.placed[first : order[-1] + 1])) if first < len(self._orders) else None
        self._world.shop.write("order_line", {
            "order_line_id": ids(self._next_line, order.size),
            "order_id": order + 1,
            "product_id": product + 1,
            "quantity": quantity,
            "price": euros(cents),
            "colour": self._catalogue.colour[product],
            "updated_at": [None] * order.size if written is None else written[order - first],
        })  # fmt: skip
        self._next_line += order.size

    def _write_orphan_lines(self, product: Ints, quantity: Ints, cents: Ints) -> None:
        """Lines of orders that do not exist, otherwise like the chunk's first ones."""
        n = min(handful(self._next_line), product.size)
        self._world.shop.dirt.plant("orphan_order_line", n)
        self._write_lines(len(self._orders) + FAR + np.arange(n), product[:n], quantity[:n], cents[:n])

    def _write_orders(self, which: Ints, shipping: Ints, totals: Ints) -> None:
        orders, world = self._orders, self._world
        orphan, future = np.isin(which, orders.orphans), np.isin(which, orders.future)
        customers = orders.customer_ids(which)
        customers[orphan] += world.people.customers + FAR
        shown = orders.placed[which]
        shown[future] = world.calendar.future(self._rng, int(future.sum()))
        self._count(which, orphan, future)
        world.shop.write("orders", {
            "order_id": which + 1,
            "order_number": [orders.number(order) for order in which.tolist()],
            "customer_id": id_or_null(customers),
            "email": self._emails(which),
            "placed_at": iso(shown),
            "status": orders.status[which],
            "ip_address": self._ip_addresses(which),
            "payment_preference": pick(self._rng, PAYMENT_METHODS, which.size, (60, 12, 12, 8, 8)),
            "delivery_cost": euros(shipping),
            "total": euros(totals),
            "currency": ["EUR"] * which.size,
            "note": self._order_notes(which),
            "updated_at": iso(orders.placed[which]),
        })  # fmt: skip

    def _count(self, which: Ints, orphan: Bools, future: Bools) -> None:
        dirt, orders = self._world.shop.dirt, self._orders
        person, people = orders.person[which], self._world.people
        became_customers = orders.guest[which] & (person < people.customers) & ~people.unreachable[person]
        dirt.plant("orphan_order", int(orphan.sum()))
        dirt.plant("future_order", int(future.sum()))
        dirt.plant("duplicate_order_number", sum(order in orders.doubled for order in which.tolist()))
        dirt.plant("guest_later_account", int(became_customers.sum()))

    def _ip_addresses(self, which: Ints) -> Objects:
        """Mostly the person's own address, sometimes that of a phone on the road."""
        people = self._world.people
        elsewhere = people.ip[self._rng.integers(0, len(people), which.size)]
        return either(chance(self._rng, 0.2, which.size), elsewhere, people.ip[self._orders.person[which]])

    def _emails(self, which: Ints) -> list[str | None]:
        """The person's address; one order in thirty has it in capitals or between blanks."""
        written, respelled = [], 0
        for order, lot in zip(which.tolist(), self._rng.random(which.size).tolist(), strict=True):
            email = self._orders.email_of(self._world.people, order)
            if email and (lot < 0.03 or order == 0):
                email = (email.title(), email.upper(), f" {email} ")[int(lot * 1000) % 3]
                respelled += 1
            written.append(email)
        self._world.shop.dirt.plant("email_other_spelling", respelled)
        return written

    def _order_notes(self, which: Ints) -> list[str | None]:
        """Notes of some; others NULL, a few empty, the third order's hostile."""
        notes: list[str | None] = []
        for order, lot in zip(which.tolist(), self._rng.random(which.size).tolist(), strict=True):
            author = Author(int(self._orders.person[order]), self._orders.number(order))
            if order == 2 or lot > 0.9999:
                notes.append(self._notes.fill("note", order + 1, author, SQL_INJECTION))
            elif lot < NOTE_SHARE or order in (3, 4, 5):
                notes.append(self._notes.write("note", order + 1, author))
            else:
                notes.append("" if lot < NOTE_SHARE + 0.03 else None)
        return notes
