"""What children ask of their parents: fate and expiry of every row, kept in few bytes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from privacy.fates import NO_CLOCK, Fate, FateIndexBuilder, Outcomes

OUTCOMES = st.tuples(
    st.sampled_from([fate for fate in Fate if fate != Fate.ORPHAN]),
    st.one_of(st.just(int(NO_CLOCK)), st.integers(-800_000, 3_000_000)),
)


@given(st.lists(st.lists(OUTCOMES, max_size=40), max_size=6))
def test_every_row_is_found_with_its_own_fate_and_expiry_however_rows_are_batched(batches):
    builder, rows = FateIndexBuilder(), [outcome for batch in batches for outcome in batch]
    keys = iter(range(len(rows)))
    for batch in batches:
        fates = np.array([fate for fate, _ in batch], np.uint8)
        expires = np.array([day for _, day in batch], np.int32)
        builder.add(pa.array([next(keys) for _ in batch], pa.int64()), fates, expires)

    found = builder.build().look_up(pa.array(range(len(rows)), pa.int64()))

    assert list(zip(found.fates.tolist(), found.expires.tolist(), strict=True)) == [(int(f), day) for f, day in rows]


def test_more_outcomes_than_a_byte_can_number_take_two():
    outcomes = Outcomes()
    first = outcomes.number(np.full(200, Fate.PUBLISHED, np.uint8), np.arange(200, dtype=np.int32))
    second = outcomes.number(np.full(200, Fate.EXPIRED, np.uint8), np.arange(200, dtype=np.int32))

    assert (first.dtype, second.dtype, outcomes.kind) == (np.uint8, np.uint16, np.uint16)
    assert [len(pairs) for pairs in outcomes.pairs()] == [400, 400]


def test_a_key_that_is_not_there_is_an_orphan_and_a_missing_one_leads_nowhere():
    found = FateIndexBuilder().build().look_up(pa.array([7, None], pa.int64()))

    assert found.fates.tolist() == [Fate.ORPHAN, Fate.PUBLISHED]
    assert found.expires.tolist() == [NO_CLOCK, NO_CLOCK]
