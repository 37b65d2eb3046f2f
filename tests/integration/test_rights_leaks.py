"""Whom a request is about stands nowhere but in the shop, and of whoever was erased no byte is left beside it."""

from __future__ import annotations

import datetime
import logging
import uuid
from pathlib import Path

import duckdb
import pytest

from tests.byte_search import Search, as_text
from tests.conftest import Outcome, Place
from tests.corner_shop import token_in
from tests.rights_shop import (
    ANNA,
    ANNAS,
    ANNAS_OLD,
    BOB,
    DORAS,
    GUESTS,
    apply,
    ask,
    asked,
    in_ledger,
    plan,
    private_of,
    run,
    sell,
    sluis,
    states,
)

UNKNOWN, UNKNOWNS = 790_000_009, "niemand.kanarie@nergens.example"

PEOPLE = Search(
    {
        "a number": [str(number) for number in (ANNA, BOB, UNKNOWN)],
        "an address": [ANNAS, ANNAS_OLD, DORAS, GUESTS, UNKNOWNS, "dora@xn--bcher-kva.example"],
    }
)


def as_integers(number: int) -> list[bytes]:
    """Give a number as databases store it, whichever byte comes first."""
    return [number.to_bytes(8, "little"), number.to_bytes(8, "big")]


def found_in(data: bytes) -> dict[str, int]:
    """Count people in bytes, in every form."""
    integers = sum(data.count(form) for number in (ANNA, BOB, UNKNOWN) for form in as_integers(number))
    return PEOPLE.find(data) | PEOPLE.find(data.lower()) | ({"an integer": integers} if integers else {})


def beside(shop: Place) -> list[Path]:
    """List all files of a place but the shop's own database and the keys."""
    return [path for path in shop.folder.rglob("*") if path.is_file() and path not in (shop.source, shop.keyring)]


