"""Frozen months on the corner shop: counted once, kept when people leave, and gated like all that is published.

In March of last year the web sold to two people, the shop to one, and one sale tells of nobody: with two people to a
cell the web's figures are shown.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import shutil
import sqlite3
from collections.abc import Callable, Collection
from decimal import Decimal
from pathlib import Path

import pytest

from expectations.gate import check_candidate
from expectations.marts import MartFacts, owed_by_mart
from privacy.errors import GateError, PolicyError
from privacy.evidence import MartCounts
from privacy.marts import Cell
from privacy.policy_file import read_policy
from stores.actor import acting
from stores.keyring_file import create_keyring
from stores.settings import Settings
from tasks.remains import Decision, publish_remains
from tests.candidates import KINDS, hand_made
from tests.conftest import Place
from tests.corner_shop import POLICY, SCHEMA, fill
from tests.in_chamber import run_in_chamber

MARTS = """\
marts:
  turnover:
    meaning: Turnover per month and channel.
    from: sale
    month_of: sold_at
    by: [channel]
    measures:
      total: {kind: sum, of: total, meaning: Turnover.}
      sales: {kind: count, meaning: Sales.}
    people: [buyer_id, guest_id]
    minimum_cell: 2
tables:
"""

MARCH = datetime.date(datetime.date.today().year - 1, 3, 1)
FROZEN = [
    (MARCH, "shop", None, None, None, True),
    (MARCH, "web", Decimal("70.70"), 3, 2, False),
    (MARCH, None, None, None, None, True),
]
WITHOUT_ANNA = (
    "delete from line where sale_id in (1, 2, 5)",
    "delete from sale where buyer_id = 1",
    "delete from buyer where buyer_id = 1",
)
"""One of the two buyers of the web leaves, as one does who is erased in the shop, or has expired."""

NOTE = "      note: {type: text, role: sensitive, treatment: suppress}\n"
CHANNEL = "      channel: {type: text, role: non_personal, treatment: keep, because: Says nothing of anybody.}\n"
NO_CHANNEL = "    never_extracted: {channel: Not yet.}\n"
"""Entries of the corner shop's policy."""


@pytest.fixture
def shop(place: Place) -> Place:
    """Give the corner shop with a mart; nothing has run yet."""
    place.change_policy("\ntables:\n", f"\n{MARTS}")
    return place


