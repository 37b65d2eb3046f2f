"""No raw value stands in anything that a failing incremental run writes or says, even when the error quotes one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.breaking import Break, asked_of_adbc, called
from tests.byte_search import Search
from tests.changing_shop import at, changing_shop
from tests.conftest import Place
from tests.failing_runs import Failed, fail
from tests.histories.shop import now
from tests.in_chamber import run_in_chamber
from tests.place_in_postgresql import PlaceInPostgreSQL
from tests.postgres import PostgresServer
from tests.prefect_search import finds, prefect_keeps
from tests.quoting import EMAIL

pytestmark = pytest.mark.long

GUEST = "Guest.Canary@Example.com"
SEARCH = Search({"e-mail": [EMAIL, GUEST]})
CONTROL = "control.canary@example.net"

QUOTE = f"raise 'duplicate key' using detail = 'Key (email)=({EMAIL}) already exists.', errcode = '23505';"
"""What a server says of a constraint, in the words of PostgreSQL's own."""


def refused_a_table(patch: pytest.MonkeyPatch, place: Place) -> None:
    """The server itself refuses to make a table of what comes."""
    assert isinstance(place, PlaceInPostgreSQL)
    place.seen.rows(
        f"""create function refuse() returns event_trigger language plpgsql as
        $$ begin if current_query() ~ 'create unlogged' then {QUOTE} end if; end $$;
        create event trigger refusing on ddl_command_start execute function refuse()"""
    )


def refused_a_row(patch: pytest.MonkeyPatch, place: Place) -> None:
    """The server itself refuses a row, within the transaction of the publish."""
    assert isinstance(place, PlaceInPostgreSQL)
    place.seen.rows(
        f"""create function refuse() returns trigger language plpgsql as $$ begin {QUOTE} end $$;
        create trigger refusing before insert on analytics.sales execute function refuse()"""
    )


WAYS: dict[str, tuple[Break, str]] = {
    "find, in the source": (asked_of_adbc('"updated_at" collate', "adbc"), "stores/sqlite_source.py"),
    "find, in the warehouse": (
        called("stores.warehouse.postgresql_outcomes.Outcomes.outcomes", "sqlalchemy"),
        "tasks/closure.py",
    ),
    "find, in between": (called("tasks.closure._joined", "pyarrow"), "tasks/closure.py"),
    "treat": (called("privacy.treat.TableTreater.treat", "pandas"), "tasks/chamber.py"),
    "treat groups": (called("privacy.treat.TableTreater.treat_for_grouping", "decoding"), "stores/arrow_stream.py"),
    "replace": (refused_a_table, "UniqueViolation"),
    "gate": (
        called("great_expectations.datasource.fluent.interfaces.Batch.validate", "great expectations"),
        "expectations/gate.py",
    ),
    "publish": (refused_a_row, "UniqueViolation"),
    "publish, its end": (
        called("stores.warehouse.postgresql_changes.let_read", "a group"),
        "stores/warehouse/postgresql_changes.py",
    ),
}
"""How an incremental run fails, each with a value in the error underneath; and what is told of that: where, or what."""


@pytest.fixture(scope="module")
def changed(
    prefect_server: Path, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> PlaceInPostgreSQL:
    """Run the shop once, and let somebody buy and somebody move since. Not to be changed: tests take a copy."""
    made = PlaceInPostgreSQL.made(changing_shop(tmp_path_factory.mktemp("changing")).folder, postgres)
    run_in_chamber(made)
    made.change_source(
        f"update buyer set email = '{EMAIL}', updated_at = '{now()}' where buyer_id = 2",
        f"insert into sale values (41, null, '{GUEST}', '{at(0)}', 7, '{now()}')",
        f"insert into sale values (42, 2, '{EMAIL}', '{at(0)}', 7, '{now()}')",
    )
    return made


@pytest.fixture(scope="module")
def failed(
    changed: PlaceInPostgreSQL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Failed[PlaceInPostgreSQL]]]:
    """Make an incremental run fail in every way, each in a copy."""
    copies = {way: changed.copied(tmp_path_factory.mktemp("failing") / "place") for way in WAYS}
    yield {way: fail(place, WAYS[way][0]) for way, place in copies.items()}
    for place in copies.values():
        place.remove()


def everything_written(place: PlaceInPostgreSQL) -> dict[str, bytes]:
    """Give every file of a place but the source, and every row of every table of its two databases as text."""
    found = {
        path.name: path.read_bytes() for path in place.folder.rglob("*") if path.is_file() and path != place.source
    }
    for database in place.databases:
        tables = "select table_schema, table_name from information_schema.tables where table_schema !~ '^(pg_|inf)'"
        for schema, table in database.rows(tables):
            rows = database.rows(f'select t::text from {schema}."{table}" as t')
            found[f"{database.url.database}.{schema}.{table}"] = "\n".join(text for (text,) in rows).encode()
    return found


@pytest.mark.parametrize("way", WAYS)
def test_a_failing_incremental_run_says_and_leaves_no_value(
    way: str, failed: dict[str, Failed[PlaceInPostgreSQL]]
) -> None:
    run, (_, told) = failed[way], WAYS[way]

    assert run.outcome.exit_code == 3, run.outcome.said
    assert told in run.outcome.json["error"]["message"]
    assert finds(SEARCH, run.said) == {}
    assert finds(SEARCH, run.held) == {}
    assert finds(SEARCH, everything_written(run.place)) == {}
    assert run.place.fingerprint() == run.before


def test_what_is_searched_for_was_there_to_be_treated(changed: PlaceInPostgreSQL, tmp_path: Path) -> None:
    """Without a fault the same run is incremental, and publishes what was changed, without its values."""
    place = changed.copied(tmp_path / "place")
    record = run_in_chamber(place)

    assert record.mode == "incremental"
    assert record.tables["buyers"].extracted == 1
    assert record.tables["sales"].extracted >= 2
    assert finds(SEARCH, everything_written(place)) == {}
    place.remove()


def test_the_search_finds_a_value_wherever_it_is_planted(changed: PlaceInPostgreSQL, tmp_path: Path) -> None:
    """Otherwise the tests here prove nothing."""
    place = changed.copied(tmp_path / "place")
    for database in place.databases:
        database.rows(f"create table planted as select '{CONTROL}' as value")
    (place.folder / "planted.tmp").write_text(CONTROL, encoding="utf-8")

    found = finds(Search({"control": [CONTROL]}), everything_written(place))

    assert {name.rpartition(".")[0] for name in found if ", " not in name} == {
        "planted",
        *(f"{database.url.database}.public" for database in place.databases),
    }
    place.remove()


def test_prefect_keeps_no_value_of_any_of_them(
    failed: dict[str, Failed[PlaceInPostgreSQL]], prefect_server: Path
) -> None:
    """That what an unguarded flow leaves there is found is shown in test_leaks."""
    assert len(failed) == len(WAYS)
    assert finds(SEARCH, prefect_keeps(prefect_server)) == {}
