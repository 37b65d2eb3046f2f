"""Looking row by row for people who were to be gone, apart from what took them out.

Every line of the private index and of quarantine is compared with the MACs, and every column of tokens of every table
with the keys of rows that left, where these are known. Keys that are no tokens are not looked for.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from privacy.fates import Fate
from privacy.macs import MAC
from privacy.subjects import CUSTOMER, GENERATION, SUBJECT_COLUMNS
from stores.quoting import identifier
from stores.warehouse import ANALYTICS, INDEX, QUARANTINE, Found, Suppressed
from stores.warehouse.catalogue import columns_of, tables_of
from stores.warehouse.dialect import Asked

MACS, KEYS = "sought_macs", "sought_keys"
"""Temporary tables of what is sought."""


@dataclass(frozen=True)
class Looked:
    """What was found by row, and the MACs and keys that no row may hold: those for which bytes can be searched."""

    found: Found
    nowhere: frozenset[bytes]


def look_by_row(
    session: Asked,
    schemas: Mapping[str, str],
    elsewhere: Iterable[str],
    suppressed: Sequence[Suppressed],
    keys: Mapping[str, pa.Array],
) -> Looked:
    """Look for people, and for the keys of rows that left (by published name), in every table.

    schemas: where the published ones are read. elsewhere: schemas in which nothing should be left.
    """
    people = People(suppressed)
    tokens = {bytes(key) for some in keys.values() if some.type == pa.uuid() for key in some.storage.to_pylist()}
    session.listed(MACS, _list(people.macs))
    session.listed(KEYS, _list(tokens))
    index, published, aside = schemas[INDEX], schemas[ANALYTICS], schemas[QUARANTINE]
    theirs = {schema: people.rows(session, schema, "_" * (schema == aside)) for schema in (index, aside)}
    hold = {schema: _holding(session, schema, KEYS) if tokens else {} for schema in (published, index, aside)}
    unindexed = {
        table: abs(_count(session, published, table) - _count(session, index, table))
        for table in tables_of(session.rows, index)
    }
    left = {
        f"{schema}.{table}": rows
        for schema in elsewhere
        for table, rows in _holding(session, schema, MACS, KEYS).items()
    }
    found = Found(
        index=_larger(theirs[index], hold[index]),
        published=_larger(hold[published]),
        quarantine=_larger(theirs[aside], hold[aside]),
        unindexed=_larger(unindexed),
        elsewhere=_larger(left),
        staying=len(people.staying),
    )
    return Looked(found, frozenset((people.macs - people.staying) | tokens))


class People:
    """Those who were to be gone, recognised row by row as the rules say it: by account, or without one by address."""

    def __init__(self, suppressed: Sequence[Suppressed]) -> None:
        self._by_mac: dict[str, dict[bytes, list[Suppressed]]] = {name: defaultdict(list) for name in SUBJECT_COLUMNS}
        for one in suppressed:
            self._by_mac[one.identifies][one.mac].append(one)
        self.macs = {mac for by_mac in self._by_mac.values() for mac in by_mac}
        self.staying: set[bytes] = set()
        """MACs that were met in rows which stay by right."""

    def rows(self, session: Asked, schema: str, prefix: str) -> dict[str, int]:
        """Count the rows that are theirs in each table of a schema, whose columns of people begin with a prefix."""
        counted = {}
        for table in tables_of(session.rows, schema):
            there = columns_of(session.rows, schema, table)
            names = [name for name in SUBJECT_COLUMNS if f"{prefix}{name}" in there]
            columns = [f"{prefix}{name}" for name in (*names, GENERATION.removeprefix("_"))]
            met = " or ".join(f"{prefix}{name} in (select value from {MACS})" for name in names)
            rows = f"select {', '.join(columns)} from {schema}.{identifier(table)} where {met}"
            counted[table] = sum(self._is_theirs(names, row) for row in session.rows(rows)) if names else 0
        return counted

    def _is_theirs(self, names: Sequence[str], row: tuple[uuid.UUID | None, ...]) -> bool:
        """Tell whether a row is to be gone; note MACs that it holds by right."""
        *values, generation = (None if value is None else value.bytes for value in row)
        by = dict(zip(names, values, strict=True))
        theirs = False
        for identifies, mac in by.items():
            if mac is None or not (meant := self._by_mac[identifies].get(mac)):
                continue
            of_another = identifies != CUSTOMER and by.get(CUSTOMER) is not None
            if of_another or all(one.fate == Fate.ERASED and generation in one.generations for one in meant):
                self.staying.add(mac)
            else:
                theirs = True
        return theirs


def _holding(session: Asked, schema: str, *lists: str) -> dict[str, int]:
    """Count the rows of each table of a schema that hold anything listed in any column of tokens."""
    listed = " union all ".join(f"select value from {name}" for name in lists)
    counted = {}
    for table in tables_of(session.rows, schema):
        kinds = columns_of(session.rows, schema, table)
        held = [f"{identifier(name)} in ({listed})" for name, kind in kinds.items() if kind == "uuid"]
        counted[table] = _count(session, schema, table, " or ".join(held)) if held else 0
    return counted


def _list(values: Iterable[bytes]) -> pa.Table:
    return pa.table({"value": pa.ExtensionArray.from_storage(pa.uuid(), pa.array(sorted(values), MAC))})


def _count(session: Asked, schema: str, table: str, where: str = "true") -> int:
    return int(session.rows(f"select count(*) from {schema}.{identifier(table)} where {where}")[0][0])


def _larger(*counts: Mapping[str, int]) -> dict[str, int]:
    """Of several counts of a table's rows, which may be of the same rows, give the largest, where there is any."""
    largest = {table: max(count.get(table, 0) for count in counts) for count in counts for table in count}
    return {table: rows for table, rows in largest.items() if rows}
