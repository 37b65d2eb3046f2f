"""Acceptance: is what remains what was there, less what was to leave? Asked of every table before it is published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import duckdb

from privacy.errors import VerificationError
from privacy.policy import Policy
from stores.warehouse import MARTS
from stores.warehouse.duckdb_doom import LIVE, Place, index_of, references
from stores.warehouse.duckdb_file import INDEX

WAY_OUT = (
    "\n  The warehouse is as it was. Run `sluis run`, which builds it from the source; if the same is said again, tell "
    "the makers of Sluis."
)


class Content(NamedTuple):
    """The rows of a table in numbers that do not depend on their order: two sums over a hash of all columns."""

    rows: int
    added: int
    combined: int


def refuse_unlike(
    connection: duckdb.DuckDBPyConnection, policy: Policy, places: Iterable[Place], marts: Iterable[str]
) -> None:
    """Compare a filled file with the live one; VerificationError names every table that is not as decided."""
    faults = [fault for place in places for fault in _faults(connection, policy, place)]
    for name in marts:
        expected = _content(connection, f'{LIVE}.{MARTS}."{name}"')
        faults += _unlike(name, expected, _content(connection, f'{MARTS}."{name}"'))
    if faults:
        raise VerificationError("what remains is not what was decided:\n" + "\n".join(faults) + WAY_OUT)


def _faults(connection: duckdb.DuckDBPyConnection, policy: Policy, place: Place) -> Iterator[str]:
    told = f"{place.published}{' in quarantine' * place.set_aside}"
    before, leaving, after = (_rows(connection, table) for table in (place.before, place.doomed, place.after))
    if after != before - leaving:
        yield f"  {told}: {before:,} rows were there, {leaving:,} were to leave, {after:,} remain"
    gone = f"(select key from {place.doomed})"
    stays = f"rowid not in (select row from {place.doomed})" if place.set_aside else f"{place.key} not in {gone}"
    emptied = ", ".join(
        f'case when "{column}" not in (select key from ({place.keys_gone(target)}) where fate <= {last:d}) '
        f'then "{column}" end as "{column}"'
        for column, (target, last) in references(policy, place.table).items()
    )
    columns = f"* replace ({emptied})" if emptied else "*"
    expected = _content(connection, f"(select {columns} from {place.before} where {stays})")
    yield from _unlike(told, expected, _content(connection, place.after))
    if place.set_aside:
        return
    if found := _rows(connection, f"{place.after} where {place.key} in {gone}"):
        yield f"  {told}: {found:,} rows remain of those that were to leave"
    if place.table.subject.found_by:
        expected = _content(connection, f"(from {index_of(place)} where key not in {gone})")
        yield from _unlike(f"index of {told}", expected, _content(connection, f'private.{INDEX}."{place.published}"'))


def _unlike(told: str, expected: Content, found: Content) -> Iterator[str]:
    if expected.rows != found.rows:
        yield f"  {told}: {expected.rows:,} rows were to remain, {found.rows:,} do"
    elif expected != found:
        yield f"  {told}: of {found.rows:,} rows that were to remain some are not what they were"


def _content(connection: duckdb.DuckDBPyConnection, table: str) -> Content:
    hashed = f'select hash("every column") as hash from {table} as "every column"'
    found = connection.execute(f"select count(*), sum(hash::hugeint), bit_xor(hash) from ({hashed})").fetchall()
    return Content(*found[0])


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])
