"""The gate of the main job on a PostgreSQL warehouse: it says what it says of the same rows in DuckDB."""

from __future__ import annotations

import contextlib
import datetime

import pytest
import sqlalchemy as sa

from expectations.candidate import Owed
from expectations.gate import check_candidate
from privacy.connection_loss import is_connection_lost
from privacy.errors import GateError
from privacy.evidence import GateReport, RunRecord
from privacy.promises import NotNull
from tests.conftest import Place
from tests.in_chamber import run_in_chamber
from tests.integration.test_promises import BROKEN, LAST_OF_COLUMN
from tests.integration.test_value_drift import PLANT, line_of_article, sign
from tests.postgres import PostgresServer
from tests.served import Served
from tests.warehouses import InPostgreSQL

TODAY = datetime.date.today()


@pytest.fixture
def served(place: Place, postgres: PostgresServer) -> Served:
    """Give the corner shop, and an empty database for its warehouse."""
    return Served(place.folder, postgres.new_database())


def refused(place: Place) -> RunRecord:
    with pytest.raises(GateError) as refusal:
        run_in_chamber(place)
    assert refusal.value.record
    return refusal.value.record


def gates(place: Place) -> GateReport:
    with contextlib.suppress(GateError):
        return run_in_chamber(place).gates
    return refused(place).gates


def test_the_gate_says_the_same_of_the_same_rows_in_both(place: Place, served: Served) -> None:
    assert gates(served) == gates(place)


def test_the_gate_says_the_same_of_rows_that_break_all_that_can_be_promised(place: Place, served: Served) -> None:
    entries: dict[str, list[str]] = {}
    for case in BROKEN.values():
        entries.setdefault(case.column, []).append(case.entry)
        place.change_source(*case.source)
    for column, promised in entries.items():
        words = LAST_OF_COLUMN[column]
        place.change_policy(words, f"{words}, promises: [{', '.join(promised)}]")
    place.change_source("update line set article = 'dora.canary@example.org' where line_id = 4")

    there = refused(served).gates

    assert there == refused(place).gates
    assert {failed.promise for failed in there.failed} == {*BROKEN, "no_value_drift"}
    assert there.crashed == ()


def test_what_the_gate_refuses_leaves_what_was_published_and_nothing_staged(served: Served) -> None:
    run_in_chamber(served)
    warehouse = InPostgreSQL(served.url)
    before = warehouse.hashes()
    served.change_source(PLANT)

    record = refused(served)

    assert [(failed.kind, failed.rows, failed.policy_line) for failed in record.gates.drifted] == [
        ("email", 1, line_of_article(served))
    ]
    assert warehouse.hashes() == before
    assert served.rows("select 1 from pg_tables where schemaname like 'sluis_staging%'") == []


def test_with_a_waiver_the_run_publishes_and_warns_and_an_expired_one_does_not_help(served: Served) -> None:
    served.change_source(PLANT)
    until = TODAY + datetime.timedelta(days=90)
    sign(served, until)

    assert run_in_chamber(served).warnings == [
        f"lines.article: rows with a value of kind email: 1; waived by Head of stock until {until}"
    ]

    served.policy.write_text(
        served.policy.read_text(encoding="utf-8").replace(str(until), str(TODAY - datetime.timedelta(days=1))),
        encoding="utf-8",
    )
    (found,) = refused(served).gates.drifted
    assert (found.kind, found.waived_until) == ("email", str(TODAY - datetime.timedelta(days=1)))


def test_a_number_that_passes_the_check_of_a_bsn_is_told(served: Served) -> None:
    served.change_source("update line set quantity = 123456782 where line_id = 2")

    (found,) = refused(served).gates.drifted

    assert (found.column, found.kind, found.rows) == ("quantity", "bsn", 1)


OTHERS = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
"""Connections to a database beside the one that asks."""

TABLES = {name: [Owed(NotNull(), "thing", 1)] for name in ("one", "two")}


@pytest.fixture
def url(postgres: PostgresServer) -> sa.URL:
    """Give a database with two tables to check."""
    made = postgres.new_database()
    for name in TABLES:
        postgres.execute(f"create table public.{name} as select 'canary' as thing", made)
    return made


def test_the_gate_leaves_no_connection_behind(url: sa.URL) -> None:
    assert check_candidate(url, {"public": TABLES}).green

    assert InPostgreSQL(url).rows(f"select application_name {OTHERS}") == []


def test_a_connection_that_is_lost_is_no_broken_promise(url: sa.URL) -> None:
    def cut(done: int, total: int) -> None:
        if done == 1:
            InPostgreSQL(url).rows(f"select pg_terminate_backend(pid) {OTHERS}")

    with pytest.raises(sa.exc.OperationalError) as lost:
        check_candidate(url, {"public": TABLES}, cut)

    assert is_connection_lost(lost.value)
    assert "canary" not in str(lost.value)
