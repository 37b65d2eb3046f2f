"""Whatever a shop writes: after incremental runs all is as one full run on the same rows and day would have made it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.changing_shop import at, changing_shop
from tests.histories.killing import without_gate
from tests.histories.shop import now
from tests.in_chamber import run_in_chamber
from tests.place_in_postgresql import PlaceInPostgreSQL
from tests.postgres import PostgresServer

pytestmark = pytest.mark.long

EXAMPLES = int(os.environ.get("INCREMENTAL_EXAMPLES", "60"))
COMPARED = ("analytics", "marts", "sluis_private", "sluis_quarantine")

moments = st.builds(at, st.integers(-1, 9))
keys = {
    "buyer": st.integers(1, 12),
    "sale": st.integers(1, 34),
    "line": st.integers(1, 66),
    "letter": st.integers(1, 36),
}
buyers = st.none() | keys["buyer"]
sales = st.none() | keys["sale"]
emails = st.sampled_from([None, "guest1@example.com", " GUEST2@example.com", "buyer2@example.com", "no address"])
columns: dict[str, tuple[st.SearchStrategy[object], ...]] = {
    "buyer": (emails, moments),
    "sale": (buyers, emails, moments | st.just("once"), st.integers(0, 99)),
    "line": (sales, st.integers(1, 9)),
    "letter": (sales, buyers, moments),
}
"""What each table holds after its key and before its stamp."""


@st.composite
def writes(draw: st.DrawFn) -> Callable[[], str]:
    """Draw a statement of the shop's; its stamp is that of the moment in which it is written."""
    table = draw(st.sampled_from(list(columns)))
    key = draw(keys[table])
    if draw(st.integers(0, 3)) == 0:
        return lambda: f"delete from {table} where {table}_id = {key}"
    values = ", ".join(map(_literal, (draw(column) for column in columns[table])))
    return lambda: f"insert or replace into {table} values ({key}, {values}, '{now()}')"


def _literal(value: object) -> str:
    return "null" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


@pytest.fixture(scope="module")
def run_once(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlaceInPostgreSQL]:
    """Run the shop once; promises are not what is looked at here."""
    made = PlaceInPostgreSQL.made(changing_shop(tmp_path_factory.mktemp("changing")).folder, postgres)
    with_gate = without_gate()
    run_in_chamber(made)
    yield made
    with_gate()


NUMBERS = itertools.count(1)


@given(rounds=st.lists(st.lists(writes(), max_size=6), min_size=1, max_size=3))
@settings(max_examples=EXAMPLES)
def test_incremental_runs_come_to_what_a_full_one_makes(
    run_once: PlaceInPostgreSQL, tmp_path_factory: pytest.TempPathFactory, rounds: list[list[Callable[[], str]]]
) -> None:
    shop = run_once.copied(Path(tmp_path_factory.getbasetemp()) / f"history-{next(NUMBERS)}")
    try:
        for written in rounds:
            shop.change_source(*(write() for write in written))
            record = run_in_chamber(shop)
            event(record.mode if record.why_full is None else f"full: {record.why_full}")
        found = shop.seen.hashes(*COMPARED)

        run_in_chamber(shop, full=True)

        assert shop.seen.hashes(*COMPARED) == found
    finally:
        shop.remove()
