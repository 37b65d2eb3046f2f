"""Tables that a database is handed: of as many rows as asked for, or of no more than some bytes."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stores.arrow_stream
from stores.arrow_stream import in_tables


@given(sizes=st.lists(st.integers(0, 9), max_size=20), rows=st.integers(1, 12), most=st.sampled_from([1, 40, 1 << 20]))
def test_all_rows_come_in_their_order_and_no_table_is_longer_than_asked_for(
    sizes: list[int], rows: int, most: int
) -> None:
    batches = [pa.record_batch({"n": [10 * number + n for n in range(size)]}) for number, size in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stores.arrow_stream, "BATCH_BYTES", most)
        tables = list(in_tables(batches, rows))

    read = [value for table in tables for value in table["n"].to_pylist()]
    assert read == [value for batch in batches for value in batch["n"].to_pylist()]
    assert all(0 < len(table) <= rows for table in tables)
    if most == 1 << 20:
        assert all(len(table) == rows for table in tables[:-1])
