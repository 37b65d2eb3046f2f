"""Which rows of the published file leave, in SQL over whole tables: two temporary tables for each of its tables.

`doomed`: row, key and fate of each row that leaves. `marks`: of these, and of each row that stays without some of its
references: row and fate, and by column the fate of the row that was referred to.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from privacy.fates import Fate
from privacy.policy import Policy, Table
from privacy.subjects import CUSTOMER, EMAIL, GENERATION, SUBJECT_COLUMNS
from privacy.treat import EXPIRES_ON
from privacy.treatments import Pseudonymize
from stores.quoting import literal
from stores.warehouse import ANALYTICS, Suppressed
from stores.warehouse.duckdb_file import INDEX, QUARANTINE

LIVE, BEFORE = "live", "before"
"""The published file and its private file, as they are attached for reading."""


@dataclass(frozen=True)
class Place:
    """One table of the policy where its rows stand: among the published ones, or set aside."""

    name: str
    """In the policy."""
    table: Table
    set_aside: bool

    @property
    def before(self) -> str:
        """Name the table that is read."""
        schema = f"{BEFORE}.{QUARANTINE}" if self.set_aside else f"{LIVE}.{ANALYTICS}"
        return f'{schema}."{self.published}"'

    @property
    def after(self) -> str:
        """Name the table that is written."""
        schema = f"private.{QUARANTINE}" if self.set_aside else ANALYTICS
        return f'{schema}."{self.published}"'

    @property
    def published(self) -> str:
        """Give the name under which analysts know the table."""
        return self.table.publish_as

    @property
    def key(self) -> str:
        """Quote the name of its key."""
        return f'"{self.table.primary_key}"'

    @property
    def doomed(self) -> str:
        """Name the temporary table of rows that leave."""
        return _doomed(self.name, self.set_aside)

    @property
    def marks(self) -> str:
        """Name the temporary table of rows that leave or change."""
        return f'"marks{" aside" * self.set_aside} {self.name}"'

    def keys_gone(self, target: str) -> str:
        """Select the keys of a table to which rows of this place may refer, with the fates by which they leave."""
        parts = [_doomed(target, aside) for aside in (False, True) if self.set_aside or not aside]
        return " union all ".join(f"select key, fate from {part} where key is not null" for part in parts)


def places(policy: Policy) -> Iterator[Place]:
    """Give all places, each after those to which its rows refer."""
    for name, table in policy.in_order():
        yield Place(name, table, set_aside=False)
        yield Place(name, table, set_aside=True)


def doom(
    connection: duckdb.DuckDBPyConnection, policy: Policy, suppressed: Iterable[Suppressed], as_of: datetime.date | None
) -> None:
    """Make the temporary tables of all places."""
    _list(connection, list(suppressed))
    for place in places(policy):
        ways = " union all ".join(f"({way})" for way in _ways(place, as_of))
        connection.execute(
            f"create temp table {place.doomed} as "
            f"select row, any_value(key) as key, min(fate)::utinyint as fate from ({ways}) group by row"
        )
    for place in places(policy):
        parts = [f"select row, fate from {place.doomed}"]
        links = references(policy, place.table)
        for column, (target, last) in links.items():
            gone = f"select * from ({place.keys_gone(target)}) where fate <= {last:d}"
            row = f"l.rowid as row, g.fate as {mark_of(column)}"
            parts.append(f'select {row} from {place.before} l join ({gone}) g on l."{column}" = g.key')
        least = "".join(f", min({mark_of(column)}) as {mark_of(column)}" for column in links)
        connection.execute(
            f"create temp table {place.marks} as "
            f"select row, min(fate) as fate{least} from ({' union all by name '.join(parts)}) group by row"
        )


def references(policy: Policy, table: Table) -> dict[str, tuple[str, Fate]]:
    """Name the columns that may name rows of a table, with the table and the last fate at which they are emptied.

    A token that is nowhere declared as a reference goes with the person whom it names, but not with an expired row:
    other rows may be named by it as well.
    """
    found: dict[str, tuple[str, Fate]] = {}
    for column, spec in table.columns.items():
        if not spec.extracted:
            continue
        if spec.references:
            found[column] = (spec.references, Fate.EXPIRED)
        elif isinstance(spec.treatment, Pseudonymize) and column != table.primary_key:
            named = (n for n, t in policy.tables.items() if t.columns[t.primary_key].treatment == spec.treatment)
            if target := next(named, None):
                found[column] = (target, Fate.OBJECTED)
    return found


def parents(table: Table) -> dict[str, Fate]:
    """Name the columns that lead to a parent, with the last of the fates that a row shares with it."""
    found: dict[str, Fate] = {}
    if table.subject.via:
        found[table.subject.via] = Fate.OBJECTED
    if table.via:
        found[table.via] = Fate.EXPIRED
    return found


def _ways(place: Place, as_of: datetime.date | None) -> Iterator[str]:
    """Give the ways to leave: rows with key and fate, as queries."""
    yield f"select rowid as row, {place.key} as key, 0::utinyint as fate from {place.before} where false"
    if place.table.subject.found_by:
        yield from _own(place)
    for column, last in parents(place.table).items():
        target = str(place.table.columns[column].references)
        yield (
            f"select l.rowid as row, l.{place.key} as key, g.fate from {place.before} l "
            f'join ({place.keys_gone(target)}) g on l."{column}" = g.key where g.fate <= {last:d}'
        )
    if as_of:
        expired = f"{EXPIRES_ON} <= {literal(as_of.isoformat())}::date"
        yield f"select rowid as row, {place.key} as key, {Fate.EXPIRED:d} as fate from {place.before} where {expired}"


def _own(place: Place) -> Iterator[str]:
    """Give the rows of suppressed people, by the private index or, where they were set aside, by their own columns."""
    named = {found.identifies for found in place.table.subject.found_by}
    if place.set_aside:
        columns = [*(f"{SUBJECT_COLUMNS[one]} as {one}" for one in named), f"{GENERATION} as generation"]
        rows = f"select {', '.join(columns)}, rowid as row, {place.key} as key from {place.before}"
    else:
        rows = f"select i.*, l.rowid as row from {index_of(place)} i join {place.before} l on l.{place.key} = i.key"
    spared = "exists (from spared p where p.number = s.number and p.generation = r.generation)"
    for identifies in named:
        # a row that names an account belongs to that account only
        alone = f" and r.{CUSTOMER} is null" if identifies == EMAIL and CUSTOMER in named else ""
        yield (
            f"select r.row, r.key, s.fate from ({rows}) r join suppressed s "
            f"on s.identifies = {literal(identifies)} and s.mac = r.{identifies} where not {spared}{alone}"
        )


def index_of(place: Place) -> str:
    """Name the private index of a published table, as it is read."""
    return f'{BEFORE}.{INDEX}."{place.published}"'


def mark_of(column: str) -> str:
    """Name the column of `marks` that tells the fate of the row that a column refers to."""
    return f'"to {column}"'


def _doomed(name: str, set_aside: bool) -> str:
    return f'"doomed{" aside" * set_aside} {name}"'


def _list(connection: duckdb.DuckDBPyConnection, suppressed: list[Suppressed]) -> None:
    """Make temporary tables of the suppressed, a line each, and of the generations that each erasure spares."""
    erased = [(n, one) for n, one in enumerate(suppressed) if one.fate == Fate.ERASED]
    spared = [(n, generation) for n, one in erased for generation in one.generations]
    listed = {
        "suppressed": pa.table(
            {
                "number": pa.array(range(len(suppressed)), pa.int32()),
                "fate": pa.array([int(one.fate) for one in suppressed], pa.uint8()),
                "identifies": pa.array([one.identifies for one in suppressed], pa.string()),
                "mac": pa.array([one.mac for one in suppressed], pa.uuid()),
            }
        ),
        "spared": pa.table(
            {
                "number": pa.array([n for n, _ in spared], pa.int32()),
                "generation": pa.array([generation for _, generation in spared], pa.uuid()),
            }
        ),
    }
    for name, lines in listed.items():
        connection.register("listed", lines)
        connection.execute(f"create temp table {name} as from listed")
        connection.unregister("listed")
