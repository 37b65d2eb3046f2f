"""docs/ledger.md shows the ledger's tables: every one, column by column, in the words of the schema."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from stores.ledger.schema import METADATA

TEXT = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")
TABLES = dict(re.findall(r"^### (\w+)\n(.*?)(?=^#|\Z)", TEXT, re.M | re.S))


def test_every_table_has_its_place_and_no_other() -> None:
    assert list(TABLES) == list(METADATA.tables)


@pytest.mark.parametrize("table", METADATA.tables.values(), ids=lambda table: table.name)
def test_a_table_is_shown_column_by_column_in_the_words_of_the_schema(table: sa.Table) -> None:
    shown = re.findall(r"^\| `(\w+)` \| (.*) \|$", TABLES[table.name], re.M)

    assert all(column.doc for column in table.columns)
    assert shown == [(column.name, column.doc) for column in table.columns]
