"""Changes are made to what is published in PostgreSQL: some rows leave, staged ones come, no other is touched.

All of it is done in the caller's transaction, and shown there: by counts, and by the system column `xmin`, which names
the transaction that wrote a row. The tables are searched through for it, no row leaves the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from privacy.errors import VerificationError
from stores.quoting import identifier
from stores.warehouse import ANALYTICS, INDEX, QUARANTINE
from stores.warehouse.postgresql_layout import SCRATCH, STAGED
from stores.warehouse.postgresql_session import Session

WAY_OUT = (
    "\n  The warehouse is as it was. Run `sluis run --full`, which builds it from the source, and tell the makers of "
    "Sluis."
)


@dataclass(frozen=True)
class Changed:
    """A published table of which rows are replaced."""

    table: str
    key: str
    """The name of its primary key."""
    indexed: bool
    """Whether it is known whose its rows are."""

    @property
    def published(self) -> str:
        """Name the published table in a statement."""
        return f"{ANALYTICS}.{identifier(self.table)}"

    @property
    def staged(self) -> str:
        """Name the table of the rows that come."""
        return f"{STAGED[ANALYTICS]}.{identifier(self.table)}"

    @property
    def aside(self) -> str:
        """Name the table of the rows that were set aside."""
        return f"{QUARANTINE}.{identifier(self.table)}"

    @property
    def leaving_name(self) -> str:
        """Name the table of the keys (`key`) of all rows that leave, if they are there."""
        return f"{self.table} leaving"

    @property
    def leaving(self) -> str:
        """Name it in a statement."""
        return f"{SCRATCH}.{identifier(self.leaving_name)}"

    @property
    def whole(self) -> str:
        """Give all rows as they will be."""
        return f"(select l.* from {self.published} as l where {self._stays} union all select * from {self.staged})"

    @property
    def gone(self) -> str:
        """Give the keys that are published now and will not be, in the key's column."""
        key = identifier(self.key)
        there = f"exists (select 1 from {self.published} as l where l.{key} = g.key)"
        comes = f"exists (select 1 from {self.staged} as s where s.{key} = g.key)"
        return f"(select g.key as {key} from {self.leaving} as g where {there} and not {comes})"

    def counted(self, changed: bool, groups: bool) -> str:
        """Ask how many rows will be published, and how many set aside, of a derived table groups."""
        key = identifier(self.key)
        asides = f"count(distinct {key})" if groups else "count(*)"
        if not changed:
            return f"select (select count(*) from {self.published}), (select {asides} from {self.aside})"
        leave = f"(select count(*) from {self.published} where {key} in (select key from {self.leaving}))"
        stay = f"select {key} from {self.aside} as l where {self._stays}"
        comes = f"select {key} from {STAGED[QUARANTINE]}.{identifier(self.table)}"
        return (
            f"select (select count(*) from {self.published}) - {leave} + (select count(*) from {self.staged}), "
            f"(select {asides} from ({stay} union all {comes}) as aside)"
        )

    @property
    def _stays(self) -> str:
        return f"not exists (select 1 from {self.leaving} as g where g.key = l.{identifier(self.key)})"

    def merge(self, session: Session) -> None:
        """Let rows leave and come; VerificationError where anything else is found changed afterwards."""
        moved = [self._move(session, *part) for part in self._parts()]
        if self.indexed and len({*moved[:2]}) > 1:
            raise VerificationError(f"{self.table}: its private index did not change as its rows did.{WAY_OUT}")

    @property
    def places(self) -> list[str]:
        """Name the tables in which rows leave and come."""
        return [before for _, before, *_ in self._parts()]

    def _parts(self) -> Iterator[tuple[str, str, str, str]]:
        table = identifier(self.table)
        yield self.table, self.published, self.staged, identifier(self.key)
        if self.indexed:
            yield f"index of {self.table}", f"{INDEX}.{table}", f"{STAGED[INDEX]}.{table}", "key"
        yield f"{self.table} in quarantine", self.aside, f"{STAGED[QUARANTINE]}.{table}", identifier(self.key)

    def _move(self, session: Session, told: str, before: str, staged: str, key: str) -> tuple[int, int]:
        """Delete and insert in one table; give how many rows left and came."""
        leave = f"{key} in (select key from {self.leaving})"
        counted = f"select (select count(*) from {before}), (select count(*) from {before} where {leave}), "
        ((were, left, came),) = session.rows(f"{counted}(select count(*) from {staged})")
        names = ", ".join(identifier(name) for (name,) in session.rows(_COLUMNS, [staged]))
        session.execute(f"delete from {before} where {leave}")
        session.execute(f"insert into {before} ({names}) select {names} from {staged} order by {key}")
        ((are, written),) = session.rows(
            f"select count(*), count(*) filter (where xmin = pg_current_xact_id()::xid) from {before}"
        )
        if are != were - left + came or written != came:
            raise VerificationError(
                f"{told}: {were:,} rows were there, {left:,} were to leave and {came:,} to come; "
                f"{are:,} are there now, {written:,} of them written.{WAY_OUT}"
            )
        return left, came


_COLUMNS = (
    "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum"
)
