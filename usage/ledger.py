"""Amounts of stretches of time become amounts of hours. Pure.

measured
    A stretch of at most MEASURED_US (an hour and a half) is booked whole on the hour that holds its
    middle: an hour without use stays an hour without use. Its minutes count as covered, 60 at most.
    Readings that come around the half hour would now and then put two stretches on one hour and none
    on the next; where consecutive stretches leave out exactly one hour, a neighbour that shares its
    own hour with the next stretch on its far side moves into the gap, if it reaches into it.
spread
    A longer stretch, the gap, is spread evenly over the hours whose middle lies in it. Nobody
    measured those hours: covered_min is 0 in every hour that took part of a gap, whatever else was
    booked there.
"""

from dataclasses import dataclass

import numpy as np

from usage.series import DAY_US, HOUR_US, NEVER_H, Bools, Derived, Fault, Floats, Ints, Shorts
from wire.quality import Quality

#: The longest stretch that still says which hour it belongs to.
MEASURED_US = HOUR_US * 3 // 2
#: Steps on either side that can move to another hour because of a changed one.
HOUR_REACH = 2

_MINUTE_US = 60_000_000


@dataclass(frozen=True, kw_only=True)
class Stretches:
    """Stretches of time of one device, (m,) each, in order; they do not overlap."""

    start_us: Ints
    end_us: Ints
    amount: Floats
    #: When the last reading that the amount rests on had arrived.
    received_us: Ints
    #: Flags that the days of its hours take over.
    quality: Shorts

    def where(self, chosen: Bools) -> "Stretches":
        """Some of them."""
        return Stretches(
            start_us=self.start_us[chosen],
            end_us=self.end_us[chosen],
            amount=self.amount[chosen],
            received_us=self.received_us[chosen],
            quality=self.quality[chosen],
        )


class Ledger:
    """The hours of a range of days while they fill."""

    def __init__(self, first_day: int, days: int) -> None:
        self._first_day = first_day
        self._days = days
        self._first_hour = first_day * 24
        hours = days * 24
        self._amount: Floats = np.zeros(hours)
        self._measured_us: Ints = np.zeros(hours, np.int64)
        self._known: Bools = np.zeros(hours, np.bool_)
        self._spread: Bools = np.zeros(hours, np.bool_)
        self._latest_us: Ints = np.zeros(hours, np.int64)
        self._quality: Shorts = np.zeros(days, np.int16)

    def book(self, stretches: Stretches) -> None:
        """Book the stretches of one device."""
        length_us = stretches.end_us - stretches.start_us
        measured = length_us <= MEASURED_US
        place = _hours(stretches, measured) - self._first_hour
        inside = measured & (place >= 0) & (place < self._known.size)
        place = place[inside]
        self._add(place, stretches.where(inside))
        np.add.at(self._measured_us, place, length_us[inside])
        if not measured.all():
            self._spread_out(stretches.where(~measured))

    def flag(self, time_us: Ints, quality: Quality) -> None:
        """Flag the days of these times."""
        day = time_us // DAY_US - self._first_day
        self._quality[day[(day >= 0) & (day < self._days)]] |= np.int16(quality)

    def close(self, faults: tuple[Fault, ...]) -> Derived:
        """The finished hours."""
        shape = (self._days, 24)
        minutes = np.minimum(np.rint(self._measured_us / _MINUTE_US), 60)
        start_us = (np.arange(self._known.size) + self._first_hour) * HOUR_US
        lag = np.clip((self._latest_us - start_us) // HOUR_US, 0, NEVER_H)
        return Derived(
            first_day=self._first_day,
            amount=np.where(self._known, self._amount, np.nan).reshape(shape),
            covered_min=np.where(self._spread, 0, minutes).astype(np.int16).reshape(shape),
            lag_h=np.where(self._known, lag, NEVER_H).astype(np.int16).reshape(shape),
            quality=self._quality,
            faults=faults,
        )

    def _spread_out(self, gaps: Stretches) -> None:
        first, end = _middle_from(gaps.start_us), _middle_from(gaps.end_us)
        low = np.maximum(first - self._first_hour, 0)
        counts = np.maximum(np.minimum(end - self._first_hour, self._known.size) - low, 0)
        which = np.repeat(np.arange(counts.size), counts)
        place = low[which] + np.arange(which.size) - np.repeat(np.cumsum(counts) - counts, counts)
        shares = Stretches(
            start_us=gaps.start_us[which],
            end_us=gaps.end_us[which],
            amount=(gaps.amount / (end - first))[which],
            received_us=gaps.received_us[which],
            quality=gaps.quality[which] | np.int16(Quality.SPREAD),
        )
        self._add(place, shares)
        self._spread[place] = True

    def _add(self, place: Ints, stretches: Stretches) -> None:
        np.add.at(self._amount, place, stretches.amount)
        np.maximum.at(self._latest_us, place, stretches.received_us)
        self._known[place] = True
        flagged = stretches.quality != 0
        np.bitwise_or.at(self._quality, place[flagged] // 24, stretches.quality[flagged])


def _hours(stretches: Stretches, measured: Bools) -> Ints:
    """The hour that each stretch is booked on, if it is measured."""
    start_us, end_us = stretches.start_us, stretches.end_us
    hour = (start_us + end_us) // 2 // HOUR_US
    joined = (end_us[:-1] == start_us[1:]) & measured[:-1] & measured[1:]
    leaves_out = joined & (hour[1:] - hour[:-1] == 2)
    if not leaves_out.any():
        return hour
    no = np.zeros(1, np.bool_)
    same = joined & (hour[1:] == hour[:-1])
    same_as_last, same_as_next = np.concatenate((no, same)), np.concatenate((same, no))
    gap_after, gap_before = np.concatenate((leaves_out, no)), np.concatenate((no, leaves_out))
    on = gap_after & same_as_last & (end_us > (hour + 1) * HOUR_US)
    taken, kept = np.concatenate((no, on[:-1])), np.concatenate((on[1:], no))
    back = gap_before & ~taken & same_as_next & ~kept & (start_us < hour * HOUR_US)
    return hour + on - back


def _middle_from(time_us: Ints) -> Ints:
    """The first hour whose middle is at or after each time."""
    return -((HOUR_US // 2 - time_us) // HOUR_US)
