"""Damaged databases: told by what cannot be read and the way out, and nothing is touched."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from tests.conftest import Command, Place


def overwrite(place: Place, page_of: str) -> None:
    """Overwrite the page of the shop that a query gives, so that SQLite finds the damage while it reads rows."""
    with contextlib.closing(sqlite3.connect(place.source)) as connection:
        (size,) = connection.execute("pragma page_size").fetchone()
        (page,) = connection.execute(page_of).fetchone()
    with place.source.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"anna.canary@example.com" * (size // 23))


MANY = (
    "with recursive n(i) as (select 100 union all select i + 1 from n where i < 80000) "
    "insert into line select i, 1, 'ART-1', 1 from n"
)


PAGES = {
    "its first page": "select rootpage from sqlite_schema where name = 'line'",
    "a page that is met after batches of rows": "pragma page_count",
}


@pytest.mark.parametrize("where", PAGES)
def test_a_damaged_table_of_the_source_is_named(where: str, published: Place, run: Command) -> None:
    published.change_source(MANY)
    overwrite(published, PAGES[where])
    before = published.fingerprint()

    outcome = run()

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store"), outcome.said
    assert "source: line cannot be read (" in outcome.said
    assert "Ask SQLite with `pragma integrity_check`; give the source whole, and run again." in outcome.said
    assert "canary" not in outcome.said
    assert published.fingerprint() == before


def test_a_source_that_is_no_database_is_told(published: Place, sluis: Command) -> None:
    published.source.write_bytes(b"anna.canary@example.com " * 1000)

    outcome = sluis("check", "--output", "json", **published.environment)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store"), outcome.said
    assert "source: shop.sqlite cannot be read (DatabaseError): the file is damaged, no database" in outcome.said


def test_a_source_that_a_writer_holds_locked_is_told_as_that(published: Place, sluis: Command) -> None:
    """It was told as one that may be damaged, to be asked about its integrity."""
    with contextlib.closing(sqlite3.connect(published.source, isolation_level=None)) as writer:
        writer.execute("begin exclusive")

        outcome = sluis("check", "--output", "json", **published.environment)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store"), outcome.said
    assert "source: shop.sqlite is locked by somebody who writes to it." in outcome.said


def test_a_damaged_ledger_is_told_and_not_written_over(published: Place, run: Command) -> None:
    ledger = published.folder / "ledger.sqlite"
    ledger.write_bytes(b"x" * 9000)

    outcome = run()

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store"), outcome.said
    assert "ledger: the file is damaged, or is no database.\n  Put its backup back" in outcome.json["error"]["message"]
    assert ledger.read_bytes() == b"x" * 9000
