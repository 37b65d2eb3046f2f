"""Fills templates with values of the person who writes, and notes which characters are whose."""

import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from demo import identifiers
from demo.dirt import DirtCount
from demo.people import People
from demo.places import Place
from demo.pools import ascii_form
from demo.templates import BY_COLUMN, Lines
from demo.truth import Span, TruthSink

LOWER_SHARE: Final = 0.3
_PERSONAL_KIND: Final = {
    "orders": "personal_in_note", "review": "personal_in_review", "support_message": "personal_in_message",
    "social_contact": "personal_in_message",
}  # fmt: skip


@dataclass(frozen=True)
class Author:
    """Who writes, and about which order and invoice, if any."""

    person: int
    order_number: str | None = None
    invoice_number: str | None = None


class Scribe:
    """Writes the free texts of one table; the same seed writes the same texts."""

    def __init__(self, people: People, dirt: DirtCount, truth: TruthSink, seed: int, table: str) -> None:
        """Writes for `table`; every text goes to `truth`, personal ones are counted as dirt."""
        self._people, self._dirt, self._truth, self._table = people, dirt, truth, table
        self._rng = random.Random(f"{seed} {table}")
        self._fresh = _FreshValues(seed, table)
        self._written: dict[str, int] = {}

    def write(self, column: str, record: int, author: Author, lines: Lines | None = None) -> str:
        """One text, of these lines or the column's own; the first are one personal, one plain, one in lower case."""
        lines, rng = lines or BY_COLUMN[self._table, column], self._rng
        nth = self._written[column] = self._written.get(column, -1) + 1
        personal = nth == 0 or (nth > 2 and rng.random() < lines.share)
        template = rng.choice(lines.personal if personal else lines.plain)
        return self.fill(column, record, author, template, lower=nth == 2 or rng.random() < LOWER_SHARE)

    def fill(self, column: str, record: int, author: Author, template: str, *, lower: bool = False) -> str:
        """The template with this author's values; its spans are right because each value is placed here."""
        pieces: list[str] = []
        spans: list[Span] = []
        at = 0
        for literal, slot in _parse(template):
            value = SLOTS[slot][1](self, author) if slot else ""
            literal, value = (literal.lower(), value.lower()) if lower else (literal, value)
            at += len(literal)
            if slot:
                spans.append(Span(at, at + len(value), SLOTS[slot][0]))
            at += len(value)
            pieces += (literal, value)
        text = "".join(pieces)
        self._truth(self._table, column, record, text, spans)
        if spans:
            kind = "personal_in_subject" if column == "subject" else _PERSONAL_KIND.get(self._table, "personal_in_body")
            self._dirt.plant(kind, 1)
        return text

    def first(self, author: Author) -> str:
        return str(self._people.first[author.person])

    def last(self, author: Author) -> str:
        return self._people.surname(author.person)

    def full(self, author: Author) -> str:
        return self._people.full_name(author.person)

    def initials_last(self, author: Author) -> str:
        return f"{self.first(author)[0]}. {self.last(author)}"

    def email(self, author: Author) -> str:
        return str(self._people.email[author.person])

    def phone(self, author: Author) -> str:
        """In whatever spelling comes to mind, seldom the one the shop has."""
        return identifiers.phone_form(self._people.phone[author.person], self._rng.randrange(99))

    def address(self, author: Author) -> str:
        return self._people.address(author.person)

    def postcode(self, author: Author) -> str:
        return str(self._people.postcode[author.person])

    def city(self, author: Author) -> str:
        place: Place = self._people.place[author.person]
        return place.city

    def plate(self, author: Author) -> str:
        return str(self._people.plate[author.person])

    def customer(self, author: Author) -> str:
        """Guests make one up."""
        known = author.person < self._people.customers
        return str(author.person + 1 if known else self._rng.randrange(100_000, 999_999))

    def order(self, author: Author) -> str:
        return author.order_number or self._made_up_number("AP")

    def invoice(self, author: Author) -> str:
        return author.invoice_number or self._made_up_number("FA")

    def _made_up_number(self, prefix: str) -> str:
        return f"{prefix}{self._rng.randrange(2015, 2026)}{self._rng.randrange(10**7):07d}"

    def _stranger(self) -> int:
        return self._rng.randrange(len(self._people))

    def other(self, author: Author) -> str:
        return str(self._people.first[self._stranger()])

    def other_full(self, author: Author) -> str:
        return f"{self.other(author)} {self._people.surname(self._stranger())}"

    def other_email(self, author: Author) -> str:
        """Of nobody in particular, but with the author's last name more often than not."""
        who = author.person if self._rng.random() < 0.6 else self._stranger()
        name = ascii_form(self._people.last[who])
        return (
            f"{name}{self._rng.randrange(10, 9999)}@{self._rng.choice(('example.com', 'werk.example', 'garage.test'))}"
        )

    def fresh(self, kind: str) -> str:
        """An identifier that no table holds."""
        return self._fresh.next(kind, self._rng)


