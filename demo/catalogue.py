"""Fills the catalogue and the purchases: what the shop sells, and from whom it buys."""

from dataclasses import dataclass

import numpy as np

from demo.arrays import Ints, Objects, euros, ids, pick, slices
from demo.clock import iso
from demo.goods import COLOURS, DIRECTIONS, MODELS, PARTS, SUPPLIERS
from demo.pools import ascii_form
from demo.world import World


@dataclass(frozen=True)
class Catalogue:
    """What order lines need to know of the products; product_id = index + 1."""

    cents: Ints
    colour: Objects

    def __len__(self) -> int:
        return self.cents.size


def write_products(world: World, orders: int) -> Catalogue:
    """300 to 5000 parts, named after what they are and the car they fit."""
    calendar, rng = world.calendar, world.stream("product")
    n = max(300, min(5000, orders // 10))
    kinds = [(category, part) for category, parts in PARTS.items() for part in parts]
    cars = [f"{make} {model}" for make, models in MODELS.items() for model in models]
    chosen = pick(rng, [*range(len(kinds))], n).tolist()
    cents = (495 + rng.gamma(1.6, 4200, n)).astype(np.int64)
    colour = pick(rng, (*COLOURS, None), n)
    world.shop.write("product", {
        "product_id": ids(1, n),
        "article_number": [f"ART-{i:06d}" for i in range(1, n + 1)],
        "oem_code": _oem_codes(rng, n),
        "name": [f"{kinds[kind][1]} {car}" for kind, car in zip(chosen, pick(rng, cars, n).tolist(), strict=True)],
        "category": [kinds[kind][0] for kind in chosen],
        "colour": colour,
        "price": euros(cents),
        "updated_at": iso(rng.integers(calendar.start, calendar.end, n)),
    })  # fmt: skip
    return Catalogue(cents, colour)


def _oem_codes(rng: np.random.Generator, n: int) -> list[str]:
    """Part numbers in the manner of car makers, such as 1K0-615-301-AA."""
    numbers = rng.integers(100, 999, (n, 2)).tolist()
    digits, letters = rng.integers(1, 9, n).tolist(), rng.integers(0, 26, (n, 3)).tolist()
    return [
        f"{d}{chr(65 + a)}0-{group}-{part}-{chr(65 + b)}{chr(65 + c)}"
        for d, (a, b, c), (group, part) in zip(digits, letters, numbers, strict=True)
    ]


def write_purchases(world: World, orders: int) -> None:
    """Reports of purchases, import and export, each with the name and number of somebody at the supplier's."""
    people, rng = world.people, world.stream("purchase")
    moments = world.calendar.spread(rng, max(8, orders // 50))
    parts = [part for group in PARTS.values() for part in group]
    for part in slices(moments.size):
        n = part.stop - part.start
        contacts = zip(pick(rng, people.first, n).tolist(), pick(rng, people.last, n).tolist(), strict=True)
        goods = zip(rng.integers(5, 400, n).tolist(), pick(rng, parts, n).tolist(), strict=True)
        world.shop.write("purchase", {
            "purchase_id": ids(part.start + 1, n),
            "supplier_name": pick(rng, SUPPLIERS, n),
            "supplier_contact": [f"{first} {last}, {ascii_form(last)}@leverancier.example" for first, last in contacts],
            "direction": pick(rng, DIRECTIONS, n, (50, 10, 40)),
            "goods": [f"{quantity} x {name}" for quantity, name in goods],
            "amount": euros((5_000 + rng.gamma(1.3, 90_000, n)).astype(np.int64)),
            "purchased_at": iso(moments[part]),
            "updated_at": iso(moments[part]),
        })  # fmt: skip