@pytest.fixture(scope="module")
def run_before(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Run the corner shop with a mart once. Not to be changed: tests take a copy."""
    made = Place(tmp_path_factory.mktemp("frozen"))
    with contextlib.closing(sqlite3.connect(made.source)) as connection, connection:
        connection.executescript(SCHEMA)
        fill(connection, datetime.date.today())
    made.policy.write_text(POLICY.replace("\ntables:\n", f"\n{MARTS}"), encoding="utf-8")
    create_keyring(made.keyring, datetime.date.today())
    good(made)
    return made


@pytest.fixture
def frozen(run_before: Place, tmp_path: Path) -> Place:
    """Give the corner shop after a run that froze its one closed month."""
    shutil.copytree(run_before.folder, tmp_path / "shop")
    return Place(tmp_path / "shop")


def mart(shop: Place) -> list[tuple[object, ...]]:
    return shop.rows(
        "select month, channel, total, sales, people, withheld from marts.turnover order by all nulls last"
    )


def ledger(shop: Place, statement: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(shop.folder / "ledger.sqlite")) as connection, connection:
        return connection.execute(statement).fetchall()


def moved_back(shop: Place, day: str) -> None:
    """Let the last run have read the source on another day."""
    ledger(shop, f"update run set started_at = '{day} 12:00:00.000000'")


def good(shop: Place, as_of: str | None = None) -> MartCounts:
    return run_in_chamber(shop, as_of and datetime.date.fromisoformat(as_of)).marts["turnover"]


def test_a_closed_month_is_frozen_and_what_too_few_people_bought_is_withheld(shop: Place) -> None:
    told = good(shop)

    assert mart(shop) == FROZEN
    assert told == MartCounts(cells=3, withheld=2, months=1, frozen_now=1)


def test_the_ledger_keeps_no_figure_that_is_withheld(frozen: Place) -> None:
    kept = ledger(frozen, "select cell, figures from frozen order by cell")

    assert kept == [
        ('{"channel":"shop"}', '{"withheld":true}'),
        ('{"channel":"web"}', '{"people":2,"sales":"3","total":"70.70"}'),
        ('{"channel":null}', '{"withheld":true}'),
    ]


def test_who_leaves_the_source_changes_no_frozen_figure(frozen: Place) -> None:
    frozen.change_source(*WITHOUT_ANNA)

    told = good(frozen)

    assert frozen.rows("select count(*) from analytics.sales where channel = 'web'") == [(1,)]
    assert mart(frozen) == FROZEN
    assert told.frozen_now == 0


def test_who_has_expired_changes_no_frozen_figure(frozen: Place) -> None:
    good(frozen, f"{MARCH.year + 8}-03-10")

    assert frozen.rows("select count(*) from analytics.sales") == [(0,)]
    assert mart(frozen) == FROZEN


def test_a_row_that_comes_late_for_a_frozen_month_does_not_move_it(frozen: Place) -> None:
    frozen.change_source(f"insert into sale values (7, 2, null, '{MARCH}T12:00:00+01:00', 99, 'web', null)")

    good(frozen)

    assert mart(frozen) == FROZEN


def test_the_present_month_waits_until_it_is_over(shop: Place) -> None:
    now = datetime.datetime.now(datetime.UTC).isoformat()
    shop.change_source(*(f"insert into sale values ({n}, {n - 6}, null, '{now}', 5, 'web', null)" for n in (7, 8, 9)))

    good(shop)

    assert mart(shop) == FROZEN


def test_a_clock_put_back_closes_fewer_months_and_a_clock_put_forward_no_more(shop: Place) -> None:
    now = datetime.datetime.now(datetime.UTC).isoformat()
    shop.change_source(*(f"insert into sale values ({n}, {n - 6}, null, '{now}', 5, 'web', null)" for n in (7, 8, 9)))

    good(shop, MARCH.replace(day=31).isoformat())
    assert mart(shop) == []

    good(shop, f"{MARCH.year + 2}-12-31")
    assert mart(shop) == FROZEN

    good(shop, MARCH.replace(day=31).isoformat())
    assert mart(shop) == FROZEN


def test_a_new_warehouse_gets_the_figures_that_the_ledger_keeps(frozen: Place) -> None:
    frozen.change_source(*WITHOUT_ANNA)
    for file in frozen.folder.glob("warehouse.duckdb*"):
        file.unlink()

    good(frozen)

    assert mart(frozen) == FROZEN


def test_a_month_is_counted_from_what_was_published_when_it_was_over_already(place: Place) -> None:
    run_in_chamber(place)
    place.change_policy("\ntables:\n", f"\n{MARTS}")
    place.change_source(*WITHOUT_ANNA)

    told = good(place)

    assert mart(place) == FROZEN
    assert told.frozen_now == 1


def test_what_takes_people_out_without_the_source_freezes_their_months_first(place: Place) -> None:
    run_in_chamber(place)
    place.change_policy("\ntables:\n", f"\n{MARTS}")
    settings = Settings.from_environment(place.environment)

    publish_remains(settings, "retention", acting({}), MARCH.replace(year=MARCH.year + 8), Decision())

    assert place.rows("select count(*) from analytics.sales") == [(0,)]
    assert good(place).frozen_now == 0
    assert mart(place) == FROZEN


def test_a_month_that_was_not_over_then_is_counted_anew_for_what_is_published_lacks_its_end(place: Place) -> None:
    run_in_chamber(place)
    moved_back(place, MARCH.replace(day=31).isoformat())
    place.change_policy("\ntables:\n", f"\n{MARTS}")
    place.change_source(f"insert into sale values (7, 2, null, '{MARCH}T12:00:00+01:00', 9.30, 'web', null)")

    good(place)

    assert (MARCH, "web", Decimal("80.00"), 4, 3, False) in mart(place)


def test_what_is_published_by_a_policy_that_had_no_such_column_is_not_counted(place: Place) -> None:
    place.change_policy(CHANNEL, "")
    place.change_policy(NOTE, NOTE + NO_CHANNEL)
    run_in_chamber(place)
    place.change_policy(NOTE + NO_CHANNEL, NOTE + CHANNEL)
    place.change_policy("\ntables:\n", f"\n{MARTS}")

    good(place)

    assert mart(place) == FROZEN


def test_a_run_that_dies_after_it_froze_gives_the_same_figures_when_it_is_repeated(
    shop: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("stores.warehouse.duckdb.DuckDBWarehouse.swap_in", lambda *_: (_ for _ in ()).throw(OSError()))
        with pytest.raises(OSError):
            good(shop)
    assert not shop.warehouse.exists()
    assert len(ledger(shop, "select * from frozen")) == 3
    shop.change_source(*WITHOUT_ANNA)

    good(shop)

    assert mart(shop) == FROZEN


def test_nothing_is_frozen_by_a_run_that_the_gate_stops(shop: Place) -> None:
    shop.change_policy("because: Says nothing of anybody.", "because: Words., promises: [{kind: not_null}]")

    with pytest.raises(GateError):
        good(shop)

    assert ledger(shop, "select * from frozen") == []


@pytest.mark.parametrize("month", ["2999-01-01", "2020-01-02"], ids=["open", "no month"])
def test_a_mart_that_breaks_a_promise_stops_the_publish(month: str, frozen: Place) -> None:
    before = frozen.fingerprint()
    figures = json.dumps({"people": 5, "sales": "9", "total": "9.00"})
    values = f"""'turnover', '{month}', '{{"channel":"web"}}', '{figures}', 'x', '2026-01-01 00:00:00'"""
    ledger(frozen, f"insert into frozen values ({values})")

    with pytest.raises(GateError) as refusal:
        good(frozen)

    assert refusal.value.record
    (failed,) = refusal.value.record.gates.failed
    assert (failed.promise, failed.table, failed.column, failed.rows) == ("months_closed", "turnover", "month", 1)
    assert frozen.fingerprint() == before


def test_a_higher_minimum_withholds_what_is_frozen_and_a_lower_one_brings_nothing_back(frozen: Place) -> None:
    frozen.change_policy("minimum_cell: 2", "minimum_cell: 3")
    assert good(frozen).withheld == 3

    frozen.change_policy("minimum_cell: 3", "minimum_cell: 2")
    good(frozen)

    assert mart(frozen) == FROZEN


def test_figures_of_which_one_person_has_nearly_all_are_withheld(shop: Place) -> None:
    shop.change_source("update sale set total = 1 where sale_id in (1, 2)")

    assert good(shop).withheld == 3


def test_other_figures_under_the_name_of_a_frozen_mart_are_refused(frozen: Place) -> None:
    frozen.change_policy("sales: {kind: count, ", "number: {kind: count, ")

    with pytest.raises(PolicyError) as refusal:
        good(frozen)

    assert "marts.turnover: months are frozen with other columns than these" in str(refusal.value)
    assert "give the changed mart another name" in str(refusal.value)


def test_analysts_read_what_a_mart_is_beside_it(frozen: Place) -> None:
    ((of_table,),) = frozen.rows("select comment from duckdb_tables() where schema_name = 'marts'")
    of_columns = dict(frozen.rows("select column_name, comment from duckdb_columns() where schema_name = 'marts'"))

    assert of_table.startswith("Turnover per month and channel. · anonymous statistics; frozen: ")
    assert "minimum cell 2: figures of fewer than 2 people, or of which one makes up more than 80%" in of_table
    assert all(of_columns.values())
    assert of_columns["total"] == "Turnover."


SHOWN = Cell("turnover", MARCH, (("channel", "web"),), 5, (("total", Decimal("9.00")), ("sales", Decimal(9))))
SOUND = [f"(date '{MARCH}', 'web', 9.00, 9, 5, false)"]

BROKEN = {
    "row_count": [*SOUND, f"(date '{MARCH}', 'frozen', 0.00, 0, 5, false)"],
    "months_closed": ["(date '2999-01-01', 'web', 9.00, 9, 5, false)"],
    "minimum_cell": [f"(date '{MARCH}', 'web', 9.00, 9, 1, false)"],
    "withheld": [f"(date '{MARCH}', 'web', 9.00, 9, null, false)"],
    "not_null": [f"(date '{MARCH}', 'web', 9.00, 9, 5, null)"],
    "sum_equals": [f"(date '{MARCH}', 'web', 9.01, 9, 5, false)"],
    "one_row_per_cell": [*SOUND, *SOUND],
    "none_withheld_alone": [*SOUND, f"(date '{MARCH}', 'frozen', null, null, null, true)"],
}


@pytest.fixture(params=KINDS)
def checked(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., set[str]]:
    """Check a mart of some rows; give the promises that it breaks."""
    made = hand_made(request.param, tmp_path, lambda: request.getfixturevalue("postgres").new_database())

    def broken(rows: Collection[str], counted: Collection[datetime.date] = (), of_rows: int = 9) -> set[str]:
        made.execute(
            "create table marts.turnover (month date, channel varchar, total decimal(38, 2), sales bigint, "
            "people bigint, withheld boolean)",
            f"insert into marts.turnover values {', '.join(rows)}",
        )
        policy = read_policy(POLICY.replace("\ntables:\n", f"\n{MARTS}"), "policy.yaml")
        owed = list(owed_by_mart(policy, "turnover", MartFacts([SHOWN], counted, of_rows), datetime.date.today()))
        report = check_candidate(made.reading, {"marts": {"turnover": owed}})
        assert not report.crashed
        return {failed.promise for failed in report.failed}

    return broken


Checked = Callable[..., set[str]]


def test_a_sound_mart_keeps_all_promises(checked: Checked) -> None:
    assert checked(SOUND, [MARCH]) == set()


@pytest.mark.parametrize("promise", BROKEN)
def test_each_promise_of_a_mart_is_missed_when_it_is_broken(checked: Checked, promise: str) -> None:
    assert promise in checked(BROKEN[promise])


def test_figures_left_in_a_withheld_cell_break_the_promise(checked: Checked) -> None:
    assert "withheld" in checked([f"(date '{MARCH}', 'web', null, 9, null, true)"])


def test_more_rows_than_the_table_has_cannot_have_been_counted(checked: Checked) -> None:
    assert checked(SOUND, [MARCH], of_rows=8) == {"counted_within"}
