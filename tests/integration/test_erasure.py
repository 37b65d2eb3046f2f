"""Erasure: whose rows leave, that nobody else's change, that they stay away, and who somebody is who comes back."""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Place
from tests.corner_shop import token_in
from tests.kept_shop import keep
from tests.rights_shop import (
    ANNA,
    ANNAS,
    ANNAS_OLD,
    BOB,
    BOBS,
    CARLA,
    CARLAS,
    DORA,
    DORAS,
    FAMILY,
    GUESTS,
    PUBLISHED,
    RECENT,
    apply,
    ask,
    asked,
    counted,
    erase,
    in_ledger,
    index_of,
    ledger_of,
    plan,
    rows_of,
    run,
    sell,
    sold,
    states,
    theirs,
    totals,
)


@pytest.fixture(params=["duckdb", pytest.param("postgresql", marks=pytest.mark.long)])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Give the shop of those who ask for their rights after a good run: its warehouse and ledger in files, or not."""
    once: Place = request.getfixturevalue("rights_once" if request.param == "duckdb" else "rights_once_in_postgresql")
    yield (copy := once.copied(tmp_path / "shop"))
    copy.remove()


Way = Callable[[Place, str, str], object]


def by_a_run(place: Place, reference: str, line: str) -> None:
    """Register, and let the next run take the person out."""
    asked(place, reference, line)
    run(place)


EVERYBODY = set(range(1, 15))


def bring_bob_by_anna(place: Place) -> None:
    """Let accounts name who brought them, as a table that refers to itself does, and publish that."""
    with contextlib.closing(sqlite3.connect(place.source)) as connection, connection:
        connection.execute("alter table buyer add column brought_by integer references buyer")
        connection.execute("update buyer set brought_by = ? where buyer_id = ?", (ANNA, BOB))
        connection.execute("update buyer set brought_by = ? where buyer_id = ?", (CARLA, DORA))
    token = "{type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: buyer}}"
    place.change_policy("      birth_date: {type: date", f"      brought_by: {token}\n      birth_date: {{type: date")


@pytest.mark.parametrize("right", ["erase", "restrict", "object"])
def test_whoever_is_held_back_is_named_in_no_row_of_somebody_else(shop: Place, right: str) -> None:
    """The next run put the token back: a column of a table that refers to itself can have no `references`."""
    bring_bob_by_anna(shop)
    run(shop)
    (anna,), (carla,) = ({str(token_in(shop.keyring, one, "buyer"))} for one in (ANNA, CARLA))
    named = "select brought_by::varchar from analytics.buyers where brought_by is not null"
    assert {token for (token,) in shop.rows(named)} == {anna, carla}

    asked(shop, "AVG-1", f"buyer_id={ANNA}", right=right)
    record, again = run(shop), run(shop)

    assert {token for (token,) in shop.rows(named)} == {carla}
    assert [sum(one.tables["buyers"].unlinked["brought_by"].values()) for one in (record, again)] == [1, 1]


# ── who leaves, and that nobody else is touched ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("way", "line", "numbers", "addresses"),
    [
        (erase, f"email={ANNAS_OLD}", {ANNA}, {ANNAS, ANNAS_OLD}),
        (by_a_run, f"buyer_id={ANNA}", {ANNA}, {ANNAS, ANNAS_OLD}),
        (by_a_run, f"buyer_id={CARLA}", {CARLA}, {CARLAS}),
        (erase, f"email={FAMILY}", set(), {FAMILY}),
        (by_a_run, f"email={GUESTS}", set(), {GUESTS}),
    ],
    ids=["address", "account, run", "account that shares one, run", "shared address", "guest, run"],
)
def test_rows_after_are_rows_before_less_those_of_the_person_and_every_other_row_is_the_same(
    shop: Place, way: Way, line: str, numbers: set[int], addresses: set[str]
) -> None:
    leave, before = theirs(shop, numbers, addresses), rows_of(shop)
    gone = {k for k, number, address in sold(shop) if (number in numbers if number else address in addresses)}
    tokens = {token_in(shop.keyring, key, "sale") for key in gone}
    tokens |= {token_in(shop.keyring, number, "buyer") for number in numbers}

    way(shop, "AVG-1", line)

    after = rows_of(shop)
    assert sum(leave.values()) > 0
    for table in PUBLISHED:
        assert len(after[table]) == len(before[table]) - leave[table]
        assert after[table] == [row for row in before[table] if not tokens & {*row}], table
        assert not any(tokens & {*row} for row in after[table])
    assert states(shop) == {"AVG-1": "applied"}


def test_what_a_person_was_found_by_is_in_the_private_index_no_more(shop: Place) -> None:
    asked(shop, "AVG-1", f"buyer_id={ANNA}")
    macs = {uuid.UUID(mac) for (mac,) in in_ledger(shop, "select mac from identifier")}
    found = [row for row in index_of(shop) if macs & {*row}]
    assert len(found) == len({1, 2, 3, 4, 14}), "the search finds what is there"

    apply(shop, plan(shop)["plan_hash"])

    assert not [row for table in ("buyers", "sales") for row in index_of(shop, table) if macs & {*row}]
    assert len(index_of(shop)) == len(EVERYBODY) - 5


def test_the_plan_says_what_leaves_and_what_stays_in_the_shop_before_anything_does(shop: Place) -> None:
    keep(shop)
    asked(shop, "AVG-1", f"buyer_id={ANNA}")
    before = shop.fingerprint()

    planned = plan(shop)

    leave = theirs(shop, {ANNA}, {ANNAS, ANNAS_OLD})
    assert {name: table["delete"] for name, table in planned["tables"].items()} == leave
    kept = {name: table["keep"] for name, table in planned["source"].items()}
    assert kept == {"buyer": leave["buyers"], "sale": leave["sales"], "line": leave["lines"]}
    assert shop.fingerprint() == before
    assert states(shop) == {"AVG-1": "registered"}


def test_several_people_in_several_requests_leave_in_one_publish_with_one_receipt(shop: Place) -> None:
    for reference, line in (("AVG-1", f"buyer_id={ANNA}"), ("AVG-2", f"email={GUESTS}")):
        asked(shop, reference, line)
    (runs,) = in_ledger(shop, "select count(*) from receipt")

    outcome = apply(shop, plan(shop)["plan_hash"])

    assert outcome.json["requests"] == {"applied": 2, "pending": 0}
    assert totals(shop) == EVERYBODY - {1, 2, 3, 4, 14} - {11, 12}
    assert in_ledger(shop, "select count(*) from receipt") == [(runs[0] + 1,)]
    assert len({*in_ledger(shop, "select receipt_id from request")}) == 1


# ── who is meant by a number or an address ────────────────────────────────────────────────────────────────────────


def test_what_a_guest_orders_under_the_address_of_a_customer_shows_nothing_of_that_customer(shop: Place) -> None:
    guest, account = token_in(shop.keyring, ANNAS, "guest", "email"), token_in(shop.keyring, ANNA, "buyer")

    rows = shop.rows("select buyer_id, guest_id, total from analytics.sales")

    assert [int(total) for _, token, total in rows if token == guest] == [4]
    assert sorted(int(total) for token, _, total in rows if token == account) == [1, 2, 3]
    assert not [row for row in rows if row[0] and row[1]]


def test_an_address_that_two_accounts_share_is_left_to_the_last_of_them(shop: Place) -> None:
    erase(shop, "AVG-1", f"buyer_id={CARLA}")
    assert totals(shop) == EVERYBODY - {7, 9}

    erase(shop, "AVG-2", f"buyer_id={BOB}")

    assert totals(shop) == EVERYBODY - {5, 6, 7, 8, 9}, "in what is published, it was Bob's alone by now"


@pytest.mark.parametrize(
    "spelling", ["DORA@BÜCHER.example", "  dora@xn--bcher-kva.example  ", "Dora@bu\u0308cher.EXAMPLE"]
)
def test_an_address_is_found_however_it_is_spelt(shop: Place, spelling: str) -> None:
    asked(shop, "AVG-1", f"email={spelling}")

    tables = plan(shop)["tables"]

    assert {name: table["delete"] for name, table in tables.items()} == theirs(shop, {DORA}, {DORAS})


def test_an_account_that_is_restricted_and_so_not_in_the_index_is_erased_by_its_address_as_well(shop: Place) -> None:
    asked(shop, "ART18-1", f"buyer_id={ANNA}", right="restrict")
    run(shop)
    assert not {1, 2, 3, 4, 14} & totals(shop)

    asked(shop, "AVG-1", f"email={ANNAS}")
    assert apply(shop, plan(shop)["plan_hash"]).exit_code == 0
    ledger_of(shop).requests.lift("ART18-1", datetime.datetime.now(datetime.UTC))
    run(shop)

    assert totals(shop) == EVERYBODY - {1, 2, 3, 4, 14}
    assert counted(shop)["buyers"] == 3


def test_what_only_the_shop_knows_of_somebody_erased_without_it_is_found_by_the_next_run(shop: Place) -> None:
    sell(shop, 20, DORA, "dora.nieuw@example.org", RECENT)
    sell(shop, 21, None, "dora.nieuw@example.org", RECENT)
    erase(shop, "AVG-1", f"buyer_id={DORA}")
    assert in_ledger(shop, "select count(*) from identifier where found_in = 'source'") == [(0,)]

    run(shop)

    assert totals(shop) == EVERYBODY - {10}
    assert in_ledger(shop, "select count(*) from identifier where found_in = 'source'") == [(1,)]


# ── staying away ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_somebody_whose_orders_stay_in_the_shop_stays_away_however_far_the_clock_is_put_forward(shop: Place) -> None:
    erase(shop, "AVG-1", f"buyer_id={ANNA}", f"email={GUESTS}")
    tombstones = in_ledger(shop, "select count(*) from suppression")
    today = datetime.date.today()

    for years in (2, 3):
        record = run(shop, today.replace(year=today.year + years, day=1))
        assert totals(shop) == EVERYBODY - {1, 2, 3, 4, 11, 12, 14}
        assert record.tables["sales"].extracted == len(EVERYBODY)

    assert in_ledger(shop, "select count(*) from suppression") == tombstones
    assert in_ledger(shop, "select erased_at from horizon") == []


# ── coming back ───────────────────────────────────────────────────────────────────────────────────────────────────


def guest_of(place: Place, key: int) -> uuid.UUID:
    """Give the token of the guest behind a sale."""
    ((token,),) = place.rows(f"select guest_id from analytics.sales where total = {key}.5")
    assert isinstance(token, uuid.UUID)
    return token


def test_a_guest_who_orders_again_is_somebody_new_whom_nothing_joins_with_before(shop: Place) -> None:
    before, plain = guest_of(shop, 11), token_in(shop.keyring, GUESTS, "guest", "email")
    assert before == plain
    erase(shop, "AVG-1", f"email={GUESTS}")
    sell(shop, 20, None, GUESTS.upper())
    sell(shop, 21, None, GUESTS)

    sell(shop, 22, None, GUESTS, RECENT)  # booked only now, placed before

    run(shop)

    assert totals(shop) == EVERYBODY - {11, 12} | {20, 21}
    anew = guest_of(shop, 20)
    assert anew == guest_of(shop, 21)
    assert anew not in (before, plain)
    assert anew.version == 8
    run(shop)
    assert guest_of(shop, 20) == anew
    assert totals(shop) == EVERYBODY - {11, 12} | {20, 21}


def test_a_guest_who_came_back_can_be_erased_again_and_others_leave_without_touching_them(shop: Place) -> None:
    erase(shop, "AVG-1", f"email={GUESTS}")
    sell(shop, 20, None, GUESTS)
    run(shop)
    anew = guest_of(shop, 20)

    erase(shop, "AVG-2", f"buyer_id={DORA}")
    assert guest_of(shop, 20) == anew

    erase(shop, "AVG-3", f"email={GUESTS}")
    assert 20 not in totals(shop)
    run(shop)
    assert 20 not in totals(shop)
    sell(shop, 21, None, GUESTS)
    run(shop)
    assert totals(shop) == EVERYBODY - {10, 11, 12} | {21}
    assert guest_of(shop, 21) != anew


def test_what_an_erased_account_orders_later_is_published_without_the_account(shop: Place) -> None:
    before = token_in(shop.keyring, ANNA, "buyer")
    erase(shop, "AVG-1", f"buyer_id={ANNA}")
    sell(shop, 20, ANNA, ANNAS)

    record = run(shop)

    assert totals(shop) == EVERYBODY - {1, 2, 3, 4, 14} | {20}
    assert shop.rows("select buyer_id, guest_id from analytics.sales where total = 20.5") == [(None, None)]
    assert {c: {f.word: n for f, n in u.items()} for c, u in record.tables["sales"].unlinked.items()} == {
        "buyer_id": {"erased": 1}
    }
    assert not [row for table in PUBLISHED for row in rows_of(shop)[table] if before in row]
    erase(shop, "AVG-2", f"buyer_id={ANNA}")
    assert totals(shop) == EVERYBODY - {1, 2, 3, 4, 14}


def test_an_erased_account_that_is_opened_anew_is_published_whole_under_other_tokens(shop: Place) -> None:
    before = token_in(shop.keyring, ANNA, "buyer")
    erase(shop, "AVG-1", f"buyer_id={ANNA}")
    opened = datetime.datetime.now(datetime.UTC).isoformat()
    shop.change_source(f"update buyer set joined_at = '{opened}' where buyer_id = {ANNA}")
    sell(shop, 20, ANNA, ANNAS)

    run(shop)

    ((of_sale,),) = shop.rows("select buyer_id from analytics.sales where total = 20.5")
    assert of_sale in {token for (token,) in shop.rows("select buyer_id from analytics.buyers")}
    assert of_sale != before
    assert not [row for table in PUBLISHED for row in rows_of(shop)[table] if before in row]


def test_a_person_can_be_erased_twice_and_the_second_time_nothing_is_left_to_leave(shop: Place) -> None:
    erase(shop, "AVG-1", f"buyer_id={ANNA}")
    before = rows_of(shop)
    asked(shop, "AVG-2", f"buyer_id={ANNA}")

    planned = plan(shop)
    outcome = apply(shop, planned["plan_hash"])

    assert outcome.exit_code == 0, outcome.said
    assert {table["delete"] for table in planned["tables"].values()} == {0}
    assert rows_of(shop) == before
    assert states(shop) == {"AVG-1": "applied", "AVG-2": "applied"}


def test_somebody_of_whom_nothing_is_left_in_the_warehouse_is_told_so_while_the_shop_is_out_of_reach(
    shop: Place,
) -> None:
    erase(shop, "AVG-1", f"email={BOBS}")
    shop.source.rename(shop.source.with_name("moved.away"))

    outcome = ask(shop, "AVG-2", f"email={BOBS}")

    assert outcome.exit_code == 2
    assert "the warehouse has, and the source is away, nothing of person 1" in outcome.json["error"]["message"]


def test_rows_of_before_an_erasure_stay_away_when_their_table_says_no_moment(shop: Place) -> None:
    shop.change_policy(", happened: sold_at", "")
    run(shop)
    erase(shop, "AVG-1", f"email={GUESTS}")
    sell(shop, 20, None, GUESTS)

    run(shop)

    assert totals(shop) == EVERYBODY - {11, 12}, "without a moment, no row of an erased person is of somebody new"


def test_counts_of_a_run_and_of_an_erasure_without_it_are_the_same(shop: Place) -> None:
    told = erase(shop, "AVG-1", f"buyer_id={BOB}").json["tables"]
    offline = {name: Counter(erased=table["erased"], published=table["published"]) for name, table in told.items()}

    record = run(shop).as_json()["tables"]

    assert offline == {n: Counter(erased=t["erased"], published=t["published"]) for n, t in record.items()}
