"""Synthetic values: one person has the same in every table, no real person's comes out, and none tells a key."""

from __future__ import annotations

from typing import Any, get_args

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from demo.pools import is_shop_last_name, load_pools, reserved_names
from privacy.errors import TreatmentError
from privacy.pools import Taken, is_synthetic_last_name, pool
from privacy.treatments import Synthesize
from privacy.treatments.base import arrow, series
from tests.promised import KEYS, treat, treatment
from tests.strategies import columns, emails, integers, texts

OFS = get_args(Synthesize.model_fields["of"].annotation)
LOOKING_AHEAD = ("last_name", "name", "company")


def synthesize(of: str, form: str = "integer", **more: Any) -> Synthesize:
    made = treatment(kind="synthesize", of=of, by="person", domain="person", form=form, **more)
    assert isinstance(made, Synthesize)
    return made


def people(of: str | Synthesize, *persons: int | None, raw: str = "Jan") -> list[Any]:
    """Give the values of some persons, all of whom have the same real one."""
    how = synthesize(of) if isinstance(of, str) else of
    return treat(how, pa.array([raw] * len(persons), pa.string()), person=pa.array(persons, pa.int64()))


# --- one person, one value


@given(of=st.sampled_from(OFS), column=columns(texts, pa.string()))
def test_every_value_keeps_its_shape_and_every_missing_one_stays_missing(of, column):
    treat(synthesize(of), column, person=pa.array(range(len(column)), pa.int64()))


@given(of=st.sampled_from(OFS), persons=columns(integers, pa.int64(), max_size=5))
def test_a_person_has_the_same_value_whatever_stands_beside_it_and_whatever_the_real_one(of, persons):
    found = people(of, *persons.to_pylist())
    alone = [people(of, person, raw="Piet")[0] for person in persons.to_pylist()]
    assert found == alone


@given(columns(emails, pa.string()))
def test_a_person_known_by_an_email_address_has_one_value_for_all_its_spellings(column):
    how, raw = synthesize("name", "email"), pa.array(["Jan"] * len(column), pa.string())
    assert treat(how, raw, person=column) == treat(how, raw, person=pc.utf8_upper(pc.utf8_trim_whitespace(column)))


def test_name_and_email_address_of_a_person_fit_the_first_and_last_name():
    persons = range(200)
    first, last, name, email = (people(of, *persons) for of in ("first_name", "last_name", "name", "email"))
    assert name == [f"{one} {other}" for one, other in zip(first, last, strict=True)]
    assert len(set(email)) == len(set(name))
    assert (people("name", 7), people("email", 7)) == (["Dina Nihoe-Koret"], ["dina.nihoe-koret@synthetic.invalid"])


def test_whoever_has_no_subject_is_unknown():
    assert people("name", None, 7)[0] == "unknown"
    assert treat(synthesize("name", "text"), pa.array(["Jan"]), person=pa.array([" "])) == ["unknown"]


def test_parts_of_a_person_and_persons_of_two_domains_are_drawn_by_keys_of_their_own():
    derived = {KEYS.synthesis_key(part, domain) for part in ("first_name", "city") for domain in ("person", "guest")}
    assert len(derived | {KEYS.token_key("person"), KEYS.token_key("guest")}) == 6
    here = treatment(kind="synthesize", of="city", by="person", domain="guest", form="integer")
    assert people(here, *range(50)) != people("city", *range(50))


def test_synthetic_people_are_those_of_this_table():
    """Golden: a change here renames everybody."""
    assert {of: people(of, 1001)[0] for of in OFS} == {
        "first_name": "Dylan",
        "last_name": "Zijl-Dubois",
        "name": "Dylan Zijl-Dubois",
        "email": "dylan.zijl-dubois@synthetic.invalid",
        "company": "van Praagh & Haengreve",
        "city": "Markenbinnen",
        "street": "Vigoring",
    }


# --- nobody real


def test_no_last_name_of_the_demo_shop_is_synthetic_nor_part_of_one():
    halves = {half for name in pool("last_name", "nl_NL").to_pylist() for half in name.split("-")}
    assert len(halves) > 400
    assert not any(
        first == second for first, second in (name.split("-") for name in pool("last_name", "nl_NL").to_pylist())
    )
    assert all(is_synthetic_last_name(half) and not is_shop_last_name(half) for half in halves)
    assert halves.isdisjoint(reserved_names())


