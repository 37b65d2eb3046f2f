"""Rows that need each other stay together: parents for their children, children that share their parent's time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from privacy.source_clocks import NEVER
from privacy.source_needs import Link, children_first, until_all_may_go


def days(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int32)


def test_a_parent_waits_for_its_last_child_and_for_its_childrens_children():
    links = [Link("line", "sale", days(0, 0, 1)), Link("scan", "line", days(2))]
    own = {"sale": days(5, 5), "line": days(3, 9, 3), "scan": days(8)}

    until = until_all_may_go(own, links, ["scan", "line", "sale"])

    assert {name: found.tolist() for name, found in until.items()} == {"sale": [9, 8], "line": [3, 9, 8], "scan": [8]}


def test_a_child_that_shares_its_parents_time_waits_with_it():
    links = [Link("line", "sale", days(0, -1), shares=True), Link("complaint", "sale", days(0))]
    own = {"sale": days(5), "line": days(5, 5), "complaint": days(20)}

    until = until_all_may_go(own, links, ["line", "complaint", "sale"])

    assert until["line"].tolist() == [20, 5]


def test_what_a_table_outside_or_no_earlier_in_the_order_refers_to_stays_for_good():
    links = [Link("audit", "buyer", days(1)), Link("buyer", "buyer", days(-1, -1, 0))]

    until = until_all_may_go({"buyer": days(5, 5, 5)}, links, ["buyer"])

    assert until["buyer"].tolist() == [NEVER, NEVER, 5]


def test_of_tables_in_a_circle_one_keeps_what_the_other_refers_to():
    order = children_first(["a", "b"], [("a", "b"), ("b", "a")])
    links = [Link("a", "b", days(0)), Link("b", "a", days(0))]

    until = until_all_may_go({"a": days(1), "b": days(1)}, links, order)

    assert sorted(order) == ["a", "b"]
    assert NEVER in (until["a"].tolist() + until["b"].tolist())


def test_tables_come_after_those_that_refer_to_them():
    order = children_first(
        ["buyer", "sale", "line", "sale_note"], [("sale", "buyer"), ("line", "sale"), ("line", "line"), ("x", "buyer")]
    )

    assert order.index("line") < order.index("sale") < order.index("buyer")


ROWS = 4


@given(
    own=st.fixed_dictionaries({name: st.lists(st.integers(0, 9), min_size=ROWS, max_size=ROWS) for name in "abc"}),
    references=st.lists(
        st.tuples(
            st.sampled_from([("a", "b"), ("a", "c"), ("b", "c")]),
            st.lists(st.integers(-1, ROWS - 1), min_size=ROWS, max_size=ROWS),
            st.booleans(),
        ),
        max_size=4,
    ),
    day=st.integers(0, 10),
)
def test_whatever_goes_on_a_day_leaves_no_reference_behind_and_nothing_that_shares_goes_alone(own, references, day):
    links = [Link(child, parent, days(*at), shares) for (child, parent), at, shares in references]

    until = until_all_may_go({name: days(*some) for name, some in own.items()}, links, ["a", "b", "c"])

    gone = {name: found < day for name, found in until.items()}
    for link in links:
        for row, parent in enumerate(link.positions):
            if parent >= 0:
                assert gone[link.child][row] or not gone[link.parent][parent]
                assert not link.shares or gone[link.child][row] <= gone[link.parent][parent]
    for name, some in own.items():
        assert (until[name] >= some).all()
