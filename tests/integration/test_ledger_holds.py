"""Legal holds in the ledger, on SQLite and PostgreSQL: placed, released, told, and kept in step with the shop's own."""

from __future__ import annotations

import datetime
import hashlib
from collections import Counter
from datetime import date
from typing import Any

import sqlalchemy as sa

from privacy.holds import Period, SourceHold
from privacy.records import Record
from stores.ledger import Ledger
from stores.ledger.schema import HOLD
from tests.requested import LATER, NOW

SINCE = Period(date(2026, 1, 1), None)
TODAY = NOW.date()


def record(table: str, key: object, *epochs: int) -> Record:
    """Give something that looks like a record of a table."""
    macs = {epoch: hashlib.sha256(f"{table} {key} {epoch}".encode()).hexdigest()[:32] for epoch in epochs or (1,)}
    return Record(table, frozenset(macs.items()))


def of_source(matter: str, key: object, first: str = "2026-01-01", last: str | None = None) -> SourceHold:
    end = date.fromisoformat(last) if last else None
    return SourceHold(matter, record("orders", key), Period(date.fromisoformat(first), end))


def sync(ledger: Ledger, *holds: SourceHold, now: datetime.datetime = NOW) -> None:
    ledger.holds.sync_source(holds, "anna", now)


def rows(ledger: Ledger) -> list[dict[str, Any]]:
    with ledger.engine.connect() as connection:
        query = sa.select(HOLD).order_by(HOLD.c.matter, HOLD.c.mac, HOLD.c.held_from, HOLD.c.placed_at)
        return [dict(row) for row in connection.execute(query).mappings()]


def held(ledger: Ledger, day: date = TODAY) -> dict[str, dict[str, set[str]]]:
    """Give the matters that need each held record, by table and MAC."""
    found = ledger.holds.active(day)
    return {table: {mac: set(matters) for (_, mac), matters in records.items()} for table, records in found.items()}


def mac(key: object, table: str = "orders") -> str:
    return record(table, key).newest[1]


# ── by command ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hold_is_placed_on_records_of_several_tables(ledger: Ledger) -> None:
    placed = ledger.holds.add(
        "P-1", [record("orders", 1), record("orders", 2), record("invoice", 1)], SINCE, "anna", NOW
    )

    assert (placed.placed, placed.already) == (Counter(orders=2, invoice=1), Counter())
    assert held(ledger) == {
        "orders": {mac(1): {"P-1"}, mac(2): {"P-1"}},
        "invoice": {mac(1, "invoice"): {"P-1"}},
    }


def test_to_place_a_hold_twice_changes_nothing(ledger: Ledger) -> None:
    ledger.holds.add("P-1", [record("orders", 1)], SINCE, "anna", NOW)
    before = rows(ledger)

    again = ledger.holds.add("P-1", [record("orders", 1, 1, 2)] * 2, Period(TODAY, TODAY), "bob", LATER)

    assert (again.placed, again.already) == (Counter(), Counter(orders=2))
    assert rows(ledger) == before


def test_two_matters_may_need_one_record_and_the_last_to_end_frees_it(ledger: Ledger) -> None:
    for matter in ("P-1", "P-2"):
        ledger.holds.add(matter, [record("orders", 1)], SINCE, "anna", NOW)

    assert held(ledger) == {"orders": {mac(1): {"P-1", "P-2"}}}
    assert ledger.holds.release("P-1", None, LATER) == Counter(orders=1)
    assert held(ledger) == {"orders": {mac(1): {"P-2"}}}
    assert ledger.holds.release("P-2", None, LATER) == Counter(orders=1)
    assert held(ledger) == {}


def test_a_release_may_name_records_and_leaves_the_others(ledger: Ledger) -> None:
    ledger.holds.add("P-1", [record("orders", 1), record("orders", 2)], SINCE, "anna", NOW)

    assert ledger.holds.release("P-1", [record("orders", 2, 1, 7), record("orders", 3)], LATER) == Counter(orders=1)
    assert held(ledger) == {"orders": {mac(1): {"P-1"}}}


def test_a_release_of_what_is_not_held_releases_nothing(ledger: Ledger) -> None:
    ledger.holds.add("P-1", [record("orders", 1)], SINCE, "anna", NOW)
    ledger.holds.release("P-1", None, NOW)

    assert ledger.holds.release("P-1", None, LATER) == Counter()
    assert ledger.holds.release("P-9", None, LATER) == Counter()
    assert [row["released_at"] for row in rows(ledger)] == [NOW]


def test_a_command_releases_no_hold_of_the_shops_own_table(ledger: Ledger) -> None:
    sync(ledger, of_source("P-1", 1))

    assert ledger.holds.release("P-1", None, LATER) == Counter()
    assert held(ledger) == {"orders": {mac(1): {"P-1"}}}


