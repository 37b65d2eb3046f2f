"""Which rows of what is published leave, in SQL over whole tables: two temporary tables for each of its tables.

`doomed`: row, key and fate of each row that leaves. `marks`: of these, and of each row that stays without some of its
references: row and fate, and by column the fate of the row that was referred to.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from privacy.fates import Fate
from privacy.policy import Policy, Table
from privacy.subjects import CUSTOMER, EMAIL, GENERATION, SUBJECT_COLUMNS
from privacy.treat import EXPIRES_ON
from privacy.treatments import Pseudonymize
from stores.quoting import identifier, literal
from stores.warehouse import ANALYTICS, INDEX, QUARANTINE, Suppressed
from stores.warehouse.dialect import Asked, Dialect


@dataclass(frozen=True)
class Place:
    """One table of the policy where its rows stand: among the published ones, or set aside."""

    dialect: Dialect
    name: str
    """In the policy."""
    table: Table
    set_aside: bool

    @property
    def schema(self) -> str:
        """Name the schema that holds it."""
        return QUARANTINE if self.set_aside else ANALYTICS

    @property
    def before(self) -> str:
        """Name the table that is read."""
        return self._in(self.dialect.before, self.schema)

    @property
    def after(self) -> str:
        """Name the table that is written."""
        return self._in(self.dialect.after, self.schema)

    @property
    def index_before(self) -> str:
        """Name the private index of a published table, as it is read."""
        return self._in(self.dialect.before, INDEX)

    @property
    def index_after(self) -> str:
        """Name the private index that is written."""
        return self._in(self.dialect.after, INDEX)

    @property
    def published(self) -> str:
        """Give the name under which analysts know the table."""
        return self.table.publish_as

    @property
    def key(self) -> str:
        """Quote the name of its key."""
        return identifier(self.table.primary_key)

    @property
    def doomed(self) -> str:
        """Name the temporary table of rows that leave."""
        return _doomed(self.name, self.set_aside)

    @property
    def marks(self) -> str:
        """Name the temporary table of rows that leave or change."""
        return identifier(f"marks{' aside' * self.set_aside} {self.name}")

    def keys_gone(self, target: str, last: Fate) -> str:
        """Select the keys of a table to which rows of this place may refer, that leave by one of the first fates."""
        parts = [_doomed(target, aside) for aside in (False, True) if self.set_aside or not aside]
        return " union all ".join(
            f"select key, fate from {part} where key is not null and fate <= {last:d}" for part in parts
        )

    def _in(self, schemas: Mapping[str, str], schema: str) -> str:
        return f"{schemas[schema]}.{identifier(self.published)}"


def places(policy: Policy, dialect: Dialect) -> Iterator[Place]:
    """Give all places, each after those to which its rows refer."""
    for name, table in policy.in_order():
        yield Place(dialect, name, table, set_aside=False)
        yield Place(dialect, name, table, set_aside=True)


def doom(
    session: Asked, dialect: Dialect, policy: Policy, suppressed: Iterable[Suppressed], as_of: datetime.date | None
) -> None:
    """Make the temporary tables of all places."""
    for name, lines in _lists(list(suppressed)).items():
        session.listed(name, lines)
    for place in places(policy, dialect):
        ways = " union all ".join(f"({way})" for way in _ways(place, as_of))
        least = "select row_id, key, cast(min(fate) as smallint) as fate"
        session.temporary(place.doomed, f"{least} from ({ways}) as ways group by row_id, key")
    for place in places(policy, dialect):
        session.temporary(place.marks, _marks(policy, place))


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


def mark_of(column: str) -> str:
    """Name the column of `marks` that tells the fate of the row that a column refers to."""
    return identifier(f"to {column}")


def _ways(place: Place, as_of: datetime.date | None) -> Iterator[str]:
    """Give the ways to leave: rows with key and fate, as queries."""
    row, before = f"l.{place.dialect.row_id} as row_id, l.{place.key} as key", f"{place.before} as l"
    yield f"select {row}, cast(0 as smallint) as fate from {before} where false"
    if place.table.subject.found_by:
        yield from _own(place)
    for column, last in parents(place.table).items():
        gone = place.keys_gone(str(place.table.columns[column].references), last)
        yield f"select {row}, g.fate from {before} join ({gone}) as g on l.{identifier(column)} = g.key"
    if as_of:
        expired = f"l.{EXPIRES_ON} <= date {literal(as_of.isoformat())}"
        yield f"select {row}, {Fate.EXPIRED:d} as fate from {before} where {expired}"


def _own(place: Place) -> Iterator[str]:
    """Give the rows of suppressed people, by the private index or, where they were set aside, by their own columns."""
    named, row_id = {found.identifies for found in place.table.subject.found_by}, place.dialect.row_id
    if place.set_aside:
        columns = [*(f"{SUBJECT_COLUMNS[one]} as {one}" for one in sorted(named)), f"{GENERATION} as generation"]
        rows = f"select {', '.join(columns)}, {row_id} as row_id, {place.key} as key from {place.before}"
    else:
        on = f"join {place.before} as l on l.{place.key} = i.key"
        rows = f"select i.*, l.{row_id} as row_id from {place.index_before} as i {on}"
    spared = "exists (select 1 from spared p where p.number = s.number and p.generation = r.generation)"
    for identifies in sorted(named):
        # a row that names an account belongs to that account only
        alone = f" and r.{CUSTOMER} is null" if identifies == EMAIL and CUSTOMER in named else ""
        yield (
            f"select r.row_id, r.key, s.fate from ({rows}) as r join suppressed s "
            f"on s.identifies = {literal(identifies)} and s.mac = r.{identifies} where not {spared}{alone}"
        )


def _marks(policy: Policy, place: Place) -> str:
    """Give the rows that leave, and those that refer to one that does, with their marks."""
    links = references(policy, place.table)
    unmarked = dict.fromkeys(("fate", *map(mark_of, links)), "cast(null as smallint)")

    def marked(**by: str) -> str:
        return ", ".join(f"{value} as {name}" for name, value in (unmarked | by).items())

    parts = [f"select row_id, {marked(fate='fate')} from {place.doomed}"]
    for column, (target, last) in links.items():
        on = f"({place.keys_gone(target, last)}) as g on l.{identifier(column)} = g.key"
        row = f"l.{place.dialect.row_id} as row_id, {marked(**{mark_of(column): 'g.fate'})}"
        parts.append(f"select {row} from {place.before} as l join {on}")
    least = ", ".join(f"min({name}) as {name}" for name in unmarked)
    return f"select row_id, {least} from ({' union all '.join(parts)}) as marks group by row_id"


def _doomed(name: str, set_aside: bool) -> str:
    return identifier(f"doomed{' aside' * set_aside} {name}")


def _lists(suppressed: list[Suppressed]) -> dict[str, pa.Table]:
    """Give the suppressed, a line each, and the generations that each erasure spares, as tables to be listed."""
    erased = [(n, one) for n, one in enumerate(suppressed) if one.fate == Fate.ERASED]
    spared = [(n, generation) for n, one in erased for generation in one.generations]
    return {
        "suppressed": pa.table(
            {
                "number": pa.array(range(len(suppressed)), pa.int32()),
                "fate": pa.array([int(one.fate) for one in suppressed], pa.int16()),
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
