"""Trouble with a warehouse in PostgreSQL, told without a value, an address or a statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_manager
import psycopg

from privacy.connection_loss import is_connection_lost
from privacy.errors import ConnectionLostError, StoreError
from privacy.leak_proof import raise_alone
from stores.turned_away import turned_away

NOT_UNDERSTOOD = ("3F000", "42P01", "42703", "42804", "42883")
"""SQLSTATEs: no such schema, table or column; not of that type; no such function of that type."""

WAYS_OUT = {
    "25006": "--warehouse names a server or a user who may only read, such as a standby; name the primary server.",
    "53100": "Make room on the server's disk, and run again.",
    "53": "The server is at its limits: let it have more connections or memory, and run again.",
    "57014": "The server ended it: raise `statement_timeout` for the user of --warehouse, and run again.",
    "42501": "Check --warehouse and the rights of its user: `sluis doctor` tells which are missing.",
}
"""What to do, by how a SQLSTATE begins."""


class PostgreSQLError(StoreError):
    """What PostgreSQL refused, by its SQLSTATE alone."""

    state: str = ""


@contextmanager
def told() -> Iterator[None]:
    """Tell trouble with PostgreSQL without a value, an address or a statement."""
    problem: StoreError | None = None
    try:
        yield
    except (psycopg.Error, adbc_driver_manager.Error) as error:
        problem = _lost(error) if is_connection_lost(error) else _refused(error)
    if problem:
        raise_alone(problem)


def _lost(error: psycopg.Error | adbc_driver_manager.Error) -> ConnectionLostError:
    return ConnectionLostError(
        f"warehouse: the connection to PostgreSQL was lost, or not made ({type(error).__name__}). What was published "
        "stays.\n  Check --warehouse, and that its server answers; then run again."
    )


def _refused(error: psycopg.Error | adbc_driver_manager.Error) -> PostgreSQLError:
    if why := turned_away(error):
        return PostgreSQLError(f"warehouse: {why}. What was published stays.\n  Check --warehouse.")
    state = error.sqlstate or "unknown"
    way_out = next((way for begins, way in WAYS_OUT.items() if state.startswith(begins)), WAYS_OUT["42501"])
    refused = PostgreSQLError(
        f"warehouse: PostgreSQL refused ({type(error).__name__}, SQLSTATE {state}). What was published stays."
        f"\n  {way_out}"
    )
    refused.state = state
    return refused
