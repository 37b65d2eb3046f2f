"""Waivers: whom they excuse, for how long, what is said of them, and those that a policy may not have."""

from __future__ import annotations

import datetime

import pytest

from privacy.errors import PolicyError
from privacy.evidence import DriftedValues, FailedPromise, GateReport
from privacy.policy import Policy
from privacy.policy_file import read_policy
from privacy.value_drift import excuse, profiled_as
from tests.corner_shop import POLICY

UNTIL = datetime.date(2026, 6, 30)
EMAIL = "{table: line, column: article, kind: email, because: Old imports., owner: The buyer, until: 2026-06-30}"
FOUND = DriftedValues("no_value_drift", "lines", "article", 82, 3, "email")
BROKEN_KEY = FailedPromise("unique", "lines", "article", 82, 2)


def shop(*waivers: str) -> Policy:
    return read_policy(f"{POLICY}waivers:\n" + "".join(f"  - {waiver}\n" for waiver in waivers), "shop.yaml")


def line_of(number: int) -> int:
    """The line on which a waiver stands."""
    return POLICY.count("\n") + 1 + number


def report(*failed: FailedPromise) -> GateReport:
    return GateReport(passed=5, failed=failed)


@pytest.mark.parametrize("days_before", [0, 31, 400])
def test_a_waiver_excuses_its_kind_in_its_column_up_to_its_last_day(days_before: int) -> None:
    day = UNTIL - datetime.timedelta(days=days_before)

    left, warnings = excuse(report(FOUND, BROKEN_KEY), shop(EMAIL), day)

    assert left == GateReport(passed=6, failed=(BROKEN_KEY,))
    assert warnings[0] == ("lines.article: rows with a value of kind email: 3; waived by The buyer until 2026-06-30")


def test_on_the_day_after_the_waiver_has_expired_and_the_report_says_since_when() -> None:
    left, warnings = excuse(report(FOUND), shop(EMAIL), UNTIL + datetime.timedelta(days=1))

    assert [vars(failure) for failure in left.failed] == [{**vars(FOUND), "waived_until": "2026-06-30"}]
    assert (left.passed, left.green, warnings) == (5, False, [])


@pytest.mark.parametrize(
    "waiver",
    [
        EMAIL.replace("kind: email", "kind: phone"),
        EMAIL.replace("table: line, column: article", "table: sale, column: channel"),
    ],
    ids=["another kind", "another column"],
)
def test_a_waiver_of_something_else_excuses_nothing_and_that_is_said(waiver: str) -> None:
    left, warnings = excuse(report(FOUND), shop(waiver), UNTIL - datetime.timedelta(days=90))

    assert left == report(FOUND)
    (warning,) = warnings
    assert warning.startswith(f"shop.yaml:{line_of(1)}: the waiver of ")
    assert warning.endswith(" excuses nothing; take it out")


def test_a_column_of_which_one_kind_is_not_waived_does_not_count_as_passed() -> None:
    phones = DriftedValues("no_value_drift", "lines", "article", 82, 1, "phone")

    left, _ = excuse(report(FOUND, phones), shop(EMAIL), UNTIL)

    assert left == GateReport(passed=5, failed=(phones,))


def test_a_waiver_that_ends_within_thirty_days_is_told_in_time() -> None:
    _, early = excuse(report(FOUND), shop(EMAIL), UNTIL - datetime.timedelta(days=31))
    _, in_time = excuse(report(FOUND), shop(EMAIL), UNTIL - datetime.timedelta(days=30))

    assert len(early) == 1
    assert in_time[1] == (
        f"shop.yaml:{line_of(1)}: the waiver of email in lines.article ends on 2026-06-30; "
        "mend the source until then, or have it signed anew"
    )


REFUSED = {
    "an unknown table": ("table: line", "table: lines", "table: names a table that the policy does not have"),
    "an unknown column": ("column: article", "column: articel", "column: names articel, which is not among"),
    "a suppressed column": ("table: line, column: article", "table: sale, column: note", "which is not profiled"),
    "a token": ("column: article", "column: line_id", "column: names line_id, which is not profiled"),
    "an unknown kind": ("kind: email", "kind: mail", "kind: "),
    "no reason": ("because: Old imports., ", "", "because: is missing; declare it"),
    "an empty reason": ("because: Old imports.", "because: ' '", "because: "),
    "no owner": ("owner: The buyer, ", "", "owner: is missing; declare it"),
    "no end": (", until: 2026-06-30", "", "until: is missing; declare it"),
    "an end that is no day": ("until: 2026-06-30", "until: later", "until: "),
    "an unknown key": ("kind: email", "kind: email, rows: 3", "rows: is not a key that a policy knows here"),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_a_waiver_that_cannot_be_is_refused_by_its_line(why: str) -> None:
    old, new, told = REFUSED[why]
    assert old in EMAIL

    with pytest.raises(PolicyError) as refused:
        shop(EMAIL, EMAIL.replace(old, new))

    (message,) = str(refused.value).splitlines()
    assert message.startswith(f"shop.yaml:{line_of(2)}: waivers.1.{told.partition(':')[0] if ':' in told else ''}")
    assert told in message


def test_the_same_waived_twice_is_refused() -> None:
    with pytest.raises(PolicyError) as refused:
        shop(EMAIL, EMAIL)

    assert str(refused.value) == (
        f"shop.yaml:{line_of(2)}: waivers.1: waives what a waiver above it does; leave out one of the two."
    )


def test_what_is_kept_or_non_personal_is_profiled_where_it_is_text_or_whole_numbers() -> None:
    policy = shop(EMAIL)
    profiled = {
        f"{name}.{column}": how
        for name, table in policy.tables.items()
        for column, spec in table.columns.items()
        if (how := profiled_as(spec, policy.time_zone))
    }

    assert profiled == {"sale.channel": "text", "line.article": "text", "line.quantity": "number"}


def test_no_column_is_both_profiled_and_searched_for_raw_identifiers() -> None:
    policy = shop(EMAIL)

    assert not any(
        spec.profiled and spec.searched for table in policy.tables.values() for spec in table.columns.values()
    )


def test_a_policy_that_says_nothing_lets_not_one_row_pass() -> None:
    assert "value_drift" not in POLICY
    assert shop(EMAIL).value_drift.allowed(1_000_000) == 0
