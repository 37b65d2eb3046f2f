"""Erasure on the demo shop: in every table the rows of the erased leave, and every other row stays as it is.

Whose each row is follows from the shop's own rows in plain Python: by account, without one by address, or by a parent.
"""

from __future__ import annotations

import shutil
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Place, run_in_process
from tests.e2e.conftest import Run
from tests.independent_tokens import canonical
from tests.rights_shop import apply, asked, plan, sluis
from tests.shop_oracle import FOLLOWS, SOURCE_OF, WHOSE, Shop, Tokens

pytestmark = pytest.mark.long

DOMAINS = {"orders": "order"}
Who = tuple[str, Any]


@pytest.fixture
def place(demo: Run, tmp_path: Path) -> Place:
    """Give a copy of the demo shop after its run."""
    return Place(Path(shutil.copytree(demo.folder, tmp_path / "shop", ignore=shutil.ignore_patterns("prefect"))))


def owner(source: str, row: dict[str, Any]) -> Who | None:
    """Tell whose a row is by its own columns."""
    account, address = (row[column] if column else None for column in WHOSE[source])
    address = canonical(address, "email")
    return ("account", account) if account else ("address", address) if address else None


def chosen(shop: Shop) -> tuple[list[str], set[Who]]:
    """Choose an account with an address of its own, one that shares one, and a guest, all of them published."""
    orders, customers = shop.published("orders"), shop.published("customer")
    accounts_of: dict[str, set[Any]] = {}
    for source in WHOSE:
        for row in shop.tables[source].values():
            account, address = (row[column] if column else None for column in WHOSE[source])
            if account and canonical(address, "email"):
                accounts_of.setdefault(str(canonical(address, "email")), set()).add(account)
    ordered = Counter(row["customer_id"] for row in orders.values() if row["customer_id"] in customers)
    own = {a: {e for e, accounts in accounts_of.items() if accounts == {a}} for a in ordered}
    shared = {a for accounts in accounts_of.values() if len(accounts) > 1 for a in accounts}
    alone = next(a for a, _ in ordered.most_common() if a not in shared and own[a])
    sharing = next((a for a, _ in ordered.most_common() if a in shared), None)
    guests = Counter(canonical(r["email"], "email") for r in orders.values() if r["customer_id"] is None)
    guest = next(address for address, _ in guests.most_common() if address and address not in accounts_of)
    accounts = {account for account in (alone, sharing) if account}
    people = {("account", a) for a in accounts} | {("address", e) for a in accounts for e in own[a]}
    return [*(f"customer_id={a}" for a in accounts), f"email={str(guest).upper()}"], people | {("address", guest)}


def gone(shop: Shop, people: set[Who]) -> dict[str, set[int]]:
    """Name the published rows of some people, by source table."""
    theirs: dict[str, set[int]] = {}
    for source in SOURCE_OF.values():
        theirs[source] = {
            key
            for key, row in shop.tables[source].items()
            if (source in WHOSE and owner(source, row) in people)
            or (source in FOLLOWS and row[FOLLOWS[source][0]] in theirs.get(FOLLOWS[source][1], ()))
        }
    return {source: keys & shop.published(source).keys() for source, keys in theirs.items()}


def rows(place: Place) -> dict[str, Counter[tuple[Any, ...]]]:
    """Give every published table's rows."""
    tables = place.rows("select table_name from duckdb_tables() where schema_name = 'analytics'")
    return {str(name): Counter(place.rows(f'from analytics."{name}"')) for (name,) in tables}


def without(row: tuple[Any, ...], tokens: set[uuid.UUID]) -> tuple[Any, ...]:
    """Give a row without its references to those who are gone."""
    return tuple(None if isinstance(value, uuid.UUID) and value in tokens else value for value in row)


@pytest.mark.parametrize("way", ["erase apply", "run"])
def test_in_every_table_the_rows_of_the_erased_leave_and_every_other_row_is_the_same(
    place: Place, shop: Shop, way: str
) -> None:
    lines, people = chosen(shop)
    leave = gone(shop, people)
    before = rows(place)
    keys = {p: f"{'order' if s == 'orders' else s}_id" for p, s in SOURCE_OF.items()}
    domains = {p: DOMAINS.get(s, s) for p, s in SOURCE_OF.items()}
    tokens = {p: set(Tokens.of(place.keyring).of_values([*leave[s]], domains[p])) for p, s in SOURCE_OF.items()}
    guests = [address for kind, address in people if kind == "address"]
    tokens["guests"] = set(Tokens.of(place.keyring).of_values(guests, "guest", "email"))
    keys["guests"] = "guest_id"
    asked(place, "E2E-1", *lines)

    if way == "run":
        outcome = run_in_process("run", "--output", "json", **place.environment)
    else:
        place.source.rename(place.source.with_name("moved.away"))
        outcome = apply(place, plan(place)["plan_hash"])

    assert outcome.exit_code == 0, outcome.said
    after = rows(place)
    everybody = set().union(*tokens.values())
    assert sum(map(len, leave.values())) > 20, "there was something to erase"
    for name, stood in before.items():
        columns = [c for (c,) in place.rows(f"select column_name from (describe analytics.{name})")]
        at = columns.index(keys[name])
        stay = Counter({row: n for row, n in stood.items() if row[at] not in tokens[name]})
        if name != "guests":
            assert stood.total() - stay.total() == len(leave[SOURCE_OF[name]]), name
        assert after[name].total() == stay.total(), name
        assert Counter(without(row, everybody) for row in stay.elements()) == after[name], name
    assert not everybody & {v for table in after.values() for row in table for v in row if isinstance(v, uuid.UUID)}
    assert sluis(place, "erase", "verify", "--reference", "E2E-1").exit_code == 0
