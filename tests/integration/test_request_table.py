"""The shop's own table of requests: every run reads it, follows it, and says what it cannot read without quoting it."""

from __future__ import annotations

import datetime
import json
import os
import time
import urllib.request
from typing import Any

import pytest

from tasks.inspect_source import DEADLINE_NEAR
from tests.conftest import Outcome, Place
from tests.rights_shop import (
    ANNA,
    ANNAS,
    BOB,
    CARLA,
    DORA,
    DORAS,
    GUESTS,
    in_ledger,
    run,
    sluis,
    states,
    totals,
    wish,
)

ALL = {*range(1, 15)}
TODAY = datetime.datetime.now(datetime.UTC)


def days_ago(days: int) -> str:
    return (TODAY - datetime.timedelta(days=days)).isoformat()


def test_words_of_the_shop_mean_rights_and_whoever_is_named_leaves_with_the_same_run(shop: Place) -> None:
    wish(shop, "AVG-1", "forget me", (ANNA, None))
    wish(shop, "AVG-2", "erasure", (None, GUESTS.upper()), state="done")
    wish(shop, "AVG-3", "restriction", (BOB, None))

    record = run(shop)

    assert totals(shop) == ALL - {1, 2, 3, 4, 14} - {11, 12} - {5, 6}
    assert record.requests == {"applied": 3, "pending": 0}
    assert states(shop) == dict.fromkeys(("AVG-1", "AVG-2", "AVG-3"), "applied")
    assert in_ledger(shop, "select distinct origin from request") == [("source",)]
    again = run(shop)
    assert again.requests == {"applied": 0, "pending": 0}, "what it shows every day is taken once"
    assert totals(shop) == ALL - {1, 2, 3, 4, 14} - {11, 12} - {5, 6}


def test_what_was_turned_down_or_is_over_already_holds_nobody_back(shop: Place) -> None:
    wish(shop, "AVG-1", "erasure", (ANNA, None), state="refused")
    wish(shop, "AVG-2", "restriction", (BOB, None), state="over")

    run(shop)

    assert totals(shop) == ALL
    assert states(shop) == {"AVG-1": "refused", "AVG-2": "refused"}


def test_a_restriction_that_is_over_in_the_shop_is_lifted_and_an_erasure_never_is(shop: Place) -> None:
    for reference, what, who in (("A-1", "restriction", BOB), ("A-2", "objection", CARLA), ("A-3", "erasure", DORA)):
        wish(shop, reference, what, (who, None))
    run(shop)
    assert totals(shop) == ALL - {5, 6} - {7, 9} - {10}

    shop.change_source("update wish set state = 'over'")
    run(shop)

    assert totals(shop) == ALL - {10}
    assert states(shop) == {"A-1": "lifted", "A-2": "lifted", "A-3": "applied"}


def test_more_people_than_a_run_takes_out_wait_and_those_who_only_asked_to_see_do_not_count(shop: Place) -> None:
    for number, who in enumerate(((ANNA, None), (BOB, None), (CARLA, None), (None, GUESTS))):
        wish(shop, f"AVG-{number}", "erasure", who)
    wish(shop, "INZAGE-1", "access", (DORA, None))

    record = run(shop)

    assert totals(shop) == ALL
    assert record.requests == {"applied": 0, "pending": 4}
    assert states(shop) == {**{f"AVG-{n}": "registered" for n in range(4)}, "INZAGE-1": "noted"}
    assert any("requests that wait for approval, of more than 3 people together: 4" in w for w in record.warnings)


def test_what_people_see_to_is_noted_and_answered_once_the_shop_says_so(shop: Place) -> None:
    wish(shop, "INZAGE-1", "access", (ANNA, None))
    run(shop)
    assert states(shop) == {"INZAGE-1": "noted"}

    shop.change_source("update wish set state = 'done'")
    run(shop)

    assert states(shop) == {"INZAGE-1": "answered"}
    assert totals(shop) == ALL