def test_a_hold_counts_from_its_first_day_to_its_last(ledger: Ledger) -> None:
    ledger.holds.add("P-1", [record("orders", 1)], Period(date(2026, 3, 2), date(2026, 3, 4)), "anna", NOW)

    days = [date(2026, 3, day) for day in range(1, 6)]
    assert [bool(held(ledger, day)) for day in days] == [False, True, True, True, False]


def test_all_holds_there_ever_were_are_told_with_counts_and_without_macs(ledger: Ledger) -> None:
    ledger.holds.add("P-2", [record("orders", 1), record("invoice", 1)], SINCE, "anna", NOW)
    ledger.holds.add("P-2", [record("orders", 2)], SINCE, "bob", NOW)
    ledger.holds.release("P-2", [record("invoice", 1)], LATER)
    sync(ledger, of_source("P-1", 1), of_source("P-1", 2))

    told = ledger.holds.list()

    assert [(t["matter"], t["origin"], t["actor"], t["released_at"], t["tables"]) for t in told] == [
        ("P-1", "source", "anna", None, {"orders": 2}),
        ("P-2", "command", "anna", None, {"orders": 1}),
        ("P-2", "command", "bob", None, {"orders": 1}),
        ("P-2", "command", "anna", LATER, {"invoice": 1}),
    ]
    assert all(row["mac"] not in str(told) for row in rows(ledger))


# ── in step with the shop's own table ─────────────────────────────────────────────────────────────────────────────


def test_the_shops_holds_are_registered_once(ledger: Ledger) -> None:
    sync(ledger, of_source("P-1", 1), of_source("P-1", 2), of_source("P-1", 2))
    before = rows(ledger)
    sync(ledger, of_source("P-1", 2), of_source("P-1", 1), now=LATER)

    assert rows(ledger) == before
    assert [(row["origin"], row["actor"], row["placed_at"]) for row in before] == [("source", "anna", NOW)] * 2


def test_an_end_that_moves_moves_in_the_ledger(ledger: Ledger) -> None:
    sync(ledger, of_source("P-1", 1))
    sync(ledger, of_source("P-1", 1, last="2027-01-01"), now=LATER)

    assert [(row["held_until"], row["placed_at"]) for row in rows(ledger)] == [(date(2027, 1, 1), NOW)]


def test_a_hold_whose_row_is_gone_is_released_and_a_new_row_is_a_new_hold(ledger: Ledger) -> None:
    sync(ledger, of_source("P-1", 1))
    sync(ledger, now=LATER)

    assert held(ledger) == {}
    assert [row["released_at"] for row in rows(ledger)] == [LATER]

    sync(ledger, of_source("P-1", 1), now=LATER)

    assert held(ledger) == {"orders": {mac(1): {"P-1"}}}
    assert len(rows(ledger)) == 2


def test_of_rows_that_differ_by_their_end_only_the_last_to_end_counts(ledger: Ledger) -> None:
    sync(ledger, of_source("P-1", 1, last="2027-01-01"), of_source("P-1", 1), of_source("P-1", 1, last="2026-12-01"))

    assert [row["held_until"] for row in rows(ledger)] == [None]


def test_two_periods_of_one_matter_are_two_holds(ledger: Ledger) -> None:
    both = of_source("P-1", 1, "2026-01-01", "2026-02-01"), of_source("P-1", 1, "2026-11-01")
    sync(ledger, *both)
    sync(ledger, *both, now=LATER)

    assert [bool(held(ledger, date(2026, month, 15))) for month in (1, 6, 11)] == [True, False, True]
    assert len(rows(ledger)) == 2


def test_a_hold_whose_period_cannot_be_read_any_more_stays_as_it_was(ledger: Ledger) -> None:
    sync(ledger, of_source("P-1", 1), of_source("P-1", 2))
    before = rows(ledger)
    unread = [hold._replace(period=None) for hold in (of_source("P-1", 1), of_source("P-1", 3))]
    sync(ledger, *unread, of_source("P-1", 2), now=LATER)

    assert rows(ledger) == before


def test_after_a_rotation_the_shops_holds_are_kept_under_the_new_key(ledger: Ledger) -> None:
    sync(ledger, of_source("P-1", 1))
    both = SourceHold("P-1", record("orders", 1, 1, 2), of_source("P-1", 1).period)
    sync(ledger, both, now=LATER)

    assert [(row["epoch"], row["placed_at"], row["released_at"]) for row in rows(ledger)] == [(2, NOW, None)]
    assert ledger.holds.active(TODAY) == {"orders": {both.record.newest: frozenset({"P-1"})}}


def test_holds_placed_by_command_are_left_alone(ledger: Ledger) -> None:
    ledger.holds.add("P-1", [record("orders", 1)], SINCE, "anna", NOW)
    before = rows(ledger)
    sync(ledger, of_source("P-1", 1))
    sync(ledger, now=LATER)

    assert [row for row in rows(ledger) if row["origin"] == "command"] == before
    assert set(ledger.holds.active(TODAY, "command")) == {"orders"}
    assert ledger.holds.active(TODAY, "source") == {}
