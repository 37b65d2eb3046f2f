"""Records under a legal hold: recognised by keyed MACs, by whoever has the key; and the shop's own table of holds."""

from __future__ import annotations

import datetime
import hashlib
import hmac
from collections import Counter
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.column_types import ColumnType
from privacy.errors import KeyringError
from privacy.holds import Period, SourceHold, held_tables, source_holds
from privacy.keys import Epoch, SubjectKeys
from privacy.policy_file import read_policy
from privacy.records import Record, held_macs, record_macs, records_of, typed_keys, under_hold
from tests import small_warehouse
from tests.corner_shop import POLICY
from tests.independent_tokens import hkdf_sha256

OLD, NEW = (Epoch(number, date(2026, 1, 1), bytes(range(number, number + 32))) for number in (1, 2))
ROOT = SubjectKeys((OLD, NEW))

HOLDS = """\
holds: {from: audit, matter: matter, table: kind, record: what, held_from: since, held_until: until}
tables:
"""


def independently(key: str, table: str, root: bytes) -> str:
    derived = hkdf_sha256(root, f"sluis/v1/record/{table}".encode())
    message = f"text:{len(key.encode())}:{key}".encode()
    return hmac.digest(derived.hex().encode(), message, hashlib.sha256).hex()[:32]


def only(table: str, key: object) -> Record:
    (record,) = records_of(table, pa.array([key]), ROOT)
    assert record
    return record


def test_a_records_mac_can_be_computed_with_nothing_but_the_standards():
    assert only("sale", 4711).macs == {(e.number, independently("4711", "sale", e.root)) for e in (OLD, NEW)}
    assert only("sale", " é-7 ").newest == (2, independently("é-7", "sale", NEW.root))


@settings(deadline=None)
@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_and_its_digits_are_one_record(number: int):
    assert only("sale", number) == only("sale", str(number))


def test_equal_keys_of_two_tables_are_two_records():
    assert not only("sale", 1).macs & only("line", 1).macs


def test_no_key_is_no_record():
    assert list(records_of("sale", pa.array([None, "", "  "]), ROOT)) == [None] * 3


def test_keys_are_read_as_their_table_declares_them():
    texts = pa.array(["0123", " 5 ", "x", "", None, "1.5"])

    assert typed_keys(texts, ColumnType("integer"), "Europe/Amsterdam").to_pylist() == [123, 5, None, None, None, None]
    assert typed_keys(texts, ColumnType("text"), "Europe/Amsterdam").to_pylist()[:4] == ["0123", "5", "x", None]


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), max_size=60), st.sets(st.integers(0, 50)), st.sets(st.integers(0, 50)))
def test_exactly_the_held_rows_are_found_under_whatever_epoch_they_are_held(rows, old, new):
    held = held_macs(
        ("sale", mac)
        for number, keys in ((1, old), (2, new))
        for key in keys
        for mac in only("sale", key).macs
        if mac[0] == number
    )

    found = under_hold("sale", pa.array(rows, pa.int64()), held.get("sale", {}), ROOT)

    assert found.tolist() == [key in old | new for key in rows]


def test_a_row_without_a_key_is_under_no_hold():
    held = held_macs([("sale", only("sale", 1).newest)])

    assert under_hold("sale", pa.array([None, 1]), held["sale"], ROOT).tolist() == [False, True]


def test_a_hold_under_an_epoch_that_the_keyring_lacks_is_not_overlooked():
    held = held_macs([("sale", only("sale", 1).newest)])

    with pytest.raises(KeyringError, match="tombstones epoch 2 is missing"):
        under_hold("sale", pa.array([1]), held["sale"], SubjectKeys((OLD,)))


def test_a_records_mac_is_no_token_and_no_mac_of_a_person():
    value = pa.array(["1"])
    keys = [ROOT.record_key("customer", 2), ROOT.key("customer", 2)]

    assert len({record_macs(value, key).to_pylist()[0] for key in keys}) == 2


# ── the shop's own table ──────────────────────────────────────────────────────────────────────────────────────────

POLICY_WITH_HOLDS = read_policy(POLICY.replace("tables:\n", HOLDS), "shop.yaml")
WITH_DERIVED = read_policy(small_warehouse.POLICY, "shop.yaml")


def read(*rows: tuple[Any, ...], misfits: dict[str, list[bool]] | None = None) -> tuple[list[SourceHold], Counter[str]]:
    """Read rows of matter, table, record, beginning and end."""
    unread = Counter[str]()
    names = ("matter", "kind", "what", "since", "until")
    columns = {name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(names)}
    marks = {name: np.array(mask) for name, mask in (misfits or {}).items()}
    return list(source_holds(POLICY_WITH_HOLDS, columns, marks, ROOT, unread)), unread


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2024-03-10", date(2024, 3, 10)),
        (" 2024-03-10 ", date(2024, 3, 10)),
        ("2024-03-10T12:00:00+01:00", date(2024, 3, 10)),
        ("2024-03-10T23:30:00Z", date(2024, 3, 11)),
        ("2024-03-10 23:30:00", date(2024, 3, 10)),
        ("9999-12-31T23:59:59Z", date(9999, 12, 31)),
    ],
)
def test_days_and_moments_become_days_of_the_policys_zone(written, day):
    holds, unread = read(("P-1", "sale", "1", "2000-01-01", written), ("P-2", "sale", "1", written, None))

    assert [hold.period for hold in holds] == [Period(date(2000, 1, 1), day), Period(day, None)]
    assert not unread


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (("P-1", "sales", "1", "2024-01-01", None), "a table that the policy does not have"),
        (("P-1", None, "1", "2024-01-01", None), "a table that the policy does not have"),
        (("P-1", "sale", "one", "2024-01-01", None), "no key of its table"),
        (("P-1", "sale", None, "2024-01-01", None), "no key of its table"),
        ((" ", "sale", "1", "2024-01-01", None), "no matter"),
    ],
)
def test_a_row_that_holds_nothing_is_counted_by_what_is_wrong_with_it(row, why):
    assert read(row) == ([], Counter({why: 1}))


@pytest.mark.parametrize(
    ("period", "why"),
    [
        (("soon", None), "a date that is none"),
        ((None, None), "a date that is none"),
        (("2024-01-01", "never"), "a date that is none"),
        (("2024-01-02", "2024-01-01"), "an end before its beginning"),
    ],
)
def test_a_hold_whose_period_cannot_be_read_is_counted_and_still_named(period, why):
    holds, unread = read(("P-1", "sale", "1", *period))

    assert holds == [SourceHold("P-1", only("sale", 1), None)]
    assert unread == {why: 1}


def test_an_end_that_is_no_text_in_the_source_is_not_taken_for_none():
    (hold,), unread = read(("P-1", "sale", "1", "2024-01-01", None), misfits={"until": [True]})

    assert hold.period is None
    assert unread == {"a date that is none": 1}


def test_what_is_derived_from_rows_is_held_by_holding_those():
    assert "guest" in WITH_DERIVED.tables
    assert held_tables(WITH_DERIVED) == set(WITH_DERIVED.tables) - {"guest"}


def test_a_period_covers_its_first_and_its_last_day():
    period = Period(date(2024, 1, 2), date(2024, 1, 4))

    assert [period.covers(date(2024, 1, day)) for day in range(1, 6)] == [False, True, True, True, False]
    assert Period(date(2024, 1, 2), None).covers(datetime.date.max)
