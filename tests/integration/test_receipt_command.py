"""`sluis receipt` on a real ledger: a chain that SQL changed, cut short or swapped; and without a key file."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from privacy.evidence import RunRecord
from privacy.receipts import Deed, Rows
from stores.keyring_file import create_keyring, read_keyring
from stores.keyring_rotation import rotate_root
from stores.ledger import open_ledger
from stores.warehouse import Seal
from stores.warehouse.duckdb import DuckDBWarehouse
from tests.conftest import Outcome, run_in_process

TODAY = datetime.date(2026, 3, 10)
NOON = datetime.datetime(2026, 3, 10, 12, 0, tzinfo=datetime.UTC)
PAGE = (Path(__file__).parents[2] / "docs" / "receipts.md").read_text("utf-8")


@dataclasses.dataclass(frozen=True)
class Office:
    """A ledger and a key file in a folder."""

    folder: Path

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.sqlite"

    @property
    def keyring(self) -> Path:
        return self.folder / "keyring.toml"

    def add(self, *kinds: str) -> None:
        """Add a receipt of each kind."""
        ledger, keys = open_ledger(sa.make_url(f"sqlite:///{self.ledger}")), read_keyring(self.keyring).receipts()
        for kind in kinds:
            deed = Deed(kind, NOON, tables={"orders": Rows(20, 4, 16)}, proof={"matches": 0})  # type: ignore[arg-type]
            ledger.receipts.append(deed, keys)

    def change(self, *statements: str) -> None:
        """Tamper with the ledger, as whoever may write its file can."""
        with contextlib.closing(sqlite3.connect(self.ledger)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def receipt(self, *arguments: str) -> Outcome:
        places = {"SLUIS_LEDGER": f"sqlite:///{self.ledger}", "SLUIS_KEYRING": str(self.keyring)}
        return run_in_process("receipt", *arguments, "--output", "json", **places)

    def faults(self, *arguments: str) -> list[str]:
        """Give the faults that are found, of which there are some."""
        outcome = self.receipt("verify", *arguments)
        assert (outcome.exit_code, outcome.json["error"]["kind"]) == (1, "verification"), outcome.said
        found: list[str] = outcome.json["faults"]
        return found

    def head(self) -> str:
        shown = self.receipt("show")
        assert shown.exit_code == 0, shown.said
        return str(shown.json["head"])


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Make a ledger with three receipts, the last one signed under a second epoch. Not to be changed."""
    made = Office(tmp_path_factory.mktemp("office"))
    create_keyring(made.keyring, TODAY)
    made.add("refresh", "erasure")
    rotate_root(made.keyring, "receipts", TODAY)
    made.add("retention")
    return made


@pytest.fixture
def office(made_once: Office, tmp_path: Path) -> Office:
    """Give a ledger with three receipts, to be spoilt."""
    for file in (made_once.ledger, made_once.keyring):
        shutil.copy2(file, tmp_path)
    return Office(tmp_path)


# ── a chain as it was issued ──────────────────────────────────────────────────────────────────────────────────────


def test_a_chain_as_it_was_issued_verifies_against_its_head(office: Office) -> None:
    outcome = office.receipt("verify", "--head", office.head(), "--strict")

    assert outcome.exit_code == 0, outcome.said
    assert outcome.json == {"verified": 3, "faults": [], "compared_with": ["--head"], "warnings": []}


def test_without_a_head_the_chain_is_verified_alone_and_that_is_said(office: Office) -> None:
    outcome, strict = office.receipt("verify"), office.receipt("verify", "--strict")

    assert (outcome.exit_code, strict.exit_code) == (0, 6)
    assert (outcome.json["verified"], outcome.json["compared_with"]) == (3, [])
    assert "receipts cut off at the end would not be missed" in outcome.json["warnings"][0]


def test_a_ledger_without_receipts_has_nothing_to_find(office: Office) -> None:
    office.change("delete from receipt")

    assert office.receipt("verify").json["verified"] == 0
    assert office.head() == "0:"
    assert office.receipt("verify", "--head", "0:").exit_code == 0


def test_a_rotation_leaves_older_receipts_verifiable(office: Office) -> None:
    rotate_root(office.keyring, "receipts", TODAY)

    assert office.receipt("verify").json["verified"] == 3
    assert list(office.receipt("show").json["public_keys"]) == ["1", "2", "3"]


