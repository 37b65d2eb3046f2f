"""Pools of names, streets and places, drawn from Faker once; every person of the shop is made from these.

The split of last names: a last name without its infix belongs to the shop when `is_shop_last_name` says so
(an even CRC-32 of its case-folded NFC form), in whatever version of Faker it turns up. Whoever makes synthetic
display names takes the other half, and no synthetic pair of first and last name is then a pair of the shop.
"""

import unicodedata
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from faker import Faker

from demo.arrays import Objects, objects
from demo.goods import public_words
from demo.places import ABROAD_BE, ABROAD_DE, DUTCH, PROVINCES, Place, abroad

DRAWS: Final = 6_000
FAKER_SEED: Final = 2020
"""The pools never depend on the shop's seed: two shops differ in who lives there, not in which names exist."""

INFIXES: Final = ("van", "de", "van der", "van den", "van de", "den", "ter", "te", "'t", "op de", "in 't", "von")
ACCENTED_FIRST: Final = ("Daniël", "Chloë", "Noël", "Renée", "René", "Joëlle", "José", "Gülşen", "Søren", "Łucja")
"""By turns of men and women."""
ACCENTED_LAST: Final = (
    "Özdemir", "Çelik", "Čapek", "Bäumer", "Brontëma", "Nuñez", "Åkesson", "Fèvrier", "Szymańska", "Geërts",
    "Müllers", "Pérez", "Löwik", "Đorđević", "Coëlho", "Groß", "Yıldız", "Ørsted",
)  # fmt: skip


@dataclass(frozen=True)
class Pools:
    """What people of the shop are made of."""

    first_male: Objects
    first_female: Objects
    last: Objects
    streets: Objects
    places: Objects
    dutch_places: int
    towns: Objects
    words: Objects


def is_shop_last_name(name: str) -> bool:
    """Whether the last name (without infix) is the shop's; the other half is free for synthetic names."""
    return zlib.crc32(unicodedata.normalize("NFC", name).casefold().encode()) % 2 == 0


def reserved_names() -> frozenset[str]:
    """The last names the shop uses: a synthetic pool may hold none of them."""
    return frozenset(load_pools().last.tolist())


@cache
def load_pools() -> Pools:
    """The pools, the same in every shop of one Faker version."""
    dutch, belgian, german = (_faker(locale) for locale in ("nl_NL", "nl_BE", "de_DE"))
    public = frozenset(ascii_form(word) for word in (*public_words(), *PROVINCES, *(p.city for p in DUTCH)))
    male, female = _distinct(dutch.first_name_male, DRAWS), _distinct(dutch.first_name_female, DRAWS)
    last = {_without_infix(name) for name in (*_distinct(dutch.last_name, DRAWS), *ACCENTED_LAST)}
    shop_last = _people_only({name for name in last if is_shop_last_name(name)}, public)
    foreign = abroad(_distinct(belgian.city, 60), *ABROAD_BE) + abroad(_distinct(german.city, 60), *ABROAD_DE)
    places: list[Place] = [*DUTCH, *(place for place in foreign if not _holds_a_name(place.city, shop_last))]
    return Pools(
        first_male=objects(_people_only({*male, *ACCENTED_FIRST[::2]}, public)),
        first_female=objects(_people_only({*female, *ACCENTED_FIRST[1::2]}, public)),
        last=objects(shop_last),
        streets=objects(_distinct(dutch.street_name, DRAWS)),
        places=objects(places),
        dutch_places=len(DUTCH),
        towns=objects([town for town in _distinct(dutch.city, 400) if not _holds_a_name(town, shop_last)]),
        words=objects([word for word in _distinct(dutch.word, 400) if word.isascii() and word.isalpha()]),
    )


@cache
def ascii_form(text: str) -> str:
    """The text in lower-case ASCII letters, as an e-mail address spells a name."""
    special = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "ß": "ss"})
    return unicodedata.normalize("NFKD", text.casefold().translate(special)).encode("ascii", "ignore").decode()


def has_diacritics(text: str) -> bool:
    """Whether a letter of the text is outside ASCII."""
    return not text.isascii() and any(not c.isascii() and c.isalpha() for c in text)


def _faker(locale: str) -> Faker:
    faker = Faker(locale)
    faker.seed_instance(FAKER_SEED)
    return faker


def _distinct(draw: Callable[[], str], draws: int) -> list[str]:
    return sorted({unicodedata.normalize("NFC", draw()) for _ in range(draws)})


def _without_infix(name: str) -> str:
    parts = [part for part in name.split() if part[0].isupper()]
    return parts[-1] if parts else ""


def _people_only(names: set[str], public: frozenset[str]) -> list[str]:
    """Names of four letters or more that occur in no value which the shop may publish."""
    return sorted(
        name
        for name in names
        if len(name) > 3 and name.isalpha() and not any(ascii_form(name) in word for word in public)
    )


def _holds_a_name(place: str, names: list[str]) -> bool:
    """Whether a place is called like somebody of the shop, so that publishing it would publish the name."""
    return any(ascii_form(name) in ascii_form(place) for name in names)
