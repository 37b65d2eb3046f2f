"""The people of the shop: customers with an account first, then guests who only ever give an e-mail address."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from demo import identifiers
from demo.arrays import Bools, Ints, Objects, chance, either, handful, objects, pick, random_texts, scatter, stream
from demo.clock import Calendar
from demo.places import Place
from demo.pools import INFIXES, Pools, ascii_form, has_diacritics

DOMAINS: Final = (
    "example.com", "example.org", "example.net", "mail.example.com", "post.example.net", "thuis.example.org",
    "kanaalnet.example", "polderpost.example", "garage.test",
)  # fmt: skip


@dataclass(frozen=True)
class People:
    """One entry a person; the first `customers` entries have customer_id = index + 1.

    An `unreachable` customer has an address in `email` that the shop does not know.
    """

    customers: int
    male: Bools
    first: Objects
    infix: Objects
    last: Objects
    email: Objects
    unreachable: Bools
    phone: Objects
    phone_form: Ints
    street: Objects
    house_number: Objects
    postcode: Objects
    place: Objects
    plate: Objects
    ip: Objects
    created: Ints

    def __len__(self) -> int:
        return len(self.first)

    def surname(self, person: int) -> str:
        """Last name with its infix, as the person would sign."""
        return f"{self.infix[person]} {self.last[person]}" if self.infix[person] else str(self.last[person])

    def full_name(self, person: int) -> str:
        """First name and surname."""
        return f"{self.first[person]} {self.surname(person)}"

    def address(self, person: int) -> str:
        """Street, number, postcode and city on one line."""
        place: Place = self.place[person]
        return f"{self.street[person]} {self.house_number[person]}, {self.postcode[person]} {place.city}"

    def customer_ids(self, persons: Ints) -> Ints:
        """Customer numbers; zero (NULL) for guests."""
        return np.where(persons < self.customers, persons + 1, 0)

    def known_at(self, moments: Ints) -> Ints:
        """How many customers had an account at each time; these are the first entries."""
        return np.searchsorted(self.created, moments, side="right").astype(np.int64)


def invent_people(pools: Pools, calendar: Calendar, orders: int, seed: int) -> tuple[People, int]:
    """The people of a shop with that many orders, and how many customers were given another customer's e-mail."""
    rng = stream(seed, "people")
    customers, guests = max(20, round(orders * 0.45)), max(8, orders // 10)
    n = customers + guests
    male = chance(rng, 0.55, n)
    first = either(male, pick(rng, pools.first_male, n), pick(rng, pools.first_female, n))
    infix = either(chance(rng, 0.27, n), pick(rng, INFIXES, n), None)
    last = pick(rng, pools.last, n)
    accented = [name for name in pools.last.tolist() if has_diacritics(name)]
    infix[0], last[1] = "van der", accented[0]
    place = _places(rng, pools, n)
    people = People(
        customers=customers,
        male=male,
        first=first,
        infix=infix,
        last=last,
        email=_emails(rng, first, infix, last),
        unreachable=_unreachable(rng, n, customers),
        phone=identifiers.phones(rng, n),
        phone_form=rng.integers(0, len(identifiers.PHONE_FORMS), n),
        street=pick(rng, pools.streets, n),
        house_number=_house_numbers(rng, n),
        postcode=_postcodes(rng, place),
        place=place,
        plate=identifiers.plates(rng, n),
        ip=_ip_addresses(rng, n),
        created=_account_dates(rng, calendar, customers),
    )
    return people, _share_emails(rng, people)


def _account_dates(rng: np.random.Generator, calendar: Calendar, customers: int) -> Ints:
    """Accounts are opened all along; the first dozen came with the shop's history."""
    created = calendar.spread(rng, customers)
    created[:12] = calendar.start + np.arange(12)
    return created


def _places(rng: np.random.Generator, pools: Pools, n: int) -> Objects:
    """Nearly everyone lives in the Netherlands, more in the places that the list names first."""
    dutch = (rng.random(n) ** 1.3 * pools.dutch_places).astype(int)
    foreign = rng.integers(pools.dutch_places, len(pools.places), n)
    abroad = chance(rng, 0.04, n)
    abroad[2] = True
    return pools.places[np.where(abroad, foreign, dutch)]


def _postcodes(rng: np.random.Generator, places: Objects) -> Objects:
    letters = random_texts(rng, "ABCDEGHJKLMNPRSTVWXZ", len(places), 2)
    shares = rng.random(len(places)).tolist()
    found = []
    for place, pair, share in zip(places.tolist(), letters, shares, strict=True):
        digits = place.low + int(share * (place.high - place.low + 1))
        found.append(f"{digits} {pair}" if place.country == "NL" else str(digits))
    return objects(found)


def _house_numbers(rng: np.random.Generator, n: int) -> Objects:
    numbers = (1 + rng.exponential(55, n)).astype(int).tolist()
    tails = pick(rng, ("", "a", "b", "-2", " bis", "-III"), n, (88, 4, 3, 2, 2, 1)).tolist()
    return objects([f"{number}{tail}" for number, tail in zip(numbers, tails, strict=True)])


def _emails(rng: np.random.Generator, first: Objects, infix: Objects, last: Objects) -> Objects:
    """One address a person, no two alike: a number from the person's place makes the rest unique."""
    n = len(first)
    shapes = rng.integers(0, 4, n).tolist()
    tags = chance(rng, 0.01, n)
    tags[4] = True
    domains = pick(rng, DOMAINS, n).tolist()
    found = []
    for i, (f, x, name) in enumerate(zip(first.tolist(), infix.tolist(), last.tolist(), strict=True)):
        f, x, name = ascii_form(f), ascii_form(x or "").replace(" ", "").replace("'", ""), ascii_form(name)
        local = (f"{f}.{x}{name}{i}", f"{f[0]}.{name}{i}", f"{name}.{f}{i}", f"{f}{i}_{name}")[shapes[i]]
        found.append(f"{local}{'+autopar' if tags[i] else ''}@{domains[i]}")
    return objects(found)


def _ip_addresses(rng: np.random.Generator, n: int) -> Objects:
    """Several people share most addresses; somebody always has IPv6."""
    addresses = identifiers.ip_addresses(rng, max(200, n // 2))
    return either(np.arange(n) == 5, addresses[0], pick(rng, addresses, n))


def _unreachable(rng: np.random.Generator, n: int, customers: int) -> Bools:
    """The few customers, entered at the counter, of whom the shop has no e-mail address."""
    without = chance(rng, 0.003, n)
    without[:10], without[10], without[customers:] = False, True, False
    return without


def _share_emails(rng: np.random.Generator, people: People) -> int:
    """Give some customers the e-mail address of an earlier one, as couples do."""
    pairs = handful(people.customers) + people.customers // 400
    (younger,) = scatter(rng, np.arange(10, people.customers), pairs)
    people.email[younger] = people.email[younger - rng.integers(5, 10, pairs)]
    people.last[younger] = people.last[younger - 5]
    return int(pairs)