def test_no_pair_of_the_demo_shop_comes_out():
    pools = load_pools()
    real = {f"{first} {last}" for first in (*pools.first_male, *pools.first_female) for last in pools.last}
    many = pa.array(range(20_000))

    drawn = arrow(synthesize("name").treat(series(many.cast(pa.string())), {"person": series(many)}, KEYS)).to_pylist()

    assert len(set(drawn)) > 19_900
    assert real.isdisjoint(drawn)


@pytest.mark.parametrize("of", LOOKING_AHEAD)
def test_a_value_that_really_occurs_is_nobodys_and_renames_only_those_who_bore_it(of):
    how, persons = synthesize(of), range(500)
    before = people(how, *persons)
    real = before[7]

    taken = Taken()
    how.note_taken(pa.array(["Jan", None, "", f" {real.upper()} "]), taken)
    after = people(how.avoiding(taken), *persons)

    assert real not in after
    assert [old for old, new in zip(before, after, strict=True) if old != new] == [real] * before.count(real)


def test_a_real_name_is_left_out_of_first_and_last_names_and_addresses_alike():
    (name,) = people("name", 7)
    taken = Taken()
    synthesize("name").note_taken(pa.array([name]), taken)

    ready = {of: synthesize(of).avoiding(taken) for of in ("last_name", "name", "email")}
    (last,), (new_name,), (email,) = (people(ready[of], 7) for of in ("last_name", "name", "email"))

    assert last != name.split()[1]
    assert new_name == f"{name.split()[0]} {last}"
    assert email.endswith(f".{last.lower()}@synthetic.invalid")


def test_first_names_cities_and_streets_are_common_property():
    taken = Taken()
    for of in ("first_name", "city", "street"):
        (real,) = people(of, 7)
        synthesize(of).note_taken(pa.array([real]), taken)
        assert people(synthesize(of).avoiding(taken), 7) == [real]
        assert synthesize(of).as_read(pa.array([real]), pa.array([real])) is None


def test_a_pool_of_which_every_value_is_real_is_refused():
    taken = Taken()
    how = synthesize("company")
    how.note_taken(pool("company", "nl_NL"), taken)
    with pytest.raises(TreatmentError, match="every value that the locale nl_NL has for company occurs in the source"):
        how.avoiding(taken)


@pytest.mark.parametrize("of", LOOKING_AHEAD)
def test_a_real_value_that_comes_out_nevertheless_is_counted(of):
    raw, treated = pa.array(["Anna", " anna\u0301 B-C ", None]), pa.array(["Anná b-c", "D", "anna", "unknown", None])
    assert synthesize(of).as_read(raw, treated) == 2
    assert synthesize(of).as_read(pa.array(["unknown"]), pa.array(["unknown"])) == 0


def test_a_synthetic_email_address_promises_a_domain_that_cannot_exist():
    (promise,) = synthesize("email").promises()
    assert "@synthetic[.]invalid" in promise.pattern
    assert synthesize("email").shaped_as_identifier
    assert not any(synthesize(of).shaped_as_identifier for of in OFS if of != "email")


# --- pools


def test_a_pool_is_built_once_and_holds_no_value_twice():
    for part in ("first_name", "last_name", "company", "city", "street"):
        values = pool(part, "nl_NL")
        assert values is pool(part, "nl_NL")
        assert len(values) == len(set(map(str.casefold, values.to_pylist())))


def test_another_locale_has_other_people():
    assert people(synthesize("city", locale="de_DE"), *range(20)) != people("city", *range(20))


# --- refusals


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"of": "name", "locale": "xx_XX"}, "is not a locale of Faker, such as nl_NL or de_DE"),
        ({"of": "email", "locale": "ru_RU"}, "the locale ru_RU has names that a mail address cannot spell"),
        ({"of": "city", "locale": "hy_AM"}, "the locale hy_AM has .. values for city; 100 are needed to hide among"),
        ({"of": "nickname"}, "Input should be 'first_name', 'last_name'"),
    ],
)
def test_a_pool_that_hides_nobody_is_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        synthesize(**given)


def test_it_needs_the_subject_in_the_form_of_its_domain():
    assert synthesize("name").needs() == {"person": {"integer"}}
    assert synthesize("name", "email").needs() == {"person": {"text"}}
    assert synthesize("name").accepts == {"text"}
