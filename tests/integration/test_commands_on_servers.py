"""The commands on a shop that is on a server: as on one in a file, and nowhere the password of its account."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Command, Place
from tests.elsewhere import Elsewhere, moved
from tests.mariadb import MariadbServer
from tests.postgres import PostgresServer

pytestmark = pytest.mark.long

PASSWORD = "pass%40word-canary"


@pytest.fixture
def shop(place: Place, server: PostgresServer | MariadbServer, tmp_path: Path) -> Elsewhere:
    """Give the corner shop as an account with a password sees it, which may only read."""
    made = moved(place, tmp_path, server.new_database())
    name, secret = f"canary_{made.url.database}", PASSWORD.replace("%40", "@")
    if made.url.get_backend_name() == "postgresql":
        made.change_source(
            f"create role {name} login password '{secret}'",
            f"grant select on all tables in schema public to {name}",
        )
    else:
        made.change_source(
            f"create user {name}@localhost identified by '{secret}'",
            f"grant select, lock tables on {made.url.database}.* to {name}@localhost",
        )
    return Elsewhere(tmp_path, made.url.set(username=name, password=secret))


def test_check_plan_and_run_work_and_tell_no_password(shop: Elsewhere, sluis: Command) -> None:
    for command in (("check",), ("plan", "--output", "json"), ("run", "--output", "json"), ("doctor",)):
        outcome = sluis(*command, **shop.environment)
        assert outcome.exit_code in (0, 3 if command == ("doctor",) else 0), outcome.said
        assert "canary" not in outcome.said.lower().replace(f"canary_{shop.url.database}", "")
    assert shop.rows("select count(*) from analytics.sales") == [(5,)]
    kept = [path for path in shop.folder.rglob("*") if path.is_file()]
    assert not any(b"word-canary" in path.read_bytes() for path in kept)


def test_a_wrong_password_is_told_without_it(shop: Elsewhere, sluis: Command) -> None:
    wrong = Elsewhere(shop.folder, shop.url.set(password="wrong-canary", database="nosuch"))
    outcome = sluis("check", **wrong.environment)
    assert outcome.exit_code == 3
    assert "Check --source" in outcome.said
    assert "wrong-canary" not in outcome.said


def test_drift_on_a_server_is_found_with_its_type(
    server: PostgresServer | MariadbServer, place: Place, sluis: Command
) -> None:
    made = moved(place, place.folder, server.new_database())
    made.change_source("alter table buyer add column weight_at_birth time")
    outcome = sluis("check", **made.environment)
    assert outcome.exit_code == 4
    assert "buyer.weight_at_birth: in the source, but not in" in outcome.said
    assert "which no type of a policy reads. List it under tables.buyer.never_extracted." in outcome.said
