"""What a mart may show: enough people, nobody who dominates, and never one withheld cell among shown ones."""

from __future__ import annotations

import datetime
from collections import defaultdict
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from privacy.marts import Cell, Counted, first_open_month, may_be_shown
from privacy.policy_marts import Mart

MARCH, APRIL = datetime.date(2026, 3, 1), datetime.date(2026, 4, 1)


def mart(least: int = 10, most: float = 0.8) -> Mart:
    return Mart.model_validate(
        {
            "meaning": "Sales by channel.",
            "from": "sale",
            "month_of": "sold_at",
            "by": ["channel"],
            "measures": {"turnover": {"kind": "sum", "of": "total", "meaning": "Turnover."}},
            "people": ["buyer_id"],
            "minimum_cell": least,
            "most_of_one": most,
        }
    )


def counted(channel: str, people: int, share: str = "0.1", month: datetime.date = MARCH) -> Counted:
    cell = Cell("sales", month, (("channel", channel),), people, (("turnover", Decimal("12.50")),))
    return Counted(cell, (Decimal(share),))


def shown(of: Mart, *cells: Counted) -> set[object]:
    return {dict(cell.of)["channel"] for cell in may_be_shown(of, cells) if not cell.withheld}


def test_a_cell_of_too_few_people_is_withheld_and_the_smallest_of_the_others_with_it() -> None:
    assert shown(mart(), counted("web", 40), counted("shop", 20), counted("fair", 9)) == {"web"}


def test_two_cells_withheld_hide_each_other() -> None:
    assert shown(mart(), counted("web", 40), counted("shop", 9), counted("fair", 1)) == {"web"}


def test_a_cell_that_one_person_dominates_is_withheld_however_many_the_others_are() -> None:
    cells = (counted("web", 40, "0.81"), counted("shop", 30, "0.5"), counted("fair", 20, "0.80"))

    assert shown(mart(), *cells) == {"shop"}


def test_a_cell_that_is_alone_in_its_month_has_no_other_to_hide_behind() -> None:
    (cell,) = may_be_shown(mart(), [counted("web", 3)])

    assert cell.withheld


def test_months_are_looked_at_apart() -> None:
    cells = (counted("web", 40), counted("shop", 20), counted("web", 3, month=APRIL), counted("shop", 30, month=APRIL))

    assert {(cell.month, cell.withheld) for cell in may_be_shown(mart(), cells)} == {(MARCH, False), (APRIL, True)}


def test_a_withheld_cell_has_no_figure_left_in_it() -> None:
    (cell,) = may_be_shown(mart(), [counted("web", 3)])

    assert cell.figures_text() == '{"withheld":true}'
    assert "12.50" not in repr(cell)


CELLS = st.lists(
    st.tuples(
        st.sampled_from([MARCH, APRIL]), st.text(max_size=3), st.integers(0, 30), st.decimals("0", "1", places=2)
    ),
    unique_by=lambda cell: cell[:2],
    max_size=12,
)


@given(CELLS, st.integers(2, 25), st.floats(0.1, 0.9))
def test_nothing_shown_is_of_few_people_or_of_one_and_no_cell_is_withheld_alone(
    cells: list[tuple[datetime.date, str, int, Decimal]], least: int, most: float
) -> None:
    given_ = [counted(channel, people, str(share), month) for month, channel, people, share in cells]
    before = {(one.cell.month, one.cell.of): one for one in given_}

    found = may_be_shown(mart(least, most), given_)

    assert len(found) == len(given_)
    by_month = defaultdict(list)
    for cell in found:
        by_month[cell.month].append(cell.withheld)
        one = before[cell.month, cell.of]
        assert cell.withheld or (cell == one.cell and cell.people >= least and one.shares[0] <= Decimal(str(most)))
    assert all(sum(withheld) != 1 or len(withheld) == 1 for withheld in by_month.values())


@given(CELLS, st.integers(2, 25), st.integers(0, 10))
def test_what_is_frozen_stays_as_it_is_and_a_higher_minimum_only_withholds_more(
    cells: list[tuple[datetime.date, str, int, Decimal]], least: int, more: int
) -> None:
    frozen = may_be_shown(mart(least), [counted(channel, people, str(share), m) for m, channel, people, share in cells])

    assert may_be_shown(mart(least), map(Counted, frozen)) == frozen
    still = may_be_shown(mart(least + more), map(Counted, frozen))
    assert all(now == then or now.withheld for now, then in zip(still, frozen, strict=True))
    assert all(cell.withheld or cell.people >= least + more for cell in still)


@given(
    st.dictionaries(st.sampled_from(["channel", "kind"]), st.none() | st.integers() | st.booleans() | st.text()),
    st.decimals(allow_nan=False, allow_infinity=False, places=2),
    st.integers(0, 10**9),
)
def test_the_ledger_gives_back_the_cell_that_it_was_given(
    of: dict[str, int | bool | str | None], figure: Decimal, people: int
) -> None:
    cell = Cell("sales", MARCH, tuple(sorted(of.items())), people, (("turnover", figure),))

    for one in (cell, cell.hidden()):
        assert Cell.from_text("sales", MARCH, one.key_text(), one.figures_text()) == one


def test_months_are_closed_when_they_are_over_on_every_day_that_counts() -> None:
    assert first_open_month(datetime.date(2026, 4, 30), datetime.date(2026, 5, 1)) == APRIL
