"""Who is not let in by PostgreSQL is told why, wherever it is asked; no name, password or message of the server is."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from privacy.connection_loss import is_connection_lost
from stores.turned_away import turned_away
from tests.conftest import Place, run_in_process
from tests.postgres import PostgresServer


@pytest.mark.parametrize("setting", ["source", "warehouse", "ledger"])
@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"database": "kanarie"}, "the server has no database of that name"),
        ({"username": "kanarie"}, "the name or password of the account is wrong"),
    ],
    ids=["database", "account"],
)
def test_a_wrong_name_is_told_as_that(
    shop: Place, postgres: PostgresServer, setting: str, wrong: dict[str, str], why: str
) -> None:
    url = postgres.url.set(**wrong).render_as_string(hide_password=False)
    command = ["check"] if setting == "source" else ["erase", "list"]

    outcome = run_in_process(*command, "--output", "json", **{**shop.environment, f"SLUIS_{setting.upper()}": url})

    assert outcome.exit_code == 3
    assert outcome.json["error"]["kind"] == "store", "it would be tried again"
    assert why in outcome.json["error"]["message"]
    assert f"Check --{setting}." in outcome.json["error"]["message"]
    assert "kanarie" not in outcome.said


SAID = {
    'connection failed: FATAL:  password authentication failed for user "kanarie"': "the name or password",
    "connection failed: fe_sendauth: no password supplied": "the name or password",
    'connection failed: FATAL:  no pg_hba.conf entry for user "kanarie"': "does not let this account in",
    "connection failed: FATAL:  sorry, too many clients already": "has no connection left",
}


@pytest.mark.parametrize("said", SAID)
def test_a_refusal_is_no_lost_connection(said: str) -> None:
    error = psycopg.OperationalError(said)

    assert SAID[said] in turned_away(error)
    assert not is_connection_lost(error)


def test_what_is_not_understood_stays_untold() -> None:
    assert turned_away(psycopg.OperationalError("FATAL:  la base de données n'existe pas")) == ""
    assert turned_away(OSError(str(Path("kanarie")))) == ""
