"""The first month in which a row is absent, stated by hand for every clock of the shop's policy, on the real command.

A run drops a row from the first of the month in which its promise ends. Two boundaries show all clocks: the turn of
the year 2024, and 1 March 2023, seven years after a 29 February. The main job runs on the day before each and on it.
"""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.schema import TABLES, create_tables
from privacy import __file__ as core
from stores.keyring_file import create_keyring
from tests.conftest import Place, run_in_process
from tests.shop_oracle import SOURCE_OF, Tokens, key_of

pytestmark = pytest.mark.long

DAYS = ("2023-02-28", "2023-03-01", "2023-12-31", "2024-01-01")
NEVER = None


@dataclass(frozen=True)
class Row:
    """A row of the shop, and the first month in which it is absent from the warehouse."""

    table: str
    name: str
    absent: str | None
    columns: dict[str, Any]
    held: bool = False
    """Whether a procedure needs it, so that its clock stands still."""

    @property
    def absent_from(self) -> datetime.date | None:
        return datetime.date.fromisoformat(f"{self.absent}-01") if self.absent else None

    @property
    def expires(self) -> datetime.date | None:
        """Give the month in which it leaves, as it is published."""
        return None if self.held else self.absent_from

    def there(self, day: str) -> bool:
        """Tell whether it is published on a day."""
        return self.held or self.absent_from is None or day < str(self.absent_from)


def row(table: str, name: str, absent: str | None, **columns: Any) -> Row:
    return Row(table, name, absent, columns)


def needed(table: str, name: str, absent: str, **columns: Any) -> Row:
    return Row(table, name, absent, columns, held=True)


