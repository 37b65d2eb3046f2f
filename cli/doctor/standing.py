"""How warehouse and ledger stand to each other: whether either was put back from a backup; and who is at them now."""

from __future__ import annotations

import datetime
from pathlib import Path

from cli.doctor.findings import Check, Environment, Finding, doubtful, good
from stores.keyring_file import read_keyring
from stores.ledger import look_at_ledger
from stores.opening import open_warehouse
from stores.settings import VARIABLES, database_url
from tasks.standing import check_without_a_trace

SILENCE = datetime.timedelta(minutes=2)
"""After which a holder that lives is worth a look; it beats every few seconds."""


def standing(environment: Environment) -> Finding:
    """See whether a run would find ledger and warehouse as the last publish left them, and all keys that it needs."""
    warehouse = open_warehouse(database_url("warehouse", environment))
    ledger = look_at_ledger(database_url("ledger", environment))
    check_without_a_trace(warehouse, ledger, read_keyring(Path(environment[VARIABLES["keyring"]])))
    return good("ledger and warehouse are as the last publish left them")


def lock(environment: Environment) -> Finding:
    """See whether a run is under way, whose it is, and whether it still gives signs of life."""
    ledger = look_at_ledger(database_url("ledger", environment))
    holder = ledger and ledger.lock.holder()
    if not holder:
        return good("free")
    if datetime.datetime.now(datetime.UTC) - holder.heard_at < SILENCE:
        return good(f"held by {holder}")
    return doubtful(
        f"held by {holder}, which is long ago",
        f"See what process {holder.process} on {holder.host} does. Once it is ended, the lock is free.",
    )


CHECKS = (
    Check("standing", standing, ("warehouse", "ledger", "keyring"), after=("published state",)),
    Check("lock", lock, ("ledger",), after=("ledger",)),
)
