"""The key file: refused unless it is whole, random and its owner's alone; what it makes, and what it never shows."""

from __future__ import annotations

import base64
import datetime
import json
import re
import secrets
import stat
import tomllib
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from stores.keyring_file import create_keyring
from tests.conftest import Command, Place

ANEW = "sluis keys init"


def _missing(keyring: Path) -> None:
    keyring.unlink()


def _a_folder(keyring: Path) -> None:
    keyring.unlink()
    keyring.mkdir(mode=0o700)


def _mode(mode: int) -> Callable[[Path], None]:
    return lambda keyring: keyring.chmod(mode)


def _text(text: bytes) -> Callable[[Path], None]:
    def write(keyring: Path) -> None:
        keyring.write_bytes(text)

    return write


def _root(root: bytes) -> Callable[[Path], None]:
    def replace(keyring: Path) -> None:
        found = roots(keyring)["analytics"]
        text = keyring.read_text().replace(base64.b64encode(found).decode(), base64.b64encode(root).decode())
        keyring.write_text(text)

    return replace


def _change(old: str, new: str) -> Callable[[Path], None]:
    def change(keyring: Path) -> None:
        text = keyring.read_text()
        assert old in text
        keyring.write_text(text.replace(old, new, 1))

    return change


def _drawn() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _one_root_twice(keyring: Path) -> None:
    text = keyring.read_text()
    root = re.findall(r'root = ".*"', text)[0]
    keyring.write_text(re.sub(r'root = ".*"', lambda _: root, text))


def _epochs(*numbers: int) -> Callable[[Path], None]:
    def add(keyring: Path) -> None:
        first, rest = keyring.read_text().split("[[analytics]]")
        entry, others = rest.split("[[tombstones]]")
        entries = (entry.replace("epoch = 1", f"epoch = {number}") for number in numbers)
        again = "".join("[[analytics]]" + re.sub(r'root = ".*"', f'root = "{_drawn()}"', one) for one in entries)
        keyring.write_text(f"{first}{again}[[tombstones]]{others}")

    return add


REFUSED: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "missing": (_missing, "is missing or is no key file (FileNotFoundError)", ANEW),
    "a folder": (_a_folder, "is a folder", "name the key file in it"),
    "equal roots": (_one_root_twice, "two of its roots are equal", "Restore its backup"),
    "empty": (_text(b""), "is missing or is no key file (unknown format)", ANEW),
    "not TOML": (_text(b"root: 123\n"), "is missing or is no key file (TOMLDecodeError)", ANEW),
    "not UTF-8": (_text(b"\xff\xfe"), "is missing or is no key file (UnicodeDecodeError)", ANEW),
    "an unknown format": (_change("format = 1", "format = 2"), "is no key file (unknown format)", ANEW),
    "readable by a group": (_mode(0o640), "can be read by others (mode 0640)", "chmod 600"),
    "readable by all": (_mode(0o604), "can be read by others (mode 0604)", "chmod 600"),
    "writable by all": (_mode(0o602), "can be read by others (mode 0602)", "chmod 600"),
    "a short root": (_root(bytes(range(31))), "analytics epoch 1 has 31 bytes; 32 are needed", ANEW),
    "no root": (_root(b""), "analytics epoch 1 has 0 bytes; 32 are needed", ANEW),
    "zeros": (_root(bytes(32)), "analytics epoch 1 is not random (a default or a pattern)", ANEW),
    "a text repeated": (_root(b"changeme" * 4), "analytics epoch 1 is not random", ANEW),
    "no base64": (_change('root = "', 'root = "!'), "analytics has no root, or its epochs do not count up", ANEW),
    "a root that is missing": (_change("[[analytics]]", "[[other]]"), "analytics has no root", "restore this one"),
    "an epoch twice": (_epochs(1, 1), "analytics has no root, or its epochs do not count up", "restore this one"),
    "epochs that count down": (_epochs(2, 1), "its epochs do not count up", "restore this one"),
    "a number as a name": (_change("[[analytics]]", "[analytics]"), "analytics has no root", "restore this one"),
}


def roots(keyring: Path) -> dict[str, bytes]:
    """Read the roots of a key file."""
    found = tomllib.loads(keyring.read_text())
    return {name: base64.b64decode(epochs[0]["root"]) for name, epochs in found.items() if name != "format"}


