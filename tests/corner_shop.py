"""A shop small enough to know by heart: three buyers, six sales, and a policy of one page."""

from __future__ import annotations

import datetime
import sqlite3
import uuid
from pathlib import Path

from stores.keyring_file import read_keyring
from tests.independent_tokens import hkdf_sha256, token

SCHEMA = """
create table buyer (buyer_id integer primary key, name text, email text, birth_date text, passphrase text,
                    joined_at text);
create table sale (sale_id integer primary key, buyer_id integer references buyer, email text, sold_at text,
                   total decimal(12,2), channel text, note text);
create table line (line_id integer primary key, sale_id integer references sale, article text, quantity integer);
create table audit (audit_id integer primary key, what text);
"""

HEAD = """\
version: "test"
controller: {name: Corner shop, contact: shop@example.org, privacy_policy: Notice on the door}
time_zone: Europe/Amsterdam
fiscal_year: {first_month: 1}
"""
"""How the policy of each small shop begins."""

POLICY = (
    HEAD
    + """\
quarantine: {share: 0.0, rows: 1}
purposes: {sales: {meaning: Sell things.}}
recipients: {staff: {meaning: Those who count.}}
domains:
  buyer: {of: integer, meaning: A buyer.}
  guest: {of: email, meaning: A guest.}
  sale: {of: integer, meaning: A sale.}
  line: {of: integer, meaning: A line of a sale.}
never_extracted: {audit: Not for analysts.}
tables:
  buyer:
    publish_as: buyers
    meaning: Who buys.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer, found_by: [{column: buyer_id, identifies: customer}]}
    primary_key: buyer_id
    retention: {keep_at_most: 7 years, after: {latest: [joined_at, sale.sold_at]}, because: As long as the sales.}
    recipients: [staff]
    columns:
      buyer_id: {type: integer, role: direct_identifier, treatment: {kind: pseudonymize, domain: buyer}}
      name: {type: text, role: direct_identifier, treatment: suppress}
      email: {type: text, role: direct_identifier, treatment: {kind: mask, of: email, classes: {free: [example.com]}}}
      birth_date: {type: date, role: quasi_identifier, treatment: {kind: generalize, to: age_band, at: joined_at}}
      joined_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: day}}
    never_extracted: {passphrase: Nobody reads it.}
  sale:
    publish_as: sales
    meaning: What was sold.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer, found_by: [{column: buyer_id, identifies: customer}, {column: email, identifies: email}]}
    primary_key: sale_id
    retention: {keep_at_most: 7 years, after: sold_at, because: The books.}
    recipients: [staff]
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
        treatment: {kind: pseudonymize, domain: guest}
      sold_at: {type: timestamp, role: quasi_identifier, treatment: {kind: generalize, to: day}}
      total: {type: "decimal(12,2)", role: quasi_identifier, treatment: keep, because: Turnover.}
      channel: {type: text, role: non_personal, treatment: keep, because: Says nothing of anybody.}
      note: {type: text, role: sensitive, treatment: suppress}
  line:
    publish_as: lines
    meaning: The lines of a sale.
    purpose: sales
    legal_basis: contract
    subject: {who: buyer, via: sale_id}
    primary_key: line_id
    retention: {via: sale_id}
    recipients: [staff]
    columns:
      line_id: {type: integer, role: non_personal, treatment: {kind: pseudonymize, domain: line}}
      sale_id:
        type: integer
        role: direct_identifier
        treatment: {kind: pseudonymize, domain: sale}
        references: sale
      article: {type: text, role: non_personal, treatment: keep, because: What was sold.}
      quantity: {type: integer, role: non_personal, treatment: keep, because: How much was sold.}
"""
)


def fill(connection: sqlite3.Connection, today: datetime.date) -> None:
    """Fill the shop: sale 4 is a guest's, sale 5 is expired (and with it its line), buyer 3 has long been silent."""
    recent, old = f"{today.year - 1}-03-10T12:00:00+01:00", f"{today.year - 10}-03-10T12:00:00+01:00"
    connection.executemany(
        "insert into buyer values (?, ?, ?, ?, ?, ?)",
        [
            (1, "Anna Canary", "anna.canary@example.com", "1980-02-29", "$2b$12$canaryhash", old),
            (2, "Bob Canary", "bob.canary@example.org", "1999-12-31", "$2b$12$canaryhash", recent),
            (3, "Carl Canary", None, None, None, old),
        ],
    )
    connection.executemany(
        "insert into sale values (?, ?, ?, ?, ?, ?, ?)",
        [
            (1, 1, "anna.canary@example.com", recent, 10.10, "web", "for Anna Canary"),
            (2, 1, "anna.canary@example.com", recent, 20.20, "web", None),
            (3, 2, "bob.canary@example.org", recent, 30.30, "shop", ""),
            (4, None, " Guest.Canary@Example.com", recent, 40.40, "web", None),
            (5, 1, "anna.canary@example.com", old, 50.50, "shop", None),
            (6, None, None, recent, 0, None, None),
        ],
    )
    connection.executemany(
        "insert into line values (?, ?, ?, ?)",
        [(1, 1, "ART-1", 1), (2, 1, "ART-2", 2), (3, 2, "ART-1", 3), (4, 4, "ART-3", 4), (5, 5, "ART-1", 5)],
    )
    connection.execute("insert into audit values (1, 'looked at Anna Canary')")


def token_in(keyring: Path, value: object, domain: str, form: str = "integer") -> uuid.UUID | None:
    """Compute the token of a value apart from the code under test."""
    root = read_keyring(keyring).newest("analytics").root
    return token(value, form, hkdf_sha256(root, f"sluis/v1/token/{domain}".encode()))
