"""Tables are worked on a few at a time, each after those it refers to, and a failure waits for what is under way."""

from __future__ import annotations

import threading
import time
from concurrent import futures

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stores.source import READERS
from tasks.in_parallel import in_parallel


@st.composite
def references(draw: st.DrawFn) -> dict[str, set[str]]:
    """Draw tables of which each may refer to any drawn before it, in some order."""
    names = [f"t{number}" for number in range(draw(st.integers(1, 9)))]
    found = {name: set(draw(st.lists(st.sampled_from(names[:i])))) if i else set() for i, name in enumerate(names)}
    return {name: found[name] for name in draw(st.permutations(names))}


@given(references())
def test_each_table_is_done_once_after_those_it_refers_to(tables: dict[str, set[str]]) -> None:
    ended: list[str] = []
    under_way, most = 0, 0
    lock = threading.Lock()

    def job(table: str) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
            assert tables[table] <= set(ended)
        with lock:
            under_way -= 1
            ended.append(table)

    with futures.ThreadPoolExecutor(READERS + 3) as pool:
        in_parallel(tables, lambda table: pool.submit(job, table), futures.as_completed)

    assert sorted(ended) == sorted(tables)
    assert most <= READERS


def test_two_tables_are_under_way_at_a_time() -> None:
    both = threading.Barrier(READERS, timeout=30)

    with futures.ThreadPoolExecutor(READERS) as pool:
        in_parallel({"a": [], "b": []}, lambda _: pool.submit(both.wait), futures.as_completed)

    assert not both.broken


def test_a_failure_starts_nothing_more_and_waits_for_what_is_under_way() -> None:
    begun, ended = [], []

    def job(table: str) -> None:
        begun.append(table)
        if table == "broken":
            raise ValueError("broken")
        time.sleep(0.2)
        ended.append(table)

    with (
        futures.ThreadPoolExecutor(READERS) as pool,
        pytest.raises(ValueError, match="broken"),
    ):
        in_parallel(
            {"broken": [], "beside": [], "child": ["broken"], "more": ["beside"]},
            lambda table: pool.submit(job, table),
            futures.as_completed,
        )

    assert set(begun) == {"broken", "beside"}
    assert ended == ["beside"]


def test_what_most_wait_for_goes_first() -> None:
    begun: list[str] = []

    with futures.ThreadPoolExecutor(1) as pool:
        in_parallel(
            {"alone": [], "parent": [], "child": ["parent"], "grandchild": ["child"]},
            lambda table: pool.submit(begun.append, table),
            futures.as_completed,
        )

    assert begun[0] == "parent"


@pytest.mark.parametrize(("rows_of_large", "first"), [(100, "large"), (20, "parent")])
def test_the_longest_chain_of_rows_goes_first_not_that_of_tables(rows_of_large: int, first: str) -> None:
    begun: list[str] = []

    with futures.ThreadPoolExecutor(1) as pool:
        in_parallel(
            {"alone": [], "large": [], "parent": [], "child": ["parent"], "grandchild": ["child"]},
            lambda table: pool.submit(begun.append, table),
            futures.as_completed,
            {"large": rows_of_large, "parent": 10, "child": 10, "grandchild": 10},
        )

    assert begun[0] == first
    assert {*begun[:2]} == {"large", "parent"}
