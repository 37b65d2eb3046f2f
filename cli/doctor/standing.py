"""How warehouse and ledger stand to each other: whether either was put back from a backup."""

from __future__ import annotations

from pathlib import Path

from cli.doctor.findings import Check, Environment, Finding, good
from stores.keyring_file import read_keyring
from stores.ledger import look_at_ledger
from stores.opening import open_warehouse
from stores.settings import VARIABLES, database_url
from tasks.standing import check_without_a_trace


def standing(environment: Environment) -> Finding:
    """See whether a run would find ledger and warehouse as the last publish left them, and all keys that it needs."""
    warehouse = open_warehouse(database_url("warehouse", environment))
    ledger = look_at_ledger(database_url("ledger", environment))
    check_without_a_trace(warehouse, ledger, read_keyring(Path(environment[VARIABLES["keyring"]])))
    return good("ledger and warehouse are as the last publish left them")


CHECKS = (Check("standing", standing, ("warehouse", "ledger", "keyring"), after="published file"),)
