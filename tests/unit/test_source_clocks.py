"""The last day on which a row of the source must be kept."""

import calendar
import datetime
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.policy_source import CountedFrom
from privacy.retention import NO_EVENT, day_number, local_days
from privacy.retention_rules import Duration
from privacy.source_clocks import NEVER, last_day_kept, last_of

EPOCH = date(1970, 1, 1)


def kept(event: date, period: str, counted_from: CountedFrom, first_month: int = 1) -> date:
    """The last day of one row."""
    events = np.array([day_number(event)], np.int32)
    return EPOCH + datetime.timedelta(int(last_day_kept(events, Duration.parse(period), counted_from, first_month)[0]))


@pytest.mark.parametrize(
    ("event", "period", "counted_from", "first_month", "last"),
    [
        # Seven years from the end of a calendar year: the example of the law's own leaflets.
        (date(2026, 3, 10), "7 years", "end_of_fiscal_year", 1, date(2033, 12, 31)),
        (date(2026, 1, 1), "7 years", "end_of_fiscal_year", 1, date(2033, 12, 31)),
        (date(2026, 12, 31), "7 years", "end_of_fiscal_year", 1, date(2033, 12, 31)),
        # A book year from July to June.
        (date(2026, 3, 10), "7 years", "end_of_fiscal_year", 7, date(2033, 6, 30)),
        (date(2026, 6, 30), "7 years", "end_of_fiscal_year", 7, date(2033, 6, 30)),
        (date(2026, 7, 1), "7 years", "end_of_fiscal_year", 7, date(2034, 6, 30)),
        # One that ends with February: its end is that of each year's own February.
        (date(2025, 1, 15), "7 years", "end_of_fiscal_year", 3, date(2032, 2, 29)),
        (date(2024, 2, 29), "7 years", "end_of_fiscal_year", 3, date(2031, 2, 28)),
        (date(2024, 3, 1), "7 years", "end_of_fiscal_year", 3, date(2032, 2, 29)),
        # Ten calendar years after the supply year, whatever the book year is.
        (date(2026, 3, 10), "10 years", "end_of_calendar_year", 7, date(2036, 12, 31)),
        # From the event itself; 29 February comes back after 4 years and not after 7.
        (date(2024, 2, 29), "7 years", "event", 1, date(2031, 2, 28)),
        (date(2024, 2, 29), "4 years", "event", 1, date(2028, 2, 29)),
        (date(2026, 3, 10), "90 days", "event", 1, date(2026, 6, 8)),
        (date(2026, 3, 10), "90 days", "end_of_calendar_year", 1, date(2027, 3, 31)),
        (date(1968, 5, 1), "1 year", "end_of_fiscal_year", 4, date(1970, 3, 31)),
        (date(9999, 5, 1), "7 years", "end_of_fiscal_year", 1, date(9999, 12, 31)),
    ],
)
def test_the_last_day_of_a_row(event, period, counted_from, first_month, last):
    assert kept(event, period, counted_from, first_month) == last


@given(
    event=st.dates(date(1900, 1, 1), date(2200, 12, 31)),
    years=st.integers(1, 40),
    first_month=st.integers(1, 12),
)
def test_years_from_the_end_of_a_book_year_end_with_a_book_year(event, years, first_month):
    last = kept(event, f"{years} years", "end_of_fiscal_year", first_month)

    ends_in = 12 if first_month == 1 else first_month - 1
    ends = event.year + (event.month > ends_in) + years
    assert last == date(ends, ends_in, calendar.monthrange(ends, ends_in)[1])


@given(
    events=st.lists(st.dates(date(1900, 1, 1), date(2200, 12, 31)), min_size=1, max_size=50),
    period=st.sampled_from(["7 years", "18 months", "90 days"]),
    counted_from=st.sampled_from(["event", "end_of_fiscal_year", "end_of_calendar_year"]),
    first_month=st.integers(1, 12),
)
def test_a_later_event_never_ends_earlier_and_none_before_its_period(events, period, counted_from, first_month):
    days = np.array(sorted(map(day_number, events)), np.int32)

    last = last_day_kept(days, Duration.parse(period), counted_from, first_month)

    assert (np.diff(last) >= 0).all()
    assert (last >= last_day_kept(days, Duration.parse(period), "event", first_month)).all()


def test_what_has_not_happened_never_ends():
    days = np.array([NO_EVENT, NEVER, 0], np.int32)

    last = last_day_kept(days, Duration.parse("7 years"), "end_of_fiscal_year", 1)

    assert last.tolist() == [NEVER, NEVER, day_number(date(1977, 12, 31))]


def test_the_last_of_several_events_counts_and_none_while_one_is_missing():
    one, other = np.array([10, 30, 10], np.int32), np.array([20, 20, NO_EVENT], np.int32)

    assert last_of([one, other]).tolist() == [20, 30, NEVER]


def test_the_year_is_that_of_the_shops_own_midnight():
    moments = pa.array(["2025-12-31T22:59:59Z", "2025-12-31T23:00:00Z"]).cast(pa.timestamp("us", "Europe/Amsterdam"))

    last = last_day_kept(local_days(moments), Duration.parse("7 years"), "end_of_fiscal_year", 1)

    assert [EPOCH + datetime.timedelta(int(day)) for day in last] == [date(2032, 12, 31), date(2033, 12, 31)]
