"""A warehouse of a few rows made by hand: each row a dictionary, each token and MAC a small number.

Numbers stand for UUIDs (`uuid.UUID(int=…)`), so that a test can say which row it means.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from privacy.evidence import RunRecord
from privacy.fates import Fate
from privacy.policy import Policy
from privacy.policy_file import read_policy
from privacy.treat import EXPIRES_ON, REASON, staged_schema
from stores.warehouse import Candidate, Comments, Seal, Suppressed, Warehouse
from stores.warehouse.duckdb import DuckDBWarehouse
from stores.warehouse.duckdb_remains import DUCKDB
from stores.warehouse.postgresql import PostgreSQLWarehouse
from stores.warehouse.postgresql_remains import POSTGRESQL
from tests.corner_shop import HEAD
from tests.warehouses import AnyWarehouse, InDuckDB, InPostgreSQL

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]
"""By source name."""

LATER = datetime.date(2030, 1, 1)
READ_AT = datetime.datetime(2026, 11, 1, 12, tzinfo=datetime.UTC)
SEAL = Seal("refresh", "ledger-1", 0, "", 1, READ_AT)

_TOKEN = "{{type: integer, role: direct_identifier, treatment: {{kind: pseudonymize, domain: {}}}{}}}"
_DAY = "{type: date, role: quasi_identifier, treatment: {kind: generalize, to: day}}"
_TABLE = """\
  {name}:
    publish_as: {name}s
    meaning: All of one kind.
    purpose: sales
    legal_basis: contract
    subject: {{who: buyer{subject}}}
    primary_key: {name}_id
    retention: {retention}
    columns:
"""
_BY_CUSTOMER = "{column: buyer_id, identifies: customer}"
_BY_EMAIL = "{column: email, identifies: email}"
_OWN = "{keep_at_most: 7 years, after: on_day, because: The books.}"
_GUEST = "{type: text, role: direct_identifier, treatment: {kind: pseudonymize, domain: guest}, from: email}"
_MAIL = "{type: text, role: direct_identifier, treatment: suppress}"


def _table(name: str, subject: str, retention: str, **columns: str) -> str:
    key = _GUEST if name == "guest" else _TOKEN.format(name, "")
    lines = {f"{name}_id": key, **columns}
    head = _TABLE.format(name=name, subject=subject and f", {subject}", retention=retention)
    if name == "guest":
        head = head.replace(
            "    columns:\n", "    derived: {from: sale, where_null: buyer_id, one_row_per: guest_id}\n    columns:\n"
        )
    return head + "".join(f"      {column}: {spec}\n" for column, spec in lines.items())


POLICY = (
    HEAD
    + """\
quarantine: {share: 0.0, rows: 1}
purposes: {sales: {meaning: Sell things.}}
recipients: {}
never_extracted: {}
domains:
  buyer: {of: integer, meaning: A buyer.}
  guest: {of: email, meaning: A guest.}
  sale: {of: integer, meaning: A sale.}
  line: {of: integer, meaning: A line.}
  invoice: {of: integer, meaning: An invoice.}
  letter: {of: integer, meaning: A letter.}
  chat: {of: integer, meaning: A chat.}
  article: {of: integer, meaning: An article.}
tables:
"""
    + _table("buyer", f"found_by: [{_BY_CUSTOMER}, {_BY_EMAIL}]", _OWN, email=_MAIL, on_day=_DAY)
    + _table(
        "sale",
        f"found_by: [{_BY_CUSTOMER}, {_BY_EMAIL}]",
        _OWN,
        buyer_id=_TOKEN.format("buyer", ", references: buyer"),
        guest_id="{from: email, only_where_null: buyer_id, references: guest}",
        email=_MAIL,
        on_day=_DAY,
    )
    + _table("guest", f"found_by: [{_BY_EMAIL}]", _OWN, email=_MAIL, on_day=_DAY)
    + _table(
        "line",
        "via: sale_id",
        "{via: sale_id}",
        sale_id=_TOKEN.format("sale", ", references: sale"),
        article_id=_TOKEN.format("article", ", references: article"),
    )
    + _table("invoice", "via: sale_id", _OWN, sale_id=_TOKEN.format("sale", ", references: sale"), on_day=_DAY)
    + _table(
        "letter",
        f"found_by: [{_BY_CUSTOMER}]",
        _OWN,
        invoice_id=_TOKEN.format("invoice", ", references: invoice"),
        buyer_id=_TOKEN.format("buyer", ", references: buyer"),
        on_day=_DAY,
    )
    + _table(
        "chat",
        f"found_by: [{_BY_EMAIL}]",
        _OWN,
        email=_MAIL,
        guest_token=_GUEST,
        on_day=_DAY,
    )
    + _table("article", "", "{unlimited: true, because: Things.}")
)


def policy() -> Policy:
    """Read the policy of the small warehouse."""
    return read_policy(POLICY, "policy.yaml")


def token(number: int | None) -> uuid.UUID | None:
    """Give the UUID that a number stands for."""
    return None if number is None else uuid.UUID(int=number)


def mac(number: int) -> bytes:
    """Give the MAC that a number stands for."""
    return uuid.UUID(int=number).bytes


ANNA, BOB, GUEST = 1, 2, 5
ANNAS_MAIL, BOBS_MAIL, GUESTS_MAIL = 201, 202, 205


def row(expires: datetime.date = LATER, customer: int | None = None, email: int | None = None, **columns: Any) -> Row:
    """Make a row: its columns, and whose it is; an account's MAC is 100 more than its token."""
    return {**columns, "_expires_on": expires, "_customer": customer and 100 + customer, "_email": email}


