"""What must become of every row of the demo shop, in plain Python, from its promises: no policy file is read here."""

from __future__ import annotations

import base64
import contextlib
import datetime
import sqlite3
import tomllib
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.independent_tokens import canonical, hkdf_sha256, token

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

SOURCE_OF = {
    "customers": "customer",
    "addresses": "address",
    "vehicles": "vehicle",
    "products": "product",
    "orders": "orders",
    "order_lines": "order_line",
    "invoices": "invoice",
    "payments": "payment",
    "deliveries": "delivery",
    "purchases": "purchase",
    "collection_letters": "collection_letter",
    "complaints": "complaint",
    "support_tickets": "support_ticket",
    "support_messages": "support_message",
    "reviews": "review",
    "social_contacts": "social_contact",
    "newsletter_subscriptions": "newsletter_subscription",
    "web_sessions": "web_session",
}
"""Every published table that the source has; guests are made of orders."""

REFERENCES = {
    ("addresses", "customer_id"): "customers",
    ("vehicles", "customer_id"): "customers",
    ("orders", "customer_id"): "customers",
    ("orders", "guest_id"): "guests",
    ("order_lines", "order_id"): "orders",
    ("order_lines", "product_id"): "products",
    ("invoices", "order_id"): "orders",
    ("payments", "invoice_id"): "invoices",
    ("deliveries", "order_id"): "orders",
    ("collection_letters", "invoice_id"): "invoices",
    ("collection_letters", "customer_id"): "customers",
    ("complaints", "customer_id"): "customers",
    ("complaints", "order_id"): "orders",
    ("complaints", "invoice_id"): "invoices",
    ("support_tickets", "order_id"): "orders",
    ("support_messages", "support_ticket_id"): "support_tickets",
    ("reviews", "product_id"): "products",
}
"""Published references and the tables whose keys they hold."""

PARENT = {
    "address": ("customer_id", "customer"),
    "vehicle": ("customer_id", "customer"),
    "order_line": ("order_id", "orders"),
    "payment": ("invoice_id", "invoice"),
    "delivery": ("order_id", "orders"),
    "support_message": ("support_ticket_id", "support_ticket"),
}
"""Tables whose rows share the clock and the fate of a parent."""

CLOCKS = {
    "orders": (84, "placed_at"),
    "invoice": (84, "issued_at"),
    "purchase": (84, "purchased_at"),
    "collection_letter": (84, "sent_at"),
    "review": (36, "created_at"),
    "social_contact": (24, "created_at"),
    "newsletter_subscription": (24, "subscribed_at"),
    "web_session": (26, "started_at"),
}
"""Months and the event after which they count, where it is one column."""

WHOSE = {
    "customer": ("customer_id", "email"),
    "orders": ("customer_id", "email"),
    "collection_letter": ("customer_id", None),
    "complaint": ("customer_id", "email"),
    "support_ticket": ("customer_id", "email"),
    "review": ("customer_id", None),
    "social_contact": (None, "email"),
    "newsletter_subscription": ("customer_id", "email"),
    "web_session": ("customer_id", None),
}
"""Columns that tell whose a row is: an account's if it names one, else an e-mail address's."""

FOLLOWS = {**PARENT, "invoice": ("order_id", "orders")}
"""Tables whose rows are those of whoever a parent row is of."""

RIGHTS = {"erasure": "erased", "restriction": "restricted", "objection": "objected"}
STAYING = {"orders", "invoice", "complaint"}
"""Tables whose rows stay while a procedure needs them, although their time is over."""

EVENTS = {
    "customer": ["birth_date", "created_at"],
    "orders": ["placed_at"],
    "invoice": ["issued_at"],
    "payment": ["paid_at"],
    "delivery": ["shipped_at", "delivered_at"],
    "purchase": ["purchased_at"],
    "collection_letter": ["sent_at", "closed_at"],
    "complaint": ["opened_at", "handled_at"],
    "support_ticket": ["created_at", "closed_at"],
    "support_message": ["sent_at"],
    "review": ["created_at"],
    "social_contact": ["created_at"],
    "newsletter_subscription": ["subscribed_at", "unsubscribed_at"],
    "web_session": ["started_at"],
}
"""Moments that cannot lie in the future."""

Fate = str
Row = dict[str, Any]


def key_of(source: str) -> str:
    """Name a source table's key, which is its published table's key as well."""
    return "order_id" if source == "orders" else f"{source}_id"


