"""A corner shop whose rows tell when they were written, with a table for each way in which rows hang together."""

from __future__ import annotations

import datetime
import sqlite3
from pathlib import Path

from tests.conftest import Place, place_with
from tests.corner_shop import HEAD

SCHEMA = """
create table buyer (buyer_id integer primary key, email text, joined_at text, updated_at text);
create table sale (sale_id integer primary key, buyer_id integer, email text, sold_at text, total decimal(12,2),
                   updated_at text);
create table line (line_id integer primary key, sale_id integer, quantity integer, updated_at text);
create table letter (letter_id integer primary key, sale_id integer, buyer_id integer, sent_at text, updated_at text);
create table ask (ask_id integer primary key, reference text, "right" text, buyer_id integer, email text, at text,
                  state text);
create table held (held_id integer primary key, matter text, of text, record integer, since text, till text);
"""

POLICY = (
    HEAD
    + """\
quarantine: {share: 0.9, rows: 0}
purposes: {sales: {meaning: Sell things.}}
recipients: {staff: {meaning: Those who count.}}
domains:
  buyer: {of: integer, meaning: A buyer.}
  guest: {of: email, meaning: A guest.}
  sale: {of: integer, meaning: A sale.}
  line: {of: integer, meaning: A line of a sale.}
  letter: {of: integer, meaning: A letter.}
never_extracted: {ask: Read for requests only., held: Read for holds only.}
requests:
  table:
    from: ask
    reference: reference
    right: right
    received: at
    state: state
    identified_by: [{column: buyer_id, identifies: customer}, {column: email, identifies: email}]
    ended: [lifted]
holds: {from: held, matter: matter, table: of, record: record, held_from: since, held_until: till}
incremental: {changed: updated_at, at_most: 1}
tables:
  letter:
    publish_as: letters
    meaning: Letters about a sale, or about nothing.
    purpose: sales
    legal_basis: contract
    recipients: [staff]
    subject: {who: buyer, found_by: [{column: buyer_id, identifies: customer}], happened: sent_at}
    primary_key: letter_id
    retention: {clock_of: [sale_id], otherwise: {keep_at_most: 2 years, after: sent_at, because: Old.}, because: Sale.}
    columns:
      letter_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: letter}}
      sale_id: {references: sale}
      buyer_id: {references: buyer}
      sent_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: day}}
    never_extracted: {updated_at: Bookkeeping.}
  line:
    publish_as: lines
    meaning: The lines of a sale.
    purpose: sales
    legal_basis: contract
    recipients: [staff]
    subject: {who: buyer, via: sale_id}
    primary_key: line_id
    retention: {via: sale_id}
    columns:
      line_id: {type: integer, role: non_personal, treatment: {kind: pseudonymize, domain: line}}
      sale_id: {references: sale}
      quantity: {type: integer, role: non_personal, treatment: keep, because: How much was sold.}
    never_extracted: {updated_at: Bookkeeping.}
  sale:
    publish_as: sales
    meaning: What was sold.
    purpose: sales
    legal_basis: contract
    recipients: [staff]
    subject:
      who: buyer
      found_by: [{column: buyer_id, identifies: customer}, {column: email, identifies: email}]
      happened: sold_at
    primary_key: sale_id
    retention: {keep_at_most: 7 years, after: sold_at, because: The books.}
    while_held: stay
    columns:
      sale_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: sale}}
      buyer_id: {references: buyer}
      email: {type: text, role: direct_identifier, treatment: suppress}
      guest_id: {references: guest, from: email, only_where_null: buyer_id}
      sold_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: day}}
      total: {type: "decimal(12,2)", role: quasi_identifier, treatment: keep, because: Turnover.}
    never_extracted: {updated_at: Bookkeeping.}
  guest:
    publish_as: guests
    meaning: Who buys without an account.
    purpose: sales
    legal_basis: contract
    recipients: [staff]
    subject: {who: guest, found_by: [{column: email, identifies: email}], happened: first_on}
    primary_key: guest_id
    retention: {keep_at_most: 7 years, after: first_on, because: The books.}
    derived: {from: sale, where_null: buyer_id, one_row_per: guest_id}
    columns:
      guest_id: {type: text, role: direct_identifier, treatment: {kind: pseudonymize, domain: guest}, from: email}
      email: {type: text, role: direct_identifier, treatment: {kind: mask, of: email, classes: {free: [example.com]}}}
      first_on: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: month}, from: sold_at}
  buyer:
    publish_as: buyers
    meaning: Who buys.
    purpose: sales
    legal_basis: contract
    recipients: [staff]
    subject:
      who: buyer
      found_by: [{column: buyer_id, identifies: customer}, {column: email, identifies: email}]
      happened: joined_at
    primary_key: buyer_id
    retention: {keep_at_most: 7 years, after: {latest: [joined_at, sale.sold_at]}, because: As long as the sales.}
    columns:
      buyer_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: buyer}}
      email: {type: text, role: direct_identifier, treatment: suppress}
      joined_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: day}}
    never_extracted: {updated_at: Bookkeeping.}
"""
)

LONG_AGO = "2020-01-01T00:00:00+00:00"
"""When all rows were written that nobody changed since."""


def at(years: int, days: int = 2) -> str:
    """Give a moment so many years and days ago, by the shop's clock, in its spelling."""
    day = datetime.date.today() - datetime.timedelta(days=days)
    return f"{day.replace(year=day.year - years, day=min(day.day, 28)).isoformat()}T12:00:00+01:00"


def fill(connection: sqlite3.Connection) -> None:
    """Fill the shop: rows that are published, expired, orphans, ahead of time and of people who ask to be left out."""
    connection.executemany(
        "insert into buyer values (?, ?, ?, ?)",
        [(n, f"buyer{n}@example.com", at(10 if n % 2 else 1), LONG_AGO) for n in range(1, 9)],
    )
    sales = [(n, n % 8 + 1, f"buyer{n % 8 + 1}@example.com", at(n % 9), 10 + n) for n in range(1, 17)]
    sales += [(n, None, f" Guest{n % 3}@Example.com", at(n % 9), n) for n in range(17, 25)]
    sales += [(25, 99, None, at(1), 5), (26, 1, None, at(-3), 5), (27, None, None, at(2), 5), (28, 4, "x", "once", 5)]
    connection.executemany("insert into sale values (?, ?, ?, ?, ?, ?)", [(*sale, LONG_AGO) for sale in sales])
    lines = [(n, n % 29 or None, n % 5 + 1) for n in range(1, 60)] + [(60, 77, 1)]
    connection.executemany("insert into line values (?, ?, ?, ?)", [(*line, LONG_AGO) for line in lines])
    letters = [(n, n % 30 if n % 3 else None, n % 9 or None, at(n % 4)) for n in range(1, 33)]
    connection.executemany("insert into letter values (?, ?, ?, ?, ?)", [(*letter, LONG_AGO) for letter in letters])
    connection.execute("insert into ask values (1, 'R-1', 'erasure', 3, null, ?, 'open')", [at(0, 9)])
    connection.execute("insert into held values (1, 'M-1', 'sale', 8, ?, null)", [at(1)[:10]])


def changing_shop(folder: Path) -> Place:
    """Make the shop in a folder, with its policy and keys."""
    return place_with(folder, SCHEMA, fill, POLICY)
