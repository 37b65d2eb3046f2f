"""The corner shop with people who ask for their rights: accounts, guests, shared addresses; and how they ask.

Numbers of accounts are long, so that one found in a file is no accident. What belongs to whom is counted here in plain
Python from the shop's own rows, without policy or keys.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from privacy.evidence import RunRecord
from stores.keyring_file import create_keyring
from stores.ledger import Ledger, open_ledger
from tests.conftest import Outcome, Place, run_in_process
from tests.corner_shop import POLICY as CORNER
from tests.corner_shop import SCHEMA as CORNER_SCHEMA
from tests.in_chamber import run_in_chamber

ANNA, BOB, CARLA, DORA = 710_000_001, 710_000_002, 710_000_003, 710_000_004
ANNAS, ANNAS_OLD, BOBS = "anna.kanarie@example.com", "anna.vroeger@example.org", "bob.kanarie@example.org"
FAMILY, CARLAS, DORAS = "familie.kanarie@example.com", "carla.kanarie@example.org", "dora@bücher.example"
GUESTS = "gast.kanarie@example.com"

SCHEMA = f"""{CORNER_SCHEMA}
create table wish (wish_id integer primary key, ref text, what text, buyer_id integer, email text, received text,
                   state text);
"""

REQUESTS = """\
requests:
  table:
    from: wish
    reference: ref
    right: what
    received: received
    state: state
    identified_by: [{column: buyer_id, identifies: customer}, {column: email, identifies: email}]
    words: {erasure: [forget me, erasure]}
    no_effect: [refused]
    ended: [over]
    waiting: [open]
  apply_at_most: 3
approvals: {erasure: 1}
"""

_BY_NUMBER = "{column: buyer_id, identifies: customer}"
_BY_BOTH = f"found_by: [{_BY_NUMBER}, {{column: email, identifies: email}}]"
POLICY = (
    CORNER.replace("tables:\n", REQUESTS + "tables:\n", 1)
    .replace(f"found_by: [{_BY_NUMBER}]", f"{_BY_BOTH}, happened: joined_at", 1)
    .replace(f"{_BY_BOTH}}}", f"{_BY_BOTH}, happened: sold_at}}", 1)
    .replace("never_extracted: {audit: Not for analysts.}", "never_extracted: {audit: No., wish: Requests only.}")
)

THIS_YEAR = datetime.date.today().year
RECENT, OLDER = f"{THIS_YEAR - 1}-03-10T12:00:00+01:00", f"{THIS_YEAR - 3}-03-10T12:00:00+01:00"

BUYERS = [(ANNA, ANNAS), (BOB, BOBS), (CARLA, CARLAS), (DORA, DORAS)]
SALES = [
    (1, ANNA, ANNAS),
    (2, ANNA, ANNAS_OLD),
    (3, ANNA, None),
    (4, None, f"  {ANNAS.upper()} "),
    (5, BOB, BOBS),
    (6, BOB, FAMILY),
    (7, CARLA, FAMILY),
    (8, None, FAMILY),
    (9, CARLA, CARLAS),
    (10, DORA, DORAS),
    (11, None, GUESTS),
    (12, None, GUESTS.title()),
    (13, None, None),
    (14, None, ANNAS_OLD),
]
"""Sales by key, with the account and the address that each names."""

PUBLISHED = ("buyers", "sales", "lines")


def make(place: Place) -> None:
    """Make the shop with its policy and keys; nothing has run yet."""
    with contextlib.closing(sqlite3.connect(place.source)) as connection, connection:
        connection.executescript(SCHEMA)
        connection.executemany(
            "insert into buyer values (?, 'Naam Kanarie', ?, '1980-02-29', '$2b$12$canaryhash', ?)",
            [(number, address, OLDER) for number, address in BUYERS],
        )
        connection.executemany(
            "insert into sale values (?, ?, ?, ?, ?, 'web', null)",
            [(key, number, address, RECENT, key + 0.5) for key, number, address in SALES],
        )
        connection.executemany(
            "insert into line values (?, ?, 'ART-1', 1)", [(10 * key + n, key) for key, *_ in SALES for n in (1, 2)]
        )
    place.policy.write_text(POLICY, encoding="utf-8")
    create_keyring(place.keyring, datetime.date.today())


def sell(place: Place, key: int, number: int | None, address: str | None, at: str | None = None) -> None:
    """Let somebody buy something: one sale of one line, now unless said otherwise."""
    moment = at or datetime.datetime.now(datetime.UTC).isoformat()
    with contextlib.closing(sqlite3.connect(place.source)) as connection, connection:
        connection.execute(
            "insert into sale values (?, ?, ?, ?, ?, 'web', null)", (key, number, address, moment, key + 0.5)
        )
        connection.execute("insert into line values (?, ?, 'ART-1', 1)", (10 * key + 1, key))


def wish(place: Place, reference: str | None, what: str, who: tuple[int | None, str | None], **more: Any) -> None:
    """Write a request into the shop's own table."""
    received = more.get("received", datetime.datetime.now(datetime.UTC).isoformat())
    values = (reference, what, *who, received, more.get("state", "open"))
    with contextlib.closing(sqlite3.connect(place.source)) as connection, connection:
        connection.execute("insert into wish values (null, ?, ?, ?, ?, ?, ?)", values)