def test_rows_that_cannot_be_read_are_counted_by_reason_and_hold_up_nothing_else(shop: Place) -> None:
    wish(shop, "AVG-1", "erasure", (DORA, None))
    wish(shop, None, "erasure", (ANNA, None))
    wish(shop, "  ", "erasure", (ANNA, None))
    wish(shop, "AVG-2", "wil ik niet meer van kanarie", (ANNA, None))
    wish(shop, "AVG-3", "erasure", (ANNA, None), received="gisteren")
    wish(shop, "AVG-4", "erasure", (None, "  "))
    wish(shop, "AVG-1", "erasure", (BOB, None))

    record = run(shop)

    assert [w for w in record.warnings if "cannot be read" in w] == [
        "requests that cannot be read, a reference that another has too: 1",
        "requests that cannot be read, a right that the policy has no word for: 1",
        "requests that cannot be read, no day of receipt: 1",
        "requests that cannot be read, no reference: 2",
        "requests that cannot be read, nobody is named: 1",
    ]
    assert totals(shop) == ALL - {10}
    assert states(shop) == {"AVG-1": "applied"}


def test_a_plan_of_a_run_counts_whom_the_table_names_and_writes_nothing(shop: Place) -> None:
    wish(shop, "AVG-1", "erasure", (None, ANNAS))
    before = (shop.folder / "ledger.sqlite").read_bytes()

    tables = sluis(shop, "plan").json["tables"]

    assert (tables["sales"]["erased"], tables["buyers"]["erased"]) == (5, 1)
    assert (shop.folder / "ledger.sqlite").read_bytes() == before
    assert {name: counts.as_json()["erased"] for name, counts in run(shop).tables.items()} == {
        name: table["erased"] for name, table in tables.items()
    }


# ── deadlines ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("received", "days_on", "told"),
    [
        (5, 0, []),
        (5, 20, ["requests due within 7 days: 1"]),
        (5, 60, ["requests past the day on which they were due: 1"]),
        (60, 0, ["requests past the day on which they were due: 1"]),
    ],
)
def test_requests_that_nobody_has_answered_are_warned_of_as_their_day_comes_near(
    shop: Place, received: int, days_on: int, told: list[str]
) -> None:
    wish(shop, "INZAGE-1", "access", (ANNA, None), received=days_ago(received))

    record = run(shop, datetime.date.today() + datetime.timedelta(days=days_on))

    assert [warning for warning in record.warnings if "due" in warning] == told


def test_an_erasure_that_waits_too_long_for_approval_is_warned_of_as_well_until_it_is_applied(shop: Place) -> None:
    shop.change_policy("apply_at_most: 3", "apply_at_most: 0")
    wish(shop, "AVG-1", "erasure", (None, DORAS), received=days_ago(60))
    assert "requests past the day on which they were due: 1" in run(shop).warnings
    shop.change_policy("apply_at_most: 0", "apply_at_most: 3")

    assert run(shop).warnings == []

    assert totals(shop) == ALL - {10}


@pytest.mark.usefixtures("prefect_server")
def test_strict_ends_a_run_that_warns_of_requests_with_its_own_code_and_publishes_all_the_same(shop: Place) -> None:
    wish(shop, "INZAGE-1", "access", (ANNA, None), received=days_ago(60))
    wish(shop, "AVG-1", "erasure", (DORA, None))

    outcome: Outcome = sluis(shop, "run", "--strict")

    assert outcome.exit_code == 6, outcome.said
    assert (outcome.json["published"], outcome.json["requests"]) == (True, {"applied": 1, "pending": 0})
    assert totals(shop) == ALL - {10}


@pytest.mark.usefixtures("prefect_server")
def test_prefect_has_an_event_of_requests_that_are_due_with_their_numbers_and_nothing_else(shop: Place) -> None:
    wish(shop, "INZAGE-1", "access", (ANNA, None), received=days_ago(60))

    assert sluis(shop, "run").exit_code == 0

    (event, *_) = events_named(DEADLINE_NEAR)
    assert event["payload"] == {"overdue": 1, "near": 0}
    assert event["resource"]["prefect.resource.id"] == "sluis.requests"


def events_named(name: str) -> list[dict[str, Any]]:
    """Ask the Prefect server for events of a name, the newest first; they arrive a moment after they are sent."""
    body = json.dumps({"filter": {"event": {"name": [name]}}}).encode()
    asked = urllib.request.Request(
        f"{os.environ['PREFECT_API_URL']}/events/filter", body, {"Content-Type": "application/json"}
    )
    for _ in range(60):
        with urllib.request.urlopen(asked, timeout=10) as answer:
            if found := json.load(answer)["events"]:
                return list(found)
        time.sleep(0.5)
    raise AssertionError(f"no event {name} arrived")
