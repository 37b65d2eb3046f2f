"""Checks of Great Expectations, each of which tells the line of the policy that it comes from."""

from __future__ import annotations

from expectations.candidate import Owed
from expectations.checks import Asked
from privacy.promises import NotNull


def test_a_check_tells_its_promise_and_where_the_policy_has_it():
    asked = Asked("orders", Owed(NotNull(), "email", 41), "select 1", 0, lambda: "select 1")

    told = asked.expectation(7).meta

    assert told == {"index": 7, "promise": "not_null", "policy": "orders.email", "line": 41}
