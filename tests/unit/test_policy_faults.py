"""What a policy cannot be: promises that no check could read, bounds that a column cannot hold, values of another kind.
Each is refused in our words, by line, before anything runs."""

import copy
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.errors import PolicyError
from privacy.policy_file import read_policy

SHOP = """\
version: "1.0"
controller: {name: A shop, contact: privacy@shop.example, privacy_policy: Version 3}
time_zone: Europe/Amsterdam
fiscal_year: {first_month: 1}
quarantine: {share: 0.01, rows: 5}
purposes: {sales: {meaning: Sell things.}}
recipients: {board: {meaning: The board.}}
promises: {P9: {meaning: Seven years.}}
domains: {sale: {of: integer, meaning: A sale.}}
never_extracted: {chat: Not stored.}
tables:
  sale:
    publish_as: sales
    meaning: What was sold.
    purpose: sales
    legal_basis: contract
    recipients: [board]
    subject: {who: buyer, found_by: [{column: sale_id, identifies: customer}]}
    primary_key: sale_id
    retention: {keep_at_most: 7 years, after: {latest: [sold_at]}, promise: P9}
    objected_when_set: note
    columns:
      sale_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: sale}}
      sold_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: day}, future: allow}
      born: {type: date, role: quasi_identifier, treatment: {kind: generalize, to: age_band, at: sold_at, top: 80}}
      note: {type: text, role: sensitive, treatment: suppress, promises: [{kind: max_null_rate, share: 1}]}
      zip: {type: text, role: quasi_identifier, treatment: {kind: generalize, to: postcode, digits: 2}}
      mail: {type: text, role: direct_identifier, treatment: {kind: mask, of: email, classes: {free: [mail.example]}}}
      total: {type: "decimal(12,2)", role: quasi_identifier, treatment: {kind: generalize, to: band, edges: [1, 2.5]}}
      this: {type: text, role: sensitive, treatment: suppress}
    never_extracted: {extra: Not needed.}
"""
KEPT = "role: non_personal, treatment: keep, because: So."
THIS = "this: {type: text, role: sensitive, treatment: suppress}"
LINE = SHOP[: SHOP.index(THIS)].count("\n") + 1


PYDANTIC = re.compile(r"Input|[Vv]alid\b|should|Field|Extra|_type|pydantic")


def refusal(text: str) -> str:
    with pytest.raises(PolicyError) as refused:
        read_policy(text, "shop.yaml")
    return str(refused.value)


def column(type_: str, rest: str) -> str:
    return SHOP.replace(THIS, f"this: {{type: {type_}, {rest}}}")


def promised(type_: str, promise: str, treated: str = KEPT) -> str:
    return column(type_, f"{treated}, promises: [{{{promise}}}]")


# --- promises that cannot be kept or checked


@pytest.mark.parametrize("pattern", ["(", "[a", "a**", "(?=x)y", "(a)\\\\1", "[[:foo:]]", "(?<name", "a{2000}"])
def test_a_pattern_that_re2_cannot_read_is_refused_and_not_quoted(pattern: str) -> None:
    said = refusal(promised("text", f'kind: matches, pattern: "{pattern}"'))

    assert said == (
        f"shop.yaml:{LINE}: tables.sale.columns.this.promises.0.pattern: is no regular expression of RE2, "
        "which knows neither look-around nor back-references."
    )


@pytest.mark.parametrize("pattern", ["\\\\C", "\\\\\\\\\\\\C+"])
def test_a_pattern_of_bytes_is_refused_for_not_every_warehouse_has_them(pattern: str) -> None:
    said = refusal(promised("text", f'kind: matches, pattern: "{pattern}"'))

    assert "takes letters apart into bytes (\\C), which not every warehouse can" in said


@pytest.mark.parametrize("pattern", ["[A-Z]{3}", "(?i)ja|nee", "\\\\p{Lu}.*", "\\\\d+", "\\\\\\\\C"])
def test_a_pattern_that_re2_reads_is_accepted(pattern: str) -> None:
    read_policy(promised("text", f'kind: matches, pattern: "{pattern}"'), "shop.yaml")


