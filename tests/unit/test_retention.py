"""How long rows stay: the first day on which each must be absent, and the month's first that is published for it."""

import calendar
import datetime
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from privacy.fates import NO_CLOCK
from privacy.retention import NO_EVENT, day_number, expiry_column, first_absent_month, local_days
from privacy.retention_rules import ClockOf, Duration, KeepAtMost, Retention, Unlimited, Via

EPOCH = date(1970, 1, 1)


def absent_from(event: date, period: str) -> date:
    """The published first day of absence of one row."""
    days = first_absent_month(np.array([day_number(event)], np.int32), Duration.parse(period))
    return EPOCH + datetime.timedelta(days=int(days[0]))


def promised(event: date, period: str) -> date:
    """The first day on which a row must be absent, in plain Python: the day after the last one kept."""
    number, unit = period.split()
    if unit.startswith("day"):
        return event + datetime.timedelta(days=int(number) + 1)
    months = event.year * 12 + event.month - 1 + int(number) * (12 if unit.startswith("year") else 1)
    year, month = divmod(months, 12)
    last_of_month = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(event.day, last_of_month)) + datetime.timedelta(days=1)


@pytest.mark.parametrize(
    ("event", "period", "last_kept", "absent"),
    [
        # The whole month in which the last day lies is given up, unless that day is the month's last.
        (date(2019, 3, 15), "7 years", date(2026, 3, 15), date(2026, 3, 1)),
        (date(2019, 3, 31), "7 years", date(2026, 3, 31), date(2026, 4, 1)),
        (date(2019, 3, 1), "7 years", date(2026, 3, 1), date(2026, 3, 1)),
        # The year's end and its beginning.
        (date(2018, 12, 31), "7 years", date(2025, 12, 31), date(2026, 1, 1)),
        (date(2019, 1, 1), "7 years", date(2026, 1, 1), date(2026, 1, 1)),
        (date(2018, 12, 30), "7 years", date(2025, 12, 30), date(2025, 12, 1)),
        # 29 February comes back after 4 years and not after 7.
        (date(2020, 2, 29), "7 years", date(2027, 2, 28), date(2027, 3, 1)),
        (date(2020, 2, 28), "7 years", date(2027, 2, 28), date(2027, 3, 1)),
        (date(2020, 2, 29), "4 years", date(2024, 2, 29), date(2024, 3, 1)),
        (date(2020, 2, 28), "4 years", date(2024, 2, 28), date(2024, 2, 1)),
        (date(1896, 2, 29), "4 years", date(1900, 2, 28), date(1900, 3, 1)),
        # 31 January plus months.
        (date(2025, 1, 31), "1 month", date(2025, 2, 28), date(2025, 3, 1)),
        (date(2024, 1, 31), "1 month", date(2024, 2, 29), date(2024, 3, 1)),
        (date(2024, 1, 30), "1 month", date(2024, 2, 29), date(2024, 3, 1)),
        (date(2024, 1, 28), "1 month", date(2024, 2, 28), date(2024, 2, 1)),
        (date(2025, 1, 31), "3 months", date(2025, 4, 30), date(2025, 5, 1)),
        (date(2024, 12, 31), "26 months", date(2027, 2, 28), date(2027, 3, 1)),
        # Days.
        (date(2026, 1, 1), "30 days", date(2026, 1, 31), date(2026, 2, 1)),
        (date(2026, 1, 1), "29 days", date(2026, 1, 30), date(2026, 1, 1)),
        (date(2024, 2, 1), "28 days", date(2024, 2, 29), date(2024, 3, 1)),
        (date(2026, 1, 1), "1 day", date(2026, 1, 2), date(2026, 1, 1)),
        # Before 1970 days count backwards.
        (date(1969, 12, 31), "1 month", date(1970, 1, 31), date(1970, 2, 1)),
        (date(1950, 6, 15), "5 years", date(1955, 6, 15), date(1955, 6, 1)),
    ],
)
def test_a_row_is_absent_from(event, period, last_kept, absent):
    assert promised(event, period) == last_kept + datetime.timedelta(days=1)
    assert absent_from(event, period) == absent


events = st.dates(date(1800, 1, 1), date(2400, 12, 31))
periods = st.one_of(
    st.integers(1, 100).map("{} years".format),
    st.integers(1, 600).map("{} months".format),
    st.integers(1, 9999).map("{} days".format),
)


@given(events, periods)
def test_rows_leave_at_a_months_start_and_never_later_than_promised(event, period):
    absent = absent_from(event, period)

    assert absent.day == 1
    assert absent <= promised(event, period)


@given(events, periods)
def test_rows_leave_less_than_a_month_before_they_must(event, period):
    must = promised(event, period)

    assert (absent_from(event, period).year, absent_from(event, period).month) == (must.year, must.month)


@given(events, events, periods)
def test_a_later_event_never_leads_to_an_earlier_absence(one, other, period):
    first, second = sorted((one, other))

    assert absent_from(first, period) <= absent_from(second, period)


@given(st.lists(st.one_of(st.none(), events), max_size=20), periods)
def test_a_row_expires_alike_whatever_stands_beside_it(batch, period):
    days = np.array([NO_EVENT if event is None else day_number(event) for event in batch], np.int32)

    together = expiry_column(first_absent_month(days, Duration.parse(period)))

    assert together.to_pylist() == [None if event is None else absent_from(event, period) for event in batch]


