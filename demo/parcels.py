"""Fills the deliveries of the orders, chunk by chunk."""

import numpy as np

from demo import identifiers
from demo.arrays import Ints, chance, either, handful, ids, pick
from demo.clock import DAY, HOUR, NEVER, iso
from demo.goods import CARRIERS, PROOFS
from demo.orders import Orders
from demo.world import FAR, World


class ParcelDesk:
    """Writes who got which parcel, when, and how that was proved."""

    def __init__(self, world: World, orders: Orders) -> None:
        """Start with delivery 1."""
        self._world, self._orders = world, orders
        self._rng = world.stream("parcels")
        self._next = 1

    def write(self, which: Ints) -> None:
        """Write the deliveries of these orders; parcels on their way have no delivery time yet."""
        calendar, orders = self._world.calendar, self._orders
        last = which[-1] == len(orders) - 1
        shipped = calendar.later(self._rng, orders.placed[which], 12 * HOUR, 3 * DAY)
        sent = (shipped != NEVER) & (orders.status[which] != "cancelled")
        which, shipped = which[sent], shipped[sent]
        delivered = calendar.later(self._rng, shipped, 8 * HOUR, 3 * DAY)
        self._write_rows(which + 1, orders.person[which], shipped, delivered)
        if last:
            n = min(handful(self._next), which.size)
            self._world.shop.dirt.plant("orphan_delivery", n)
            beyond = len(orders) + FAR + np.arange(n)
            self._write_rows(beyond, orders.person[which[:n]], shipped[:n], delivered[:n])

    def _write_rows(self, order_ids: Ints, persons: Ints, shipped: Ints, delivered: Ints) -> None:
        n = order_ids.size
        carriers = pick(self._rng, CARRIERS, n, (60, 20, 12, 8)).tolist()
        there = delivered != NEVER
        self._world.shop.write("delivery", {
            "delivery_id": ids(self._next, n),
            "order_id": order_ids,
            "carrier": carriers,
            "tracking_code": identifiers.tracking_codes(self._rng, carriers),
            "recipient_name": self._recipients(persons),
            "shipped_at": iso(shipped),
            "delivered_at": iso(delivered),
            "proof": either(there, pick(self._rng, PROOFS, n, (40, 30, 15, 10, 5)), None),
            "updated_at": iso(np.where(there, delivered, shipped)),
        })  # fmt: skip
        self._next += n

    def _recipients(self, persons: Ints) -> list[str]:
        """The person, or in one case out of ten a neighbour."""
        people = self._world.people
        neighbours = self._rng.integers(0, len(people), persons.size)
        present = np.where(chance(self._rng, 0.1, persons.size), neighbours, persons)
        return [people.full_name(person) for person in present.tolist()]
