"""What a transaction touched, by PostgreSQL's own counters: as many rows of each table as were to come and to leave.

A server counts what a transaction inserts, updates and deletes in each table, whoever says so: a statement, a trigger,
a rule. So nothing is searched through, and tables that were to stay as they are take part as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from privacy.errors import StoreError, VerificationError
from stores.warehouse.postgresql_rights import PUBLISHED
from stores.warehouse.postgresql_session import Session

WAY_OUT = (
    "\n  The warehouse is as it was. Run `sluis run --full`, which builds it from the source, and tell the makers of "
    "Sluis."
)

COUNTS_NOTHING = (
    "warehouse: its server does not count what transactions do (track_counts is off), so that changes of a table could "
    "not be shown to be all. Nothing was published.\n  Let an administrator set it on, or run `sluis run --full`."
)


class Moved(NamedTuple):
    """What was to happen in a table: how many rows it had, how many leave, and come."""

    place: str
    """Its name in a statement."""
    told: str
    before: int
    left: int
    came: int


class Touched(NamedTuple):
    """How many rows of a table were inserted, updated and deleted."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0


def touched(session: Session) -> dict[str, Touched]:
    """Count what was touched, by published table; only what was between two counts is sure to be one transaction's."""
    if session.rows("show track_counts") != [("on",)]:
        raise StoreError(COUNTS_NOTHING)
    return {place: Touched(*counted) for place, *counted in session.rows(_TOUCHED, [[*PUBLISHED]])}


def refuse_others(moved: Iterable[Moved], before: dict[str, Touched], after: dict[str, Touched]) -> None:
    """Refuse a transaction that touched another row of any published table; VerificationError says how many."""
    expected = {one.place: one for one in moved}
    for place, counts in after.items():
        inserted, updated, deleted = (n - then for n, then in zip(counts, before.get(place, Touched()), strict=True))
        one = expected.get(place) or Moved(place, place.replace('"', ""), 0, 0, 0)
        if (inserted, updated, deleted) != (one.came, 0, one.left):
            rows = f"{one.before:,} rows were there, {one.left:,} were to leave and {one.came:,} to come"
            raise VerificationError(
                f"{one.told}: {rows if place in expected else 'no row was to leave or to come'}; {deleted:,} left, "
                f"{inserted:,} came, {updated:,} were written over.{WAY_OUT}"
            )


def refuse_unlike(table: str, rows: int, indexed: int) -> None:
    """Refuse an index that does not have a line for each row."""
    if rows != indexed:
        raise VerificationError(f"index of {table}: {rows:,} rows are published, {indexed:,} are indexed.{WAY_OUT}")


_TOUCHED = """\
select nspname || '."' || replace(relname, '"', '""') || '"', pg_stat_get_xact_tuples_inserted(c.oid),
    pg_stat_get_xact_tuples_updated(c.oid), pg_stat_get_xact_tuples_deleted(c.oid)
from pg_class c join pg_namespace n on n.oid = relnamespace where relkind = 'r' and nspname = any(%s)"""
