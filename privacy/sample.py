"""Invented rows, and what a policy's treatments make of them: to look at a policy without looking at anybody.

Made by Faker out of what the policy declares: types, treatments, names of columns. Neither a source nor a real key is
needed; the same policy gives the same sample.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from privacy.keys import Epoch, Keys
from privacy.policy import Column, Policy, Table
from privacy.treat import TableTreater
from privacy.world import World

if TYPE_CHECKING:
    from faker import Faker

LOCALE = "nl_NL"
UNTIL = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
EVERYDAY_KEY = Keys(Epoch(0, UNTIL.date(), hashlib.sha256(b"sluis sample").digest()))
"""Known to everybody: nothing but samples is treated with it."""

_DRAWN_BY = {"phone": "phone_number", "ip": "ipv4", "province": "postcode", "browser_family": "user_agent"}
"""Faker's word for what a treatment reads, where it has another."""

Rows = list[dict[str, dict[str, str | None]]]
"""Of each row and column: the value `before` and `after`, as text."""


def sample(policy: Policy, rows: int) -> dict[str, Rows]:
    """Give some invented rows of each published table before and after their treatment."""
    from faker import Faker

    faker = Faker(LOCALE)
    faker.seed_instance(policy.version)
    world = World(policy, EVERYDAY_KEY, UNTIL.date(), UNTIL)
    return {
        table.publish_as: _treated(TableTreater(name, world), _invented(table, policy.time_zone, rows, faker))
        for name, table in policy.tables.items()
    }


def _treated(treater: TableTreater, columns: dict[str, pa.Array]) -> Rows:
    after = treater.treat_alone(columns).select(list(treater.table.columns))
    before = {name: columns[treater.table.source_of(name)] for name in after.schema.names}
    return [
        {name: {"before": _shown(before[name][row]), "after": _shown(after[name][row])} for name in before}
        for row in range(len(after))
    ]


def _shown(value: pa.Scalar) -> str | None:
    return None if value.as_py() is None else str(value.as_py())


def _invented(table: Table, time_zone: str, rows: int, faker: Faker) -> dict[str, pa.Array]:
    """Draw all columns, by source name; where another one stands in for a column, every third value is missing."""
    stood_in_for = {column.only_where_null for column in table.columns.values()}
    columns: dict[str, pa.Array] = {}
    for name, column in table.columns.items():
        draw = _drawn(name, column, faker)
        values = [None if name in stood_in_for and row % 3 == 2 else draw() for row in range(rows)]
        columns.setdefault(table.source_of(name), pa.array(values, column.type.arrow(time_zone)))
    return columns


def _drawn(name: str, column: Column, faker: Faker) -> Callable[[], Any]:
    match column.type.name:
        case "integer":
            return lambda: faker.random_int(1, 9999)
        case "decimal":
            return lambda: Decimal(faker.random_int(100, 99_999)).scaleb(-column.type.scale)
        case "double":
            return lambda: faker.random_int(0, 9999) / 100
        case "boolean":
            return faker.boolean
        case "date":
            return lambda: faker.date_between_dates(_years_ago(70), _years_ago(20))
        case "timestamp":
            return lambda: faker.date_time_between_dates(_years_ago(5), UNTIL, datetime.UTC).replace(microsecond=0)
        case "text":
            return _text(name, column, faker)


def _text(name: str, column: Column, faker: Faker) -> Callable[[], Any]:
    """Draw what the treatment reads; else what Faker knows by the column's name or a word of it; else any words."""
    treatment = column.treatment
    if groups := getattr(treatment, "groups", None):
        known = [value for values in groups.values() for value in values]
        return lambda: faker.random_element(known)
    hints = [getattr(treatment, hint, None) for hint in ("of", "to", "form")]
    for hint in (*hints, column.source, name, *name.split("_")):
        word = _DRAWN_BY.get(str(hint), str(hint))
        draw: Any = next((getattr(known, word) for known in faker.get_providers() if hasattr(known, word)), None)
        if word != "text" and callable(draw) and isinstance(_tried(draw), str):
            drawn: Callable[[], Any] = draw
            return drawn
    return lambda: faker.sentence(6) if column.role == "sensitive" else faker.word()


def _tried(draw: Callable[[], Any]) -> Any:
    """Draw once to see what comes of it; some of Faker's words want arguments."""
    try:
        return draw()
    except TypeError:
        return None


def _years_ago(years: int) -> datetime.datetime:
    return UNTIL.replace(year=UNTIL.year - years)
