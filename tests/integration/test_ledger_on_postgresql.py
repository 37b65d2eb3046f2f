"""Commands with a ledger in PostgreSQL: a run is recorded there, and the URL's password is told nowhere."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from stores import patience
from stores.ledger import open_ledger
from tests.conftest import Command, Place
from tests.postgres import PostgresServer

SECRET = "canary-secret"


def with_password(url: sa.URL) -> str:
    return url.set(password=SECRET).render_as_string(hide_password=False)


def test_a_run_is_recorded_on_the_server_and_the_next_one_finds_it(
    sluis: Command, place: Place, postgres: PostgresServer
) -> None:
    url = postgres.new_database()
    environment = {**place.environment, "SLUIS_LEDGER": with_password(url), "SLUIS_ACTOR": "anna"}
    assert "nothing published yet" in sluis("doctor", "--output", "json", **environment).stdout

    ran = sluis("run", "--output", "json", **environment)

    assert ran.exit_code == 0, ran.said
    last = open_ledger(url).runs.last_published()
    assert last is not None
    assert last.run_id == ran.json["run_id"]
    with open_ledger(url).engine.connect() as connection:
        assert connection.exec_driver_sql("select actor, state from run").all() == [("anna", "published")]
    planned = sluis("plan", "--output", "json", **environment)
    assert (planned.exit_code, planned.json["changes"]) == (0, [])
    looked = sluis("doctor", "--output", "json", **environment)
    assert f"last published by run {last.run_id}" in looked.stdout
    assert not (place.folder / "ledger.sqlite").exists()
    assert SECRET not in ran.said + planned.said + looked.said


def test_a_server_that_is_away_stops_a_run_and_tells_no_password(
    sluis: Command, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SECONDS", 0.5)
    away = f"postgresql+psycopg://anna:{SECRET}@/ledger?host={place.folder}"

    for command in ("run", "plan", "doctor"):
        outcome = sluis(command, "--output", "json", **{**place.environment, "SLUIS_LEDGER": away})

        assert outcome.exit_code == 3, outcome.said
        assert "ledger: the connection was lost, or could not be made (OperationalError)" in outcome.said
        assert SECRET not in outcome.said
    assert not place.warehouse.exists()
