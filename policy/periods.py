"""Periods of the law and their arithmetic: ISO 8601 durations, typed.

A `Period` is counted on the calendar (months have different lengths); a span of clock time is a
`timedelta`. The two are never mixed: ``P1M`` is no number of hours.
"""

import re
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, timedelta

_PERIOD = re.compile(r"P(?=\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?")
_SPAN = re.compile(r"P(?=\d|T\d)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


@dataclass(frozen=True, kw_only=True, order=True)
class Period:
    """A period counted in calendar months and days."""

    months: int = 0
    days: int = 0

    def after(self, day: date) -> date:
        """The last day of the period that an event on `day` starts.

        The day of the event is not counted; a period in months ends on the day of the same number,
        or on the last of the month where there is none (民法典 第二百零一、二百零二条).

        Parameters
        ----------
        day : date
            The day of the event, e.g. the last day with a sign of life.
        """
        month = day.year * 12 + day.month - 1 + self.months
        year, month = divmod(month, 12)
        last = monthrange(year, month + 1)[1]
        return date(year, month + 1, min(day.day, last)) + timedelta(days=self.days)

    def before(self, day: date) -> date:
        """The day that lies so long before, e.g. the first day that is kept; the months go first."""
        return replace(self, months=-self.months, days=-self.days).after(day)

    def __str__(self) -> str:
        years, months = divmod(self.months, 12)
        parts = [(years, "Y"), (months, "M"), (self.days, "D")]
        return "P" + ("".join(f"{count}{unit}" for count, unit in parts if count) or "0D")


def parse_period(text: str) -> Period:
    """Read ``P6M``, ``P5Y``, ``P1Y6M``, ``P2W``, ``P30D``.

    Raises
    ------
    ValueError
        Not such a duration, or one with clock time.
    """
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a duration in years, months, weeks or days such as P6M")
    years, months, weeks, days = (int(part or 0) for part in found.groups())
    return Period(months=12 * years + months, days=7 * weeks + days)


def parse_span(text: str) -> timedelta:
    """Read ``PT10M``, ``PT36H``, ``P1DT12H``, ``P2W``; a day is 24 hours.

    Raises
    ------
    ValueError
        Not such a duration, or one in months or years.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a duration in weeks, days or clock time such as PT36H")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
