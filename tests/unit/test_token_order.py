"""Rows come out in the order of their tokens, whatever they came in as, and leave nothing in the folder."""

from __future__ import annotations

import uuid
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import stores.token_order
from stores.token_order import in_token_order

SCHEMA = pa.schema([("note", pa.string()), ("token", pa.uuid()), ("amount", pa.decimal128(12, 2))])

Row = tuple[str | None, bytes]

few = st.sampled_from([b"\x00", b"\x7f", b"\x80", b"\xff"])
tokens = st.binary(min_size=16, max_size=16) | st.tuples(few, few).map(lambda ends: ends[0] * 8 + ends[1] * 8)
rows = st.lists(st.tuples(st.none() | st.text(max_size=5), tokens), max_size=40)


def batches(rows: list[Row], size: int) -> list[pa.RecordBatch]:
    found = []
    for start in range(0, len(rows), size):
        notes, keys = zip(*rows[start : start + size], strict=True)
        amounts = pa.nulls(len(notes), pa.decimal128(12, 2))
        found.append(
            pa.RecordBatch.from_arrays(
                [pa.array(notes, pa.string()), pa.array(keys, pa.uuid()), amounts], schema=SCHEMA
            )
        )
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    rows=rows,
    size=st.integers(1, 50),
    told=st.integers(0, 400),
    within=st.integers(1, 8),
    most=st.sampled_from([1, 500, 32 << 20]),
)
def test_rows_come_out_in_token_order_and_each_once(
    tmp_path: Path, rows: list[Row], size: int, told: int, within: int, most: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stores.token_order, "RANGE_ROWS", within)
        patch.setattr(stores.token_order, "BATCH_BYTES", most)
        sorted_ = list(in_token_order(iter(batches(rows, size)), SCHEMA, "token", told, tmp_path))

    found = [(row["note"], row["token"].bytes) for batch in sorted_ for row in batch.to_pylist()]
    assert [token for _, token in found] == sorted(token for _, token in rows)
    assert sorted(found, key=repr) == sorted(rows, key=repr)
    assert all(batch.schema == SCHEMA for batch in sorted_)


def test_a_range_of_wide_rows_is_dealt_anew_until_it_is_narrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[Row] = [("x" * 1_000, uuid.uuid4().bytes) for _ in range(2_000)]
    monkeypatch.setattr(stores.token_order, "BATCH_BYTES", 50_000)

    sorted_ = list(in_token_order(iter(batches(rows, 20)), SCHEMA, "token", len(rows), tmp_path))

    assert sum(map(len, sorted_)) == 2_000
    assert max(batch.nbytes for batch in sorted_) < 60_000


def test_wide_rows_whose_tokens_begin_alike_are_sorted_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[Row] = [("x" * 1_000, b"alike" + bytes([n] * 11)) for n in reversed(range(100))]
    monkeypatch.setattr(stores.token_order, "BATCH_BYTES", 2_000)

    (batch,) = in_token_order(iter(batches(rows, 7)), SCHEMA, "token", 10, tmp_path)

    assert [token.bytes for token in batch["token"].to_pylist()] == [token for _, token in reversed(rows)]


def test_the_spool_file_has_no_name(tmp_path: Path) -> None:
    rows = [(None, uuid.UUID(int=number).bytes) for number in range(100)]
    seen = [list(tmp_path.iterdir()) for _ in in_token_order(iter(batches(rows, 7)), SCHEMA, "token", 100, tmp_path)]

    assert seen
    assert not any(seen)


def test_an_error_of_the_rows_comes_out_as_itself(tmp_path: Path) -> None:
    def broken() -> object:
        yield from batches([("a", b"x" * 16)], 1)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        list(in_token_order(broken(), SCHEMA, "token", 10, tmp_path))  # type: ignore[arg-type]
