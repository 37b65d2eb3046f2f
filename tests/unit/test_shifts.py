"""Shifted dates: one secret shift a subject, never none, which neither a row's end nor the calendar's gives away."""

from __future__ import annotations

import datetime
from collections import Counter
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from privacy.treatments import ShiftDates
from privacy.treatments.base import series
from tests.promised import KEYS, treat, treatment
from tests.strategies import AMSTERDAM, columns, dates, integers, timestamps

MOMENT = pa.timestamp("us", tz="Europe/Amsterdam")
DAY = datetime.timedelta(days=1)


def shift(most: int = 30, form: str = "integer", domain: str = "person") -> ShiftDates:
    made = treatment(kind="shift_dates", by="person", domain=domain, form=form, most=most)
    assert isinstance(made, ShiftDates)
    return made


def shifted(how: ShiftDates, person: int, *days: datetime.date | None) -> list[Any]:
    """Give the dates of one person."""
    return treat(how, pa.array(days, pa.date32()), person=pa.array([person] * len(days), pa.int64()))


@given(integers, st.lists(dates, min_size=2, max_size=10), st.integers(1, 3650))
def test_a_shift_is_the_same_for_all_dates_of_one_person_and_never_none_or_too_far(person, days, most):
    moved = shifted(shift(most), person, *days)
    offsets = {new - old for new, old in zip(moved, days, strict=True)}
    assert len(offsets) == 1
    assert 1 <= abs(offsets.pop() / DAY) <= most
    assert [b - a for a, b in pairwise(moved)] == [b - a for a, b in pairwise(days)]


@given(columns(timestamps, MOMENT), integers)
def test_a_moment_is_shifted_from_its_local_date(column, person):
    days = [None if moment is None else moment.astimezone(AMSTERDAM).date() for moment in column.to_pylist()]
    persons = pa.array([person] * len(column), pa.int64())
    assert treat(shift(), column, person=persons) == shifted(shift(), person, *days)


def test_every_shift_but_none_is_about_equally_likely():
    day, persons = datetime.date(2020, 1, 1), range(60_000)
    column = series(pa.array([day] * len(persons)))
    moved = shift(3).treat(column, {"person": series(pa.array(persons))}, KEYS)
    counts = Counter(int((new - day) / DAY) for new in moved.to_list())
    assert set(counts) == {-3, -2, -1, 1, 2, 3}
    assert all(abs(count - 10_000) < 600 for count in counts.values())  # six standard deviations


def test_one_person_is_shifted_alike_under_every_spelling_and_otherwise_in_another_domain():
    days = pa.array([datetime.date(2020, 1, 1)] * 2)
    spellings = pa.array(["Jan@Example.NL", " jan@example.nl"])
    assert len(set(treat(shift(3650, "email"), days, person=spellings))) == 1
    assert shifted(shift(3650), 7, datetime.date(2020, 1, 1)) != shifted(
        shift(3650, domain="guest"), 7, datetime.date(2020, 1, 1)
    )
    assert len({KEYS.shift_key("person"), KEYS.shift_key("guest"), KEYS.token_key("person")}) == 3


def test_shifts_are_those_of_this_table():
    """Golden: a change here moves everybody's dates."""
    moved = [str(shifted(shift(), person, datetime.date(2024, 2, 28))[0]) for person in (1001, 1002, -7)]
    assert moved == ["2024-03-08", "2024-02-11", "2024-03-13"]


def test_rows_without_a_subject_and_dates_at_the_ends_of_the_calendar_are_set_aside():
    days = [datetime.date.min + 29 * DAY, datetime.date.min + 30 * DAY, datetime.date.max - 30 * DAY, None]
    column = pa.array([*days, datetime.date.max - 29 * DAY, datetime.date(2020, 1, 1), None])
    persons = pa.array([1, 1, 1, 1, 1, None, None])

    (alone, alone_why), (beyond, beyond_why) = shift().untreatable(column, {"person": persons})

    assert alone.fill_null(False).to_pylist() == [False] * 5 + [True, False]
    assert beyond.fill_null(False).to_pylist() == [True, False, False, False, True, False, False]
    assert (alone_why, beyond_why) == ("no person beside it", "too near an end of the calendar to be shifted")
    blank = shift(form="text").untreatable(pa.array([datetime.date(2020, 1, 1)]), {"person": pa.array([" "])})
    assert next(blank)[0].to_pylist() == [True]


@given(integers, dates, st.integers(1, 3650))
def test_a_clock_counts_from_a_day_that_is_no_later_than_the_real_one_and_follows_from_the_published_one(
    person, day, most
):
    column, persons = pa.array([day, None]), pa.array([person] * 2, pa.int64())
    counted, nothing = shift(most).for_clock(column, {"person": persons}, KEYS).to_pylist()
    assert nothing is None
    assert counted <= day
    assert counted == shifted(shift(most), person, day)[0] - most * DAY


def test_a_date_that_is_published_as_it_was_read_is_counted():
    raw = pa.array([datetime.datetime(2024, 12, 31, 23, 30, tzinfo=datetime.UTC)] * 3 + [None], MOMENT)
    treated = pa.array([*[datetime.date(2025, 1, 1)] * 2, datetime.date(2024, 12, 31), None])
    assert shift().as_read(raw, treated) == 2
    assert shift().as_read(raw.slice(3), treated.slice(3)) == 0


@pytest.mark.parametrize("most", [0, -1, 3651, 1.5])
def test_a_shift_of_no_day_of_more_than_ten_years_or_of_part_of_a_day_is_refused(most):
    with pytest.raises(ValidationError, match=r"shift_dates\.most"):
        treatment(kind="shift_dates", by="person", domain="person", most=most)


def test_a_shift_reads_dates_and_moments_and_the_subject_in_the_form_of_its_domain():
    assert shift().accepts == {"date", "timestamp"}
    assert shift().needs() == {"person": {"integer"}}
