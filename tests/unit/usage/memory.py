"""Readings in memory: the twin of `usage.loading.Database`, and values of the oracle as arrays."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from tests.unit.usage.oracle import HOUR, Account, Place, Row, lag_h
from usage.around import Asked
from usage.series import DAY_US, NEVER_H, Derived, Readings, Segment
from wire.forms import Form

NOT_EVIDENCE, CONFLICT = 5, 2


def as_readings(rows: Iterable[Row]) -> Readings:
    rows = list(rows)
    return Readings(
        device_id=np.array([row.device for row in rows], np.int64),
        time_us=np.array([row.time for row in rows], np.int64),
        received_us=np.array([row.received for row in rows], np.int64),
        value=np.array([row.value for row in rows], np.float64),
        quality=np.array([row.quality for row in rows], np.int16),
    )


def as_segment(place: Place) -> Segment:
    if place.kind == "register":
        form = Form(kind="register", rollover_at=place.full)
    else:
        form = Form(
            kind="interval",
            interval_s=place.interval // 1_000_000,
            at="end" if place.at_end else "start",
        )
    return Segment(
        device_id=place.device,
        valid_from_us=place.start,
        valid_to_us=place.end,
        form=form,
        multiplier=place.multiplier,
    )


def as_derived(account: Account, first_day: int, days: int) -> Derived:
    """The oracle's answer in the shape of ours; faults are not told."""
    amount = np.full((days, 24), np.nan)
    covered = np.zeros((days, 24), np.int16)
    lag = np.full((days, 24), NEVER_H, np.int16)
    for number, hour in account.hours.items():
        day = number // 24 - first_day
        if 0 <= day < days:
            amount[day, number % 24] = float(hour.amount)
            covered[day, number % 24] = hour.covered_min
            lag[day, number % 24] = lag_h(number, hour.received)
    quality = np.array([account.flags.get(first_day + day, 0) for day in range(days)], np.int16)
    return Derived(
        first_day=first_day, amount=amount, covered_min=covered, lag_h=lag, quality=quality, faults=()
    )


def assert_same(found: Derived, wanted: Derived) -> None:
    np.testing.assert_allclose(found.amount, wanted.amount, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(found.covered_min, wanted.covered_min)
    np.testing.assert_array_equal(found.lag_h, wanted.lag_h)
    np.testing.assert_array_equal(found.quality, wanted.quality)


class Memory:
    """What `Database` does, told by lists."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = sorted(rows, key=lambda row: row.time)

    def bounds(self, asked: Sequence[Asked], window: int) -> list[tuple[int | None, int | None]]:
        found: list[tuple[int | None, int | None]] = []
        for one in asked:
            before, after = self._sides(one.segment, one.span.changed_first, one.span.changed_end, window)
            found.append((before[0] if before else None, after[-1] if after else None))
        return found

    def readings(self, asked: Sequence[Asked], window: int) -> list[Readings]:
        found: list[Readings] = []
        for one in asked:
            before, after = self._sides(one.segment, one.span.first, one.span.end, window)
            low = before[0] if before else one.span.first * DAY_US
            high = after[-1] if after else one.span.end * DAY_US
            rows = [row for row in self._of(one.segment) if low <= row.time <= high]
            found.append(as_readings(rows))
        return found

    def _of(self, segment: Segment) -> list[Row]:
        return [
            row
            for row in self._rows
            if row.device == segment.device_id
            and segment.valid_from_us <= row.time < segment.valid_to_us
            and not row.quality & NOT_EVIDENCE
        ]

    def _sides(self, segment: Segment, first: int, end: int, window: int) -> tuple[list[int], list[int]]:
        usable = [row.time for row in self._of(segment) if not row.quality & CONFLICT]
        before = [time for time in usable if time < first * DAY_US]
        after = [time for time in usable if time >= end * DAY_US]
        return before[-window:], after[:window]


def most_per_hour(most: Fraction) -> float:
    return float(most)


def first_and_days(rows: Iterable[Row]) -> tuple[int, int]:
    """All days that readings can touch."""
    times = [row.time for row in rows]
    first = min(times) // DAY_US - 1
    return first, max(times) // DAY_US + 2 - first


__all__ = ["HOUR", "Memory", "as_derived", "as_readings", "as_segment", "assert_same", "first_and_days"]
