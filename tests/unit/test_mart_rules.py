"""What a policy may say of marts, and how each thing that it may not is refused."""

from __future__ import annotations

import pytest

from privacy.errors import PolicyError
from privacy.mart_columns import mart_schema
from privacy.policy import Policy
from privacy.policy_file import read_policy
from tests.corner_shop import POLICY

MARTS = """\
marts:
  sales_per_month:
    meaning: Turnover per month and channel.
    from: line
    month_of: sale_id.sold_at
    by: [sale_id.channel]
    measures:
      items: {kind: sum, of: quantity, meaning: Things sold.}
      worth: {kind: sum, of: quantity, times: sale_id.total, meaning: Nothing real.}
      lines: {kind: count, meaning: Lines.}
    people: [sale_id.buyer_id, sale_id.guest_id]
    minimum_cell: 10
"""


def read(marts: str = MARTS, policy: str = POLICY) -> Policy:
    return read_policy(policy + marts, "policy.yaml")


def refused(old: str, new: str, policy: str = POLICY) -> str:
    assert MARTS.count(old) == 1
    with pytest.raises(PolicyError) as refusal:
        read(MARTS.replace(old, new), policy)
    return str(refusal.value)


def line_of(word: str) -> int:
    return (POLICY + MARTS).split(word)[0].count("\n") + 1


def test_a_mart_says_what_its_table_will_look_like() -> None:
    policy = read()

    schema = mart_schema(policy, policy.marts["sales_per_month"])

    assert [f"{field.name} {field.type}" for field in schema] == [
        "month date32[day]",
        "channel string",
        "items decimal128(38, 0)",
        "worth decimal128(38, 2)",
        "lines int64",
        "people int64",
        "withheld bool",
    ]


def test_a_policy_without_marts_is_as_good() -> None:
    assert read("").marts == {}


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ("from: line", "from: lines", "from", "names a table that the policy does not have"),
        ("by: [sale_id.channel]", "by: []", "by", "is empty; name at least one"),
        ("by: [sale_id.channel]", "by: [sale_id.color]", "by.0", "names color, which is not among the columns of s"),
        ("by: [sale_id.channel]", "by: [article.channel]", "by.0", "follows article, which is not a column with refer"),
        ("by: [sale_id.channel]", "by: [sale_id.note]", "by.0", "names note, which is always empty"),
        ("by: [sale_id.channel]", "by: [sale_id.total]", "by.0", "is not published as text, whole numbers, dates"),
        ("by: [sale_id.channel]", "by: [sale_id.buyer_id]", "by.0", "is direct identifier; figures are not told"),
        ("by: [sale_id.channel]", "by: ['sale id']", "by.0", "is not written in the form that the documentation gives"),
        ("by: [sale_id.channel]", "by: [sale_id.channel, article, article]", "by.2", "would be a second column art"),
        ("items:", "people:", "measures.people", "would be a second column people of the mart"),
        ("items:", "Channel:", "measures.Channel", "would be a second column channel of the mart"),
        ("of: quantity, meaning", "of: article, meaning", "measures.items", "is not published as whole or decimal num"),
        ("times: sale_id.total", "times: audit.total", "measures.worth.times", "follows audit, which is not a column"),
        ("{kind: count,", "{kind: mean,", "measures.lines.kind", "is none of 'sum', 'count'"),
        ("people: [sale_id.buyer_id, ", "people: [sale_id, ", "people.0", "is not the token of what the subject of"),
        ("people: [sale_id.buyer_id, ", "people: [article, ", "people.0", "is not the token of what the subject of"),
        ("month_of: sale_id.sold_at", "month_of: article", "month_of", "is not published as a date whose month is t"),
        ("minimum_cell: 10", "minimum_cell: 1", "minimum_cell", "is less than 2"),
        ("minimum_cell: 10", "most_of_one: 1", "minimum_cell", "is missing; declare it"),
        ("sales_per_month:", "Sales:", "", "is the name of a published table or of another mart too"),
    ],
)  # fmt: skip
def test_what_a_mart_may_not_say_is_refused_at_its_place(old: str, new: str, place: str, what: str) -> None:
    said = refused(old, new)

    name = "Sales" if new == "Sales:" else "sales_per_month"
    at = ".".join(filter(None, ("marts", name, place)))
    assert f": {at}: " in said
    assert what in said


def test_the_line_of_the_fault_is_told() -> None:
    assert refused("by: [sale_id.channel]", "by: [sale_id.note]").startswith(f"policy.yaml:{line_of('by: [sale')}: ")


@pytest.mark.parametrize("to", ["quarter", "year"])
def test_a_date_that_has_lost_its_month_cannot_be_that_of_a_mart(to: str) -> None:
    sold = "sold_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: "
    assert POLICY.count(f"{sold}day") == 1

    assert "whose month is true" in refused("10", "11", POLICY.replace(f"{sold}day", sold + to))


def test_numbers_that_no_warehouse_could_multiply_exactly_are_refused() -> None:
    wide = POLICY.replace('total: {type: "decimal(12,2)"', 'total: {type: "decimal(20,2)"')

    assert "multiplies numbers of more than 38 digits together" in refused("10", "11", wide)


def test_a_second_mart_of_a_table_is_refused_for_two_totals_could_be_subtracted() -> None:
    second = MARTS.replace("marts:\n", "").replace("sales_per_month", "more")

    with pytest.raises(PolicyError, match=r"marts\.more\.from: has a mart already; figures of two could be subtracted"):
        read(MARTS + second)
