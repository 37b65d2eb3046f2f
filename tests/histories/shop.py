"""The tiny shop that histories happen to: five accounts, guests, an address that two share, one with two addresses."""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.corner_shop import HEAD
from tests.independent_tokens import canonical

POLICY = (
    HEAD
    + """\
quarantine: {share: 1.0, rows: 100}
requests: {apply_at_most: 3}
holds: {from: dispute, matter: matter, table: tab, record: rec, held_from: since, held_until: until}
purposes: {sales: {meaning: Sell things.}}
recipients: {}
domains:
  buyer: {of: integer, meaning: A buyer.}
  guest: {of: email, meaning: A guest.}
  sale: {of: integer, meaning: A sale.}
  line: {of: integer, meaning: A line.}
  letter: {of: integer, meaning: A letter.}
never_extracted: {dispute: Of the law.}
tables:
  buyer:
    publish_as: buyers
    meaning: Who buys.
    purpose: sales
    legal_basis: contract
    subject:
      who: buyer
      found_by: [{column: buyer_id, identifies: customer}, {column: email, identifies: email}]
      happened: joined_at
    primary_key: buyer_id
    retention: {keep_at_most: 24 months, after: {latest: [joined_at, sale.sold_at]}, because: As long as the sales.}
    columns:
      buyer_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: buyer}}
      email: {type: text, role: direct_identifier, treatment: suppress}
      joined_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: month}}
      nr: {type: integer, role: non_personal, treatment: keep, because: Tells rows apart.}
  sale:
    publish_as: sales
    meaning: What was sold.
    purpose: sales
    legal_basis: contract
    subject:
      who: buyer
      found_by: [{column: buyer_id, identifies: customer}, {column: email, identifies: email}]
      happened: sold_at
    primary_key: sale_id
    retention: {keep_at_most: 18 months, after: sold_at, because: The books.}
    while_held: stay
    columns:
      sale_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: sale}}
      buyer_id:
        type: integer
        role: direct_identifier
        treatment: {kind: pseudonymize, domain: buyer}
        references: buyer
      email: {type: text, role: direct_identifier, treatment: suppress}
      guest_id:
        from: email
        type: text
        role: direct_identifier
        only_where_null: buyer_id
        references: guest
        treatment: {kind: pseudonymize, domain: guest}
      sold_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: month}}
      nr: {type: integer, role: non_personal, treatment: keep, because: Tells rows apart.}
  guest:
    publish_as: guests
    meaning: Who buys without an account.
    purpose: sales
    legal_basis: contract
    subject: {who: guest, found_by: [{column: email, identifies: email}], happened: first_on}
    primary_key: guest_id
    retention: {keep_at_most: 18 months, after: first_on, because: The books.}
    derived: {from: sale, where_null: buyer_id, one_row_per: guest_id}
    columns:
      guest_id:
        {from: email, type: text, role: direct_identifier, treatment: {kind: pseudonymize, domain: guest}}
      email: {type: text, role: direct_identifier, treatment: suppress}
      first_on: {from: sold_at, type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: month}}
      nr: {type: integer, role: non_personal, treatment: keep, because: Tells rows apart.}
  line:
    publish_as: lines
    meaning: The lines of a sale.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer, via: sale_id}
    primary_key: line_id
    retention: {via: sale_id}
    columns:
      line_id: {type: integer, role: non_personal, treatment: {kind: pseudonymize, domain: line}}
      sale_id:
        type: integer
        role: direct_identifier
        treatment: {kind: pseudonymize, domain: sale}
        references: sale
      nr: {type: integer, role: non_personal, treatment: keep, because: Tells rows apart.}
  letter:
    publish_as: letters
    meaning: What was written to a buyer; when an erased one was written to does not matter.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer, found_by: [{column: buyer_id, identifies: customer}]}
    primary_key: letter_id
    retention: {keep_at_most: 12 months, after: sent_at, because: Service.}
    columns:
      letter_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: letter}}
      buyer_id:
        type: integer
        role: direct_identifier
        treatment: {kind: pseudonymize, domain: buyer}
        references: buyer
      sent_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: month}}
      nr: {type: integer, role: non_personal, treatment: keep, because: Tells rows apart.}
"""
)

SCHEMA = """
create table buyer (buyer_id integer primary key, email text, joined_at text, nr integer);
create table sale (sale_id integer primary key, buyer_id integer, email text, sold_at text, nr integer);
create table line (line_id integer primary key, sale_id integer, nr integer);
create table letter (letter_id integer primary key, buyer_id integer, sent_at text, nr integer);
create table dispute (dispute_id integer primary key, matter text, tab text, rec integer, since text, until text);
"""