@pytest.mark.parametrize(
    ("type_", "promise", "about", "published"),
    [
        ("text", "kind: between, least: 1", "numbers", "text"),
        ("date", "kind: between, least: 1", "numbers", "dates"),
        ("boolean", "kind: between, least: 1", "numbers", "yes or no"),
        ("text", "kind: multiple_of, step: 5", "numbers", "text"),
        ("text", "kind: period_start, period: day", "dates", "text"),
        ("integer", "kind: period_start, period: day", "dates", "numbers"),
        ("integer", "kind: in_values, values: [a]", "text", "numbers"),
        ("date", "kind: in_values, values: [a]", "text", "dates"),
        ("double", "kind: matches, pattern: a", "text", "numbers"),
        ("timestamp", "kind: matches, pattern: a", "text", "dates"),
        ('"decimal(4,2)"', "kind: no_raw_identifier", "text", "numbers"),
    ],
)
def test_a_promise_about_other_values_than_the_columns_is_refused(
    type_: str, promise: str, about: str, published: str
) -> None:
    kind = promise.split(",")[0].removeprefix("kind: ")

    assert refusal(promised(type_, promise)) == (
        f"shop.yaml:{LINE}: tables.sale.columns.this.promises.0: {kind} is about {about}, "
        f"and the column is published as {published}."
    )


def test_no_double_is_promised_to_be_a_multiple() -> None:
    said = refusal(promised("double", "kind: multiple_of, step: 0.1"))

    assert said.endswith("promises.0: is about exact numbers, and the column is published as double.")


@pytest.mark.parametrize(
    ("type_", "treated", "promise"),
    [
        ("integer", "role: sensitive, treatment: {kind: generalize, to: step, width: 5}", "kind: matches, pattern: .*"),
        ("date", "role: non_personal, treatment: {kind: generalize, to: month}", "kind: period_start, period: month"),
        ("timestamp", KEPT, "kind: period_start, period: day"),
        ("double", KEPT, "kind: between, most: 3.5"),
        ("boolean", KEPT, "kind: unique"),
        ("text", "role: non_personal, treatment: suppress", "kind: is_null"),
    ],
)  # fmt: skip
def test_a_promise_is_about_what_is_published_not_about_what_is_read(type_: str, treated: str, promise: str) -> None:
    read_policy(promised(type_, promise, treated), "shop.yaml")


def test_bounds_that_leave_nothing_between_them_are_refused() -> None:
    assert "promises.0: least must not lie above most." in refusal(
        promised("integer", "kind: between, least: 3, most: 2")
    )


@pytest.mark.parametrize(
    ("type_", "bound"),
    [("integer", 2**63), ('"decimal(12,2)"', 10**10), ('"decimal(4,4)"', 1), ("double", 10**40), ("integer", ".inf")],
)
def test_a_promised_bound_that_no_value_can_reach_is_refused(type_: str, bound: object) -> None:
    said = refusal(promised(type_, f"kind: between, most: {bound}"))

    assert said == (
        f"shop.yaml:{LINE}: tables.sale.columns.this.promises.0: has a bound that the column's type cannot hold."
    )


@pytest.mark.parametrize("bound", ["x", "true", ".nan", "[1]", "'3'"])
def test_a_promised_bound_that_is_no_number_is_refused_once(bound: str) -> None:
    said = refusal(promised("integer", f"kind: between, least: {bound}"))

    assert said == f"shop.yaml:{LINE}: tables.sale.columns.this.promises.0.least: is not a number."


# --- numbers that a column cannot hold


@pytest.mark.parametrize(
    ("type_", "treatment", "said"),
    [
        ("integer", "to: clamp, most: 9223372036854775808", "has a bound that integer cannot hold"),
        ("integer", "to: clamp, least: -1e40", "has a bound that integer cannot hold"),
        ('"decimal(12,2)"', "to: clamp, most: 10000000000", "has a bound that decimal(12,2) cannot hold"),
        ('"decimal(12,2)"', "to: clamp, most: 1e30", "has a bound that decimal(12,2) cannot hold"),
        ("double", "to: clamp, least: '-1e400'", "has a bound that double cannot hold"),
        ("integer", "to: clamp, least: 1.2, most: 1.8", "leaves no integer between its bounds"),
        ("integer", "to: band, edges: [1, 1e20]", "has an edge that integer cannot be compared with"),
        ('"decimal(12,2)"', "to: band, edges: ['1e-30']", "has an edge that decimal(12,2) cannot be compared with"),
    ],
)
def test_a_bound_that_the_columns_type_cannot_hold_is_refused(type_: str, treatment: str, said: str) -> None:
    text = column(type_, f"role: quasi_identifier, treatment: {{kind: generalize, {treatment}}}")

    assert refusal(text) == f"shop.yaml:{LINE}: tables.sale.columns.this.treatment: {said}."