def test_whom_requests_are_about_stands_in_no_file_answer_log_or_error(
    shop: Place, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[Outcome] = [
        ask(shop, "AVG-1", f"buyer_id={ANNA}", f"email={GUESTS.upper()}"),
        ask(shop, "ART18-1", f"buyer_id={BOB}", right="restrict"),
        ask(shop, "ART21-1", f"email={DORAS}", right="object"),
        ask(shop, "AVG-2", f"buyer_id={UNKNOWN}", f"email={UNKNOWNS}"),
        ask(shop, "AVG-2", UNKNOWNS, f"klant={ANNA}", f"email={UNKNOWN}", f"{ANNAS}={ANNA}"),
        ask(shop, "AVG-1", f"email={ANNAS}"),
        sluis(shop, "erase", "verify", "--reference", "AVG-1"),
    ]
    planned = sluis(shop, "erase", "plan")
    said += [planned, sluis(shop, "approve", "--plan", planned.json["plan_hash"], SLUIS_ACTOR="otto")]
    said += [apply(shop, planned.json["plan_hash"]), apply(shop, planned.json["plan_hash"])]
    for command in ("erase verify", "erase answer"):
        said.append(sluis(shop, *command.split(), "--reference", "AVG-1"))
    said += [sluis(shop, *command.split()) for command in ("erase list", "receipt show", "replay", "plan")]
    run(shop)

    assert [outcome.exit_code for outcome in said] == [0, 0, 0, 2, 2, 2, 1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0]
    assert states(shop) == {"AVG-1": "applied", "ART18-1": "applied", "ART21-1": "applied"}
    texts = {f"answer {n}": (outcome.stdout + outcome.stderr).encode() for n, outcome in enumerate(said)}
    texts["logs"] = caplog.text.encode()
    texts |= {path.name: path.read_bytes() for path in beside(shop)}
    for database in (shop.warehouse, private_of(shop)):
        texts |= {f"{database.name} {column}": text for column, text in as_text(database).items()}
    assert {"ledger.sqlite", "warehouse.duckdb", private_of(shop).name, "logs"} <= texts.keys()
    assert {name: found for name, text in texts.items() if (found := found_in(text))} == {}
    (planted := tmp_path / "planted").write_bytes(as_integers(BOB)[0] + f"{ANNA} {GUESTS.title()}".encode())
    assert found_in(planted.read_bytes()) == {"a number": 1, "an address": 1, "an integer": 1}, "the search finds them"


# ── bytes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def stored(value: uuid.UUID) -> set[bytes]:
    """Give a UUID in the forms in which files hold one: DuckDB turns the top bit and stores the lower half first."""
    turned = bytes([value.bytes[0] ^ 0x80]) + value.bytes[1:]
    either = {value.bytes, turned}
    return {
        *either,
        *(one[::-1] for one in either),
        *(one[8:][::-1] + one[:8][::-1] for one in either),
        value.hex.encode(),
        str(value).encode(),
    }


def places_of(shop: Place, values: set[uuid.UUID]) -> dict[str, set[uuid.UUID]]:
    """Tell which of some values stand in which file of the warehouse, whatever the file is called."""
    found = {}
    for path in beside(shop):
        data = path.read_bytes()
        if there := {value for value in values if any(form in data for form in stored(value))}:
            found[path.name] = there
    return found


@pytest.mark.parametrize("way", ["apply", "run"])
def test_no_byte_of_whoever_was_erased_is_left_in_any_file_of_the_warehouse(shop: Place, way: str) -> None:
    ahead = f"{datetime.date.today().year + 1}-12-31T12:00:00+01:00"
    # two of them, because DuckDB stores a column of one value only in a way of its own
    shop.change_policy("rows: 1}", "rows: 2}")
    for key in (30, 31):
        sell(shop, key, ANNA, ANNAS, ahead)
    shop.change_source("delete from line where sale_id in (30, 31)")
    run(shop)
    asked(shop, "AVG-1", f"buyer_id={ANNA}")
    macs = {uuid.UUID(mac) for (mac,) in in_ledger(shop, "select mac from identifier")}
    sales = {token_in(shop.keyring, key, "sale") for key in (1, 2, 3, 4, 14)}
    lines = {token_in(shop.keyring, 10 * key + n, "line") for key in (1, 2, 3, 4, 14) for n in (1, 2)}
    guests = {token_in(shop.keyring, address, "guest", "email") for address in (ANNAS, ANNAS_OLD)}
    aside = {token_in(shop.keyring, key, "sale") for key in (30, 31)}
    people = {token_in(shop.keyring, ANNA, "buyer"), *aside, *sales, *lines, *guests}
    tokens = {token for token in people if token}
    before, private = places_of(shop, tokens | macs), private_of(shop).name
    assert before["warehouse.duckdb"] == tokens - aside, "each is found where it is"
    assert before[private] >= {*macs, *sales, *aside}
    assert before["ledger.sqlite"] == macs

    if way == "apply":
        assert apply(shop, plan(shop)["plan_hash"]).exit_code == 0
    else:
        run(shop)

    assert places_of(shop, tokens | macs) == {"ledger.sqlite": macs}, "by which the person is kept out"
    assert sorted(path.name for path in shop.folder.glob("warehouse.duckdb*")) == [
        "warehouse.duckdb",
        "warehouse.duckdb.lock",
        private_of(shop).name,
    ]
    told = sluis(shop, "erase", "verify", "--reference", "AVG-1").json["checks"]
    assert {name: found for name, found in told.items() if found} == {"sought_in_bytes": len(macs)}


def test_a_trace_that_somebody_left_beside_the_warehouse_is_found(shop: Place) -> None:
    asked(shop, "AVG-1", f"buyer_id={ANNA}")
    assert apply(shop, plan(shop)["plan_hash"]).exit_code == 0
    ((mac,),) = in_ledger(shop, "select mac from identifier where identifies = 'customer'")
    with duckdb.connect(str(shop.folder / "warehouse.duckdb.copy")) as connection:
        connection.execute("create table planted as select uuid() as mac from range(9)")
        connection.execute("insert into planted values (?::uuid)", [str(uuid.UUID(mac))])

    outcome = sluis(shop, "erase", "verify", "--reference", "AVG-1")

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (1, "verification")
    assert outcome.json["checks"]["places_in_bytes"] > 0
    assert outcome.json["state"] == "applied"
