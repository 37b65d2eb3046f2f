"""No raw value stands in any byte that a run writes or says, even when the error underneath quotes one."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import adbc_driver_sqlite.dbapi as adbc
import pyarrow as pa
import pytest

from privacy.treatments.base import arrow
from privacy.treatments.masking import MaskEmail
from tests.breaking import Break, asked_of_duckdb, crashing_check, damaged_source, disk_full
from tests.byte_search import Search, as_text
from tests.conftest import Outcome, Place
from tests.failing_runs import Failed, fail
from tests.prefect_search import finds, prefect_keeps

EMAIL, GUEST, IP, IP6 = (
    "anna.canary@example.com",
    "Guest.Canary@Example.com",
    "192.0.2.117",
    "2001:db8:85a3::8a2e:370:7334",
)
CANARIES = {
    "name": ["Anna Canary", "Bob Canary", "Carl Canary", "for Anna Canary", "looked at Anna Canary"],
    "e-mail": [EMAIL, "bob.canary@example.org", GUEST],
    "hash": ["$2b$12$canaryhash"],
    "phone": ["+31612345678", "0612345678", "020-5550137"],
    "IP address": [IP, IP6],
    "birth date": ["1980-02-29", "1999-12-31"],
}
CONTROL = "control.canary@example.net"
SEARCH = Search(CANARIES)
FOR_CONTROL = Search({"control": [CONTROL]})


def prepare(place: Place) -> None:
    """Give the buyers a phone number and an address in the net, each masked, beside what they have."""
    place.change_source(
        "alter table buyer add column phone text",
        "alter table buyer add column last_ip text",
        f"update buyer set phone = '+31612345678', last_ip = '{IP}' where buyer_id = 1",
        f"update buyer set phone = '020-5550137', last_ip = '{IP6}' where buyer_id = 2",
        f"update sale set note = 'call 0612345678, sent from {IP}' where sale_id = 2",
    )
    place.change_policy(
        "    never_extracted: {passphrase",
        "      phone: {type: text, role: direct_identifier, treatment: {kind: mask, of: phone}}\n"
        "      last_ip: {type: text, role: direct_identifier, treatment: {kind: mask, of: ip}}\n"
        "    never_extracted: {passphrase",
    )


# ── ways to fail, each with a value in the error underneath ───────────────────────────────────────────────────────


def in_extract(patch: pytest.MonkeyPatch, place: Place) -> None:
    read = adbc.Cursor.fetch_record_batch

    def breaks_off(cursor: adbc.Cursor) -> Iterator[pa.RecordBatch]:
        batch = read(cursor).read_next_batch()
        yield batch
        raise pa.ArrowInvalid(f"cannot read {batch.to_pylist()!r} {EMAIL}")

    patch.setattr(adbc.Cursor, "fetch_record_batch", breaks_off)


def in_treat(patch: pytest.MonkeyPatch, place: Place) -> None:
    def treat(self: MaskEmail, column: Any, *_: Any) -> Any:
        values = arrow(column).to_pylist()
        return arrow(column).cast(pa.int64()) if values else int(f"{values} {EMAIL}")

    patch.setattr(MaskEmail, "treat", treat)


def in_treat_undecoded(patch: pytest.MonkeyPatch, place: Place) -> None:
    """UnicodeDecodeError holds the raw bytes in its arguments although its text looks clean."""

    def treat(*_: Any) -> Any:
        return (EMAIL.encode() + b"\xff").decode()

    patch.setattr(MaskEmail, "treat", treat)


def in_gate(patch: pytest.MonkeyPatch, place: Place) -> None:
    from great_expectations.datasource.fluent.interfaces import Batch

    def validate(*_: Any, **__: Any) -> Any:
        raise ValueError(f"cannot compare {EMAIL} with {IP}")

    patch.setattr(Batch, "validate", validate)


def in_publish_oddly(patch: pytest.MonkeyPatch, place: Place) -> None:
    def chmod(*_: Any, **__: Any) -> Any:
        try:
            raise KeyError(EMAIL)
        except KeyError as cause:
            raise ExceptionGroup(f"two of {GUEST}", [ValueError(IP), cause]) from cause

    patch.setattr(Path, "chmod", chmod)


WAYS: dict[str, tuple[Break, int, str]] = {
    "extract": (in_extract, 3, "unexpected"),
    "a damaged source": (damaged_source, 3, ""),
    "treat": (in_treat, 3, "unexpected"),
    "treat, undecoded": (in_treat_undecoded, 3, "unexpected"),
    "stage": (asked_of_duckdb("create table analytics"), 3, "unexpected"),
    "a check": (crashing_check, 1, "gate"),
    "gate": (in_gate, 3, "unexpected"),
    "publish": (disk_full, 3, "store"),
    "publish, oddly": (in_publish_oddly, 3, "unexpected"),
}
"""How to fail, the exit code, and the kind of error (none: as the library has it)."""


@pytest.fixture(scope="module")
def failed(run_once: Place, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Failed[Place]]:
    """Make a run fail in every way, each in a copy of the corner shop with a warehouse."""
    outcomes = {}
    for number, (way, (break_it, _, _)) in enumerate(WAYS.items()):
        folder = tmp_path_factory.mktemp(f"failing{number}") / "place"
        place = Place(Path(shutil.copytree(run_once.folder, folder)))
        prepare(place)
        outcomes[way] = fail(place, break_it)
    return outcomes


def everything_written(place: Place) -> dict[str, bytes]:
    """Give every file of a place but the source, and the values of every DuckDB table in plain text."""
    found = {}
    for path in place.folder.rglob("*"):
        if path.is_file() and path != place.source:
            found[path.name] = path.read_bytes()
            if path.read_bytes()[8:12] == b"DUCK":
                found |= {f"{path.name}: {name}": text for name, text in as_text(path).items()}
    return found


@pytest.mark.parametrize("way", WAYS)
def test_a_failing_run_says_and_leaves_no_value(way: str, failed: dict[str, Failed[Place]]) -> None:
    run, (_, code, kind) = failed[way], WAYS[way]

    assert run.outcome.exit_code == code, run.outcome.said
    assert kind in ("", run.outcome.json["error"]["kind"])
    assert finds(SEARCH, run.said) == {}
    assert finds(SEARCH, everything_written(run.place)) == {}
    assert run.place.fingerprint() == run.before
    assert not run.place.warehouse.with_name("warehouse.duckdb.work").exists()


@pytest.mark.parametrize("way", WAYS)
def test_the_error_itself_holds_no_value_and_leads_to_none(way: str, failed: dict[str, Failed[Place]]) -> None:
    assert finds(SEARCH, failed[way].held) == {}


def test_errors_say_class_and_place_and_the_way_out(failed: dict[str, Failed[Place]]) -> None:
    messages = {way: run.outcome.json["error"]["message"] for way, run in failed.items()}

    assert messages["treat"].startswith("pyarrow.lib.ArrowInvalid in ")
    assert "ConversionException in stores/warehouse/duckdb_file.py:" in messages["stage"]
    assert "ENOSPC in stores/warehouse/duckdb_live.py:" in messages["publish"]
    assert "make room and run again" in messages["publish"]
    assert "sales.channel: between could not be checked: " in messages["a check"]
    assert all("\n  " in message for message in messages.values()), "a way out is missing"


def test_a_good_run_leaves_no_value(place: Place, run: Callable[..., Outcome]) -> None:
    prepare(place)

    outcome = run()

    assert outcome.exit_code == 0, outcome.said
    assert finds(SEARCH, {"said": outcome.said.encode()}) == {}
    assert finds(SEARCH, everything_written(place)) == {}


def test_the_search_finds_a_value_that_was_published(place: Place, run: Callable[..., Outcome]) -> None:
    """Otherwise the tests here prove nothing."""
    place.change_policy(
        "note: {type: text, role: sensitive, treatment: suppress}",
        "note: {type: text, role: non_personal, treatment: keep, because: A control.}",
    )
    assert run().exit_code == 0

    found = finds(SEARCH, everything_written(place))

    assert found["warehouse.duckdb: analytics.sales.note"]["name"] == 2


def test_prefect_keeps_no_value_of_any_run(failed: dict[str, Failed[Place]], prefect_server: Path) -> None:
    """The control, in the error of a flow that is not guarded, shows what Prefect does keep and that it is found."""
    from prefect import flow

    @flow(persist_result=True)
    def unguarded(value: str) -> None:
        raise ValueError(f"not a number: {value}")

    with pytest.raises(ValueError, match="not a number"):
        unguarded(CONTROL)
    _wait_until(lambda: any("table" in name for name in finds(FOR_CONTROL, prefect_keeps(prefect_server))))
    kept = prefect_keeps(prefect_server)
    where = " ".join(finds(FOR_CONTROL, kept))

    assert all(place in where for place in ("prefect.db", "table ", "/storage/")), where
    assert finds(SEARCH, kept) == {}


def _wait_until(true: Callable[[], bool]) -> None:
    for _ in range(40):
        if true():
            return
        time.sleep(0.25)
    raise AssertionError("it did not come true")
