"""Values of personal kinds are found in a column, all of them and nothing else; a catalogue is left alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.nl import bsn

from demo import goods, identifiers
from expectations.dialect import DIALECTS
from expectations.drift_query import Searched, kinds_found
from privacy.identifiers import IDENTIFIERS, Kind
from privacy.promises import NoValueDrift
from tests.candidates import KINDS
from tests.strategies import seeds

CATALOGUE = [
    *(f"ART-{number:06d}" for number in range(40)),
    *(word for group in (goods.PARTS, goods.MODELS) for words in group.values() for word in words),
    *goods.COLOURS,
    *goods.CARRIERS,
    "1K0-615-301-AA",
    "04465-02220",
    "205/55 R16 91V",
    "Motor 1600 CC",
    "Motor 1600cc",
    "vanaf 2010 EN later",
    "10:30",
    "2026-03-10",
    "",
    None,
]
"""What a shop in car parts has to say about its goods."""


Profile = Callable[..., dict[str, int]]


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest) -> sa.Engine:
    """Give an engine of each kind of warehouse."""
    if request.param == "duckdb":
        return sa.create_engine("duckdb://", connect_args={"config": {"threads": 1}})
    return sa.create_engine(request.getfixturevalue("postgres").new_database())


@pytest.fixture(scope="module")
def found(engine: sa.Engine) -> Profile:
    """Profile a column of some values: the kinds that are told, each with its rows."""

    def profiled(values: list[Any], allowed: int = 0, strictly: bool = False) -> dict[str, int]:
        of = "number" if any(isinstance(value, int) for value in values) else "text"
        promise = NoValueDrift(of=of, strictly=strictly, allowed=allowed)
        with engine.connect() as connection:
            kind = "bigint" if of == "number" else "varchar"
            connection.exec_driver_sql(f"create temp table batch (it {kind}, nothing {kind})")
            if values:
                connection.execute(sa.text("insert into batch (it) values (:it)"), [{"it": value} for value in values])
            searched = [Searched(name, "batch", promise) for name in ("it", "nothing")]
            query = kinds_found(searched, DIALECTS[engine.dialect.name])
            answer = connection.exec_driver_sql(query, execution_options={"no_parameters": True}).all()
            told = {kind: int(rows) for place, kind, rows in answer if place == 0}
            assert len(told) == len(answer)
            connection.rollback()
        return told

    return profiled


def _bsns(rng: np.random.Generator, n: int) -> list[str]:
    # none begins with a 6, which could be a mobile number without its 0
    stems = [f"{number:08d}" for number in rng.integers(10_000_000, 59_999_999, 30 * n)]
    valid = [stem + str(last) for stem in stems for last in [bsn.checksum(stem + "0") % 11] if last < 10]
    return [number for number in valid if bsn.is_valid(number)][:n]


def _cards(rng: np.random.Generator, n: int) -> list[str]:
    stems = [f"4{number:014d}" for number in rng.integers(0, 10**14, n)]
    cards = [stem + luhn.calc_check_digit(stem) for stem in stems]
    return [
        identifiers.spaced(card) if spaced else card for card, spaced in zip(cards, rng.random(n) < 0.5, strict=True)
    ]


def _phones(rng: np.random.Generator, n: int) -> list[str]:
    forms = rng.integers(0, len(identifiers.PHONE_FORMS), n).tolist()
    return [identifiers.phone_form(phone, form) for phone, form in zip(identifiers.phones(rng, n), forms, strict=True)]


def _addresses(rng: np.random.Generator, n: int, colon: bool) -> list[str]:
    return [address for address in identifiers.ip_addresses(rng, 60 * n + 3) if (":" in address) is colon][:n]


MADE = {
    "email": lambda rng, n: [f"{word}@example.org" for word in identifiers.random_texts(rng, "abcdefgh", n, 9)],
    "iban": lambda rng, n: [
        identifiers.spaced(iban) if at % 2 else iban for at, iban in enumerate(identifiers.ibans(rng, n))
    ],
    "phone": _phones,
    "ipv4": lambda rng, n: _addresses(rng, n, False),
    "ipv6": lambda rng, n: _addresses(rng, n, True),
    "bsn": _bsns,
    "card": _cards,
    "licence_plate": lambda rng, n: list(identifiers.plates(rng, n)),
    "vin": lambda rng, n: identifiers.vins(rng, ["Opel"] * n),
    "postcode": lambda rng, n: [f"{number} XZ {number % 90 + 1}" for number in rng.integers(1000, 9999, n)],
    "parcel": lambda rng, n: identifiers.tracking_codes(rng, ["PostNL"] * n),
    "cookie": lambda rng, n: list(identifiers.cookie_ids(rng, n)),
}
"""Values of each kind, invented."""


def test_there_are_values_of_every_kind_and_a_way_to_recognise_it() -> None:
    assert tuple(MADE) == tuple(IDENTIFIERS) == get_args(Kind)


@pytest.mark.parametrize("kind", MADE)
@settings(max_examples=6)
@given(seed=seeds, n=st.integers(1, 12), around=st.sampled_from(["{}", "for {}", "{} (old)"]))
def test_of_a_kind_put_into_a_clean_column_exactly_so_many_rows_are_told(
    found: Profile, kind: str, seed: int, n: int, around: str
) -> None:
    planted = [around.format(value) for value in MADE[kind](np.random.default_rng(seed), n)]
    assert len(planted) == n

    assert found([*CATALOGUE, *planted, *CATALOGUE]) == {kind: n}


def test_a_catalogue_is_clean(found: Profile) -> None:
    assert found(CATALOGUE) == {}


@pytest.mark.parametrize("values", [[], [None, None], [""], ["zwart", None]], ids=["empty", "null", "blank", "word"])
def test_a_column_without_values_is_clean(found: Profile, values: list[str | None]) -> None:
    assert found(values) == {}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("digits", [9, 10, 15, 16])
def test_numbers_of_a_catalogue_that_pass_a_checksum_by_chance_are_not_told(
    found: Profile, digits: int, seed: int
) -> None:
    """One in eleven passes that of a BSN, one in ten that of a card."""
    drawn = random.Random(seed)
    numbers = [drawn.randrange(10 ** (digits - 1), 10**digits) for _ in range(60)]

    assert found(numbers) == {}
    assert found([str(number) for number in numbers]) == {}
    assert found([f"{number} old" for number in numbers]) == {}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "form", ["XX99XXXX9999999999", "99-XX-XX", "99-XXX-9"], ids=["iban", "plate", "plate of three"]
)
def test_part_numbers_of_which_a_few_look_like_something_personal_are_not_told(
    found: Profile, form: str, seed: int
) -> None:
    drawn = random.Random(seed)
    signs = {"X": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "9": "0123456789", "-": "-"}
    like = ["".join(drawn.choice(signs[sign]) for sign in form) for _ in range(40)]
    other = [
        "".join(drawn.choice(signs["X"] + signs["9"]) if sign != "-" else sign for sign in form) for _ in range(60)
    ]

    assert found(like[:10] + other) == {}


def test_what_nobody_writes_by_chance_is_told_among_ever_so_many_that_look_alike(found: Profile) -> None:
    parts = [f"0986{number:06d}" for number in range(50)] + [f"1987{number:06d}" for number in range(60)]

    assert found([*parts, "06-12345678", "06-12345678"]) == {"phone": 2}


def test_a_column_of_nothing_else_is_told_as_a_whole(found: Profile) -> None:
    assert found(["0612345678", "0201234567", "0182012345"]) == {"phone": 3}


def test_numbers_are_profiled_where_a_kind_can_sit_in_a_number(found: Profile) -> None:
    assert found([1, 2, 2, None, 123_456_782, 123_456_782]) == {"bsn": 2}
    assert found([1, 2, 31_612_345_678]) == {"phone": 1}
    assert found([1, 2, 612_345_679]) == {"phone": 1}
    assert found([1, 2, 4_111_111_111_111_111, -4_111_111_111_111_111]) == {"card": 1}


def test_a_card_is_no_telephone_number_though_its_groups_may_look_like_one(found: Profile) -> None:
    assert found(["4000 0031 2345 6788"]) == {"card": 1}


def test_a_value_of_two_kinds_is_told_under_both(found: Profile) -> None:
    assert found(["anna@example.org, 06-12345678"]) == {"email": 1, "phone": 1}


def test_an_account_number_is_no_telephone_number_though_its_last_groups_look_like_one(found: Profile) -> None:
    assert found(["NL91 ABNA 0417 1643 00", "DE89 3704 0044 0532 0130 00", "DE89370400440532013000"]) == {"iban": 3}


def test_a_postcode_is_told_in_small_letters_too(found: Profile) -> None:
    assert found(["zwart", "1234xz"]) == {"postcode": 1}


def test_as_many_rows_as_are_allowed_are_not_told(found: Profile) -> None:
    emails = ["anna@example.org", "anna@example.org", "bob@example.org"]

    assert found(emails, allowed=3) == {}
    assert found(emails, allowed=2) == {"email": 3}


def test_in_a_column_of_a_personal_role_a_shape_is_enough(found: Profile) -> None:
    assert found(["1600 CC", "NL00ABNA0417164300"], strictly=True) == {"postcode": 1, "iban": 1}
    assert found([*["4.18"] * 9, "123456781"], strictly=True) == {"bsn": 1}
