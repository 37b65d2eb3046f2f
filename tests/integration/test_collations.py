"""What a collation takes for one, or for nothing, changes neither what is read nor which rows are."""

from __future__ import annotations

import datetime
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from privacy.column_types import ColumnType
from stores.opening import open_source
from stores.source import Reading
from tests.postgres import PostgresServer

TEXTS = ["Müller", "MULLER", "muller", "-", "   ", "", "2020-01-01", None]
TEXT, STAMP = ColumnType("text"), ColumnType("timestamp")
MOMENT = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)

COLLATIONS = {
    "that tells accents and case apart": "locale = 'nl-NL'",
    "for which case is nothing": "locale = 'und-u-ks-level2', deterministic = false",
    "for which case, accents and signs are nothing": "locale = 'und-u-ka-shifted-ks-level1', deterministic = false",
}


@pytest.fixture(params=COLLATIONS)
def url(request: pytest.FixtureRequest, of_the_machine: PostgresServer) -> sa.URL:
    """Make a table whose column is compared by a collation of ICU's, in a database that is so by itself."""
    made = of_the_machine.new_database(options="locale_provider icu icu_locale 'nl-NL' template template0")
    of_the_machine.execute(f"create collation ours (provider = icu, {COLLATIONS[request.param]})", made)
    of_the_machine.execute("create table t (i integer primary key, v text collate ours)", made)
    for number, text in enumerate(TEXTS):
        value = "null" if text is None else f"'{text}'"
        of_the_machine.execute(f"insert into t values ({number}, {value})", made)
    return made


def read(url: sa.URL, **narrowed: Any) -> list[Any]:
    reading = Reading("t", {"v": TEXT}, **narrowed)
    with open_source(url).snapshot() as snapshot:
        found = [text for batch in snapshot.batches(reading, 3) for text in batch.column("v").to_pylist()]
        assert snapshot.totals(reading).rows == len(found)
    return found


def test_all_texts_are_read_as_they_are(url: sa.URL) -> None:
    assert read(url) == TEXTS


def test_a_text_is_found_and_no_other(url: sa.URL) -> None:
    assert [read(url, among=("v", pa.array([text]))) for text in TEXTS[:-1]] == [[text] for text in TEXTS[:-1]]


def test_a_dash_is_not_blank(url: sa.URL) -> None:
    assert read(url, filled="v") == [text for text in TEXTS if text and text.strip()]


def test_what_is_no_moment_is_read_as_changed(url: sa.URL) -> None:
    assert read(url, since=("v", STAMP, MOMENT)) == [text for text in TEXTS if text != "2020-01-01"]
