"""The demo shop's mart: its figures are those of the source, counted apart with pandas, and stay when people leave."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import sqlite3
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import Place
from tests.e2e.conftest import Run
from tests.in_chamber import run_in_chamber
from tests.independent_tokens import canonical
from tests.shop_oracle import Shop, local_day

LEAST, MOST = 10, Decimal("0.8")
CELLS = "select month, category, revenue, lines, people, withheld from marts.revenue_per_month order by all"


@pytest.fixture(scope="module")
def expected(demo: Run, shop: Shop) -> pd.DataFrame:
    """Count revenue, lines, people and the largest share of one of them by month and category, from the source."""
    orders = pd.DataFrame(shop.published("orders").values()).set_index("order_id")
    orders["month"] = [local_day(text).replace(day=1) for text in orders.placed_at]
    orders["person"] = [
        f"customer {int(number)}" if pd.notna(number) else f"guest {canonical(email, 'email')}"
        for number, email in zip(orders.customer_id, orders.email, strict=True)
    ]
    products = pd.DataFrame(shop.tables["product"].values()).set_index("product_id")
    lines = pd.DataFrame(shop.published("order_line").values())
    lines = lines.join(orders[["month", "person"]], on="order_id").join(products.category, on="product_id")
    lines["cents"] = [
        round(price * 100) * quantity for price, quantity in zip(lines.price, lines.quantity, strict=True)
    ]
    lines = lines[lines.month < datetime.date.fromisoformat(demo.told["as_of"]).replace(day=1)]
    by_person = lines.groupby(["month", "category", "person"]).agg(cents=("cents", "sum"), lines=("cents", "size"))
    cells = by_person.groupby(["month", "category"])
    counted = cells.sum()
    counted["people"] = cells.size()
    counted["most"] = (cells.max() / counted[["cents", "lines"]]).max(axis=1)
    return counted


def test_every_figure_that_is_shown_is_that_of_the_source_to_the_cent(demo: Run, expected: pd.DataFrame) -> None:
    shown = {(month, category): figures for month, category, *figures, withheld in demo.rows(CELLS) if not withheld}

    assert len(shown) > 50
    for cell, (revenue, lines, people) in shown.items():
        row = expected.loc[cell]
        assert (revenue, lines, people) == (Decimal(int(row.cents)) / 100, row.lines, row.people)


def test_all_closed_months_and_categories_are_there_and_the_right_ones_withheld(
    demo: Run, expected: pd.DataFrame
) -> None:
    found = {(month, category): withheld for month, category, *_, withheld in demo.rows(CELLS)}
    few = (expected.people < LEAST) | (expected.most > float(MOST))

    assert found.keys() == set(expected.index)
    for month, cells in expected.groupby(level="month"):
        withheld = {cell for cell in cells.index if found[cell]}
        must = set(cells.index[few[cells.index]])
        if len(must) == 1 and len(cells) > 1:
            others = cells[~few[cells.index]].people
            assert must < withheld, month
            assert [others[cell] for cell in withheld - must] == [others.min()]
        else:
            assert withheld == must, month


def test_people_who_leave_take_their_rows_along_and_no_frozen_figure(demo: Run, tmp_path: Path) -> None:
    for file in (demo.source, demo.warehouse, demo.private, demo.policy, demo.keyring, demo.folder / "ledger.sqlite"):
        shutil.copy2(file, tmp_path)
    place, before = Place(tmp_path), demo.rows(CELLS)
    with contextlib.closing(sqlite3.connect(place.source)) as connection, connection:
        gone = "select order_id from orders where customer_id % 3 = 0"
        for table in ("order_line", "delivery", "invoice", "complaint", "support_ticket"):
            connection.execute(f"delete from {table} where order_id in ({gone})")
        connection.execute("delete from payment where invoice_id not in (select invoice_id from invoice)")
        connection.execute("delete from collection_letter where invoice_id not in (select invoice_id from invoice)")
        connection.execute(
            "delete from support_message where support_ticket_id not in (select support_ticket_id from support_ticket)"
        )
        connection.execute("delete from orders where customer_id % 3 = 0")

    record = run_in_chamber(place, datetime.date.fromisoformat(demo.told["as_of"]))

    assert record.tables["order_lines"].extracted < 0.9 * demo.tables["order_lines"]["extracted"]
    assert place.rows(CELLS) == before
    assert record.marts["revenue_per_month"].frozen_now == 0

    for file in tmp_path.glob("warehouse.duckdb*"):
        file.unlink()
    run_in_chamber(place, datetime.date.fromisoformat(demo.told["as_of"]))

    assert place.rows(CELLS) == before
