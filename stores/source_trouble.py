"""What goes wrong with a source that is a server, told by its kind: drivers' messages quote values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_manager
import psycopg
import pymysql
import sqlalchemy as sa

from privacy.connection_loss import is_connection_lost
from privacy.errors import ConnectionLostError, StoreError
from privacy.leak_proof import raise_alone
from stores.turned_away import turned_away

DRIVERS = (sa.exc.SQLAlchemyError, psycopg.Error, adbc_driver_manager.Error, pymysql.err.Error, OSError)

_NO_TEXT = "a text in it cannot be told in UTF-8.\n  Mend it in the source, or list its column under never_extracted."
_KNOWN: dict[str | int, str] = {
    "57014": "it took longer than the server lets a statement take, or somebody ended it there.\n"
    "  Raise statement_timeout for this account, or run again.",
    1969: "it took longer than the server lets a statement take.\n  Raise max_statement_time for this account.",
    3024: "it took longer than the server lets a statement take.\n  Raise max_execution_time for this account.",
    1317: "somebody ended the statement on the server.\n  Run again.",
    "40001": "it is a standby, which had to let go of rows that were still being read.\n"
    "  Turn on hot_standby_feedback there, or raise max_standby_streaming_delay, and run again.",
    "22021": _NO_TEXT,
    "22P05": _NO_TEXT,
    "53100": "the disk of its server is full.\n  Make room there, and run again.",
    "55P03": "somebody else holds it locked, such as a migration of the shop.\n  Run again when that is done.",
    1205: "somebody else holds it locked, such as a migration of the shop.\n  Run again when that is done.",
    "42501": "this account may not read it, or only some of its columns or rows.\n"
    "  Grant it select there, and bypassrls where row level security hides rows.",
    1142: "this account may not read it.\n  Grant it select there, or take the table out of the policy.",
    1143: "this account may not read it.\n  Grant it select there, or take the table out of the policy.",
    1412: "its table was changed while the run read.\n  Run again.",
    "28P01": "the name or password of the account is wrong.\n  Check --source.",
    "28000": "the server does not let this account in from here.\n  Check --source, and the server's rules for it.",
    1045: "the name or password of the account is wrong.\n  Check --source.",
    "3D000": "the server has no database of that name.\n  Check --source.",
    2026: "its server speaks no TLS, which --source demands.\n  Give it a certificate, or reach it through a tunnel.",
    1049: "the server has no database of that name.\n  Check --source.",
}
"""By SQLSTATE of PostgreSQL and number of MariaDB: what it means, and the way out."""


@contextmanager
def trouble_told(what: str) -> Iterator[None]:
    """Name what cannot be read, why as far as the server says, and the way out; never a value."""
    problem: StoreError | None = None
    try:
        yield
    except DRIVERS as error:
        problem = _problem(what, error)
    if problem:
        raise_alone(problem)


def refuse_without_snapshot(table: str, stored_by: str | None) -> None:
    """Refuse a table that is stored where the snapshot does not reach, if it is."""
    if stored_by:
        raise StoreError(
            f"source: {table} is stored by {stored_by}, which has no snapshots: what is read of it could belong to no "
            "one moment.\n  List it under never_extracted, or alter it to engine = InnoDB (MariaDB), or read a copy."
        )


def _problem(what: str, error: BaseException) -> StoreError:
    if is_connection_lost(error):
        return ConnectionLostError(
            f"source: the connection was lost, or could not be made ({what}).\n"
            "  Check --source, whether the server runs and, with TLS, its certificate; then run again."
        )
    driver = getattr(error, "orig", None) or error
    code = _code(driver)
    known = _KNOWN.get(code) or "the server refused.\n  Check --source, and `sluis doctor`; then run again."
    if why := turned_away(driver):
        known = f"{why}.\n  Check --source."
    return StoreError(f"source: {what} cannot be read ({type(driver).__name__}{f' {code}' if code else ''}): {known}")


def _code(error: BaseException) -> str | int:
    """Give PostgreSQL's SQLSTATE or MariaDB's number; empty where the driver was told none."""
    if isinstance(error, pymysql.err.Error):
        return error.args[0] if error.args and isinstance(error.args[0], int) else ""
    state = getattr(error, "sqlstate", None) or ""
    return state if isinstance(state, str) else bytes(state).decode("ascii", "replace").strip("\0")
