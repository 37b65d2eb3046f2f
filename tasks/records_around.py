"""The records around others: what a procedure about an order may need as well, found by the policy's references.

Rows that refer to a record, and those that refer to them, as far as that goes; and the rows that a record itself refers
to, one step. People as such and the catalogue are left aside: they tie everything to everything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from privacy.policy import Policy, Table
from privacy.retention_rules import Unlimited
from stores.source import Reading
from tasks.extraction import Extraction

Keys = Mapping[str, pa.Array]
"""Keys of records, by source table."""


def present(extraction: Extraction, wanted: Keys) -> Keys:
    """Give those of some records that the source has."""
    found = {}
    for name, keys in wanted.items():
        key = _key(extraction.world.policy.tables[name])
        there = [_those(columns[key], columns[key], keys) for columns in _read(extraction, name, ())]
        found[name] = _joined(there, keys.type)
    return found


def around(extraction: Extraction, records: Keys) -> Keys:
    """Give the records around some others, by source table; not those themselves."""
    policy = extraction.world.policy
    met, above = dict(records), defaultdict[str, list[pa.Array]](list)
    for name, table in policy.in_order():  # a table comes after those it refers to
        links = _links(policy, name)
        if not links or not (name in records or met.keys() & set(links.values())):
            continue
        below = [met[name]] if name in met else []
        for columns in _read(extraction, name, links):
            key = columns[_key(table)]
            for link, target in links.items():
                if target in met:
                    below.append(_those(key, columns[link], met[target]))
                if name in records:
                    above[target].append(_those(columns[link], key, records[name]))
        met[name] = _joined(below, table.key_type.arrow(policy.time_zone))
    higher = {name: _joined(keys, policy.tables[name].key_type.arrow(policy.time_zone)) for name, keys in above.items()}
    for name, keys in present(extraction, higher).items():
        met[name] = _joined([met[name], keys] if name in met else [keys], keys.type)
    beside = {name: _without(keys, records.get(name)) for name, keys in met.items()}
    return {name: keys for name, keys in beside.items() if len(keys)}


def _links(policy: Policy, name: str) -> dict[str, str]:
    """Name the source columns of a table that lead to records of others, with these."""
    table = policy.tables[name]
    return {
        table.source_of(column): spec.references
        for column, spec in table.columns.items()
        if spec.references and spec.extracted and not {name, spec.references} & _left_aside(policy)
    }


def _left_aside(policy: Policy) -> set[str]:
    return {name for name, table in policy.tables.items() if table.derived or _ties(table)}


def _ties(table: Table) -> bool:
    """Tell whether a table's rows are people as such, or nobody's without limit."""
    is_person = any(identifier.column == table.primary_key for identifier in table.subject.found_by)
    return is_person or isinstance(table.retention, Unlimited)


def _read(extraction: Extraction, name: str, links: Iterable[str]) -> Iterator[dict[str, pa.Array]]:
    table = extraction.world.policy.tables[name]
    wanted = {_key(table), *links}
    kinds = {table.source_of(c): spec.type for c, spec in table.columns.items() if table.source_of(c) in wanted}
    return extraction.look_at(Reading(name, kinds), "records")


def _key(table: Table) -> str:
    return table.source_of(table.primary_key)


def _those(values: pa.Array, by: pa.Array, wanted: pa.Array) -> pa.Array:
    return values.filter(pc.is_in(by, value_set=wanted))


def _joined(parts: list[pa.Array], kind: pa.DataType) -> pa.Array:
    return pa.chunked_array(parts, kind).unique().drop_null()


def _without(keys: pa.Array, some: pa.Array | None) -> pa.Array:
    return keys if some is None else keys.filter(pc.invert(pc.is_in(keys, value_set=some)))
