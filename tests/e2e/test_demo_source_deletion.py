"""The demo shop after all that need not stay was deleted: looked at in plain SQL, apart from the code under test."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import Outcome, Place, run_in_process
from tests.kept_shop import THIS_YEAR, applied, approve, contents, planned

Contents = dict[str, list[tuple[Any, ...]]]


class Deleted(NamedTuple):
    """The shop before and after, and what was said."""

    place: Place
    before: Contents
    orphans: int
    plan: Outcome
    done: Outcome


@pytest.fixture(scope="module")
def deleted(tmp_path_factory: pytest.TempPathFactory) -> Deleted:
    """Make a small demo shop, let counsel say that it does not use the one-stop shop, plan, approve and delete."""
    place = Place(tmp_path_factory.mktemp("demo"))
    made = run_in_process("demo", "--dir", str(place.folder), "--orders", "600", "--shop-only")
    assert made.exit_code == 0, made.said
    place.change_policy("one_stop_shop: unanswered", "one_stop_shop: no")
    before, orphans = contents(place), len(list(orphans_of(place.source)))
    plan = planned(place)
    approve(place, plan.json["plan_hash"], "olga")
    return Deleted(place, before, orphans, plan, applied(place, plan.json["plan_hash"]))


def orphans_of(source: Path) -> Iterator[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(source)) as connection:
        yield from connection.execute("pragma foreign_key_check")


def ask(source: Path, query: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(source)) as connection:
        return [row[0] for row in connection.execute(query)]


def test_what_the_plan_tells_is_gone_and_every_other_row_is_as_it_was(deleted: Deleted) -> None:
    assert deleted.done.exit_code == 0, deleted.done.said
    after = contents(deleted.place)
    gone = {name: len(rows) - len(after[name]) for name, rows in deleted.before.items()}
    planned_rows = {name: table["deletable_now"] for name, table in deleted.plan.json["source"].items()}

    assert {name: rows for name, rows in gone.items() if rows} == {name: n for name, n in planned_rows.items() if n}
    assert {"orders", "order_line", "invoice", "payment", "delivery", "web_session"} <= {n for n in gone if gone[n]}
    for name, rows in after.items():
        assert set(rows) <= set(deleted.before[name])


def test_no_reference_is_left_behind(deleted: Deleted) -> None:
    assert len(list(orphans_of(deleted.place.source))) <= deleted.orphans


def test_the_books_of_seven_years_are_whole(deleted: Deleted) -> None:
    began = f"'{THIS_YEAR - 7}-01-01T00:00:00+01:00'"
    queries = (
        f"select invoice_id from invoice where issued_at >= {began} order by 1",
        f"select order_id from orders where placed_at >= {began} order by 1",
        f"select payment_id from payment where paid_at >= {began} order by 1",
        "select order_line_id from order_line where order_id in "
        f"(select order_id from orders where placed_at >= {began})",
    )
    kept = {name: {row[0] for row in rows} for name, rows in contents(deleted.place).items()}
    for query, name in zip(queries, ("invoice", "orders", "payment", "order_line"), strict=True):
        with contextlib.closing(sqlite3.connect(":memory:")) as whole:
            for table in ("invoice", "orders", "payment", "order_line"):
                rows = deleted.before[table]
                columns = ask(deleted.place.source, f"select name from pragma_table_info('{table}')")
                whole.execute(f"create table {table} ({', '.join(columns)})")
                whole.executemany(f"insert into {table} values ({', '.join('?' * len(columns))})", rows)
            wanted = {row[0] for row in whole.execute(query)}
        assert wanted and wanted <= kept[name]


def test_records_under_a_hold_are_still_there(deleted: Deleted) -> None:
    held = [row for row in deleted.before["legal_hold"] if row[5] is None]
    after = {name: {row[0] for row in rows} for name, rows in contents(deleted.place).items()}

    assert held
    for _, _, table, record, *_ in held:
        assert record in after[table]
    assert sum(table["held"] for table in deleted.plan.json["source"].values()) > 0


def test_the_bytes_of_who_is_gone_are_gone(deleted: Deleted) -> None:
    tables = contents(deleted.place)
    left = {str(value) for rows in tables.values() for row in rows for value in row}
    cookies = {row[1] for row in deleted.before["web_session"]} - left
    parcels = {row[3] for row in deleted.before["delivery"] if row[3]} - left
    stored = deleted.place.source.read_bytes()

    assert len(cookies) > 50 and len(parcels) > 5
    assert [value for value in cookies | parcels if value.encode() in stored] == []


def test_planned_again_nothing_is_left_to_delete(deleted: Deleted) -> None:
    again = planned(deleted.place).json

    assert {table["deletable_now"] for table in again["source"].values()} == {0}
