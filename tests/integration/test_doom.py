"""Who leaves is decided by the rules: SQL over whole tables agrees with a loop over rows that says them one by one."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.fates import Fate
from privacy.treat import REASON, staged_schema
from stores.warehouse import Suppressed
from stores.warehouse.doom import doom, mark_of, places
from stores.warehouse.duckdb_remains import DUCKDB
from stores.warehouse.duckdb_session import DuckDBSession
from tests.small_warehouse import LATER, SEAL, Row, Rows, at, batch_of, contents, mac, policy, publish, record

TODAY = datetime.date(2026, 11, 1)
BY = {"buyer": "customer email", "sale": "customer email", "guest": "email", "letter": "customer", "chat": "email"}
PARENTS = {"line": ("sale_id", "sale", Fate.EXPIRED), "invoice": ("sale_id", "sale", Fate.OBJECTED)}
REFERENCES = {
    "sale": {"buyer_id": ("buyer", Fate.EXPIRED), "guest_id": ("guest", Fate.EXPIRED)},
    "line": {"sale_id": ("sale", Fate.EXPIRED), "article_id": ("article", Fate.EXPIRED)},
    "invoice": {"sale_id": ("sale", Fate.EXPIRED)},
    "letter": {"invoice_id": ("invoice", Fate.EXPIRED), "buyer_id": ("buyer", Fate.EXPIRED)},
    "chat": {"guest_token": ("guest", Fate.OBJECTED)},
}
ORDER = ("buyer", "guest", "sale", "article", "line", "invoice", "letter", "chat")
POLICY = policy()


@dataclass(frozen=True)
class Shop:
    """Rows published and set aside, who is suppressed, and the day."""

    published: Rows
    aside: Rows
    suppressed: Sequence[Suppressed]
    as_of: datetime.date | None


class Rules:
    """The rules of doom, one row at a time."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.fates: dict[tuple[str, bool], list[Fate | None]] = {}
        for name in ORDER:
            for aside in (False, True):
                rows = (shop.aside if aside else shop.published).get(name, ())
                self.fates[name, aside] = [min(self.reasons(name, aside, row), default=None) for row in rows]

    def reasons(self, name: str, aside: bool, row: Row) -> Iterator[Fate]:
        """Give every fate that applies to a row."""
        customer = row.get("_customer") if "customer" in BY.get(name, "") else None
        email = row.get("_email") if "email" in BY.get(name, "") else None
        who = ("email", email) if customer is None else ("customer", customer)
        for one in self.shop.suppressed:
            back = row.get("_generation") is not None and mac(row["_generation"]) in one.generations
            same = who[1] is not None and (one.identifies, one.mac) == (who[0], mac(who[1]))
            if same and not (back and one.fate == Fate.ERASED):
                yield one.fate
        if name in PARENTS:
            column, parent, last = PARENTS[name]
            yield from self.gone(parent, aside, row.get(column), last)
        if self.shop.as_of and row["_expires_on"] <= self.shop.as_of:
            yield Fate.EXPIRED

    def gone(self, target: str, aside: bool, key: int | None, last: Fate) -> Iterator[Fate]:
        """Give the fates of the rows under a key that leave; what is set aside may refer to what is set aside."""
        for where in {False, aside}:
            rows = (self.shop.aside if where else self.shop.published).get(target, ())
            for row, fate in zip(rows, self.fates[target, where], strict=True):
                if key is not None and fate and fate <= last and row.get(f"{target}_id") == key:
                    yield fate

    def emptied(self, name: str, aside: bool, row: Row) -> dict[str, Fate]:
        """Give the references of a row that become NULL."""
        links = REFERENCES.get(name, {}).items()
        fates = {c: min(self.gone(target, aside, row.get(c), last), default=None) for c, (target, last) in links}
        return {column: fate for column, fate in fates.items() if fate}

    def remaining(self, name: str, aside: bool) -> list[dict[str, Any]]:
        """Give the rows that stay, as they will be."""
        rows = (self.shop.aside if aside else self.shop.published).get(name, ())
        return [
            {c: v for c, v in row.items() if v is not None and c not in self.emptied(name, aside, row)}
            for row, fate in zip(rows, self.fates[name, aside], strict=True)
            if not fate
        ]


def rows_of(pick: Any, name: str, key: int | None) -> dict[str, Any]:
    """Make a row; `pick` chooses one of several values."""
    columns = {column: pick([None, 1, 2, 3]) for column in REFERENCES.get(name, {})}
    subject = {f"_{by}": pick([None, 101, 102]) for by in BY.get(name, "").split()}
    generation = {"_generation": pick([None, None, 71, 72])} if subject else {}
    return {f"{name}_id": key, **columns, "_expires_on": pick([TODAY, LATER, LATER]), **subject, **generation}


def shop_of(pick: Any, most: int) -> Shop:
    """Make a shop with up to `most` rows a table."""
    sizes = {name: pick(range(most + 1)) for name in ORDER}
    published = {name: [rows_of(pick, name, key + 1) for key in range(size)] for name, size in sizes.items()}
    aside = {
        name: [{**rows_of(pick, name, pick([None, 1, 2, 9])), REASON: "strange"} for _ in range(pick([0, 1, 3]))]
        for name in ORDER
    }
    fates, generations = (Fate.ERASED, Fate.RESTRICTED, Fate.OBJECTED), ([], [71], [71, 72])
    suppressed = [
        Suppressed(
            pick(fates), pick(["customer", "email"]), mac(pick([101, 102])), frozenset(map(mac, pick(generations)))
        )
        for _ in range(pick(range(4)))
    ]
    return Shop(published, aside, suppressed, pick([None, TODAY]))


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    return shop_of(lambda values: draw(st.sampled_from(values)), 4)