def test_no_clock_runs_before_the_event():
    expires = first_absent_month(np.array([NO_EVENT, 0], np.int32), Duration.parse("7 years"))

    assert expires.tolist() == [NO_CLOCK, day_number(date(1977, 1, 1))]
    assert expiry_column(expires).to_pylist() == [None, date(1977, 1, 1)]
    assert expiry_column(expires).type == pa.date32()


def test_an_empty_batch_has_no_expiry():
    assert first_absent_month(np.array([], np.int32), Duration.parse("7 years")).tolist() == []


AMSTERDAM = pa.timestamp("us", tz="Europe/Amsterdam")


def local_day(iso: str) -> date:
    column = pa.array([iso], pa.string()).cast(AMSTERDAM)
    return EPOCH + datetime.timedelta(days=int(local_days(column)[0]))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        # Winter: Amsterdam is one hour ahead of UTC.
        ("2025-12-31T22:59:59Z", date(2025, 12, 31)),
        ("2025-12-31T23:00:00Z", date(2026, 1, 1)),
        ("2026-01-01T00:00:00+01:00", date(2026, 1, 1)),
        ("2025-12-31T23:59:59+01:00", date(2025, 12, 31)),
        # Summer: two hours.
        ("2026-06-30T21:59:59Z", date(2026, 6, 30)),
        ("2026-06-30T22:00:00Z", date(2026, 7, 1)),
        ("2026-07-01T00:00:00+02:00", date(2026, 7, 1)),
        # The nights on which the clocks change.
        ("2026-03-28T23:00:00Z", date(2026, 3, 29)),
        ("2026-10-24T22:00:00Z", date(2026, 10, 25)),
        ("2026-10-25T22:59:59Z", date(2026, 10, 25)),
        ("2026-10-25T23:00:00Z", date(2026, 10, 26)),
        # A leap day that UTC does not know yet, and a time before 1970.
        ("2024-02-28T23:30:00Z", date(2024, 2, 29)),
        ("1969-12-31T22:30:00Z", date(1969, 12, 31)),
        ("1960-05-04T12:00:00.000001Z", date(1960, 5, 4)),
    ],
)
def test_a_timestamps_day_is_the_one_in_amsterdam(moment, day):
    assert local_day(moment) == day


def test_a_date_is_its_own_day_and_null_is_no_event():
    days = local_days(pa.array([date(2026, 1, 1), None, date(1969, 12, 31)], pa.date32()))

    assert days.tolist() == [day_number(date(2026, 1, 1)), NO_EVENT, -1]


def test_an_order_just_before_midnight_leaves_by_its_dutch_day():
    """23:30 in London on 30 December is the 31st in Amsterdam: seven years on, the row may stay that month."""
    column = pa.array(["2018-12-30T23:30:00+00:00", "2018-12-30T22:30:00+00:00"]).cast(AMSTERDAM)

    expires = expiry_column(first_absent_month(local_days(column), Duration.parse("7 years")))

    assert expires.to_pylist() == [date(2026, 1, 1), date(2025, 12, 1)]


@pytest.mark.parametrize(
    ("text", "months", "days"),
    [("1 year", 12, 0), ("7 years", 84, 0), ("26 months", 26, 0), ("1 month", 1, 0), ("90 days", 0, 90)],
)
def test_a_duration_reads(text, months, days):
    duration = Duration.parse(text)

    assert (duration.months, duration.days, str(duration)) == (months, days, text)
    assert Duration.parse(duration) is duration


@pytest.mark.parametrize(
    "text", ["", "7", "years", "0 years", "-1 years", "7 weeks", "7years", "7.5 years", "P7Y", "99999 days", 7, None]
)
def test_a_duration_in_other_words_is_refused(text):
    with pytest.raises(ValueError, match="a duration reads like '7 years', '18 months' or '90 days'"):
        Duration.parse(text)


RULES = TypeAdapter(Retention)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ({"keep_at_most": "7 years", "after": "placed_at"}, KeepAtMost),
        ({"keep_at_most": "7 years", "after": {"latest": ["a", "b.c"]}, "while_unset": "keep"}, KeepAtMost),
        ({"via": "order_id"}, Via),
        ({"clock_of": ["order_id"], "otherwise": {"keep_at_most": "5 years", "after": "handled_at"}}, ClockOf),
        ({"unlimited": True, "because": "nobody's"}, Unlimited),
    ],
)
def test_each_retention_is_told_by_its_key(written, kind):
    rule = RULES.validate_python(written)

    assert type(rule) is kind
    assert RULES.validate_python(rule) == rule


@pytest.mark.parametrize(
    "written", [{}, "7 years", None, {"forever": True}, {"unlimited": False}, {"via": "a", "keep_at_most": "1 year"}]
)
def test_what_is_no_retention_is_refused(written):
    with pytest.raises(ValidationError):
        RULES.validate_python(written)


def test_events_of_the_row_are_told_from_those_of_rows_that_refer_to_it():
    rule = KeepAtMost(keep_at_most="7 years", after={"latest": ["created_at", "orders.placed_at"]})

    assert rule.events == ("created_at", "orders.placed_at")
    assert rule.own_events == ("created_at",)
    assert rule.other_events == (("orders", "placed_at"),)
