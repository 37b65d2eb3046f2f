"""Why PostgreSQL let nobody in. libpq passes such a refusal on as text alone, without its SQLSTATE, and in the server's
language: what is not understood stays untold."""

from __future__ import annotations

import re

import psycopg

_SAID = {
    r'database ".*" does not exist': "the server has no database of that name",
    r'role ".*" does not exist|authentication failed|no password supplied': (
        "the name or password of the account is wrong"
    ),
    r"pg_hba\.conf|not permitted to log in|permission denied for database": "the server does not let this account in",
    r"too many (clients|connections)|remaining connection slots": "the server has no connection left for this account",
}


def turned_away(error: BaseException) -> str:
    """Say why, in words of ours: nothing of a message is quoted. Empty where it was something else."""
    if not isinstance(error, psycopg.OperationalError) or error.sqlstate:
        return ""
    return next((why for said, why in _SAID.items() if re.search(said, str(error))), "")
