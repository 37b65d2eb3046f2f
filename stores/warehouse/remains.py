"""What a published state leaves without some rows, as far as it is the same in every database."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping

import pyarrow as pa

from privacy.errors import PolicyError, StoreError
from privacy.fates import Fate
from privacy.policy import Policy
from privacy.treat import EXPIRES_ON
from stores.quoting import identifier
from stores.warehouse import ANALYTICS, INDEX, MARTS, Remaining, Suppressed
from stores.warehouse.acceptance import refuse_unlike
from stores.warehouse.catalogue import columns_of, tables_of
from stores.warehouse.dialect import Asked, Dialect
from stores.warehouse.doom import Place, doom, mark_of, parents, places, references

RUN_FIRST = "Run `sluis run` once; it builds the warehouse from the source."


class RemainsInSQL:
    """Who decides, counts and compares; whoever inherits from it fills."""

    dialect: Dialect
    _session: Asked
    _policy: Policy
    _places: list[Place]

    def doom(self, policy: Policy, suppressed: Iterable[Suppressed], as_of: datetime.date | None) -> None:
        """Decide which rows leave, each with the first fate that applies."""
        self._policy, self._places = policy, list(places(policy, self.dialect))
        self._refuse_other_policy()
        doom(self._session, self.dialect, policy, suppressed, as_of)

    def counts(self) -> Mapping[str, Remaining]:
        """Count what leaves and what stays, by published name."""
        found = {}
        for published, aside in zip(self._places[::2], self._places[1::2], strict=True):
            found[published.published] = Remaining(
                self._rows(published.before),
                self._by_fate("fate", f"{published.marks} where fate is not null"),
                self._unlinked(published),
                self._rows(aside.before),
                self._by_fate("fate", f"{aside.marks} where fate is not null"),
            )
        return found

    def doomed_keys(self) -> Mapping[str, pa.Array]:
        """Give the published keys of the rows of suppressed people that leave, by published name."""
        theirs = f"where fate <= {Fate.OBJECTED:d}"
        return {
            place.published: self._session.column(f"select key from {place.doomed} {theirs}")
            for place in self._places
            if not place.set_aside
        }

    def accept(self) -> None:
        """Compare all that was written with what is published now."""
        refuse_unlike(self._session, self.dialect, self._policy, self._places, self._tables(MARTS))

    def _kept(self, place: Place) -> str:
        """Give the columns of a row `l` that stays, with the marks `m`, without its references to rows that leave."""
        links = references(self._policy, place.table)
        return ", ".join(
            f"case when m.{mark_of(name)} is null then l.{identifier(name)} end as {identifier(name)}"
            if name in links
            else f"l.{identifier(name)}"
            for name in self._columns(place.schema, place.published)
        )

    def _kept_index(self, place: Place) -> str:
        """Give the lines of a private index that stay."""
        gone = f"exists (select 1 from {place.doomed} d where d.key = i.key)"
        return f"select * from {place.index_before} as i where not {gone}"

    def _unlinked(self, place: Place) -> dict[str, dict[Fate, int]]:
        counted = {
            column: self._by_fate(
                mark_of(column), f"{place.marks} where fate is null and {mark_of(column)} is not null"
            )
            for column in references(self._policy, place.table)
        }
        return {column: fates for column, fates in counted.items() if fates}

    def _refuse_other_policy(self) -> None:
        """Refuse a policy that is not that of the published tables: what follows whom could not be told by it."""
        if unlike := set(self._tables(ANALYTICS)) ^ {place.published for place in self._places}:
            raise PolicyError(
                f"{self._policy.file}: not the policy of what is published: {_named(unlike)}.\n  {RUN_FIRST}"
            )
        for place in self._places[::2]:
            there = self._columns(ANALYTICS, place.published)
            if unlike := {f"{place.published}.{name}" for name in {*there} ^ {*place.table.columns, EXPIRES_ON}}:
                raise PolicyError(
                    f"{self._policy.file}: not the policy of what is published: {_named(unlike)}.\n  {RUN_FIRST}"
                )
            for column in parents(place.table):
                if not place.table.columns[column].extracted:
                    raise PolicyError(
                        f"{self._policy.file}: {place.name}.{column} leads to the parent and is suppressed, so that "
                        "what follows a person cannot be found without the source.\n  Pseudonymize it."
                    )
            self._refuse_missing_index(place)

    def _refuse_missing_index(self, place: Place) -> None:
        named = {found.identifies for found in place.table.subject.found_by}
        if not named <= {*self._columns(INDEX, place.published)}:
            raise StoreError(
                f"warehouse: {place.published} has no private index of {_named(named)}, so that nobody can be found "
                f"in it.\n  {RUN_FIRST}"
            )

    def _tables(self, schema: str) -> list[str]:
        return tables_of(self._session.rows, self.dialect.before[schema])

    def _columns(self, schema: str, table: str) -> list[str]:
        return [*columns_of(self._session.rows, self.dialect.before[schema], table)]

    def _rows(self, table: str) -> int:
        return int(self._session.rows(f"select count(*) from {table}")[0][0])

    def _by_fate(self, fate: str, of: str) -> dict[Fate, int]:
        counted = self._session.rows(f"select {fate}, count(*) from {of} group by {fate} order by {fate}")
        return {Fate(number): rows for number, rows in counted}


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
