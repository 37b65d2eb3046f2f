"""E-mail addresses turn up among article numbers: the run stops, unless somebody has signed for them, for so long."""

from __future__ import annotations

import datetime

import pytest

from tests.conftest import Command, Place
from tests.integration.test_promises import refused

ARTICLE = "      article: {"
PLANT = "update line set article = 'dora.canary@example.org' where line_id in (1, 5)"
"""Line 5 has expired: it is not published, so of the two rows one is told."""
TODAY = datetime.date.today()


def sign(place: Place, until: datetime.date, kind: str = "email", table: str = "line") -> int:
    """Add a waiver to the policy; give its line."""
    text = place.policy.read_text(encoding="utf-8")
    what = f"table: {table}, column: article, kind: {kind}"
    waiver = f"{{{what}, because: An old import., owner: Head of stock, until: {until}}}"
    place.policy.write_text(f"{text}waivers:\n  - {waiver}\n", encoding="utf-8")
    return text.count("\n") + 2


def line_of_article(place: Place) -> int:
    text = place.policy.read_text(encoding="utf-8")
    return text[: text.index(ARTICLE)].count("\n") + 1


@pytest.fixture
def drifted(published: Place) -> Place:
    """Give the corner shop after a good run, with e-mail addresses among its article numbers since."""
    published.change_source(PLANT)
    return published


def test_one_email_among_the_article_numbers_stops_the_publish(drifted: Place, run: Command) -> None:
    outcome = refused(drifted, run)

    line = line_of_article(drifted)
    (failure,) = outcome.json["gates"]["failed"]
    assert failure == {
        "promise": "no_value_drift",
        "table": "lines",
        "column": "article",
        "policy_line": line,
        "rows": 1,
        "kind": "email",
        "waived_until": None,
    }
    told = f"policy.yaml:{line}: lines.article: no_value_drift is broken in 1 rows by values of kind email\n"
    assert told in outcome.json["error"]["message"]
    assert "waiver" not in outcome.said


def test_with_a_waiver_the_run_publishes_and_warns_of_what_it_let_pass(drifted: Place, run: Command) -> None:
    until = TODAY + datetime.timedelta(days=90)
    sign(drifted, until)

    outcome = run("--strict")

    assert outcome.exit_code == 6
    assert outcome.json["published"]
    assert outcome.json["gates"]["failed"] == []
    warning = f"lines.article: rows with a value of kind email: 1; waived by Head of stock until {until}"
    assert outcome.json["warnings"] == [warning]
    assert "canary" not in outcome.said


def test_an_expired_waiver_does_not_help_and_a_clock_put_back_does_not_revive_it(drifted: Place, run: Command) -> None:
    until = TODAY - datetime.timedelta(days=1)
    sign(drifted, until)

    for flags in ((), ("--as-of", str(until))):
        outcome = refused(drifted, lambda *more, flags=flags: run(*flags, *more))

        (failure,) = outcome.json["gates"]["failed"]
        assert (failure["kind"], failure["rows"], failure["waived_until"]) == ("email", 1, str(until))
        told = f"in 1 rows by values of kind email; its waiver expired, {until} was the last day\n"
        assert told in outcome.json["error"]["message"]


def test_a_waiver_does_not_hold_on_a_later_day_of_the_clocks(drifted: Place, run: Command) -> None:
    until = TODAY + datetime.timedelta(days=2)
    sign(drifted, until)

    outcome = refused(drifted, lambda: run("--as-of", str(until + datetime.timedelta(days=1))))

    assert outcome.json["gates"]["failed"][0]["waived_until"] == str(until)


def test_a_waiver_of_another_kind_does_not_help(drifted: Place, run: Command) -> None:
    line = sign(drifted, TODAY + datetime.timedelta(days=90), kind="phone")

    outcome = refused(drifted, run)

    assert [failure["kind"] for failure in outcome.json["gates"]["failed"]] == ["email"]
    (warning,) = outcome.json["warnings"]
    assert warning.endswith(f"policy.yaml:{line}: the waiver of phone in lines.article excuses nothing; take it out")


def test_a_waiver_of_a_table_that_is_not_there_is_refused_by_file_and_line(
    drifted: Place, run: Command, sluis: Command
) -> None:
    line = sign(drifted, TODAY, table="lines")

    for outcome in (run(), sluis("check", "--output", "json", **drifted.environment)):
        assert outcome.exit_code == 2
        told = f"policy.yaml:{line}: waivers.0.table: names a table that the policy does not have"
        assert told in outcome.json["error"]["message"]


def test_as_many_rows_as_the_policy_allows_pass_without_a_waiver(drifted: Place, run: Command) -> None:
    limit = "quarantine: {share: 0.0, rows: 1}"
    drifted.change_policy(limit, f"{limit}\nvalue_drift: {{share: 0.25, rows: 0}}")

    assert run().exit_code == 0


def test_a_number_that_passes_the_check_of_a_bsn_is_told_where_there_were_none(published: Place, run: Command) -> None:
    published.change_source("update line set quantity = 123456782 where line_id = 2")

    outcome = refused(published, run)

    (failure,) = outcome.json["gates"]["failed"]
    assert (failure["column"], failure["kind"], failure["rows"]) == ("quantity", "bsn", 1)