@dataclass(frozen=True)
class Tokens:
    """Tokens under a key file, by the independent implementation."""

    root: bytes = field(repr=False)

    @classmethod
    def of(cls, keyring: Path) -> Tokens:
        newest = tomllib.loads(keyring.read_text(encoding="utf-8"))["analytics"][-1]
        return cls(base64.b64decode(newest["root"]))

    def of_values(self, values: list[Any], domain: str, form: str = "integer") -> dict[uuid.UUID, Any]:
        """Give the value behind each token of a domain."""
        key = hkdf_sha256(self.root, f"sluis/v1/token/{domain}".encode())
        return {token(value, form, key): value for value in values}


@dataclass(frozen=True)
class Shop:
    """A shop's rows, and what must become of them on a day."""

    file: Path
    as_of: datetime.date
    now: datetime.datetime

    @cached_property
    def tables(self) -> dict[str, dict[int, Row]]:
        """Give every source table's rows by key."""
        with contextlib.closing(sqlite3.connect(self.file)) as connection:
            connection.row_factory = sqlite3.Row
            return {
                source: {row[key_of(source)]: dict(row) for row in connection.execute(f"select * from {source}")}
                for source in SOURCE_OF.values()
            }

    @cached_property
    def held_back(self) -> dict[tuple[str, Any], set[Fate]]:
        """Give what those who asked for it are, by account and by address; what was refused counts for nothing."""
        with contextlib.closing(sqlite3.connect(self.file)) as connection:
            asked = connection.execute(
                "select request_right, customer_id, email, state from privacy_request"
            ).fetchall()
        together = {
            (row[account], canonical(row[address], "email"))
            for source, (account, address) in WHOSE.items()
            for row in self.tables[source].values()
            if account and address
        }
        found: dict[tuple[str, Any], set[Fate]] = {}
        for right, account, address, state in asked:
            if right not in RIGHTS or state == "refused":
                continue
            address = canonical(address, "email")
            accounts_there = {a for a, e in together if e == address and a and e}
            accounts = {account} if account else accounts_there if len(accounts_there) == 1 else set()
            addresses = {address} | {
                e for a, e in together if a in accounts and e and {x for x, y in together if y == e and x} <= accounts
            }
            for who in [*(("account", a) for a in accounts), *(("address", e) for e in addresses)]:
                found.setdefault(who, set()).add(RIGHTS[right])
        return found

    @cached_property
    def held(self) -> dict[str, set[int]]:
        """Give the records that a procedure needs on the day, by table; what has ended by now holds nothing."""
        found: dict[str, set[int]] = {}
        with contextlib.closing(sqlite3.connect(self.file)) as connection:
            holds = connection.execute("select table_name, record_id, held_from, held_until from legal_hold").fetchall()
        today = self.now.astimezone(AMSTERDAM).date()
        for table, record, since, until in holds:
            if local_day(since) <= self.as_of and (not until or local_day(until) >= max(self.as_of, today)):
                found.setdefault(table, set()).add(record)
        return found

    @cached_property
    def fates(self) -> dict[str, dict[int, tuple[Fate, datetime.date | None]]]:
        """Give fate and first absent month of every row, by table and key; parents come before their children."""
        fates: dict[str, dict[int, tuple[Fate, datetime.date | None]]] = {}
        for source in SOURCE_OF.values():
            fates[source] = {key: self._fate(source, row, fates) for key, row in self.tables[source].items()}
        return fates

    @cached_property
    def guests(self) -> dict[str, set[Fate]]:
        """Give the fates of the orders under each canonical e-mail address that ordered without an account."""
        found: dict[str, set[Fate]] = {}
        for key, row in self.tables["orders"].items():
            address = canonical(row["email"], "email")
            if row["customer_id"] is None and address:
                found.setdefault(address, set()).add(self.fates["orders"][key][0])
        return found

    def published(self, source: str) -> dict[int, Row]:
        """Give the source rows that must be published."""
        return {key: row for key, row in self.tables[source].items() if self.fates[source][key][0] == "published"}

    def unlinked(self, published: str) -> dict[str, dict[Fate, int]]:
        """Count the references of a table's published rows whose target is not published, by the target's fate."""
        source, found = SOURCE_OF[published], dict[str, dict[Fate, int]]()
        for (table, column), target in REFERENCES.items():
            if table != published or target == "guests" or column == PARENT.get(source, ("",))[0]:
                continue
            references = [row[column] for row in self.published(source).values() if row[column] is not None]
            fates = Counter(self.fates[SOURCE_OF[target]][reference][0] for reference in references)
            del fates["published"]
            if fates:
                found[column] = dict(fates)
        return found

    def _fate(self, source: str, row: Row, done: dict[str, Any]) -> tuple[Fate, datetime.date | None]:
        absent = self._first_absent(source, row, done)
        parent = self._parent_fate(source, row, done)
        if suppressed := self._suppressed(source, row, done):
            return suppressed, absent
        if row.get("unsubscribed_at"):
            return "objected", absent
        over = absent and absent <= self.as_of
        if source in STAYING and row[key_of(source)] in self.held.get(source, ()):
            absent = over = None
        if over or parent == "expired":
            return "expired", absent
        if parent != "published" or self._orphan(source, row) or self._future(source, row):
            return "quarantined", absent
        return "published", absent

    def _suppressed(self, source: str, row: Row, done: dict[str, Any]) -> Fate | None:
        found: set[Fate] = set()
        if source in FOLLOWS:
            column, parent = FOLLOWS[source]
            found.add(done[parent].get(row[column], ("", None))[0])
        if source in WHOSE:
            account, address = (row[column] if column else None for column in WHOSE[source])
            who = ("account", account) if account else ("address", canonical(address, "email"))
            found |= self.held_back.get(who, set())
        return next((fate for fate in ("erased", "restricted", "objected") if fate in found), None)

    def _first_absent(self, source: str, row: Row, done: dict[str, Any]) -> datetime.date | None:
        if source in CLOCKS:
            months, event = CLOCKS[source]
            return first_absent(row[event], months)
        if source in PARENT:
            column, parent = PARENT[source]
            return done[parent].get(row[column], ("", None))[1]  # type: ignore[no-any-return]
        if source == "customer":
            return first_absent(max([row["created_at"], *self._orders_of.get(row["customer_id"], [])], key=moment), 84)
        if source == "complaint":
            linked = [done["orders"].get(row["order_id"]), done["invoice"].get(row["invoice_id"])]
            clocks = [clock for _, clock in filter(None, linked)]
            return min(filter(None, clocks), default=None) if clocks else first_absent(row["handled_at"], 60)
        if source == "support_ticket":
            linked_order = done["orders"].get(row["order_id"])
            return linked_order[1] if linked_order else first_absent(row["created_at"], 24)
        return None

    def _parent_fate(self, source: str, row: Row, done: dict[str, Any]) -> Fate:
        if source not in PARENT:
            return "published"
        column, parent = PARENT[source]
        return done[parent].get(row[column], ("quarantined", None))[0]  # type: ignore[no-any-return]

    def _orphan(self, source: str, row: Row) -> bool:
        return any(
            row[column] is not None and row[column] not in self.tables[SOURCE_OF[target]]
            for (table, column), target in REFERENCES.items()
            if target != "guests" and SOURCE_OF[table] == source
        )

    def _future(self, source: str, row: Row) -> bool:
        return any(row[event] and moment(row[event]) > self.now for event in EVENTS.get(source, []))

    @cached_property
    def _orders_of(self) -> dict[int, list[str]]:
        placed: dict[int, list[str]] = {}
        for row in self.tables["orders"].values():
            if local_day(row["placed_at"]) <= self.now.astimezone(AMSTERDAM).date():
                placed.setdefault(row["customer_id"], []).append(row["placed_at"])
        return placed


def moment(text: str) -> datetime.datetime:
    """Read a moment or a day of the shop."""
    read = datetime.datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=AMSTERDAM)


def local_day(text: str) -> datetime.date:
    """Give the day of a moment in Amsterdam."""
    return moment(text).astimezone(AMSTERDAM).date()


def first_absent(event: str | None, months: int) -> datetime.date | None:
    """Give the first day of the month in which a row is first absent; it is there until the event's day plus months."""
    if not event:
        return None
    day = local_day(event)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last_of_month = max(d.day for d in _days_of(year, month + 1))
    last_kept = datetime.date(year, month + 1, min(day.day, last_of_month))
    return (last_kept + datetime.timedelta(days=1)).replace(day=1)


def _days_of(year: int, month: int) -> Iterator[datetime.date]:
    day = datetime.date(year, month, 1)
    while day.month == month:
        yield day
        day += datetime.timedelta(days=1)