SHOP: Rows = {
    "buyer": [row(buyer_id=ANNA, customer=ANNA, email=ANNAS_MAIL), row(buyer_id=BOB, customer=BOB, email=BOBS_MAIL)],
    "sale": [
        row(sale_id=11, buyer_id=ANNA, customer=ANNA, email=ANNAS_MAIL),
        row(sale_id=12, buyer_id=BOB, customer=BOB, email=GUESTS_MAIL),
        row(sale_id=13, guest_id=GUEST, email=GUESTS_MAIL),
        row(sale_id=14),
    ],
    "guest": [row(guest_id=GUEST, email=GUESTS_MAIL)],
    "line": [row(line_id=20 + n, sale_id=10 + n, article_id=9) for n in (1, 2, 3, 4)],
    "invoice": [row(invoice_id=30 + n, sale_id=10 + n) for n in (1, 2, 3, 4)],
    "letter": [
        row(letter_id=41, invoice_id=31, buyer_id=ANNA, customer=ANNA),
        row(letter_id=42, invoice_id=31, buyer_id=BOB, customer=BOB),
        row(letter_id=43, invoice_id=33),
    ],
    "chat": [row(chat_id=51, guest_token=GUEST, email=GUESTS_MAIL), row(chat_id=52, guest_token=GUEST)],
    "article": [row(article_id=9)],
}
"""Two buyers, a guest, and a sale of nobody known; a letter to Bob about Anna's invoice."""


def erased(customer: int | None = None, email: int | None = None, *spared: int) -> Suppressed:
    """Name somebody who was erased, by the token of an account or the MAC of an address."""
    generations = frozenset(map(mac, spared))
    if customer is not None:
        return Suppressed(Fate.ERASED, "customer", mac(100 + customer), generations)
    assert email is not None
    return Suppressed(Fate.ERASED, "email", mac(email), generations)


def at(folder: Path) -> DuckDBWarehouse:
    """Name the warehouse in a folder."""
    return DuckDBWarehouse(sa.make_url(f"duckdb:///{folder / 'warehouse.duckdb'}"))


def record(run_id: str) -> RunRecord:
    """Give the record of a run."""
    return RunRecord(run_id, "test", "digest", "fingerprint", datetime.date(2026, 11, 1))


def publish(warehouse: Warehouse, rows: Rows, set_aside: Rows = {}, marts: Sequence[str] = ()) -> None:  # noqa: B006
    """Publish rows, and rows in quarantine, as a run would; `marts`: statements on the candidate."""
    rules = policy()
    with warehouse.exclusive("run-1"), warehouse.candidate("run-1") as candidate:
        for name, table in rules.in_order():
            schema = staged_schema(rules, table)
            batch = batch_of(schema, rows.get(name, ()))
            _stage(candidate, table.publish_as, batch, table.primary_key)
            aside = batch_of(schema.append(pa.field(REASON, pa.string())), set_aside.get(name, ()))
            candidate.quarantine(table.publish_as, pa.Table.from_batches([aside]))
        for statement in marts:
            session_of(candidate).execute(in_words_of(warehouse, statement))
        candidate.seal(record("run-1"), SEAL)
        candidate.publish()


def _stage(candidate: Candidate, name: str, batch: pa.RecordBatch, key: str) -> None:
    comments = Comments(f"All {name}.", {EXPIRES_ON: "It's the day."})
    candidate.stage(name, batch.schema, iter([batch]), len(batch), key, comments)


def batch_of(schema: pa.Schema, rows: Sequence[Row]) -> pa.RecordBatch:
    """Make a batch of rows."""
    return pa.RecordBatch.from_arrays([_column(field, rows) for field in schema], schema=schema)


def _column(field: pa.Field, rows: Sequence[Row]) -> pa.Array:
    values = [row.get(field.name) for row in rows]
    if field.type == pa.uuid():
        return pa.array([None if value is None else mac(value) for value in values], pa.uuid())
    return pa.array(values, field.type)


def session_of(written: Any) -> Any:
    """Give what writes a candidate, or what remains, to do more with it than our own code does."""
    return written._connection if hasattr(written, "_connection") else written._holding


def in_words_of(warehouse: Warehouse, statement: str) -> str:
    """Name the schemas that are read and written (`{before[marts]}`) as a kind of warehouse does."""
    dialect = DUCKDB if isinstance(warehouse, DuckDBWarehouse) else POSTGRESQL
    return statement.format(before=dialect.before, after=dialect.after)


def read(warehouse: Warehouse) -> AnyWarehouse:
    """Give a warehouse as it is read past our own code."""
    if isinstance(warehouse, DuckDBWarehouse):
        return InDuckDB(warehouse.live.parent)
    assert isinstance(warehouse, PostgreSQLWarehouse)
    return InPostgreSQL(warehouse.url)


def contents(warehouse: Warehouse) -> tuple[Rows, Rows, Rows]:
    """Give what is published, set aside and indexed, by source name, as rows of numbers in their order."""
    there, tables = read(warehouse), dict(policy().in_order())
    shown = {name: _rows(there, "analytics", table.publish_as) for name, table in tables.items()}
    aside = {name: _rows(there, "sluis_quarantine", table.publish_as) for name, table in tables.items()}
    index = {
        name: _rows(there, "sluis_private", table.publish_as)
        for name, table in tables.items()
        if table.subject.found_by
    }
    return shown, aside, index


def _rows(there: AnyWarehouse, schema: str, table: str) -> list[Row]:
    names, ask = there.columns(schema, table), there.rows if schema == "analytics" else there.private_rows
    return [
        {n: v.int if isinstance(v, uuid.UUID) else v for n, v in zip(names, row, strict=True) if v is not None}
        for row in ask(f"select * from {schema}.{table}")
    ]