def in_memory(shop: Shop) -> duckdb.DuckDBPyConnection:
    """Give a connection that reads a shop as if it were published."""
    connection = duckdb.connect()
    for database, schemas in {"live": ["analytics"], "before": ["sluis_private", "sluis_quarantine"]}.items():
        connection.execute(f"attach ':memory:' as {database}")
        for schema in schemas:
            connection.execute(f"create schema {database}.{schema}")
    for name, table in POLICY.in_order():
        schema = staged_schema(POLICY, table)
        staged = batch_of(schema, shop.published.get(name, ()))
        aside = batch_of(schema.append(pa.field(REASON, pa.string())), shop.aside.get(name, ()))
        for rows, to in ((staged, f"live.analytics.{name}s"), (aside, f"before.sluis_quarantine.{name}s")):
            connection.register("staged", pa.Table.from_batches([rows]))
            connection.execute(f"create table {to} as from staged")
        if name in BY:
            subject = ", ".join(f"_{by} as {by}" for by in (*BY[name].split(), "generation"))
            index = f"select {name}_id as key, {subject} from live.analytics.{name}s"
            connection.execute(f"create table before.sluis_private.{name}s as {index}")
    return connection


@settings(max_examples=40, deadline=None)
@given(shops())
def test_rows_leave_by_the_rules_and_no_others(shop: Shop) -> None:
    rules, found, told = Rules(shop), {}, {}
    with in_memory(shop) as connection:
        doom(DuckDBSession(connection), DUCKDB, POLICY, shop.suppressed, shop.as_of)
        for place in places(POLICY, DUCKDB):
            columns = REFERENCES.get(place.name, {})
            marks = ", ".join(["row_id", "fate", *map(mark_of, columns)])
            found[place.name, place.set_aside] = {
                row: (fate, {column: n for column, n in zip(columns, references, strict=True) if n})
                for row, fate, *references in connection.execute(f"select {marks} from {place.marks}").fetchall()
            }

    for (name, aside), fates in rules.fates.items():
        rows = (shop.aside if aside else shop.published).get(name, ())
        marked = [(fate, rules.emptied(name, aside, row)) for row, fate in zip(rows, fates, strict=True)]
        told[name, aside] = {at: mark for at, mark in enumerate(marked) if mark != (None, {})}
    assert found == told


def test_what_remains_of_a_large_shop_is_what_the_rules_leave(tmp_path: Path) -> None:
    shop = Shop(large(random.Random(2)), large(random.Random(3), REASON), erased_of_each_kind(), TODAY)
    warehouse, rules = at(tmp_path), Rules(shop)
    publish(warehouse, shop.published, shop.aside)

    with warehouse.exclusive("run-2"), warehouse.remains("run-2") as remains:
        remains.doom(POLICY, shop.suppressed, shop.as_of)
        counts = remains.counts()
        remains.fill()
        remains.accept()
        remains.seal(record("run-2"), SEAL)
        remains.publish()

    shown, aside, index = contents(warehouse)
    assert {name: list(rows) for name, rows in aside.items()} == {n: rules.remaining(n, True) for n in ORDER}
    kept = {name: rules.remaining(name, False) for name in ORDER}
    of_subject = ("_customer", "_email", "_generation")
    assert shown == {n: [{c: v for c, v in row.items() if c not in of_subject} for row in kept[n]] for n in ORDER}
    assert index == {
        n: [{"key": row[f"{n}_id"], **{c[1:]: row[c] for c in of_subject if c in row}} for row in kept[n]] for n in BY
    }
    assert {n: sum(counts[f"{n}s"].removed.values()) for n in ORDER} == {
        n: len(shop.published[n]) - len(kept[n]) for n in ORDER
    }
    assert all(0 < len(kept[name]) < len(shop.published[name]) for name in BY | PARENTS), "a table that shows nothing"


def large(chance: random.Random, reason: str | None = None) -> Rows:
    """Make 150 rows a table, whose references and people are many."""

    def pick(values: Sequence[Any]) -> Any:
        if values == [None, 1, 2, 3]:
            return chance.choice([None, *range(1, 151)])
        return chance.choice([None, *range(101, 131)]) if values == [None, 101, 102] else chance.choice(values)

    return {
        name: [rows_of(pick, name, key) | ({reason: "strange"} if reason else {}) for key in range(1, 151)]
        for name in ORDER
    }


def erased_of_each_kind() -> list[Suppressed]:
    """Suppress some of the people of a large shop."""
    fates: Mapping[int, Fate] = {0: Fate.ERASED, 1: Fate.RESTRICTED, 2: Fate.OBJECTED}
    spared = frozenset({mac(71)})
    return [
        Suppressed(fates[n % 3], "customer" if n % 2 else "email", mac(101 + n), spared if n % 3 == 0 else frozenset())
        for n in range(12)
    ]