class _FreshValues:
    """Small stocks of identifiers that occur in texts only."""

    def __init__(self, seed: int, table: str) -> None:
        rng = np.random.default_rng([seed, len(table), *table.encode()])
        years, months, days = (rng.integers(low, high, 200).tolist() for low, high in ((1940, 2005), (1, 13), (1, 29)))
        self._stock: dict[str, Sequence[str]] = {
            "iban": identifiers.ibans(rng, 200),
            "vin": identifiers.vins(rng, ["Volkswagen", "Opel", "Volvo", "Ford"] * 50),
            "tracking": identifiers.tracking_codes(rng, ["PostNL", "DHL", "DPD", "GLS"] * 50),
            "ip": identifiers.ip_addresses(rng, 200).tolist(),
            "phone": identifiers.phones(rng, 200).tolist(),
            "birth": [f"{d:02d}-{m:02d}-{y}" for d, m, y in zip(days, months, years, strict=True)],
        }

    def next(self, kind: str, rng: random.Random) -> str:
        return rng.choice(self._stock[kind])


def _iban(scribe: Scribe, author: Author) -> str:
    iban = scribe.fresh("iban")
    return identifiers.spaced(iban) if author.person % 2 else iban


def _other_phone(scribe: Scribe, author: Author) -> str:
    return identifiers.phone_form(scribe.fresh("phone"), author.person)


SLOTS: Final[dict[str, tuple[str, Callable[[Scribe, Author], str]]]] = {
    "first": ("name", Scribe.first),
    "last": ("name", Scribe.last),
    "full": ("name", Scribe.full),
    "initials_last": ("name", Scribe.initials_last),
    "other": ("name", Scribe.other),
    "other_full": ("name", Scribe.other_full),
    "email": ("email", Scribe.email),
    "other_email": ("email", Scribe.other_email),
    "phone": ("phone", Scribe.phone),
    "other_phone": ("phone", _other_phone),
    "address": ("address", Scribe.address),
    "postcode": ("postcode", Scribe.postcode),
    "city": ("city", Scribe.city),
    "plate": ("plate", Scribe.plate),
    "vin": ("vin", lambda scribe, _: scribe.fresh("vin")),
    "iban": ("iban", _iban),
    "ip": ("ip_address", lambda scribe, _: scribe.fresh("ip")),
    "birth": ("birth_date", lambda scribe, _: scribe.fresh("birth")),
    "tracking": ("tracking_code", lambda scribe, _: scribe.fresh("tracking")),
    "customer": ("customer_number", Scribe.customer),
    "order": ("order_number", Scribe.order),
    "invoice": ("invoice_number", Scribe.invoice),
}
"""Each slot of a template: the type that truth.jsonl gives it, and where its value comes from."""


@cache
def _parse(template: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((literal, slot) for literal, slot, _, _ in string.Formatter().parse(template))
