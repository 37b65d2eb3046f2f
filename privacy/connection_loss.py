"""The one place that tells a connection which was lost, or could not be made, from everything else that goes wrong.

Only these errors may be tried again. Drivers are known by what their errors carry, so that none is imported: SQLSTATE
(PostgreSQL, through psycopg and ADBC), numbers (MariaDB and MySQL, through PyMySQL), result codes (SQLite).
"""

from __future__ import annotations

import re
from typing import Any

LOST = re.compile(r"08...|57P0.")
"""Classes of SQLSTATE: connection exceptions; a server that shuts down, crashed, or does not let anybody in yet."""

MYSQL_LOST = frozenset({1053, 1927, 2002, 2003, 2006, 2013, 2055})
"""A server that shuts down or killed the connection, cannot be reached, has gone away, was lost in a query."""

SQLITE_LOCKED = frozenset({5, 6})
"""SQLITE_BUSY and SQLITE_LOCKED, the low bytes of a result code."""

ADBC_IO = 10
"""The status by which an ADBC driver without SQLSTATE says that bytes did not come through."""

REFUSED = re.compile("FATAL|no password supplied")
"""What is said where a server answered, and does not let one in: the second by libpq, for want of what it asked for."""

NOT_YET = re.compile(r"starting up|shutting down|recovery", re.I)
"""What a server says that answers, and may let one in a little later."""


def is_connection_lost(error: BaseException) -> bool:
    """Tell whether an error of a driver, or another library's around it, is of a connection, not of what was asked."""
    error = origin(error)
    if isinstance(error, ConnectionError):
        return True
    match type(error).__module__.partition(".")[0]:
        case "psycopg":
            return _by_state(error) if _state(error) else _unanswered(error)
        case "adbc_driver_manager":
            return _by_state(error) if _state(error) else getattr(error, "status_code", None) == ADBC_IO
        case "pymysql":
            return error.args[:1] == (0,) or bool(MYSQL_LOST & set(error.args[:1]))
        case "sqlite3":
            return getattr(error, "sqlite_errorcode", 0) & 0xFF in SQLITE_LOCKED
    return False


def origin(error: BaseException) -> BaseException:
    """Give the error that another library's stands around: what that calls lost may be a file that is gone."""
    behind: Any = getattr(error, "orig", None) or error.__cause__
    return origin(behind) if isinstance(behind, BaseException) else error


def _by_state(error: BaseException) -> bool:
    return LOST.fullmatch(_state(error)) is not None


def _state(error: BaseException) -> str:
    """Give the SQLSTATE; empty where the driver was told none."""
    state = getattr(error, "sqlstate", None) or ""
    return state if isinstance(state, str) else bytes(state).decode("ascii", "replace").strip("\0")


def _unanswered(error: BaseException) -> bool:
    """Tell an error of libpq itself from a server's refusal, which it passes on as text: wrong names stay wrong."""
    said = str(error)
    return type(error).__name__ in ("OperationalError", "ConnectionTimeout") and (
        REFUSED.search(said) is None or NOT_YET.search(said) is not None
    )