TABLES = ("buyer", "sale", "line", "letter")
"""Tables of the shop, each after those that it refers to; a row's key and its number are the same for good."""

ADDRESSES = {
    1: ["anna@example.com", "anna@example.org"],
    2: ["home@example.com"],
    3: ["home@example.com", "carl@example.com"],
    4: ["dora@example.com"],
    5: ["emil@example.com"],
}
"""By account: Anna has two addresses, Bob and Carl share one."""

GUESTS = ["gina@example.com", "hugo@example.com", "dora@example.com", "home@example.com"]
"""Addresses that buy without an account; Dora's has one as well, and so have those at home."""

PEOPLE = [*(("customer", n) for n in ADDRESSES), *(("email", e) for some in ADDRESSES.values() for e in some)]
PEOPLE += [("email", "gina@example.com"), ("email", "hugo@example.com"), ("email", "nobody@example.com")]

Row = dict[str, Any]


@dataclass
class Shop:
    """The shop's database."""

    file: Path

    def create(self, today: datetime.date) -> None:
        """Make the shop as every history finds it: sales of the last year and a half, by everybody."""
        with contextlib.closing(sqlite3.connect(self.file)) as connection, connection:
            connection.executescript(SCHEMA)
        for account, addresses in ADDRESSES.items():
            self.join(account, addresses[0], ago(today, 20 + account))
            self.sell(account, addresses[-1], ago(today, 3 * account))
            self.write(account, ago(today, 2 * account))
        for number, address in enumerate(GUESTS):
            self.sell(None, spelled(address, number), ago(today, 2 + 5 * number))

    def join(self, account: int, email: str, at: str | None) -> None:
        """Give a buyer an account, or a new one of the same number."""
        self.change("delete from buyer where buyer_id = ?", account)
        self._add("buyer", account, email, at)

    def sell(self, account: int | None, email: str | None, at: str | None) -> int:
        """Add a sale of one line."""
        sale = self._add("sale", None, account, email, at)
        self._add("line", None, sale)
        return sale

    def write(self, account: int | None, at: str | None) -> None:
        """Add a letter."""
        self._add("letter", None, account, at)

    def _add(self, table: str, key: int | None, *values: object) -> int:
        """Add a row with the shop's next number; without a key of its own that is its key."""
        with contextlib.closing(sqlite3.connect(self.file)) as connection, connection:
            highest = " union all ".join(f"select max(nr) as nr from {name}" for name in TABLES)
            number = (connection.execute(f"select max(nr) from ({highest})").fetchone()[0] or 0) + 1
            number = max(number, self._next())
            row = (number if key is None else key, *values, number)
            connection.execute(f"insert into {table} values ({', '.join('?' * len(row))})", row)
        self.file.with_suffix(".next").write_text(str(number + 1))
        return number

    def _next(self) -> int:
        """Give the next number: one that no deleted row had either."""
        counter = self.file.with_suffix(".next")
        return int(counter.read_text()) if counter.exists() else 1

    def change(self, statement: str, *values: object) -> None:
        """Change the shop's database."""
        with contextlib.closing(sqlite3.connect(self.file)) as connection, connection:
            connection.execute(statement, values)

    def rows(self) -> dict[str, dict[int, Row]]:
        """Read every table, by key."""
        with contextlib.closing(sqlite3.connect(self.file)) as connection:
            connection.row_factory = sqlite3.Row
            return {
                name: {row[0]: dict(row) for row in connection.execute(f"select * from {name}")}
                for name in (*TABLES, "dispute")
            }


def ago(day: datetime.date, months: int) -> str:
    """Give noon of the 10th of a month some months before."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return f"{year}-{month + 1:02}-10T12:00:00+00:00"


def now() -> str:
    """Give this moment as the shop writes it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


def spelled(address: str, number: int) -> str:
    """Write an address in another way that means the same."""
    return [address, f" {address.upper()}", f"{address.title()} ", address][number % 4]


def whose(table: str, row: Row) -> tuple[str, Any] | None:
    """Tell whose a row is: an account's if it names one, else an address's, or nobody's."""
    if row.get("buyer_id") is not None:
        return "customer", row["buyer_id"]
    email = canonical(row.get("email"), "email")
    return ("email", email) if email else None
