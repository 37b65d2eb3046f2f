"""Clocks through the command: with --as-of the day before a row is there, on the first of its month it is gone."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from tests.conftest import Command, Outcome, Place
from tests.corner_shop import token_in

GOLDEN = {
    # sold at → absent from the first of the month in which the seven years are over
    "year's last day": ("2018-12-31T12:00:00+01:00", "2026-01-01"),
    "year's last day but one": ("2018-12-30T12:00:00+01:00", "2025-12-01"),
    "new year's day": ("2019-01-01T00:00:00+01:00", "2026-01-01"),
    "winter, past midnight here only": ("2018-12-30T23:30:00+00:00", "2026-01-01"),
    "winter, before midnight here too": ("2018-12-30T22:30:00+00:00", "2025-12-01"),
    "summer, past midnight here only": ("2019-06-29T22:30:00Z", "2026-07-01"),
    "summer, before midnight here too": ("2019-06-29T21:30:00Z", "2026-06-01"),
    "written in another offset": ("2019-06-29T13:30:00-09:00", "2026-07-01"),
    "31st": ("2019-03-31T12:00:00+02:00", "2026-04-01"),
    "30th of 31": ("2019-03-30T12:00:00+01:00", "2026-03-01"),
    "first of a month": ("2019-04-01T00:00:00+02:00", "2026-04-01"),
    "29 February": ("2020-02-29T12:00:00+01:00", "2027-03-01"),
    "28 February of a leap year": ("2020-02-28T12:00:00+01:00", "2027-03-01"),
    "27 February": ("2020-02-27T12:00:00+01:00", "2027-02-01"),
    "much later": ("2023-05-05T12:00:00+02:00", "2030-05-01"),
}

BUYERS = {
    # (joined at, sold to them at) → absent from
    101: ("2010-05-05T12:00:00+02:00", "2018-12-31T12:00:00+01:00", "2026-01-01"),
    102: ("2019-06-30T12:00:00+02:00", "2018-12-31T12:00:00+01:00", "2026-07-01"),
    103: ("2019-03-31T12:00:00+02:00", None, "2026-04-01"),
    104: (None, "2020-02-29T12:00:00+01:00", "2027-03-01"),
    105: ("2018-12-31T12:00:00+01:00", "the future", "2026-01-01"),
    106: ("2018-12-31T12:00:00+01:00", "20 March 2020", "2026-01-01"),
    107: (None, None, None),
}
"""Buyers keep as long as the latest of their joining and their sales; a sale to come, or no date at all, is none."""

FUTURE = "sold_at: in the future"


@pytest.fixture
def timed(place: Place) -> Place:
    """Fill the corner shop with sales named after when they were made, a line each, and buyers with clocks."""
    future = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)).isoformat(timespec="seconds")
    place.change_source("delete from line", "delete from sale", "delete from buyer")
    sales: list[tuple[Any, ...]] = [(i, None, at, name) for i, (name, (at, _)) in enumerate(GOLDEN.items(), start=1)]
    sales += [(50, None, future, "the future"), (51, None, None, "no date")]
    for buyer, (joined, sold, _) in BUYERS.items():
        told = "null" if joined is None else f"'{joined}'"
        place.change_source(f"insert into buyer (buyer_id, joined_at) values ({buyer}, {told})")
        if sold:
            sales.append((buyer, buyer, future if sold == "the future" else sold, None))
    for sale, buyer, at, name in sales:
        quoted = [
            "null" if value is None else "'{}'".format(str(value).replace("'", "''")) for value in (buyer, at, name)
        ]
        place.change_source(
            f"insert into sale (sale_id, buyer_id, sold_at, channel) values ({sale}, {', '.join(quoted)})",
            f"insert into line values ({sale}, {sale}, {quoted[2]}, 1)",
        )
    place.change_policy("quarantine: {share: 0.0, rows: 1}", "quarantine: {share: 0.0, rows: 9}")
    place.change_policy(
        "after: {latest: [joined_at, sale.sold_at]}", "after: {latest: [joined_at, sale.sold_at]}, while_unset: keep"
    )
    return place


def names_in(place: Place, table: str, column: str) -> set[str]:
    """Name the rows of a table that are there."""
    return {name for (name,) in place.rows(f"select {column} from analytics.{table} where {column} is not null")}


def buyers_in(place: Place) -> set[int]:
    """Number the buyers that are there."""
    there = {token for (token,) in place.rows("select buyer_id from analytics.buyers")}
    return {buyer for buyer in BUYERS if token_in(place.keyring, buyer, "buyer") in there}


def as_of(run: Command, day: str) -> Outcome:
    """Run as of a day."""
    outcome = run("--as-of", day)
    assert outcome.exit_code == 0, outcome.said
    assert outcome.json["as_of"] == day
    return outcome


def test_each_row_carries_the_first_of_the_month_from_which_it_is_absent(timed: Place, run: Command) -> None:
    as_of(run, "2020-06-01")

    expires = dict(timed.rows("select channel, _expires_on::varchar from analytics.sales where channel is not null"))
    assert expires == {name: absent for name, (_, absent) in GOLDEN.items()}
    of_lines = dict(timed.rows("select article, _expires_on::varchar from analytics.lines where article is not null"))
    assert of_lines == expires
    found = dict(timed.rows("select buyer_id, _expires_on::varchar from analytics.buyers"))
    assert found == {token_in(timed.keyring, buyer, "buyer"): absent for buyer, (_, _, absent) in BUYERS.items()}


@pytest.mark.parametrize("day", ["2026-01-01", "2026-07-01", "2027-03-01"])
def test_a_row_is_there_the_day_before_and_gone_on_the_day(day: str, timed: Place, run: Command) -> None:
    leaving = {name for name, (_, absent) in GOLDEN.items() if absent == day}
    buyers_leaving = {buyer for buyer, (_, _, absent) in BUYERS.items() if absent == day}
    before = str(datetime.date.fromisoformat(day) - datetime.timedelta(days=1))
    seen = []
    for today in (before, day):
        outcome = as_of(run, today)
        sales, lines = names_in(timed, "sales", "channel"), names_in(timed, "lines", "article")
        assert sales == lines == {name for name, (_, absent) in GOLDEN.items() if today < absent}
        buyers = buyers_in(timed)
        assert buyers == {buyer for buyer, (_, _, absent) in BUYERS.items() if not absent or today < absent}
        seen.append((sales, buyers))
        counts = outcome.json["tables"]
        assert counts["sales"]["extracted"] == counts["sales"]["published"] + counts["sales"]["expired"] + 4
        assert counts["sales"]["quarantine_reasons"][FUTURE] == 2, "the real clock tells what is in the future"

    assert leaving
    assert seen[0][0] - seen[1][0] == leaving
    assert seen[0][1] - seen[1][1] == buyers_leaving


def test_rows_without_a_clock_wait_for_it_or_are_set_aside_as_their_rule_says(timed: Place, run: Command) -> None:
    outcome = as_of(run, "2024-01-01")

    tables = outcome.json["tables"]
    assert tables["sales"]["quarantine_reasons"] == {
        FUTURE: 2,
        "sold_at: not of its declared type": 1,
        "sold_at: not set, so no clock can run": 1,
    }
    assert tables["lines"]["quarantine_reasons"] == {"sale_id: its row in sale is in quarantine": 4}
    assert tables["buyers"]["quarantined"] == 0
    assert 107 in buyers_in(timed)
    assert "buyers: rows whose clock does not run yet (event not set): 1" in outcome.json["warnings"]


def test_what_is_in_the_future_is_told_by_the_real_clock_whatever_the_day(timed: Place, run: Command) -> None:
    """As of a day in the past, later rows are there all the same: the flag moves clocks of retention only."""
    outcome = as_of(run, "2015-01-01")

    assert names_in(timed, "sales", "channel") == set(GOLDEN)
    assert outcome.json["tables"]["sales"]["quarantine_reasons"][FUTURE] == 2


@pytest.mark.parametrize("day", ["2026-02-29", "tomorrow", "01-03-2026", ""])
def test_a_day_that_is_none_is_refused(day: str, place: Place, run: Command) -> None:
    outcome = run("--as-of", day)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (2, "usage")
    assert "a date reads like 2026-03-10" in outcome.stderr
    assert not place.warehouse.exists()