ROWS = [
    row("product", "a product tells nothing about people", NEVER, product_id=1),
    # Accounts: seven years after the last order, or after the opening where there is none.
    row("customer", "opened on 29 February", "2023-03", customer_id=1, created_at="2016-02-29T12:00:00+01:00"),
    row(
        "customer", "opened in the year's last second", "2024-01", customer_id=2, created_at="2016-12-31T23:59:59+01:00"
    ),
    row(
        "customer",
        "opened long before the last order",
        "2024-01",
        customer_id=3,
        created_at="2010-05-05T12:00:00+02:00",
    ),
    row("customer", "opened after the only order", "2024-02", customer_id=4, created_at="2017-01-31T12:00:00+01:00"),
    row(
        "customer",
        "gone before the last day of the year",
        "2023-12",
        customer_id=5,
        created_at="2016-12-30T23:59:59+01:00",
    ),
    row("customer", "gone at the end of February", "2023-02", customer_id=6, created_at="2016-02-27T23:59:59+01:00"),
    row("address", "goes with an account opened on 29 February", "2023-03", address_id=1, customer_id=1),
    row("address", "goes with an account that ordered", "2024-01", address_id=2, customer_id=3),
    row("address", "stays with an account that stays", "2024-02", address_id=3, customer_id=4),
    row("vehicle", "goes with an account that ordered", "2024-01", vehicle_id=1, customer_id=3),
    row("vehicle", "goes with an account that is gone", "2023-12", vehicle_id=2, customer_id=5),
    # Orders: seven years after the day in Amsterdam on which they were placed.
    row("orders", "29 February", "2023-03", order_id=1, placed_at="2016-02-29T12:00:00+01:00", customer_id=3),
    row(
        "orders",
        "28 February's last second",
        "2023-03",
        order_id=2,
        placed_at="2016-02-28T23:59:59+01:00",
        customer_id=3,
    ),
    row(
        "orders",
        "27 February's last second",
        "2023-02",
        order_id=3,
        placed_at="2016-02-27T23:59:59+01:00",
        customer_id=3,
    ),
    row(
        "orders",
        "28 February's first second in UTC",
        "2023-03",
        order_id=4,
        placed_at="2016-02-27T23:00:00+00:00",
        customer_id=3,
    ),
    row(
        "orders", "30 March's last second", "2023-03", order_id=5, placed_at="2016-03-30T23:59:59+02:00", customer_id=3
    ),
    row(
        "orders",
        "31 March's first second in UTC",
        "2023-04",
        order_id=6,
        placed_at="2016-03-30T22:00:00Z",
        customer_id=3,
    ),
    row(
        "orders",
        "30 December's last second",
        "2023-12",
        order_id=7,
        placed_at="2016-12-30T23:59:59+01:00",
        customer_id=3,
    ),
    row(
        "orders",
        "31 December's first second in UTC",
        "2024-01",
        order_id=8,
        placed_at="2016-12-30T23:00:00Z",
        customer_id=3,
    ),
    row(
        "orders", "the year's last second", "2024-01", order_id=9, placed_at="2016-12-31T23:59:59+01:00", customer_id=3
    ),
    row(
        "orders",
        "the new year's first second in UTC",
        "2024-01",
        order_id=10,
        placed_at="2016-12-31T23:00:00+00:00",
        customer_id=4,
    ),
    row("orders", "30 January", "2024-01", order_id=11, placed_at="2017-01-30T12:00:00+01:00", customer_id=4),
    row(
        "orders",
        "31 January, a guest's",
        "2024-02",
        order_id=12,
        placed_at="2017-01-31T12:00:00+01:00",
        email="c@example.com",
    ),
    row(
        "orders",
        "a guest's first",
        "2023-03",
        order_id=13,
        placed_at="2016-02-29T12:00:00+01:00",
        email=" Guest@Example.com",
    ),
    row(
        "orders",
        "a guest's last",
        "2024-01",
        order_id=14,
        placed_at="2016-12-31T23:59:59+01:00",
        email="guest@example.com",
    ),
    row(
        "orders",
        "another guest's only",
        "2023-03",
        order_id=15,
        placed_at="2016-02-29T00:00:00+01:00",
        email="b@example.com",
    ),
    row("guests", "goes with the last order", "2024-01", email="guest@example.com"),
    row("guests", "goes with the only order", "2023-03", email="b@example.com"),
    row("guests", "stays with an order that stays", "2024-02", email="c@example.com"),
    row("order_line", "goes with an order of 29 February", "2023-03", order_line_id=1, order_id=1, product_id=1),
    row("order_line", "goes with an order of the year's end", "2024-01", order_line_id=2, order_id=9, product_id=1),
    row("order_line", "is gone with its order", "2023-12", order_line_id=3, order_id=7, product_id=1),
    row(
        "delivery",
        "goes with its order",
        "2024-01",
        delivery_id=1,
        order_id=9,
        delivered_at="2017-03-01T12:00:00+01:00",
    ),
    row("delivery", "goes with its order of 29 February", "2023-03", delivery_id=2, order_id=1),
    row("delivery", "stays with its order", "2024-02", delivery_id=3, order_id=12),
    # Invoices: seven years after their own date; payments go with them.
    row("invoice", "29 February", "2023-03", invoice_id=1, order_id=1, issued_at="2016-02-29T23:59:59+01:00"),
    row("invoice", "outlives its order", "2024-01", invoice_id=2, order_id=7, issued_at="2016-12-31T23:59:59+01:00"),
    row("invoice", "30 December", "2023-12", invoice_id=3, order_id=7, issued_at="2016-12-30T23:59:59+01:00"),
    row("invoice", "31 January", "2024-02", invoice_id=4, order_id=9, issued_at="2017-01-31T00:00:00+01:00"),
    row(
        "payment",
        "goes with its invoice, paid later",
        "2024-01",
        payment_id=1,
        invoice_id=2,
        paid_at="2018-06-01T12:00:00+02:00",
    ),
    row("payment", "goes with an invoice of 29 February", "2023-03", payment_id=2, invoice_id=1),
    row("payment", "stays with its invoice", "2024-02", payment_id=3, invoice_id=4),
    row("purchase", "29 February", "2023-03", purchase_id=1, purchased_at="2016-02-29T12:00:00+01:00"),
    row("purchase", "30 December", "2023-12", purchase_id=2, purchased_at="2016-12-30T23:59:59+01:00"),
    row("purchase", "31 December", "2024-01", purchase_id=3, purchased_at="2016-12-31T00:00:00+01:00"),
    row(
        "collection_letter",
        "29 February",
        "2023-03",
        collection_letter_id=1,
        invoice_id=1,
        sent_at="2016-02-29T12:00:00+01:00",
    ),
    row(
        "collection_letter",
        "does not wait for the case to be closed",
        "2024-01",
        collection_letter_id=2,
        invoice_id=2,
        sent_at="2016-12-31T23:59:59+01:00",
        closed_at="2019-01-01T12:00:00+01:00",
    ),
    row(
        "collection_letter",
        "30 December",
        "2023-12",
        collection_letter_id=3,
        invoice_id=3,
        sent_at="2016-12-30T12:00:00+01:00",
    ),
    # Complaints: with an order or invoice its clock, the first of both; else five years after they were handled.
    row(
        "complaint",
        "handled in the year's last second",
        "2024-01",
        complaint_id=1,
        handled_at="2018-12-31T23:59:59+01:00",
    ),
    row(
        "complaint", "handled on 31 December in Amsterdam", "2024-01", complaint_id=2, handled_at="2018-12-30T23:00:00Z"
    ),
    row("complaint", "handled on 30 December", "2023-12", complaint_id=3, handled_at="2018-12-30T23:59:59+01:00"),
    row("complaint", "handled on 28 February", "2023-03", complaint_id=4, handled_at="2018-02-28T12:00:00+01:00"),
    row("complaint", "handled on 27 February", "2023-02", complaint_id=5, handled_at="2018-02-27T12:00:00+01:00"),
    row("complaint", "handled on 29 February", "2025-03", complaint_id=6, handled_at="2020-02-29T12:00:00+01:00"),
    row("complaint", "unhandled, about nothing", NEVER, complaint_id=7, opened_at="2012-01-01T12:00:00+01:00"),
    row(
        "complaint",
        "unhandled, about an order",
        "2024-01",
        complaint_id=8,
        order_id=9,
        opened_at="2012-01-01T12:00:00+01:00",
    ),
    row(
        "complaint",
        "handled long ago, order stays",
        "2024-02",
        complaint_id=9,
        order_id=12,
        handled_at="2013-01-01T12:00:00+01:00",
    ),
    row(
        "complaint",
        "handled lately, order goes",
        "2023-12",
        complaint_id=10,
        order_id=7,
        handled_at="2022-01-01T12:00:00+01:00",
    ),
    row(
        "complaint",
        "about an invoice",
        "2024-01",
        complaint_id=11,
        invoice_id=2,
        handled_at="2013-01-01T12:00:00+01:00",
    ),
    row("complaint", "about an order and a later invoice", "2024-01", complaint_id=12, order_id=9, invoice_id=4),
    row("complaint", "about a later order and an invoice", "2023-12", complaint_id=13, order_id=9, invoice_id=3),
    # Tickets: with an order its clock; else two years after they came in. Messages go with them.
    row("support_ticket", "31 December", "2024-01", support_ticket_id=1, created_at="2021-12-31T23:59:59+01:00"),
    row("support_ticket", "30 December", "2023-12", support_ticket_id=2, created_at="2021-12-30T23:59:59+01:00"),
    row("support_ticket", "28 February", "2023-03", support_ticket_id=3, created_at="2021-02-28T00:00:00+01:00"),
    row("support_ticket", "29 February", "2026-03", support_ticket_id=4, created_at="2024-02-29T12:00:00+01:00"),
    row(
        "support_ticket",
        "old, order stays",
        "2024-02",
        support_ticket_id=5,
        order_id=12,
        created_at="2018-01-01T12:00:00+01:00",
    ),
    row(
        "support_ticket",
        "new, order goes",
        "2023-12",
        support_ticket_id=6,
        order_id=7,
        created_at="2022-12-30T12:00:00+01:00",
    ),
    row(
        "support_message",
        "goes with its ticket",
        "2024-01",
        support_message_id=1,
        support_ticket_id=1,
        sent_at="2022-05-05T12:00:00+02:00",
    ),
    row("support_message", "stays with its ticket's order", "2024-02", support_message_id=2, support_ticket_id=5),
    row("support_message", "goes with its ticket's order", "2023-12", support_message_id=3, support_ticket_id=6),
    row(
        "review", "29 February", "2023-03", review_id=1, product_id=1, rating=5, created_at="2020-02-29T12:00:00+01:00"
    ),
    row(
        "review",
        "30 December's last second",
        "2023-12",
        review_id=2,
        product_id=1,
        rating=1,
        created_at="2020-12-30T23:59:59+01:00",
    ),
    row(
        "review",
        "31 December's first second in UTC",
        "2024-01",
        review_id=3,
        product_id=1,
        rating=1,
        created_at="2020-12-30T23:00:00Z",
    ),
    row("social_contact", "28 February", "2023-03", social_contact_id=1, created_at="2021-02-28T12:00:00+01:00"),
    row("social_contact", "30 December", "2023-12", social_contact_id=2, created_at="2021-12-30T12:00:00+01:00"),
    row("social_contact", "31 December", "2024-01", social_contact_id=3, created_at="2021-12-31T12:00:00+01:00"),
    row(
        "newsletter_subscription",
        "28 February",
        "2023-03",
        newsletter_subscription_id=1,
        subscribed_at="2021-02-28T12:00:00+01:00",
    ),
    row(
        "newsletter_subscription",
        "30 December",
        "2023-12",
        newsletter_subscription_id=2,
        subscribed_at="2021-12-30T12:00:00+01:00",
    ),
    row(
        "newsletter_subscription",
        "31 December",
        "2024-01",
        newsletter_subscription_id=3,
        subscribed_at="2021-12-31T12:00:00+01:00",
    ),
    # Visits: 26 months.
    row(
        "web_session", "31 December and 26 months", "2023-03", web_session_id=1, started_at="2020-12-31T12:00:00+01:00"
    ),
    row(
        "web_session", "27 December and 26 months", "2023-02", web_session_id=2, started_at="2020-12-27T12:00:00+01:00"
    ),
    row(
        "web_session", "29 February and 26 months", "2026-04", web_session_id=3, started_at="2024-02-29T12:00:00+01:00"
    ),
    row("web_session", "30 October's last second", "2023-12", web_session_id=4, started_at="2021-10-30T23:59:59+02:00"),
    row(
        "web_session",
        "31 October's first second in UTC",
        "2024-01",
        web_session_id=5,
        started_at="2021-10-30T22:00:00Z",
    ),
    row("web_session", "31 October's last second", "2024-01", web_session_id=6, started_at="2021-10-31T23:59:59+01:00"),
]

