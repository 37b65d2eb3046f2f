"""What a published state in PostgreSQL leaves without some rows: new tables, filled from the old ones in the server.

New ones, because a row that is deleted stays in the files of its table until nobody says when. The source is not asked.
"""

from __future__ import annotations

import sqlalchemy as sa

from privacy.errors import StoreError
from stores.quoting import identifier
from stores.warehouse import ANALYTICS, INDEX, MARTS, QUARANTINE
from stores.warehouse.dialect import Dialect
from stores.warehouse.doom import Place
from stores.warehouse.postgresql_layout import STAGED
from stores.warehouse.postgresql_session import Session
from stores.warehouse.postgresql_state import NewState
from stores.warehouse.postgresql_tables import add_key, comments_of, finish, without_statistics
from stores.warehouse.remains import RemainsInSQL

POSTGRESQL = Dialect(
    before={schema: schema for schema in (ANALYTICS, MARTS, INDEX, QUARANTINE)},
    after=STAGED,
    row_id="ctid",
    sums=", ".join(f"sum(hashtextextended(whole::text, {seed})::numeric)" for seed in (0, 1)),
)


class PostgreSQLRemains(RemainsInSQL, NewState):
    """A new state made of the published one, by the session that holds the warehouse."""

    dialect = POSTGRESQL
    _session: Session

    def __init__(self, url: sa.URL, holding: Session) -> None:
        super().__init__(url, holding)
        self._session = holding
        if not self._tables(ANALYTICS):
            self.close()
            raise StoreError(f"warehouse: nothing is published in {url.database} yet, so nothing can leave it.")

    def fill(self) -> None:
        """Write the rows that stay, in their order, without their references to rows that leave."""
        for place in self._places:
            self._copy(place)
            if place.table.subject.found_by and not place.set_aside:
                self._make(place.index_after, f"{self._kept_index(place)} order by i.ctid")
                self._keep_private(INDEX, place.published)
        for name in self._tables(MARTS):
            after, before = f"{STAGED[MARTS]}.{identifier(name)}", f"{MARTS}.{identifier(name)}"
            self._make(after, f"select * from {before} order by ctid")
            finish(self._session, after, comments_of(self._session, before))

    def close(self) -> None:
        """Leave nothing of it, nor of whom it was about."""
        super().close()
        self._holding.forget_temporary()

    def _copy(self, place: Place) -> None:
        stays = f"left join {place.marks} as m on m.row_id = l.ctid where m.fate is null order by l.ctid"
        self._make(place.after, f"select {self._kept(place)} from {place.before} as l {stays}")
        if place.set_aside:
            self._keep_private(QUARANTINE, place.published)
        else:
            add_key(self._session, STAGED[ANALYTICS], place.published, place.table.primary_key)
            finish(self._session, place.after, comments_of(self._session, place.before))

    def _make(self, table: str, rows: str) -> None:
        """Make a table of rows that lie in it as they come: an insert would put some where room is left before."""
        self._session.execute(f"create table {table} as {rows}")

    def _keep_private(self, schema: str, table: str) -> None:
        without_statistics(self._session, f"{STAGED[schema]}.{identifier(table)}", self._columns(schema, table))
