"""Tombstones in time: they outlive rotations of keys, and go when nothing matches them and no backup could."""

from __future__ import annotations

import datetime

import pytest

from stores.keyring_rotation import rotate_root
from tests.conftest import Place
from tests.corner_shop import token_in
from tests.kept_shop import keep
from tests.rights_shop import (
    ANNA,
    ANNAS,
    GUESTS,
    RECENT,
    apply,
    asked,
    erase,
    in_ledger,
    plan,
    rows_of,
    run,
    sell,
    sluis,
    totals,
)

WITHOUT_GUESTS = {*range(1, 15)} - {11, 12}


def epochs(place: Place) -> list[tuple[int, int]]:
    """Count the lines of tombstones by the epoch of their key."""
    return in_ledger(place, "select epoch, count(*) from suppression group by 1 order by 1")  # type: ignore[return-value]


def test_the_erased_stay_out_when_tombstone_keys_change_and_are_listed_under_the_newest_once_they_are_met(
    shop: Place,
) -> None:
    erase(shop, "AVG-1", f"buyer_id={ANNA}")
    assert epochs(shop) == [(1, 3)]
    assert sluis(shop, "keys", "rotate", "--root", "tombstones").exit_code == 0

    run(shop)

    assert totals(shop) == {*range(1, 15)} - {1, 2, 3, 4, 14}
    assert epochs(shop) == [(1, 3), (2, 3)]
    assert in_ledger(shop, "select count(distinct reference) from suppression") == [(1,)]
    erase(shop, "AVG-2", f"email={GUESTS}")
    assert totals(shop) == WITHOUT_GUESTS - {1, 2, 3, 4, 14}
    assert sluis(shop, "erase", "verify", "--reference", "AVG-1").exit_code == 0


def test_the_answer_after_a_rotation_still_tells_what_the_shop_keeps(shop: Place) -> None:
    keep(shop)
    run(shop)
    erase(shop, "AVG-1", f"buyer_id={ANNA}")
    before = sluis(shop, "erase", "answer", "--reference", "AVG-1").json["kept_in_source"]
    rotate_root(shop.keyring, "tombstones", datetime.date.today())

    after = sluis(shop, "erase", "answer", "--reference", "AVG-1").json["kept_in_source"]

    assert before == after
    assert before["sale"]["keep"] == 5


def test_an_erasure_asked_for_before_the_keys_changed_is_applied_after_it(shop: Place) -> None:
    shop.source.rename(shop.source.with_name("moved.away"))
    asked(shop, "AVG-1", f"buyer_id={ANNA}")
    shop.source.with_name("moved.away").rename(shop.source)
    sell(shop, 20, ANNA, "anna.nieuw@example.org", RECENT)
    sell(shop, 21, None, "anna.nieuw@example.org", RECENT)
    rotate_root(shop.keyring, "tombstones", datetime.date.today())
    keep(shop)
    kept = {name: table["keep"] for name, table in plan(shop)["source"].items()}
    assert kept == {"buyer": 1, "sale": 7, "line": 12}

    assert apply(shop, plan(shop)["plan_hash"]).exit_code == 0, "the index is still under the epoch of the request"
    run(shop)

    assert totals(shop) == {*range(1, 15)} - {1, 2, 3, 4, 14}


@pytest.mark.parametrize("shop_is_there", [True, False])
def test_somebody_new_since_the_keys_changed_is_erased_whole_from_a_warehouse_of_before(
    shop: Place, shop_is_there: bool
) -> None:
    rotate_root(shop.keyring, "tombstones", datetime.date.today())

    if shop_is_there:
        asked(shop, "AVG-1", f"buyer_id={ANNA}")
        assert apply(shop, plan(shop)["plan_hash"]).exit_code == 0
    else:
        erase(shop, "AVG-1", f"buyer_id={ANNA}")

    assert totals(shop) == {*range(1, 15)} - {1, 2, 3, 4, 14}
    run(shop)
    assert totals(shop) == {*range(1, 15)} - {1, 2, 3, 4, 14}


