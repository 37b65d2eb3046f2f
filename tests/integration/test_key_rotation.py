"""Rotation: a fresh root in the key file, in one step that no kill, crowd or onlooker can spoil."""

from __future__ import annotations

import datetime
import multiprocessing
import os
import signal
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from privacy.errors import KeyringError, LockError
from privacy.keys import Epoch
from stores.keyring_file import create_keyring, read_keyring
from stores.keyring_rewrite import half_made_beside
from stores.keyring_rotation import rotate_root
from tests.conftest import Command, Place
from tests.integration.test_keyring import tokens

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["stores.keyring_rotation", __name__])
TODAY = datetime.date(2026, 3, 10)


@pytest.fixture
def keyring(tmp_path: Path) -> Path:
    create_keyring(tmp_path / "keyring.toml", TODAY)
    return tmp_path / "keyring.toml"


def epochs(keyring: Path) -> tuple[Epoch, ...]:
    return read_keyring(keyring).roots["analytics"]


def at_every_line(do: Callable[[], None]) -> Callable[..., Any]:
    """Give a trace function that calls `do` before each line of a rotation, and of the writing of its file."""

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        file = Path(frame.f_code.co_filename).stem
        if file not in ("keyring_rotation", "keyring_rewrite") and frame.f_code.co_name != "write_owners_only":
            return None
        do()
        return trace

    return trace


# ── what a rotation leads to ──────────────────────────────────────────────────────────────────────────────────────


def test_after_a_rotation_a_run_gives_every_token_anew_and_warns(
    published: Place, sluis: Command, run: Command
) -> None:
    before, (old,) = tokens(published), epochs(published.keyring)

    rotated = sluis("keys", "rotate", "--output", "json", **published.environment)
    again = run()

    assert (rotated.exit_code, again.exit_code) == (0, 0), rotated.said + again.said
    assert rotated.json["rotated"] == {"root": "analytics", "epoch": 2}
    assert "The next run gives every token anew" in rotated.json["follows"][0]
    assert again.json["warnings"] == ["the keyring is not that of the last published run: every token changes"]
    after = tokens(published)
    assert len(after) == len(before) > 10
    assert not after & before
    kept, fresh = epochs(published.keyring)
    assert kept == old
    assert fresh.root != old.root


@pytest.mark.parametrize("root", ["tombstones", "receipts"])
def test_another_root_rotates_by_itself_and_the_tokens_stay(
    root: str, published: Place, sluis: Command, run: Command
) -> None:
    before = tokens(published)

    rotated = sluis("keys", "rotate", "--root", root, **published.environment)
    again = run()

    assert (rotated.exit_code, again.exit_code, again.json["warnings"]) == (0, 0, [])
    assert tokens(published) == before
    assert "Back the key file up again" in rotated.stdout
    assert {name: len(found) for name, found in read_keyring(published.keyring).roots.items()} == {
        "analytics": 1,
        "tombstones": 1,
        "receipts": 1,
    } | {root: 2}


def test_show_tells_every_epoch_after_a_rotation_and_nothing_of_a_root(keyring: Path, sluis: Command) -> None:
    for _ in range(2):
        assert sluis("keys", "rotate", "--keyring", str(keyring)).exit_code == 0

    shown = sluis("keys", "show", "--keyring", str(keyring), "--output", "json")

    found = [(e["epoch"], e["fingerprint"]) for e in shown.json["epochs"] if e["root"] == "analytics"]
    assert [epoch for epoch, _ in found] == [1, 2, 3]
    assert len({fingerprint for _, fingerprint in found}) == 3
    assert not any(epoch.root.hex() in shown.said for epoch in epochs(keyring))


def test_what_else_the_file_says_stays_in_it(keyring: Path) -> None:
    keyring.write_text("# kept in the safe of the second floor\n" + keyring.read_text().rstrip("\n"))
    before = keyring.read_text()

    rotate_root(keyring, "analytics", TODAY)

    assert keyring.read_text().startswith(before)


# ── what cannot spoil it ──────────────────────────────────────────────────────────────────────────────────────────


def test_no_file_of_it_is_open_to_others_at_any_instant(keyring: Path) -> None:
    seen: Counter[str] = Counter()

    def look() -> None:
        for path in keyring.parent.iterdir():
            seen[f"{path.name} {stat.S_IMODE(path.stat().st_mode):04o}"] += 1

    before = os.umask(0)
    sys.settrace(at_every_line(look))
    try:
        rotate_root(keyring, "analytics", TODAY)
    finally:
        sys.settrace(None)
        os.umask(before)

    assert seen["keyring.toml.new 0600"], "the new file was looked at while it was made"
    assert {name.split()[1] for name in seen} == {"0600"}


