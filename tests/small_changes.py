"""Changes of the small warehouse made by hand: rows that leave by their numbers, rows that come as dictionaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa

from privacy.treat import REASON, staged_schema
from stores.warehouse import Warehouse
from stores.warehouse.changes import Changes
from tests.small_warehouse import SEAL, Row, Rows, batch_of, contents, mac, policy, record

Numbers = Mapping[str, Sequence[int]]
"""By source name: rows, by the numbers that their tokens are."""


def keys(numbers: Sequence[int]) -> pa.Array:
    """Give the tokens that numbers stand for."""
    return pa.array([mac(number) for number in numbers], pa.uuid())


def numbers(found: pa.Array) -> list[int]:
    """Give the numbers that tokens stand for, in their order."""
    return sorted(int.from_bytes(value) for value in found.storage.to_pylist())


@contextmanager
def changing(warehouse: Warehouse, run_id: str = "run-2") -> Iterator[Changes]:
    """Hold a warehouse and begin to change it."""
    made = warehouse.changes(run_id)
    assert made is not None
    with warehouse.exclusive(run_id), made as changes:
        yield changes


def replace(changes: Changes, leaving: Numbers, come: Rows, aside: Rows = {}) -> None:  # noqa: B006
    """Replace rows of every table; those that come are named as leaving, as a run names them."""
    rules = policy()
    for name, table in rules.in_order():
        schema = staged_schema(rules, table)
        seen = [row[table.primary_key] for rows in (come, aside) for row in rows.get(name, ())]
        batch = batch_of(schema, come.get(name, ()))
        leave = keys([*leaving.get(name, ()), *seen])
        changes.replace(table.publish_as, leave, schema, iter([batch]), len(batch), table.primary_key)
        set_aside = batch_of(schema.append(pa.field(REASON, pa.string())), aside.get(name, ()))
        changes.quarantine(table.publish_as, pa.Table.from_batches([set_aside]))


def change(warehouse: Warehouse, leaving: Numbers, come: Rows, aside: Rows = {}) -> list[str]:  # noqa: B006
    """Change what is published; give the warnings."""
    with changing(warehouse) as changes:
        replace(changes, leaving, come, aside)
        changes.seal(record("run-2"), SEAL)
        changes.publish()
        return changes.warnings


def sorted_contents(warehouse: Warehouse) -> list[dict[str, list[Row]]]:
    """Give what is published, set aside and indexed, whatever the order of rows."""
    return [
        {name: sorted(rows, key=lambda row: sorted(row.items(), key=str).__repr__()) for name, rows in part.items()}
        for part in contents(warehouse)
    ]


def after(before: Rows, leaving: Numbers, come: Rows, others: Rows) -> Rows:
    """Give rows as they will be. others: rows that come elsewhere, of which none stays here."""
    found = {}
    for name, table in policy().in_order():
        key = table.primary_key
        gone = {*leaving.get(name, ()), *(row[key] for rows in (come, others) for row in rows.get(name, ()))}
        found[name] = [row for row in before.get(name, ()) if row[key] not in gone] + [*come.get(name, ())]
    return found
