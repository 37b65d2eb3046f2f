"""Sums of whole tables are exact, however many digits they have."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import reduce

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from privacy.counting import added, sum_of

WIDE = st.decimals(-(10**33), 10**33, places=2)


@given(batches=st.lists(st.lists(WIDE, max_size=5), max_size=5))
def test_sums_of_batches_add_up_to_the_last_digit(batches: list[list[Decimal]]) -> None:
    sums = [sum_of(pa.array(batch, pa.decimal128(38, 2))) for batch in batches]

    total = reduce(added, sums, Decimal(0))

    assert Fraction(total) == sum(Fraction(value) for batch in batches for value in batch)