def test_receipts_that_are_issued_at_once_follow_one_another(office: Office) -> None:
    threads = [threading.Thread(target=office.add, args=["refresh"] * 5) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    outcome = office.receipt("verify", "--head", office.head())

    assert (outcome.exit_code, outcome.json["verified"]) == (0, 23)


def test_the_store_tells_its_head_and_any_hash(office: Office) -> None:
    receipts = open_ledger(sa.make_url(f"sqlite:///{office.ledger}")).receipts

    first, _, last = receipts.all()
    assert receipts.head() == (3, last.hash)
    assert (receipts.at(1), receipts.at(3), receipts.at(4)) == (first.hash, last.hash, None)


# ── a chain that was tampered with ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("update receipt set body = replace(body, ':4', ':0') where number = 2", "receipt 2: its hash is not that of"),
        ("update receipt set signature = hash || hash where number = 2", "receipt 2: its signature"),
        ("update receipt set signature = upper(signature) where number = 2", "receipt 2: its signature is wrong"),
        ("update receipt set previous = '' where number = 3", "receipt 3: does not follow the receipt before it"),
        ("update receipt set receipt_id = 'other' where number = 3", "receipt 3: its body names another id"),
        ("update receipt set number = 9 where number = 3", "receipts 3 to 8 are missing"),
        ("update receipt set epoch = 2 where number = 1", "receipt 1: its signature is wrong"),
        ("update receipt set epoch = 7 where number = 1", "receipt 1: signed under epoch 7, whose public key is not"),
        ("update receipt set epoch = 'one' where number = 1", "receipt 1: signed under epoch without a number"),
        ("update receipt set body = x'00ff' where number = 1", "receipt 1: its body cannot be read"),
        ("delete from receipt where number = 2", "receipt 2 is missing"),
        ("update identity set ledger_id = 'another'", "receipt 1: its body names another ledger"),
    ],
)  # fmt: skip
def test_what_is_changed_by_sql_is_found(office: Office, statement: str, fault: str) -> None:
    office.change(statement)

    assert any(found.startswith(fault) for found in office.faults())
    assert office.receipt("show").exit_code == 0


def test_receipts_cut_off_at_the_end_are_missed_by_the_head(office: Office) -> None:
    head = office.head()
    office.change("delete from receipt where number = 3")

    assert office.receipt("verify").exit_code == 0
    assert office.faults("--head", head) == ["the chain ends at receipt 2, but --head knew 3: it was cut short"]


def test_another_ledger_in_its_place_is_found_by_the_head(office: Office, tmp_path: Path) -> None:
    head = office.head()
    other = Office(tmp_path / "other")
    other.folder.mkdir()
    shutil.copy2(office.keyring, other.keyring)
    other.add("refresh", "refresh", "refresh", "refresh")
    shutil.copy2(other.ledger, office.ledger)

    assert office.receipt("verify").exit_code == 0
    assert office.faults("--head", head) == [
        "receipt 3 is not the one that --head knew: the chain was swapped or written anew"
    ]