@pytest.mark.parametrize("why", REFUSED)
def test_a_key_file_that_cannot_be_trusted_is_refused_with_the_way_out(
    why: str, place: Place, run: Command, sluis: Command
) -> None:
    spoil, what, way_out = REFUSED[why]
    secret = base64.b64encode(roots(place.keyring)["analytics"]).decode()
    spoil(place.keyring)

    for outcome in (run(), sluis("keys", "show", "--output", "json", **place.environment)):
        assert (outcome.exit_code, outcome.json["error"]["kind"]) == (2, "keyring"), outcome.said
        message = outcome.json["error"]["message"]
        assert what in message
        assert way_out in message
        assert "changeme" not in outcome.said
        assert secret not in outcome.said
    assert not place.warehouse.exists()


def test_epochs_that_count_up_are_good_and_the_newest_is_used(place: Place, sluis: Command) -> None:
    _epochs(1, 2)(place.keyring)

    outcome = sluis("keys", "show", "--output", "json", **place.environment)

    assert outcome.exit_code == 0, outcome.said
    assert [(e["root"], e["epoch"]) for e in outcome.json["epochs"]][:3] == [
        ("analytics", 1),
        ("analytics", 2),
        ("tombstones", 1),
    ]


def test_init_makes_a_key_file_for_its_owner_alone_and_never_over_another(tmp_path: Path, sluis: Command) -> None:
    keyring = tmp_path / "made.toml"

    first = sluis("keys", "init", "--keyring", str(keyring), "--output", "json")
    made = keyring.read_bytes()
    second = sluis("keys", "init", "--keyring", str(keyring), "--output", "json")

    assert (first.exit_code, second.exit_code) == (0, 2)
    assert stat.S_IMODE(keyring.stat().st_mode) == 0o600
    assert keyring.read_bytes() == made
    assert second.json["error"]["kind"] == "keyring"
    assert "made.toml exists already; a new key would change every token" in second.stderr
    assert "Name another file, or keep this one." in second.stderr
    assert {len(root) for root in roots(keyring).values()} == {32}
    assert len(set(roots(keyring).values())) == len(roots(keyring)) == 3


def test_neither_init_nor_show_gives_anything_of_a_root(tmp_path: Path, sluis: Command) -> None:
    keyring = tmp_path / "made.toml"
    said = "".join(
        sluis("keys", command, "--keyring", str(keyring), "--output", output).said
        for command, output in (("init", "json"), ("show", "json"), ("show", "text"))
    )

    assert str(keyring) in said
    for root in roots(keyring).values():
        for shown in (root.hex(), root.hex().upper(), base64.b64encode(root).decode(), repr(root)):
            assert not any(shown[at : at + 8] in said for at in range(len(shown) - 8))


def tokens(place: Place) -> set[uuid.UUID]:
    """Give every token of the warehouse."""
    columns = {"buyers": ["buyer_id"], "sales": ["sale_id", "buyer_id", "guest_id"], "lines": ["line_id", "sale_id"]}
    return {
        token
        for table, names in columns.items()
        for name in names
        for (token,) in place.rows(f"select {name} from analytics.{table} where {name} is not null")
    }


def test_the_same_key_gives_the_same_tokens_and_another_changes_every_one(published: Place, run: Command) -> None:
    before = tokens(published)
    again = run()
    same = tokens(published)
    kept = published.keyring.with_name("kept.toml")
    published.keyring.rename(kept)
    assert run().exit_code == 2

    assert run(SLUIS_KEYRING=str(kept)).exit_code == 0
    create_keyring(published.keyring, datetime.date.today())
    other = run()
    after = tokens(published)

    assert (again.exit_code, again.json["warnings"], other.exit_code) == (0, [], 0)
    assert same == before
    assert len(after) == len(before) > 10
    assert not after & before
    assert other.json["warnings"] == ["the keyring is not that of the last published run: every token changes"]


def test_under_strict_another_key_is_told_by_the_exit_code(published: Place, run: Command) -> None:
    published.keyring.unlink()
    create_keyring(published.keyring, datetime.date.today())

    outcome = run("--strict")

    assert outcome.exit_code == 6
    assert json.loads(outcome.stdout)["published"] is True
