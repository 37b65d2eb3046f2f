"""No raw identifier of the shop stands in anything that a run writes; the search that says so finds one that does."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.byte_search import WINDOW, Search, as_text, unbroken
from tests.e2e.conftest import Run
from tests.independent_tokens import canonical

pytestmark = pytest.mark.long

RAW = {
    "e-mail": "customer.email orders.email complaint.email support_ticket.email social_contact.email "
    "newsletter_subscription.email privacy_request.email",
    "phone": "customer.phone support_ticket.phone",
    "IBAN": "payment.iban",
    "plate": "vehicle.licence_plate",
    "VIN": "vehicle.vin",
    "tracking code": "delivery.tracking_code",
    "order number": "orders.order_number",
    "invoice number": "invoice.invoice_number",
    "cookie": "web_session.cookie_id",
    "IP address": "customer.last_login_ip orders.ip_address web_session.ip_address access_log.ip_address",
    "password hash": "customer.password_hash",
    "birth date": "customer.birth_date",
    "street": "address.street",
    "nickname": "review.nickname",
    "user name": "social_contact.user_name",
}
"""Where the shop holds what must not leave it. Every value is searched for (but names under eight letters)."""

INPUTS = {"shop.sqlite", "truth.jsonl", "policy.yaml", "keyring.toml", "other.toml"}


def raw_values(shop: Path) -> dict[str, set[str]]:
    """Give all values of the shop by kind; phones and IBANs also without their blanks, e-mail also as it is keyed."""
    with contextlib.closing(sqlite3.connect(shop)) as connection:
        values = {
            kind: {
                str(value)
                for place in places.split()
                for (value,) in connection.execute("select distinct {1} from {0}".format(*place.split(".")))
                if value and len(value.strip()) >= WINDOW
            }
            for kind, places in RAW.items()
        }
        values["birth date and last name"] = {
            separator.join(pair)
            for first, second in connection.execute("select birth_date, last_name from customer where birth_date <> ''")
            for pair in ((first, second), (second, first))
            for separator in (",", "|", " ", '", "', "', '", "\t")
        }
    for kind in ("phone", "IBAN"):
        values[kind] |= {"".join(letter for letter in value if letter.isalnum()) for value in values[kind]}
    values["e-mail"] |= {canonical(value, "email") or value for value in values["e-mail"]}
    return values


@pytest.fixture(scope="module")
def search(demo: Run) -> Search:
    return Search(raw_values(demo.source))


def written(*places: Path) -> Iterator[Path]:
    """Name every file that runs wrote."""
    for place in places:
        yield from (path for path in place.rglob("*") if path.is_file() and path.name not in INPUTS)


def found_in_bytes(search: Search, *places: Path) -> dict[str, dict[str, int]]:
    found = {}
    for path in written(*places):
        data = path.read_bytes()
        found[path.name] = search.find(data) or search.find(unbroken(data))
    return {name: labels for name, labels in found.items() if labels}


def found_in_values(search: Search, run: Run) -> dict[str, dict[str, int]]:
    texts = {**as_text(run.warehouse), **as_text(run.private)}
    found = {column: search.find(text) for column, text in texts.items()}
    return {column: labels for column, labels in found.items() if labels}


def test_the_search_knows_every_kind_of_identifier(demo: Run, search: Search) -> None:
    values = raw_values(demo.source)

    assert {kind: len(found) > 20 for kind, found in values.items()} == dict.fromkeys(values, True)
    assert len(values["e-mail"]) > 1_500
    assert len(values["order number"]) > 2_900
    shop_itself = search.find(demo.source.read_bytes())
    assert shop_itself.keys() >= values.keys() - {"birth date and last name"}


def test_no_byte_that_a_run_wrote_holds_a_raw_identifier(demo: Run, search: Search, prefect_server: Path) -> None:
    files = {path.name for path in written(demo.folder, prefect_server)}

    assert files >= {"warehouse.duckdb", "ledger.sqlite", "warehouse.duckdb.lock", "prefect.db", "server.log"}
    assert any(name.startswith("warehouse.duckdb.private-") for name in files)
    assert found_in_bytes(search, demo.folder, prefect_server) == {}


def test_no_value_of_any_table_holds_a_raw_identifier(demo: Run, search: Search) -> None:
    assert len(as_text(demo.warehouse)) > 120
    assert any(text for text in as_text(demo.private).values())
    assert found_in_values(search, demo) == {}


def test_the_search_finds_a_column_that_a_policy_lets_through(careless: Run, search: Search) -> None:
    published = careless.tables["deliveries"]["published"]

    assert found_in_values(search, careless)["analytics.deliveries.tracking_code"] == {"tracking code": published}
    in_bytes = found_in_bytes(search, careless.folder)
    assert set(in_bytes) == {"warehouse.duckdb", careless.private.name}
    assert in_bytes["warehouse.duckdb"].keys() == {"tracking code"}


@pytest.mark.parametrize("kind", RAW)
def test_the_search_finds_one_value_planted_in_a_copy_of_the_files(
    demo: Run, search: Search, tmp_path: Path, kind: str
) -> None:
    value = sorted(raw_values(demo.source)[kind])[0]
    ledger = Path(shutil.copy(demo.folder / "ledger.sqlite", tmp_path))
    with contextlib.closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("update run set state = ?", [f"failed on {value}"])

    assert kind in found_in_bytes(search, tmp_path)["ledger.sqlite"]


def spans(truth: Path) -> set[str]:
    """Give the personal stretches of all free texts that no word of the shop can be by chance."""
    with truth.open(encoding="utf-8") as lines:
        texts = [json.loads(line) for line in lines]
    stretches = {text["text"][span["start"] : span["end"]].strip() for text in texts for span in text["spans"]}
    return {s for s in stretches if len(s) >= 6 and any(letter.isdigit() or letter == "@" for letter in s)}


def test_no_personal_stretch_of_a_free_text_is_in_any_value(demo: Run) -> None:
    personal = spans(demo.folder / "truth.jsonl")
    texts = {**as_text(demo.warehouse, but=("UUID",)), **as_text(demo.private, but=("UUID",))}
    values = {name: text.decode() for name, text in texts.items() if text}

    assert len(personal) > 400
    assert {name for name, text in values.items() if any(stretch in text for stretch in personal)} == set()


def test_a_shop_of_20000_orders_leaves_nothing_with_a_temporary_server_either(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    command = [str(Path(sys.executable).with_name("sluis")), "demo", "--dir", str(folder), "--output", "json"]
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    ended = subprocess.run(command, env=own, capture_output=True, text=True, check=True)
    told = json.loads(ended.stdout)
    run = Run(folder, told, folder / "shop.sqlite", folder / "keyring.toml")
    search = Search(raw_values(run.source))

    assert (folder / "prefect" / "prefect.db").exists()
    assert found_in_bytes(search, folder) == {}
    assert found_in_values(search, run) == {}
    assert search.find((ended.stdout + ended.stderr).encode()) == {}
