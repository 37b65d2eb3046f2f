"""Builds the demo shop: a Dutch web shop in car parts with ten years of history, dirt and known truth."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demo.arrays import slices
from demo.billing_desk import BillingDesk
from demo.catalogue import Catalogue, write_products, write_purchases
from demo.clock import Calendar
from demo.complaints import write_complaints
from demo.dirt import DirtCount
from demo.order_desk import OrderDesk
from demo.orders import Orders, plan_orders
from demo.outreach import write_reviews, write_social_contacts, write_subscriptions
from demo.parcels import ParcelDesk
from demo.people import invent_people
from demo.pools import load_pools
from demo.registry import write_addresses, write_customers, write_vehicles
from demo.rights import write_holds, write_requests
from demo.support import write_support
from demo.truth import truth_sink
from demo.web import write_access_log, write_sessions
from demo.world import World
from demo.writing import Progress, ShopWriter, new_shop

FEWEST_ORDERS = 50
"""Below this not every kind of dirt finds a row."""


@dataclass(frozen=True)
class ShopReport:
    """What was built: rows by table, and rows (or cells) by kind of dirt."""

    rows: dict[str, int]
    dirt: dict[str, int]


def build_shop(
    path: Path,
    *,
    orders: int = 20_000,
    seed: int = 1,
    today: dt.date,
    truth: Path | None = None,
    on_progress: Progress | None = None,
) -> ShopReport:
    """Write the shop to the SQLite file `path` (replaced only once whole), and the labelled texts to `truth`.

    The same orders, seed and today give the same rows; only the planted future dates follow the real clock.
    `on_progress` is told a table's name and its rows so far. ValueError: fewer than 50 orders.
    """
    if orders < FEWEST_ORDERS:
        raise ValueError(f"a shop has at least {FEWEST_ORDERS} orders, not {orders}")
    calendar, pools, dirt = Calendar.of(today), load_pools(), DirtCount()
    people, shared = invent_people(pools, calendar, orders, seed)
    dirt.plant("shared_email", shared)
    with truth_sink(truth) as sink, new_shop(path) as connection:
        shop = ShopWriter(connection, dirt, on_progress)
        _fill(World(shop, pools, people, calendar, sink, seed), plan_orders(people, calendar, orders, seed))
    return ShopReport(dict(shop.rows), dict(dirt.found))


def _fill(world: World, orders: Orders) -> None:
    """Every table, those that others refer to first."""
    write_customers(world)
    write_addresses(world)
    write_vehicles(world)
    catalogue = write_products(world, len(orders))
    write_purchases(world, len(orders))
    _trade(world, orders, catalogue)
    disputes = write_complaints(world, orders)
    write_support(world, orders)
    write_reviews(world, orders, len(catalogue))
    write_social_contacts(world, orders)
    write_subscriptions(world)
    write_sessions(world, len(orders))
    write_access_log(world, len(orders))
    write_requests(world)
    write_holds(world, disputes)


def _trade(world: World, orders: Orders, catalogue: Catalogue) -> None:
    """Orders and all that follows from them, chunk by chunk."""
    order_desk, billing, parcels = (
        OrderDesk(world, orders, catalogue),
        BillingDesk(world, orders),
        ParcelDesk(world, orders),
    )
    for part in slices(len(orders)):
        which = np.arange(part.start, part.stop, dtype=np.int64)
        totals = order_desk.write(which)
        billing.write(which, totals)
        parcels.write(which)
