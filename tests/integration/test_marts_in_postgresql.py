"""Frozen months in a PostgreSQL warehouse: the same figures as in DuckDB, counted, kept and gated there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from privacy.errors import GateError
from stores.actor import acting
from stores.settings import Settings
from tasks.remains import Decision, publish_remains
from tests.conftest import Place
from tests.in_chamber import run_in_chamber
from tests.integration.test_marts import CHANNEL, FROZEN, MARCH, MARTS, NO_CHANNEL, NOTE, WITHOUT_ANNA, good, ledger
from tests.postgres import PostgresServer
from tests.served import Served

pytestmark = pytest.mark.long


@pytest.fixture
def served(place: Place, postgres: PostgresServer) -> Served:
    """Give the corner shop with an empty database for a warehouse; nothing has run yet."""
    return Served(place.folder, postgres.new_database())


def with_marts(served: Served) -> Served:
    served.change_policy("\ntables:\n", f"\n{MARTS}")
    return served


def mart(served: Served) -> list[tuple[Any, ...]]:
    return served.rows(
        "select month, channel, total, sales, people, withheld from marts.turnover order by month, channel nulls last"
    )


def test_a_closed_month_is_frozen_and_who_leaves_changes_no_figure(served: Served) -> None:
    good(with_marts(served))
    assert mart(served) == FROZEN

    served.change_source(*WITHOUT_ANNA)
    told = good(served)

    assert served.rows("select count(*) from analytics.sales where channel = 'web'") == [(1,)]
    assert (mart(served), told.frozen_now) == (FROZEN, 0)


def test_a_month_is_counted_from_what_was_published_when_it_was_over_already(served: Served) -> None:
    run_in_chamber(served)
    with_marts(served).change_source(*WITHOUT_ANNA)

    told = good(served)

    assert (mart(served), told.frozen_now) == (FROZEN, 1)


def test_what_takes_people_out_without_the_source_freezes_their_months_first(served: Served) -> None:
    run_in_chamber(served)
    settings = Settings.from_environment(with_marts(served).environment)

    publish_remains(settings, "retention", acting({}), MARCH.replace(year=MARCH.year + 8), Decision())

    assert served.rows("select count(*) from analytics.sales") == [(0,)]
    assert good(served).frozen_now == 0
    assert mart(served) == FROZEN


def test_what_is_published_by_a_policy_that_had_no_such_column_is_not_counted(served: Served) -> None:
    served.change_policy(CHANNEL, "")
    served.change_policy(NOTE, NOTE + NO_CHANNEL)
    run_in_chamber(served)
    served.change_policy(NOTE + NO_CHANNEL, NOTE + CHANNEL)

    good(with_marts(served))

    assert mart(served) == FROZEN


def test_an_own_figure_of_money_keeps_its_cents(served: Served) -> None:
    good(with_marts(served))
    ((total,),) = served.rows("select total from marts.turnover where people = 2")

    assert str(total) == "70.70"
    assert ledger(served, "select figures from frozen where cell like '%web%'") == [
        ('{"people":2,"sales":"3","total":"70.70"}',)
    ]


def test_a_mart_that_breaks_a_promise_stops_the_publish(served: Served) -> None:
    good(with_marts(served))
    figures = json.dumps({"people": 5, "sales": "9", "total": "9.00"})
    values = f"""'turnover', '2999-01-01', '{{"channel":"web"}}', '{figures}', 'x', '2026-01-01 00:00:00'"""
    ledger(served, f"insert into frozen values ({values})")

    with pytest.raises(GateError) as refusal:
        good(served)

    assert refusal.value.record
    (failed,) = refusal.value.record.gates.failed
    assert (failed.promise, failed.table, failed.column, failed.rows) == ("months_closed", "turnover", "month", 1)
    assert mart(served) == FROZEN


def test_analysts_read_what_a_mart_is_beside_it(served: Served) -> None:
    good(with_marts(served))
    ((said,),) = served.rows("select obj_description('marts.turnover'::regclass)")
    ((total,),) = served.rows("select col_description('marts.turnover'::regclass, 3)")

    assert said.startswith("Turnover per month and channel. · anonymous statistics; frozen: ")
    assert total == "Turnover."
