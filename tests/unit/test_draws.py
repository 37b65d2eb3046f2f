"""Keyed draws: every number equally likely, the same for the same value, and as another language would draw them."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.draws import _even, draws
from tests.independent_tokens import canonical
from tests.strategies import columns, integers, keys, texts

KEY = bytes(range(32))


def drawn(value: object, form: str, key: bytes, below: int) -> int | None:
    """Draw as docs/pseudonyms.md says, with the standard library only."""
    text = canonical(value, form)
    if text is None:
        return None
    message = f"{form}:{len(text.encode())}:{text}".encode()
    mac = hmac.digest(key.hex().encode(), message, hashlib.sha256)
    words = [int.from_bytes(mac[start : start + 8], "big") for start in (0, 8, 16, 24)]
    greatest = 2**64 // below * below
    return next((word for word in words if word < greatest), words[-1]) % below


@given(columns(integers, pa.int64()), keys, st.integers(1, 2**63))
def test_a_number_is_drawn_as_an_independent_computation_draws_it(column, key, below):
    expected = [drawn(value, "integer", key, below) for value in column.to_pylist()]
    assert draws(column, "integer", key, below).to_pylist() == expected


@pytest.mark.parametrize("below", [2**64 // 3 + 1, 2**63 // 3 * 2 + 1])
def test_a_word_beyond_the_greatest_multiple_gives_way_to_the_next(below):
    """A third of all words, or a quarter, must give way here."""
    values = list(range(300))
    assert draws(pa.array(values), "integer", KEY, below).to_pylist() == [
        drawn(value, "integer", KEY, below) for value in values
    ]


@given(columns(texts, pa.string()), st.integers(0, 30))
def test_a_draw_does_not_depend_on_what_stands_beside_it(column, cut):
    parts = [draws(part, "text", KEY, 1000).to_pylist() for part in (column.slice(0, cut), column.slice(cut))]
    assert draws(column, "text", KEY, 1000).to_pylist() == parts[0] + parts[1]


def test_every_number_is_drawn_about_equally_often():
    counts = Counter(draws(pa.array(range(100_000)), "integer", KEY, 10).to_pylist())
    assert set(counts) == set(range(10))
    assert all(abs(count - 10_000) < 600 for count in counts.values())  # six standard deviations


def test_draws_are_those_of_this_table():
    """Golden: a change here gives every synthetic value, noise and shift anew."""
    values = pa.array([1001, 1002, -7, None])
    assert draws(values, "integer", KEY, 1000).to_pylist() == [737, 301, 939, None]


def test_a_word_beyond_the_last_whole_multiple_is_passed_over_for_the_next_one():
    last = 2**64 - 1  # 2^64 is one more than a multiple of three
    words = np.array([[last - 1, 4, 4, 4], [last, 4, 5, 5], [last, last, 4, 5], [last, last, last, last]], np.uint64)

    assert _even(words, 3).tolist() == [2, 1, 1, 0]