ROWS += [
    # What a procedure needs stays beyond its clock, and so does what goes with it; nothing else does.
    needed("orders", "held", "2023-03", order_id=20, email="held@example.com", placed_at="2016-02-29T12:00:00+01:00"),
    needed("order_line", "stays with a held order", "2023-03", order_line_id=20, order_id=20, product_id=1),
    needed("complaint", "about a held order", "2023-03", complaint_id=20, order_id=20),
    needed("complaint", "held", "2023-03", complaint_id=21, handled_at="2018-02-28T12:00:00+01:00"),
    needed("invoice", "held", "2023-03", invoice_id=20, order_id=20, issued_at="2016-02-29T12:00:00+01:00"),
    needed("payment", "stays with a held invoice", "2023-03", payment_id=20, invoice_id=20),
    row("guests", "leaves although the order is held", "2023-03", email="held@example.com"),
    row("orders", "was held once", "2023-03", order_id=21, placed_at="2016-02-29T12:00:00+01:00"),
    row("collection_letter", "held in the source only", "2023-03", collection_letter_id=20, invoice_id=20,
        sent_at="2016-02-29T12:00:00+01:00"),
]  # fmt: skip

HOLDS = [
    ("orders", 20, "2020-01-01", None),
    ("invoice", 20, "2020-01-01T00:00:00+01:00", "2999-12-31"),
    ("complaint", 21, "2022-12-31T23:00:00Z", None),
    ("collection_letter", 20, "2020-01-01", None),
    ("orders", 21, "2020-01-01", "2025-01-01"),
]