def test_the_erased_stay_out_when_all_tokens_change_and_who_came_back_is_new_under_those_as_well(shop: Place) -> None:
    erase(shop, "AVG-1", f"email={GUESTS}")
    sell(shop, 20, None, GUESTS)
    run(shop)
    before = {value for rows in rows_of(shop).values() for row in rows for value in row if hasattr(value, "version")}
    assert sluis(shop, "keys", "rotate", "--root", "analytics").exit_code == 0

    run(shop)

    assert totals(shop) == WITHOUT_GUESTS | {20}
    after = {value for rows in rows_of(shop).values() for row in rows for value in row if hasattr(value, "version")}
    assert len(after) == len(before)
    assert not before & after
    assert token_in(shop.keyring, GUESTS, "guest", "email") not in after
    assert token_in(shop.keyring, ANNAS, "guest", "email") in after


# ── expiry ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def forgetful(shop: Place) -> Place:
    """Erase a guest in a shop whose tombstones stay for a day after they were met last."""
    shop.change_policy("approvals: {erasure: 1}", "approvals: {erasure: 1}\ntombstones: {keep_at_least: 1 day}")
    erase(shop, "AVG-1", f"email={GUESTS}")
    return shop


def days_ago(days: int) -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)


def long_ago(place: Place, days: int = 10) -> None:
    """Let the erasure, and the last time that anything of it was met, lie so many days back."""
    then = days_ago(days)
    in_ledger(
        place, "update suppression set since = ?, seen_on = ?", f"{then:%Y-%m-%d %H:%M:%S.%f}", f"{then:%Y-%m-%d}"
    )


def gone_from_the_shop(place: Place) -> None:
    place.change_source("delete from line where sale_id in (11, 12)", "delete from sale where sale_id in (11, 12)")


def tombstones(place: Place) -> int:
    ((count,),) = in_ledger(place, "select count(*) from suppression")
    return int(str(count))


def test_a_tombstone_stays_as_long_as_anything_in_the_shop_matches_it(forgetful: Place) -> None:
    forgetful.change_source("update sale set sold_at = '2020-03-10T12:00:00+01:00' where sale_id in (11, 12)")
    long_ago(forgetful)

    run(forgetful)

    assert tombstones(forgetful) == 1
    seen = in_ledger(forgetful, "select seen_on from suppression")
    assert seen[0][0] >= f"{days_ago(1):%Y-%m-%d}"  # type: ignore[operator]
    assert totals(forgetful) == WITHOUT_GUESTS


def test_a_tombstone_stays_for_its_window_after_it_was_met_last_whatever_day_a_run_looks_at(forgetful: Place) -> None:
    gone_from_the_shop(forgetful)

    run(forgetful)
    run(forgetful, datetime.date.today() + datetime.timedelta(days=400))

    assert tombstones(forgetful) == 1


def test_a_tombstone_goes_after_its_window_and_with_it_whom_the_request_named(forgetful: Place) -> None:
    gone_from_the_shop(forgetful)
    long_ago(forgetful)

    run(forgetful)

    assert tombstones(forgetful) == 0
    assert in_ledger(forgetful, "select count(*) from identifier") == [(0,)]
    assert in_ledger(forgetful, "select state, receipt_id from request") == [("applied", None)]
    ((horizon,),) = in_ledger(forgetful, "select erased_at from horizon")
    assert str(horizon).startswith(f"{days_ago(10):%Y-%m-%d}")
    assert sluis(forgetful, "receipt", "verify").exit_code == 0, "no link of the chain is lost"
    sell(forgetful, 20, None, GUESTS)
    run(forgetful)
    assert forgetful.rows("select guest_id from analytics.sales where total = 20.5") == [
        (token_in(forgetful.keyring, GUESTS, "guest", "email"),)
    ]


def test_a_restriction_is_no_tombstone_and_never_goes_by_itself(forgetful: Place) -> None:
    asked(forgetful, "ART18-1", f"buyer_id={ANNA}", right="restrict")
    gone_from_the_shop(forgetful)
    long_ago(forgetful)

    run(forgetful)

    assert in_ledger(forgetful, "select distinct kind from suppression") == [("restricted",)]
