"""Where things are: no two settings name one database, no path is cut, and nobody's files are overwritten."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import sqlalchemy as sa

from privacy.errors import UsageError
from stores.opening import open_warehouse
from stores.settings import Settings
from tests.conftest import Command, Place


@pytest.mark.parametrize("ledger", ["sqlite:///{0}/shop.sqlite", "sqlite:///{0}/./shop.sqlite", "sqlite:///{0}/link"])
def test_the_ledger_is_never_the_source_however_it_is_spelt(run: Command, place: Place, ledger: str) -> None:
    (place.folder / "link").symlink_to(place.source)
    before = hashlib.sha256(place.source.read_bytes()).digest()

    outcome = run(SLUIS_LEDGER=ledger.format(place.folder))

    assert outcome.exit_code == 2
    assert "--ledger names the same database as --source; name one of its own." in outcome.said
    assert hashlib.sha256(place.source.read_bytes()).digest() == before


def test_the_warehouse_is_never_the_source(run: Command, place: Place) -> None:
    outcome = run(SLUIS_WAREHOUSE=f"duckdb:///{place.source}")

    assert outcome.exit_code == 2
    assert "--warehouse names the same database as --source" in outcome.said


def test_a_question_mark_does_not_cut_a_path(run: Command, place: Place) -> None:
    outcome = run(SLUIS_WAREHOUSE=f"duckdb:///{place.folder}/w?x=1/w.duckdb")

    assert outcome.exit_code == 2
    assert "--warehouse takes no options after a question mark, and no path with one: move the file." in outcome.said
    assert not (place.folder / "w").exists()


def test_a_warehouse_where_duckdb_cannot_write_is_refused(
    run: Command, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder := place.folder / "w?").mkdir()
    monkeypatch.chdir(folder)

    outcome = run(SLUIS_WAREHOUSE="duckdb:///w.duckdb")

    assert outcome.exit_code == 2
    assert "--warehouse: DuckDB cannot write to a path with a question mark; name another." in outcome.said


def test_a_warehouse_without_its_folder_is_told(run: Command, place: Place) -> None:
    outcome = run(SLUIS_WAREHOUSE=f"duckdb:///{place.folder}/away/w.duckdb")

    assert outcome.exit_code == 2
    assert f"--warehouse: there is no folder {place.folder / 'away'}; make it first." in outcome.said


def test_odd_folder_names_work_in_every_place(sluis: Command, place: Place, tmp_path: Path) -> None:
    odd = tmp_path / "sp ace'q\"#h%20p"
    odd.mkdir()
    moved = Place(odd)
    for file in (place.source, place.policy, place.keyring):
        file.rename(odd / file.name)
    urls = {"SLUIS_SOURCE": ("sqlite", moved.source), "SLUIS_WAREHOUSE": ("duckdb", moved.warehouse)}
    urls["SLUIS_LEDGER"] = ("sqlite", odd / "ledger.sqlite")
    places = {name: sa.URL.create(kind, database=str(path)).render_as_string() for name, (kind, path) in urls.items()}

    outcome = sluis("run", **places, SLUIS_POLICY=str(moved.policy), SLUIS_KEYRING=str(moved.keyring))

    assert outcome.exit_code == 0, outcome.said
    assert moved.warehouse.exists()


def test_a_demo_does_not_overwrite_a_shop_that_it_did_not_make(sluis: Command, place: Place) -> None:
    before = place.source.read_bytes()

    outcome = sluis("demo", "--dir", str(place.folder), "--orders", "60", "--shop-only")

    assert outcome.exit_code == 2
    assert "holds a shop.sqlite that no demo made, and it is not overwritten" in outcome.said
    assert place.source.read_bytes() == before


def test_a_demo_made_again_keeps_the_keys_and_an_edited_policy(sluis: Command, tmp_path: Path) -> None:
    again = ("demo", "--dir", str(tmp_path / "100%20 ?"), "--orders", "60", "--shop-only")
    assert sluis(*again).exit_code == 0
    made = Place(tmp_path / "100%20 ?")
    keys = made.keyring.read_bytes()
    made.policy.write_text("# mine\n", encoding="utf-8")

    assert sluis(*again).exit_code == 0

    assert made.keyring.read_bytes() == keys
    assert made.policy.with_suffix(".yaml.edited").read_text(encoding="utf-8") == "# mine\n"


WAREHOUSE = "postgresql+psycopg://sluis@localhost/shop"


@pytest.mark.parametrize(
    ("source", "ledger", "told"),
    [
        ("postgresql://reader@localhost/shop", "sqlite:///l", "--warehouse names the same database as --source"),
        ("postgresql://reader@localhost/shop?sslmode=require", "sqlite:///l", "--warehouse names the same database"),
        (
            "postgresql://sluis@localhost/other",
            "postgresql://other@localhost/other",
            "--ledger names the same database",
        ),
        ("postgresql://sluis@localhost/other", "postgresql://keeper@localhost/shop", ""),
        ("postgresql://sluis@localhost/shops", "postgresql://sluis@elsewhere/shop", ""),
    ],
)
def test_on_a_server_only_warehouse_and_ledger_may_share_a_database(source: str, ledger: str, told: str) -> None:
    urls = {"SLUIS_SOURCE": source, "SLUIS_WAREHOUSE": WAREHOUSE, "SLUIS_LEDGER": ledger}
    environment = {**urls, "SLUIS_POLICY": "policy.yaml", "SLUIS_KEYRING": "keyring.toml"}

    if told:
        with pytest.raises(UsageError, match=told):
            Settings.from_environment(environment)
    else:
        assert Settings.from_environment(environment).ledger == sa.make_url(ledger)


@pytest.mark.parametrize("options", ["", "?sslmode=prefer"])
def test_a_warehouse_on_another_machine_is_reached_encrypted_or_not_at_all(options: str) -> None:
    with pytest.raises(UsageError, match=r"--warehouse: .* does not demand TLS"):
        open_warehouse(sa.make_url(f"postgresql://sluis@db.example.org/shop{options}"))
    open_warehouse(sa.make_url("postgresql://sluis@db.example.org/shop?sslmode=verify-full"))
