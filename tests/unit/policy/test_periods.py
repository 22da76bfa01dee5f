from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.periods import Period, parse_period, parse_span


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("P6M", Period(months=6)),
        ("P5Y", Period(months=60)),
        ("P1Y6M", Period(months=18)),
        ("P2W", Period(days=14)),
        ("P1M10D", Period(months=1, days=10)),
    ],
)
def test_periods_are_read(text: str, period: Period) -> None:
    assert parse_period(text) == period


@pytest.mark.parametrize(
    "text", ["", "P", "6M", "P6", "PT6H", "P1DT1H", "P-6M", "P1.5M", "P6M ", "p6m", "P1D1M"]
)
def test_other_text_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_period(text)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("PT10M", timedelta(minutes=10)),
        ("PT36H", timedelta(hours=36)),
        ("P1DT12H30M5S", timedelta(days=1, hours=12, minutes=30, seconds=5)),
        ("P2W", timedelta(weeks=2)),
    ],
)
def test_spans_are_read(text: str, span: timedelta) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["P6M", "P1Y", "PT", "P1DT", "T1H", "PT1H1D", "1H"])
def test_a_month_is_no_span_of_clock_time(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_span(text)


@pytest.mark.parametrize(
    ("event", "last"),
    [
        (date(2025, 1, 15), date(2025, 7, 15)),
        # the month it ends in has no such day: its last day
        (date(2025, 8, 31), date(2026, 2, 28)),
        (date(2023, 8, 31), date(2024, 2, 29)),
        (date(2025, 3, 31), date(2025, 9, 30)),
        # and the last of a short month stays the day of that number
        (date(2025, 2, 28), date(2025, 8, 28)),
        (date(2024, 2, 29), date(2024, 8, 29)),
        # over the turn of the year
        (date(2025, 12, 31), date(2026, 6, 30)),
    ],
)
def test_six_months_end_on_the_day_of_the_same_number_or_the_last_of_the_month(
    event: date, last: date
) -> None:
    assert Period(months=6).after(event) == last


def test_days_are_added_after_months() -> None:
    assert Period(months=1, days=1).after(date(2025, 1, 31)) == date(2025, 3, 1)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(0, 120))
def test_a_later_event_never_ends_earlier(day: date, months: int) -> None:
    period = Period(months=months)
    assert period.after(day) <= period.after(day + timedelta(days=1))
    assert 28 * months <= (period.after(day) - day).days <= 31 * months


@given(st.integers(0, 200), st.integers(0, 1000))
def test_a_period_is_written_as_it_is_read(months: int, days: int) -> None:
    period = Period(months=months, days=days)
    assert parse_period(str(period)) == period


@pytest.mark.parametrize(
    ("period", "day", "before"),
    [
        (Period(months=13), date(2026, 11, 24), date(2025, 10, 24)),
        (Period(months=1), date(2026, 3, 31), date(2026, 2, 28)),
        (Period(months=60), date(2024, 2, 29), date(2019, 2, 28)),
        (Period(days=21), date(2026, 1, 1), date(2025, 12, 11)),
        (Period(months=1, days=1), date(2026, 3, 31), date(2026, 2, 27)),
    ],
)
def test_a_period_leads_back_from_a_day(period: Period, day: date, before: date) -> None:
    assert period.before(day) == before
