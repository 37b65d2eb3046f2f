"""The notebook for analysts, run from beginning to end on a published warehouse."""

from __future__ import annotations

from typing import Any

import matplotlib
import pytest

from tests.e2e.conftest import Run


@pytest.fixture(scope="module")
def answers(demo: Run) -> dict[str, Any]:
    matplotlib.use("agg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYSTS_WAREHOUSE", str(demo.warehouse))
        from examples.questions import app

        _, defined = app.run()
    return dict(defined)


def test_every_question_of_the_notebook_has_an_answer(answers: dict[str, Any]) -> None:
    for name in ("by_year", "shown", "by_carrier", "per_quarter", "table", "ahead"):
        assert len(answers[name]) > 1, name


def test_the_years_of_the_notebook_add_up_to_what_the_mart_shows(answers: dict[str, Any], demo: Run) -> None:
    ((shown,),) = demo.rows("select sum(revenue)::double from marts.revenue_per_month where not withheld")
    assert answers["by_year"].to_numpy().sum() == pytest.approx(shown)


def test_the_notebook_shows_no_group_of_fewer_people_than_it_says(answers: dict[str, Any]) -> None:
    assert answers["shown"].buyers.min() >= answers["SMALL"]


def test_rows_that_leave_are_counted_for_every_table_in_which_a_clock_runs(answers: dict[str, Any], demo: Run) -> None:
    ((rows,),) = demo.rows("select count(*) from analytics.orders where _expires_on is not null")
    assert answers["ahead"].loc["orders"].sum() == rows