Expiries = dict[uuid.UUID, datetime.date | None]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Make a shop of these rows only, under the shop's own policy."""
    place = Place(tmp_path_factory.mktemp("clocks"))
    place.policy.write_text((Path(core).parents[1] / "policies" / "autopar.yaml").read_text("utf-8"), "utf-8")
    create_keyring(place.keyring, datetime.date.today())
    with contextlib.closing(sqlite3.connect(place.source)) as connection, connection:
        create_tables(connection)
        for each in ROWS:
            if each.table != "guests":
                _insert(connection, each)
        for hold in HOLDS:
            names = "matter, table_name, record_id, held_from, held_until"
            connection.execute(f"insert into legal_hold ({names}) values ('PROC-1', ?, ?, ?, ?)", hold)
    return place


def _insert(connection: sqlite3.Connection, each: Row) -> None:
    money = {name: 1.21 for name, kind in TABLES[each.table].items() if kind.startswith("DECIMAL")}
    columns = money | each.columns
    marks = ", ".join("?" * len(columns))
    connection.execute(f"insert into {each.table} ({', '.join(columns)}) values ({marks})", list(columns.values()))


@dataclass(frozen=True)
class Day:
    """What the run of a day published (by source table), and what it told."""

    published: dict[str, Expiries]
    told: dict[str, Any]


