"""Fills what the shop knows of its customers: accounts, addresses, vehicles."""

import numpy as np

from demo import identifiers
from demo.arrays import Bools, Ints, Objects, chance, either, handful, ids, objects, pick, scatter, slices
from demo.clock import NEVER, YEARS_OF_HISTORY, birth_dates, iso, local
from demo.goods import KINDS_OF_ADDRESS, MODELS
from demo.people import People
from demo.places import Place
from demo.world import FAR, World


def write_customers(world: World) -> None:
    """One row an account; some cells NULL, some empty, phones in every spelling."""
    shop, people, calendar, rng = world.shop, world.people, world.calendar, world.stream("customer")
    for part in slices(people.customers):
        n = part.stop - part.start
        born = objects(birth_dates(rng, n, local(calendar.end).year))
        seen = calendar.later(rng, people.created[part], 3600, YEARS_OF_HISTORY * 365 * 86_400)
        first = people.first[part]
        no_infix = np.array([infix is None for infix in people.infix[part].tolist()])
        shop.write("customer", {
            "customer_id": ids(part.start + 1, n),
            "first_name": first,
            "initials": _gaps(rng, objects([f"{name[0]}." for name in first.tolist()]), 0.02, 0.03),
            "infix": either(no_infix & chance(rng, 0.05, n), "", people.infix[part]),
            "last_name": people.last[part],
            "email": either(people.unreachable[part], None, people.email[part]),
            "phone": _gaps(rng, written_phones(people, part), 0.08, 0.04),
            "birth_date": _gaps(rng, born, 0.12, 0.0),
            "gender": _genders(rng, people.male[part]),
            "password_hash": identifiers.password_hashes(rng, n),
            "last_login_ip": people.ip[part],
            "newsletter_opt_in": chance(rng, 0.45, n).astype(np.int64),
            "created_at": iso(people.created[part]),
            "updated_at": iso(np.where(seen == NEVER, people.created[part], seen)),
        })  # fmt: skip


def written_phones(people: People, part: slice) -> Objects:
    """The phone numbers as each person writes them; the first customers show every spelling."""
    forms = people.phone_form[part].tolist()
    shown = identifiers.PHONE_FORMS if part.start == 0 else ()
    forms[4 : 4 + len(shown)] = range(len(shown))
    pairs = zip(people.phone[part].tolist(), forms, strict=True)
    return objects([identifiers.phone_form(phone, form) for phone, form in pairs])


def _gaps(rng: np.random.Generator, cells: Objects, null: float, empty: float) -> Objects:
    """The cells, a share of them NULL and a share empty, each once among the first sixteen."""
    lot = rng.random(len(cells))
    lot[:16] = 1.0
    lot[1:2], lot[2:3] = null / 2, null + empty / 2
    return either(lot < null, None, either(lot < null + empty, "", cells))


def _genders(rng: np.random.Generator, male: Bools) -> Objects:
    stated = _gaps(rng, either(male, "m", "v"), 0.1, 0.05)
    return either(chance(rng, 0.01, len(male)), "x", stated)


def write_addresses(world: World) -> None:
    """Everyone's home; one in five has a second address, some of these the first in other spelling; some orphans."""
    shop, people, rng = world.shop, world.people, world.stream("address")
    everyone = np.arange(people.customers)
    second, respelled, orphaned = scatter(
        rng, everyone, people.customers // 6, max(1, people.customers // 40), handful(people.customers)
    )
    owners = np.sort(np.concatenate([everyone, second, respelled, orphaned]))
    again = np.concatenate([[False], owners[1:] == owners[:-1]])
    elsewhere = again & np.isin(owners, second)
    other_spelling = again & np.isin(owners, respelled)
    nowhere = again & np.isin(owners, orphaned)
    moved = np.where(elsewhere, rng.integers(0, len(people), owners.size), owners)
    streets, postcodes = people.street[moved], people.postcode[moved]
    streets[other_spelling] = [other_street(street) for street in streets[other_spelling].tolist()]
    postcodes[other_spelling] = [code.replace(" ", "").lower() for code in postcodes[other_spelling].tolist()]
    places: list[Place] = people.place[moved].tolist()
    abroad = np.array([place.province is None for place in places])
    shop.dirt.plant("address_two_spellings", int(other_spelling.sum()))
    shop.dirt.plant("orphan_address", int(nowhere.sum()))
    shop.write("address", {
        "address_id": ids(1, owners.size),
        "customer_id": np.where(nowhere, people.customers + FAR + owners, owners + 1),
        "kind": either(again, KINDS_OF_ADDRESS[1], KINDS_OF_ADDRESS[0]),
        "street": streets,
        "house_number": people.house_number[moved],
        "postcode": postcodes,
        "city": [place.city for place in places],
        "province": either(abroad, pick(rng, ("", None), owners.size), [place.province for place in places]),
        "country": [place.country for place in places],
        "updated_at": iso(people.created[owners]),
    })  # fmt: skip


def other_street(street: str) -> str:
    """The street as a hurried person writes it."""
    for long, short in (("straat", "str."), ("laan", "ln."), ("plein", "pln."), ("weg", "wg.")):
        if street.endswith(long):
            return street.removesuffix(long) + short
    return street.lower()


def write_vehicles(world: World) -> None:
    """Six cars for ten customers, at most one each that texts may mention; some orphans."""
    shop, people, calendar, rng = world.shop, world.people, world.calendar, world.stream("vehicle")
    (owners,) = scatter(rng, np.arange(people.customers), round(people.customers * 0.6))
    orphans = handful(owners.size)
    customers: Ints = np.concatenate([owners + 1, people.customers + FAR + np.arange(orphans)])
    n = customers.size
    makes = pick(rng, list(MODELS), n).tolist()
    lots = zip(makes, rng.integers(0, 60, n).tolist(), strict=True)
    registered = np.append(people.created[owners], rng.integers(calendar.start, calendar.end, orphans))
    shop.dirt.plant("orphan_vehicle", orphans)
    shop.write("vehicle", {
        "vehicle_id": ids(1, n),
        "customer_id": customers,
        "licence_plate": np.append(people.plate[owners], identifiers.plates(rng, orphans)),
        "vin": identifiers.vins(rng, makes),
        "make": makes,
        "model": [MODELS[make][lot % len(MODELS[make])] for make, lot in lots],
        "build_year": local(calendar.end).year - 1 - (rng.beta(1.5, 3, n) * 28).astype(np.int64),
        "updated_at": iso(registered),
    })  # fmt: skip