def test_the_warehouse_tells_what_was_cut_off_and_that_the_ledger_is_another(office: Office, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Office(tmp_path / "other")
    create_keyring(other.keyring, TODAY)
    other.add("refresh", "refresh", "refresh")
    url = f"duckdb:///{tmp_path / 'warehouse.duckdb'}"
    assert office.receipt("verify", "--warehouse", url).json["compared_with"] == []
    publish(url, office)

    outcome = office.receipt("verify", "--warehouse", url, "--strict")
    assert (outcome.exit_code, outcome.json["compared_with"]) == (0, ["the warehouse"])
    office.add("erasure")
    assert office.receipt("verify", "--warehouse", url).json["verified"] == 4
    office.change("delete from receipt where number >= 3")
    assert office.faults("--warehouse", url) == [
        "the chain ends at receipt 2, but the warehouse knew 3: it was cut short"
    ]
    assert other.faults("--warehouse", url) == [
        "the warehouse belongs to another ledger",
        "receipt 3 is not the one that the warehouse knew: the chain was swapped or written anew",
    ]


def publish(url: str, office: Office) -> None:
    """Publish a warehouse without rows, which notes the head of a ledger."""
    ledger = open_ledger(sa.make_url(f"sqlite:///{office.ledger}"))
    with DuckDBWarehouse(sa.make_url(url)).candidate("run-1") as candidate:
        seal = Seal("refresh", ledger.identity(), *ledger.receipts.head(), 1, datetime.datetime.now(datetime.UTC))
        candidate.seal(RunRecord("run-1", "test", "digest", "fingerprint", TODAY), seal)
        candidate.publish()


def test_receipts_of_another_key_file_are_not_taken_for_its_own(office: Office) -> None:
    office.keyring.unlink()
    create_keyring(office.keyring, TODAY)

    assert [fault for fault in office.faults() if "signature is wrong" in fault or "not known" in fault] == [
        "receipt 1: its signature is wrong: it was changed, or signed with another key",
        "receipt 2: its signature is wrong: it was changed, or signed with another key",
        "receipt 3: signed under epoch 2, whose public key is not known",
    ]


# ── for outsiders ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_has_the_public_keys_verifies_without_the_key_file(office: Office, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    places = {"SLUIS_LEDGER": f"sqlite:///{office.ledger}", "SLUIS_KEYRING": str(office.keyring)}
    said = run_in_process("receipt", "show", **places).stdout
    keys.write_text("\n".join(re.findall(r"^# public keys.*|^\d+ [0-9a-f]{64}$", said, re.M)))
    office.keyring.unlink()

    assert office.receipt("verify", "--public-keys", str(keys)).json["verified"] == 3
    office.change("update receipt set body = body || ' ' where number = 1")
    assert office.faults("--public-keys", str(keys))


@pytest.mark.parametrize("text", ["", "# nothing", "1 abc", "one " + "0" * 64, "1 " + "0" * 64 + "\n1 " + "1" * 64])
def test_a_file_of_public_keys_that_is_none_is_refused(office: Office, tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.txt").write_text(text)

    outcome = office.receipt("verify", "--public-keys", str(tmp_path / "keys.txt"))

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (2, "keyring")
    assert "Copy the lines from `sluis receipt show`" in outcome.said


def follow_the_page(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the page's own verifier, which knows nothing of Sluis."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    assert "hashlib" in block
    assert not re.search(r"\b(privacy|stores|sluis)\.", block)
    (folder / "verify.py").write_text(block)
    return subprocess.run([sys.executable, "-I", "verify.py"], cwd=folder, capture_output=True, text=True, check=False)


def test_the_page_verifies_receipts_without_any_of_this_software(office: Office, tmp_path: Path) -> None:
    shown = office.receipt("show")
    (tmp_path / "receipts.json").write_text(shown.stdout)

    followed = follow_the_page(tmp_path)

    assert followed.returncode == 0, followed.stderr
    assert followed.stdout.strip() == shown.json["head"]


@pytest.mark.parametrize("column", ["number", "body", "previous", "hash", "signature"])
def test_the_page_finds_what_was_changed(office: Office, tmp_path: Path, column: str) -> None:
    shown = office.receipt("show").json
    first, second = shown["receipts"][:2]
    second[column] = first[column]
    (tmp_path / "receipts.json").write_text(json.dumps(shown))

    assert follow_the_page(tmp_path).returncode == 1


# ── where it is refused ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", ["verify", "show"])
def test_a_ledger_that_is_not_there_is_not_made(office: Office, command: str) -> None:
    office.ledger.unlink()

    outcome = office.receipt(command)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (3, "store")
    assert "ledger: there is none, or one of an earlier version." in outcome.said
    assert not office.ledger.exists()


@pytest.mark.parametrize("command", ["verify", "show"])
def test_nothing_is_written_by_looking(office: Office, command: str) -> None:
    before = office.ledger.read_bytes()

    office.receipt(command)

    assert office.ledger.read_bytes() == before


@pytest.mark.parametrize("command", ["verify", "show"])
def test_a_key_file_that_is_missing_or_open_to_others_is_refused(office: Office, command: str) -> None:
    office.keyring.chmod(0o644)
    readable = office.receipt(command)
    office.keyring.unlink()
    missing = office.receipt(command)

    assert [(each.exit_code, each.json["error"]["kind"]) for each in (readable, missing)] == [(2, "keyring")] * 2


@pytest.mark.parametrize("head", ["3", "3:abc", "0:" + "a" * 64, "three:" + "a" * 64])
def test_a_head_that_is_none_is_refused(office: Office, head: str) -> None:
    outcome = office.receipt("verify", "--head", head)

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (2, "usage")
