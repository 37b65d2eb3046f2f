"""What a policy says of the source: every table has its rule, and a rule that could not be kept is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from privacy.errors import PolicyError
from privacy.policy import Policy
from privacy.policy_file import read_policy
from privacy.source_rows import references
from tests.corner_shop import POLICY
from tests.edited import edited
from tests.kept_shop import RULES

KEPT = POLICY.replace("tables:\n", RULES + "tables:\n", 1)
SHOP = Path(__file__).parents[2] / "policies" / "autopar.yaml"


def read(*changes: tuple[str, str]) -> Policy:
    return read_policy(edited(KEPT, *changes), "shop.yaml")


def refusal(*changes: tuple[str, str]) -> str:
    with pytest.raises(PolicyError) as refused:
        read(*changes)
    return str(refused.value)


LINE = "    line: {via: sale_id}\n"
REFUSALS = {
    "a table without a rule": (
        [(LINE, "")],
        "shop.yaml:18: source.tables: has no rule for line; say how long its rows stay in the source, or "
        "never_deleted: why.",
    ),
    "a table that is not there": (
        [(LINE, LINE + "    lines: {via: sale_id}\n")],
        "shop.yaml:22: source.tables.lines: names a table that the policy does not have.",
    ),
    "no answer at all": (
        [("  one_stop_shop: no\n", "")],
        "shop.yaml:14: source.one_stop_shop: is missing; declare it.",
    ),
    "an answer in other words": (
        [("one_stop_shop: no", "one_stop_shop: yes")],
        "shop.yaml:15: source.one_stop_shop: is none of unanswered, no, and a number of calendar years such as "
        "'10 years'.",
    ),
    "an answer that is no number of years": (
        [("one_stop_shop: no", "one_stop_shop: 120 months")],
        "shop.yaml:15: source.one_stop_shop: is none of unanswered, no, and a number of calendar years such as "
        "'10 years'.",
    ),
    "a rule of no form": (
        [(LINE, "    line: forever\n")],
        "shop.yaml:21: source.tables.line: is none of period + after, via, no_minimum: why, and never_deleted: why; "
        "choose one.",
    ),
    "a period without an event": (
        [("after: sold_at, supplied", "supplied")],
        "shop.yaml:20: source.tables.sale.after: is missing; declare it.",
    ),
    "a period that is not declared": (
        [("period: books", "period: book")],
        "shop.yaml:17: source.periods.books: is the period of no table; name it at one, or take it out.\n"
        "shop.yaml:20: source.tables.sale.period: is not among the periods of the source; declare it there.",
    ),
    "a period without its reason": (
        [(", because: Tax administration.", "")],
        "shop.yaml:17: source.periods.books.because: is missing; declare it.",
    ),
    "a period from nowhere": (
        [("from: end_of_fiscal_year", "from: easter")],
        "shop.yaml:17: source.periods.books.from: is none of 'event', 'end_of_fiscal_year' or 'end_of_calendar_year'.",
    ),
    "an event that is none": (
        [("after: sold_at, s", "after: {latest: [sold_at, total, audit.at]}, s")],
        "shop.yaml:20: source.tables.sale.after: audit.at is not a column of a table that refers to sale.\n"
        "shop.yaml:20: source.tables.sale.after: total is not a date or timestamp among the columns.",
    ),
    "a supply that is none": (
        [("supplied: sold_at", "supplied: channel")],
        "shop.yaml:20: source.tables.sale.supplied: channel is not a date or timestamp among the columns.",
    ),
    "half of a longest time": (
        [("no_minimum: As long as the sales.", "no_minimum: As long as the sales., after: joined_at")],
        "shop.yaml:19: source.tables.buyer: has one of keep_at_most and after; give both, or neither for the "
        "warehouse's own rule.",
    ),
    "the warehouse's clock where that is the parent's": (
        [("line: {via: sale_id}", "line: {no_minimum: It is small.}")],
        "shop.yaml:21: source.tables.line: shares its parent's clock in the warehouse; write via: … here too, so that "
        "it stays with it.",
    ),
    "a parent that is none": (
        [("line: {via: sale_id}", "line: {via: article}")],
        "shop.yaml:21: source.tables.line.via: article is not a column with references: ….",
    ),
    "silence where a reason belongs": (
        [("line: {via: sale_id}", "line: {never_deleted: no}")],
        "shop.yaml:21: source.tables.line.never_deleted: is not text; put it in quotes.",
    ),
    "a key that nobody knows": (
        [("line: {via: sale_id}", "line: {via: sale_id, keep_at_least: 7 years}")],
        "shop.yaml:21: source.tables.line.keep_at_least: is not a key that a policy knows here; check the spelling in "
        "docs/policy.md.",
    ),
}


@pytest.mark.parametrize(("changes", "said"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_names_the_line_and_the_way_out(changes: list[tuple[str, str]], said: str) -> None:
    assert refusal(*changes) == said


@pytest.mark.parametrize(
    ("written", "answer"), [("no", "no"), ('"no"', "no"), ("10 years", "10 years"), ("1 year", "1 year")]
)
def test_an_answer_may_be_written_as_yaml_likes_it(written: str, answer: str) -> None:
    policy = read(("one_stop_shop: no", f"one_stop_shop: {written}"))

    assert policy.source
    assert str(policy.source.one_stop_shop) == answer
    assert policy.source.waiting_for_an_answer == ()
    assert Policy.model_validate(policy.model_dump(by_alias=True)).source == policy.source


def test_only_tables_with_a_supply_wait_for_an_answer() -> None:
    policy = read(("one_stop_shop: no", "one_stop_shop: unanswered"))

    assert policy.source
    assert policy.source.waiting_for_an_answer == ("sale",)


def test_a_suppressed_column_may_start_a_clock_in_the_source() -> None:
    text = KEPT.replace("generalize, to: day}}\n    never_extracted", "HIDDEN}}\n    never_extracted")
    for old, new in [
        ("{kind: HIDDEN}", "suppress"),
        ("after: {latest: [joined_at, sale.sold_at]}", "after: sale.sold_at"),
        ("{kind: generalize, to: age_band, at: joined_at}", "suppress"),
        ("no_minimum: As long as the sales.", "no_minimum: Short., keep_at_most: 1 year, after: joined_at"),
    ]:
        assert text.count(old) == 1, old
        text = text.replace(old, new)

    assert not read_policy(text, "shop.yaml").tables["buyer"].columns["joined_at"].extracted


def test_a_foreign_key_to_another_column_than_the_key_is_refused_where_rows_may_go() -> None:
    with pytest.raises(PolicyError) as refused:
        references(read(), [("audit", "buyer_email", "buyer", "email")])

    assert str(refused.value) == (
        "shop.yaml:19: source.tables.buyer: audit.buyer_email refers to buyer.email, which is not its primary_key "
        "here, so that it cannot be told which rows are needed; say never_deleted: why."
    )
    kept = read(("no_minimum: As long as the sales.", "never_deleted: Everybody is welcome back."))
    assert [link.child for link in references(kept, [("audit", "buyer_email", "buyer", "email")])] == ["line", "sale"]


def test_the_shops_own_policy_leaves_the_question_of_the_law_to_counsel() -> None:
    policy = read_policy(SHOP.read_text(encoding="utf-8"), "autopar.yaml")

    assert policy.source
    assert policy.source.one_stop_shop == "unanswered"
    assert policy.source.waiting_for_an_answer == ("orders", "invoice")
    assert str(policy.source.periods["books"].keep_at_least) == "7 years"
    assert policy.approvals.source_deletion == 1
