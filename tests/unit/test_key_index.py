"""Rows are found by key, however the keys lie: close together, far apart, or as text."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.fates import Fate, FateIndexBuilder
from privacy.key_index import KeyIndex, as_keys

LEAST, MOST = -(2**63), 2**63 - 1
CLOSE = st.integers(-20, 20)
FAR = st.integers(LEAST, MOST) | CLOSE


@given(st.lists(CLOSE) | st.lists(FAR), st.lists(FAR | st.none()))
def test_a_key_is_found_at_its_first_row_and_nothing_else_is(keys: list[int], wanted: list[int | None]) -> None:
    wanted += [*keys, None]
    index = KeyIndex.of(np.array(keys, np.int64))

    found = index.positions(pa.array(wanted, pa.int64()))

    assert found.tolist() == [keys.index(value) if value in keys else -1 for value in wanted]


@given(st.lists(st.text()), st.lists(st.text() | st.none()))
def test_keys_of_text_are_found_alike(keys: list[str], wanted: list[str | None]) -> None:
    wanted += keys
    index = KeyIndex.of(as_keys(pa.array(keys, pa.string())))

    found = index.positions(pa.array(wanted, pa.string()))

    assert found.tolist() == [keys.index(value) if value in keys else -1 for value in wanted]


@pytest.mark.parametrize("keys", [[], [7], [7, 8, 9], [LEAST, MOST]])
def test_missing_references_refer_to_nothing(keys: list[int]) -> None:
    index = KeyIndex.of(np.array(keys, np.int64))

    assert index.positions(pa.array([None, None], pa.int64())).tolist() == [-1, -1]


def tokens(*numbers: int) -> pa.Array:
    return pa.array([bytes([number] * 16) for number in numbers], pa.uuid())


def of_two_batches() -> FateIndexBuilder:
    builder = FateIndexBuilder()
    published, expired = int(Fate.PUBLISHED), int(Fate.EXPIRED)
    fates = np.array([published, expired, published], np.uint8)
    builder.add(pa.array([1, 2, None]), fates, np.zeros(3, np.int32), tokens(1, 9))
    builder.add(pa.array([4]), np.array([published], np.uint8), np.zeros(1, np.int32), tokens(0, 4).slice(1))
    return builder


def test_references_take_the_tokens_of_the_rows_they_refer_to() -> None:
    index = of_two_batches().build()
    references = pa.array([4, None, 1, 4])

    assert index.tokens_of(references, index.look_up(references)) == pa.array(
        [bytes([4] * 16), None, bytes([1] * 16), bytes([4] * 16)], pa.uuid()
    )


@pytest.mark.parametrize("reference", [2, 3], ids=["expired", "orphan"])
def test_tokens_that_are_not_all_known_are_not_guessed(reference: int) -> None:
    index = of_two_batches().build()
    references = pa.array([4, reference])

    assert index.tokens_of(references, index.look_up(references)) is None


def test_a_table_without_rows_gives_no_tokens() -> None:
    builder = FateIndexBuilder()
    builder.add(pa.array([], pa.int64()), np.empty(0, np.uint8), np.empty(0, np.int32), tokens())
    index = builder.build()
    references = pa.array([None], pa.int64())

    assert index.tokens_of(references, index.look_up(references)) is None