@pytest.fixture(scope="module")
def days(shop: Place, prefect_server: Path) -> dict[str, Day]:
    """Run the main job on each day."""
    found = {}
    for day in DAYS:
        outcome = run_in_process("run", "--as-of", day, "--output", "json", **shop.environment)
        assert outcome.exit_code == 0, outcome.said
        rows = {
            source: dict(shop.rows(f"select {key}, _expires_on from analytics.{table}"))
            for table, source, key in _published_tables()
        }
        found[day] = Day(rows, outcome.json)
    return found


def _published_tables() -> Iterator[tuple[str, str, str]]:
    yield from ((table, source, key_of(source)) for table, source in SOURCE_OF.items())
    yield "guests", "guests", "guest_id"


def _token(shop: Place, each: Row) -> uuid.UUID:
    tokens = Tokens.of(shop.keyring)
    if each.table == "guests":
        (token,) = tokens.of_values([each.columns["email"]], "guest", "email")
        return token
    domain = "order" if each.table == "orders" else each.table
    (token,) = tokens.of_values([each.columns[key_of(each.table)]], domain)
    return token


@pytest.mark.parametrize("each", ROWS, ids=lambda each: f"{each.table}: {each.name}: {each.absent or 'never'}")
def test_a_row_is_absent_from_the_month_in_which_its_promise_ends(shop: Place, days: dict[str, Day], each: Row) -> None:
    token = _token(shop, each)

    for day, run in days.items():
        assert (token in run.published[each.table]) == each.there(day), day
        assert run.published[each.table].get(token, each.expires) == each.expires, day


def test_nothing_else_is_published(days: dict[str, Day]) -> None:
    for day, run in days.items():
        assert sum(map(len, run.published.values())) == sum(each.there(day) for each in ROWS)
        assert all(not counts["quarantined"] for counts in run.told["tables"].values())


def test_every_clock_of_the_policy_is_shown_on_both_sides_of_its_end(shop: Place) -> None:
    policy = yaml.safe_load(shop.policy.read_text(encoding="utf-8"))["tables"]

    for table, declared in policy.items():
        months = {each.absent for each in ROWS if each.table == table}
        if "unlimited" in declared["retention"]:
            assert months == {NEVER}
        else:
            assert months & {"2023-03", "2024-01"}, table
            assert len(months) > 1, table


def test_an_invoice_that_outlives_its_order_does_not_lead_to_it(shop: Place, days: dict[str, Day]) -> None:
    outlives = {"order_id": {"expired": 1}}

    assert [run.told["tables"]["invoices"]["unlinked"] for run in days.values()] == [{}, {}, outlives, outlives]


def test_held_rows_are_counted_whether_they_stay_or_not(days: dict[str, Day]) -> None:
    for run in days.values():
        held = {table: counts["held"] for table, counts in run.told["tables"].items() if counts["held"]}
        assert held == {"orders": 1, "invoices": 1, "complaints": 1, "collection_letters": 1}


def test_a_run_tells_of_complaints_whose_clock_has_not_started(days: dict[str, Day]) -> None:
    for run in days.values():
        assert "complaints: rows whose clock does not run yet (event not set): 1" in run.told["warnings"]