def sluis(place: Place, *arguments: str, **more: str) -> Outcome:
    """Type a command that answers in JSON, as Petra."""
    environment = {**place.environment, "SLUIS_ACTOR": "petra", **more}
    return run_in_process(*arguments, "--output", "json", **environment)


def ask(place: Place, reference: str, *lines: str, right: str = "erase", **more: str) -> Outcome:
    """Register a request for the people of a subject file: `erase`, `restrict` or `object`."""
    file = place.folder.with_name(f"{place.folder.name}.subjects")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    step = "request" if right == "erase" else "add"
    try:
        return sluis(place, right, step, "--subject-file", str(file), "--reference", reference, **more)
    finally:
        file.unlink()


def asked(place: Place, reference: str, *lines: str, right: str = "erase", **more: str) -> dict[str, Any]:
    """Register a request that must be taken."""
    outcome = ask(place, reference, *lines, right=right, **more)
    assert outcome.exit_code == 0, outcome.said
    return outcome.json


def plan(place: Place, *flags: str, **more: str) -> dict[str, Any]:
    """Plan an erasure, which must be possible."""
    outcome = sluis(place, "erase", "plan", *flags, **more)
    assert outcome.exit_code == 0, outcome.said
    return outcome.json


def apply(place: Place, plan_hash: str, **more: str) -> Outcome:
    """Carry out a plan."""
    return sluis(place, "erase", "apply", "--plan", plan_hash, **more)


def erase(place: Place, reference: str, *lines: str) -> Outcome:
    """Register, plan and apply, with nothing but ledger and warehouse: the shop's database is out of reach."""
    away = place.source.rename(place.source.with_name("moved.away"))
    try:
        asked(place, reference, *lines)
        outcome = apply(place, plan(place, "--reference", reference)["plan_hash"])
        assert outcome.exit_code == 0, outcome.said
        return outcome
    finally:
        away.rename(place.source)


def run(place: Place, as_of: datetime.date | None = None) -> RunRecord:
    """Run the main job without Prefect."""
    return run_in_chamber(place, as_of)


def ledger_of(place: Place) -> Ledger:
    """Open the ledger."""
    return open_ledger(sa.make_url(place.environment["SLUIS_LEDGER"]))


def in_ledger(place: Place, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Ask the ledger, or change it, in plain SQL."""
    return [tuple(row.values()) for row in place.ledger(statement, *values)]


def states(place: Place) -> dict[str, str]:
    """Give the state of every request."""
    return dict(in_ledger(place, "select reference, state from request"))  # type: ignore[arg-type]


# ── what must be there, counted in plain Python ───────────────────────────────────────────────────────────────────


def sold(place: Place) -> list[tuple[int, int | None, str | None]]:
    """Give the shop's sales as they are: key, account, address in small letters and trimmed."""
    with contextlib.closing(sqlite3.connect(place.source)) as connection:
        rows = connection.execute("select sale_id, buyer_id, email from sale").fetchall()
    return [(key, number, address and address.strip().lower()) for key, number, address in rows]


def theirs(place: Place, numbers: set[int], addresses: set[str]) -> dict[str, int]:
    """Count the rows of some people: of accounts whatever names them, of addresses what names no account."""
    sales = [k for k, number, address in sold(place) if (number in numbers if number else address in addresses)]
    with contextlib.closing(sqlite3.connect(place.source)) as connection:
        lines = [sale for (sale,) in connection.execute("select sale_id from line")]
        buyers = [number for (number,) in connection.execute("select buyer_id from buyer")]
    return {
        "buyers": sum(number in numbers for number in buyers),
        "sales": len(sales),
        "lines": sum(sale in sales for sale in lines),
    }


def rows_of(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    """Give all that analysts see, row by row."""
    return {table: sorted(place.rows(f"select * from analytics.{table}"), key=repr) for table in PUBLISHED}


def counted(place: Place) -> dict[str, int]:
    """Count what analysts see."""
    return {table: len(rows) for table, rows in rows_of(place).items()}


def totals(place: Place) -> set[int]:
    """Name the sales that analysts see, by their amounts, which are those of their keys."""
    return {int(total) for (total,) in place.rows("select total from analytics.sales")}


def private_of(place: Place) -> Path:
    """Give the file beside the warehouse that the published one names."""
    ((name,),) = place.rows("select private_file from sluis_meta.run")
    return place.folder / str(name)


def index_of(place: Place, table: str = "sales") -> list[tuple[Any, ...]]:
    """Read the private index of a table."""
    return sorted((tuple(row.values()) for row in place.table("sluis_private", table)), key=repr)


def state_of(place: Place) -> dict[str, str]:
    """Give a hash of every file of a place, of the ledger without who held it last: what did not change is equal."""
    return {
        path.name: hashlib.sha256(_said_by(path)).hexdigest()
        for path in sorted(place.folder.iterdir())
        if path.is_file() and not path.name.endswith(".lock")
    }


def _said_by(file: Path) -> bytes:
    if file.name != "ledger.sqlite":
        return file.read_bytes()
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return "\n".join(row for row in connection.iterdump() if not row.startswith('INSERT INTO "lock"')).encode()