@pytest.mark.parametrize(
    ("type_", "treatment"),
    [
        ("integer", "to: clamp, most: 9223372036854775807"),
        ('"decimal(12,2)"', "to: clamp, least: -9999999999.99, most: 0.001"),
        ("double", "to: clamp, most: 1e300"),
        ("double", "to: band, edges: [1e-30, 1e30]"),
    ],
)
def test_a_bound_that_the_columns_type_can_hold_is_accepted(type_: str, treatment: str) -> None:
    text = column(type_, f"role: quasi_identifier, treatment: {{kind: generalize, {treatment}}}")
    read_policy(text, "shop.yaml")


def test_a_step_wider_than_all_numbers_is_refused() -> None:
    said = refusal(column("integer", f"role: non_personal, treatment: {{kind: generalize, to: step, width: {2**70}}}"))

    assert said == f"shop.yaml:{LINE}: tables.sale.columns.this.treatment.width: is more than {2**62}."


# --- values of another kind, in our words


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ('version: "1.0"', "version: 1.0", "1: version", "is not text; put it in quotes"),
        ("first_month: 1", "first_month: 0", "4: fiscal_year.first_month", "is less than 1"),
        ("first_month: 1", "first_month: 13", "4: fiscal_year.first_month", "is more than 12"),
        ("first_month: 1", "first_month: May", "4: fiscal_year.first_month", "is not a whole number"),
        ("rows: 5", "rows: 0.5", "5: quarantine.rows", "is not a whole number"),
        ("share: 0.01", "share: few", "5: quarantine.share", "is not a number"),
        ("purpose: sales", "purpose:", "15: tables.sale.purpose", "is empty; give it a value, or leave it out"),
        (
            "future: allow",
            "future: maybe",
            "24: tables.sale.columns.sold_at.future",
            "is none of 'quarantine' or 'allow'",
        ),
        ("recipients: [board]", "recipients: board", "17: tables.sale.recipients", "is not a list"),
        (
            "after: {latest: [sold_at]}",
            "after: 3",
            "20: tables.sale.retention.after",
            "is neither the name of a date or timestamp nor latest: […]",
        ),
        ("[sold_at]", "[]", "20: tables.sale.retention.after.latest", "is empty; name at least one"),
        (
            "latest: [",
            "last: [",
            "20: tables.sale.retention.after.last",
            "is not a key that a policy knows here; check the spelling in docs/policy.md",
        ),
        (
            "treatment: suppress}",
            "treatment: {kind: custom, function: f, gives: text}}",
            f"{LINE}: tables.sale.columns.this.treatment.function",
            "is not written in the form that the documentation gives",
        ),
        (THIS, "on: {type: text}", "22: tables.sale.columns", "is not text; put it in quotes"),
    ],
)
def test_a_value_of_another_kind_is_told_in_our_words(old: str, new: str, place: str, said: str) -> None:
    assert SHOP.count(old) == 1
    lines = refusal(SHOP.replace(old, new)).splitlines()

    assert lines.count(f"shop.yaml:{place}: {said}.") == 1, lines
    assert not [line for line in lines if PYDANTIC.search(line)]


@pytest.mark.parametrize("given", ["2026-13-01", "!!int three"])
def test_what_yaml_takes_for_a_date_or_number_and_is_none_is_told_by_its_line(given: str) -> None:
    assert refusal(SHOP.replace("Version 3", given)).splitlines()[0] == (
        "shop.yaml:2: there is no such date or number; put text in quotes."
    )


def leaves(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path] * bool(path) + [leaf for key, part in parts for leaf in leaves(part, (*path, key))]


WHOLE = yaml.safe_load(SHOP)
ANYTHING = st.sampled_from(
    [None, 5, -1, 1.5, True, "jan@example.com", "", [], {}, ["jan@example.com"], {"jan": 5}, [{}]]
)


@settings(max_examples=300)
@given(place=st.sampled_from(leaves(WHOLE)), value=ANYTHING)
def test_whatever_stands_anywhere_is_accepted_or_refused_in_our_words_with_a_line(
    place: tuple[Any, ...], value: Any
) -> None:
    raw = copy.deepcopy(WHOLE)
    *way, last = place
    node = raw
    for step in way:
        node = node[step]
    node[last] = value
    said = ""
    try:
        read_policy(yaml.safe_dump(raw), "shop.yaml")
    except PolicyError as refused:
        said = str(refused)

    assert not PYDANTIC.search(said), said
    assert all(re.match(r"shop\.yaml:\d+: ", line) for line in said.splitlines())