def rotate_until(keyring: Path, line: int) -> None:
    """Rotate; be killed before a line."""
    lines: Iterator[int] = iter(range(1_000_000))

    def kill() -> None:
        if next(lines) == line:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.settrace(at_every_line(kill))
    rotate_root(keyring, "analytics", TODAY)


def test_killed_at_any_line_it_has_rotated_or_not_and_the_next_one_can(keyring: Path) -> None:
    whole, before = keyring.read_bytes(), epochs(keyring)
    ends: list[tuple[int | None, int]] = []
    while not ends or ends[-1][0]:
        keyring.write_bytes(whole)
        process = PROCESSES.Process(target=rotate_until, args=(keyring, len(ends)))
        process.start()
        process.join()
        after = epochs(keyring)
        assert after[:1] == before
        ends.append((process.exitcode, len(after)))

    assert len(ends) > 20
    assert {code for code, _ in ends} == {-signal.SIGKILL, 0}
    assert [number for _, number in ends] == sorted(number for _, number in ends)
    assert {number for _, number in ends} == {1, 2}
    assert not half_made_beside(keyring).exists()


def rotate_together(keyring: Path, start: Barrier) -> None:
    """Rotate at the same time as others; exit with 0, or 3 when another one does."""
    start.wait()
    try:
        rotate_root(keyring, "analytics", TODAY)
    except LockError as error:
        sys.exit(error.code)


def test_of_many_at_once_each_adds_an_epoch_or_is_told(keyring: Path) -> None:
    start = PROCESSES.Barrier(6)
    processes = [PROCESSES.Process(target=rotate_together, args=(keyring, start)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    codes = [process.exitcode for process in processes]
    assert set(codes) <= {0, 3}
    assert [epoch.number for epoch in epochs(keyring)] == list(range(1, 2 + codes.count(0)))
    assert codes.count(0) >= 1


def test_a_half_made_file_of_a_killed_rotation_is_cleared(keyring: Path) -> None:
    half_made_beside(keyring).write_text("[[analytics]]\nepo")

    rotate_root(keyring, "analytics", TODAY)

    assert len(epochs(keyring)) == 2
    assert [path.name for path in keyring.parent.iterdir()] == ["keyring.toml"]


# ── where it is refused ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_file_in_another_form_is_left_to_its_owner(keyring: Path, sluis: Command) -> None:
    text = keyring.read_text().split("[[analytics]]\n")[1]
    entry, others = text.split("[[tombstones]]")
    inline = ", ".join(entry.strip().splitlines())
    keyring.write_text(f"format = 1\nanalytics = [{{ {inline} }}]\n\n[[tombstones]]{others}")
    before = keyring.read_bytes()
    assert len(epochs(keyring)) == 1

    outcome = sluis("keys", "rotate", "--keyring", str(keyring), "--output", "json")

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (2, "keyring")
    assert "is not written as `sluis keys init` writes it. Change it by hand." in outcome.said
    assert keyring.read_bytes() == before
    assert [path.name for path in keyring.parent.iterdir()] == ["keyring.toml"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_another_user_is_not_taken_from_that_user(keyring: Path) -> None:
    os.chown(keyring, 12345, -1)

    with pytest.raises(KeyringError, match=r"belongs to user 12345, .*\. Change it as that user\."):
        rotate_root(keyring, "analytics", TODAY)

    assert len(epochs(keyring)) == 1


def test_a_key_file_that_is_not_good_is_not_rotated(keyring: Path, sluis: Command) -> None:
    keyring.chmod(0o644)
    before = keyring.read_bytes()

    outcome = sluis("keys", "rotate", "--keyring", str(keyring), "--output", "json")

    assert (outcome.exit_code, outcome.json["error"]["kind"]) == (2, "keyring")
    assert "can be read by others (mode 0644)" in outcome.said
    assert keyring.read_bytes() == before


def test_a_linked_key_file_is_rotated_where_it_is(keyring: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(keyring)

    rotate_root(link, "analytics", TODAY)

    assert link.is_symlink()
    assert len(epochs(keyring)) == 2
