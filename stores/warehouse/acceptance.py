"""Acceptance: is what remains what was there, less what was to leave? Asked of every table before it is published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from privacy.errors import VerificationError
from privacy.policy import Policy
from stores.quoting import identifier
from stores.warehouse import MARTS
from stores.warehouse.catalogue import columns_of
from stores.warehouse.dialect import Asked, Dialect
from stores.warehouse.doom import Place, references

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
    session: Asked, dialect: Dialect, policy: Policy, places: Iterable[Place], marts: Iterable[str]
) -> None:
    """Compare what was filled with what is published; VerificationError names every table that is not as decided."""
    faults = [fault for place in places for fault in _faults(session, policy, place)]
    for name in marts:
        expected = _content(session, dialect, f"{dialect.before[MARTS]}.{identifier(name)}")
        faults += _unlike(name, expected, _content(session, dialect, f"{dialect.after[MARTS]}.{identifier(name)}"))
    if faults:
        raise VerificationError("what remains is not what was decided:\n" + "\n".join(faults) + WAY_OUT)


def _faults(session: Asked, policy: Policy, place: Place) -> Iterator[str]:
    told = f"{place.published}{' in quarantine' * place.set_aside}"
    before, leaving, after = (_rows(session, table) for table in (place.before, place.doomed, place.after))
    if after != before - leaving:
        yield f"  {told}: {before:,} rows were there, {leaving:,} were to leave, {after:,} remain"
    expected = _content(session, place.dialect, f"({_expected(session, policy, place)})")
    yield from _unlike(told, expected, _content(session, place.dialect, place.after))
    if place.set_aside:
        return
    if found := _rows(session, f"{place.after} as l where {_gone(place, f'l.{place.key}')}"):
        yield f"  {told}: {found:,} rows remain of those that were to leave"
    if place.table.subject.found_by:
        stays = f"(select * from {place.index_before} as i where not {_gone(place, 'i.key')})"
        expected = _content(session, place.dialect, stays)
        yield from _unlike(f"index of {told}", expected, _content(session, place.dialect, place.index_after))


def _expected(session: Asked, policy: Policy, place: Place) -> str:
    """Give the rows that are to remain, found by keys and not, as they were taken out, by rows."""
    columns, joins = {}, [f"{place.before} as l"]
    for number, (column, (target, last)) in enumerate(references(policy, place.table).items()):
        gone = f"(select distinct key from ({place.keys_gone(target, last)}) as keys) as g{number}"
        joins.append(f"left join {gone} on g{number}.key = l.{identifier(column)}")
        columns[column] = f"case when g{number}.key is null then l.{identifier(column)} end"
    names = columns_of(session.rows, place.dialect.before[place.schema], place.published)
    values = ", ".join(f"{columns.get(name, f'l.{identifier(name)}')} as {identifier(name)}" for name in names)
    row_id = place.dialect.row_id
    leaves = (
        f"exists (select 1 from {place.doomed} d where d.row_id = l.{row_id})"
        if place.set_aside
        else _gone(place, f"l.{place.key}")
    )
    return f"select {values} from {' '.join(joins)} where not {leaves}"


def _gone(place: Place, key: str) -> str:
    return f"exists (select 1 from {place.doomed} d where d.key = {key})"


def _unlike(told: str, expected: Content, found: Content) -> Iterator[str]:
    if expected.rows != found.rows:
        yield f"  {told}: {expected.rows:,} rows were to remain, {found.rows:,} do"
    elif expected != found:
        yield f"  {told}: of {found.rows:,} rows that were to remain some are not what they were"


def _content(session: Asked, dialect: Dialect, table: str) -> Content:
    return Content(*session.rows(f"select count(*), {dialect.sums} from {table} as whole")[0])


def _rows(session: Asked, table: str) -> int:
    return int(session.rows(f"select count(*) from {table}")[0][0])
