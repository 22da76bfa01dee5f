"""Readings of a feed in memory: what was known of a series by some moment, and where that mattered."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from anomaly.feed_tables import CHANNELS, Bools, Floats, Ints, Readings
from usage import series
from usage.around import Asked
from usage.ledger import MEASURED_US
from usage.series import DAY_US, HOUR_US
from wire.channels import BY_NAME
from wire.quality import Quality

CODES = tuple(BY_NAME[name].code for name in CHANNELS)
WATER = CHANNELS.index("water_l")
#: So many readings on either side of an odd one are looked at again: more than `usage.reach` needs.
_NEAR = 16
#: More days than any calendar of ours has: for keys of series and day.
_DAYS = 1 << 24


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Readings by series, time and value, those that say the same once; arrays of one length."""

    #: Place of the home times the number of channels, plus place of the channel.
    series: Ints
    time_us: Ints
    received_us: Ints
    value: Floats

    @staticmethod
    def nothing() -> "Stored":
        """No readings."""
        none = np.zeros(0, np.int64)
        return Stored(series=none, time_us=none, received_us=none, value=none.astype(np.float64))

    def where(self, chosen: Bools | Ints | slice) -> "Stored":
        """Some of them."""
        return Stored(**{one.name: getattr(self, one.name)[chosen] for one in fields(self)})

    def joined(self, given: Sequence[Readings], places: Sequence[Ints]) -> "Stored":
        """With further readings, whatever their order; of what came again the first arrival counts.

        Parameters
        ----------
        places : sequence of (n,) int
            Of each part, the home of each of its codes.
        """
        columns = {
            "series": [numbers(part, at) for part, at in zip(given, places, strict=True)],
            "time_us": [part.time_us for part in given],
            "received_us": [part.received_us for part in given],
            "value": [part.value for part in given],
        }
        every = Stored(**{name: np.concatenate([getattr(self, name), *new]) for name, new in columns.items()})
        every = every.where(np.lexsort((every.time_us, every.series)))
        several = np.flatnonzero(_beside(every.same_time()))
        if not several.size:
            return every
        keys = every.received_us, every.value, every.time_us, every.series
        order = several[np.lexsort([key[several] for key in keys])]
        every = every.where(_put(np.arange(every.series.size), several, order))
        again = every.same_time()
        again[1:] &= np.diff(every.value) == 0
        return every.where(~again)

    def same_time(self) -> Bools:
        """Which ones stand under the time of the one before."""
        found = np.zeros(self.series.size, np.bool_)
        found[1:] = (np.diff(self.series) == 0) & (np.diff(self.time_us) == 0)
        return found

    def marks(self, chosen: Bools) -> Ints:
        """The series and days of some of them, (n, 2), sorted, without repeats."""
        key = self.series[chosen] * _DAYS + self.time_us[chosen] // DAY_US
        key = np.unique(key[np.concatenate((np.ones(min(key.size, 1), np.bool_), np.diff(key) != 0))])
        return np.stack((key // _DAYS, key % _DAYS), axis=1)


class Source:
    """The readings that had arrived by a moment; see `usage.around.Source`."""

    def __init__(self, stored: Stored, by_us: int) -> None:
        self._stored = stored
        self._by_us = by_us
        self._known: dict[int, tuple[series.Readings, Ints]] = {}

    def bounds(self, asked: Sequence[Asked], window: int) -> list[tuple[int | None, int | None]]:
        """See `usage.around.Source`."""
        found: list[tuple[int | None, int | None]] = []
        for one in asked:
            _, usable_us = self._of(one)
            before, after = _around(usable_us, one.span.changed_first, one.span.changed_end)
            first = int(usable_us[max(before - window, 0)]) if before else None
            last = int(usable_us[min(after + window, usable_us.size) - 1]) if after < usable_us.size else None
            found.append((first, last))
        return found

    def readings(self, asked: Sequence[Asked], window: int) -> list[series.Readings]:
        """See `usage.around.Source`."""
        return [self._readings(one, window) for one in asked]

    def _readings(self, one: Asked, window: int) -> series.Readings:
        rows, usable_us = self._of(one)
        before, after = _around(usable_us, one.span.first, one.span.end)
        first_us = int(usable_us[max(before - window, 0)]) if before else one.span.first * DAY_US
        last_us = one.span.end * DAY_US
        if after < usable_us.size:
            last_us = int(usable_us[min(after + window, usable_us.size) - 1])
        low = int(np.searchsorted(rows.time_us, first_us, side="left"))
        return rows.where(slice(low, int(np.searchsorted(rows.time_us, last_us, side="right"))))

    def _of(self, one: Asked) -> tuple[series.Readings, Ints]:
        """The readings of a series, one under each time, and the times of those that are usable."""
        number = number_of(one.span.unit_id, one.span.channel)
        if number not in self._known:
            low, high = np.searchsorted(self._stored.series, [number, number + 1])
            rows = self._stored.where(slice(int(low), int(high)))
            if not (rows.received_us <= self._by_us).all():
                rows = rows.where(rows.received_us <= self._by_us)
            again = rows.same_time()
            odd = _beside(again)[~again]
            rows = rows.where(~again)  # of several values the least, as `ingest` keeps it
            quality = np.where(odd, np.int16(Quality.CONFLICT), np.int16(0))
            settled = series.Readings(
                device_id=rows.series,
                time_us=rows.time_us,
                received_us=rows.received_us,
                value=rows.value,
                quality=quality,
            )
            self._known[number] = settled, rows.time_us[~odd]
        return self._known[number]


def restless(stored: Stored, turn: Ints, turns: int, max_l_per_hour: float) -> list[Ints]:
    """For each turn but the last the series and days on which what was known then may not be what the last
    turn knows of it, less what had not arrived.

    That is so around a reading that came later than one after it, and where readings contradict each other or
    share hours: elsewhere an hour is known once and for all.

    Parameters
    ----------
    turn : (n,) int
        The turn by which each reading had arrived; -1: before the first.
    max_l_per_hour : float
        More water in an hour is impossible.

    Returns
    -------
    list of (m, 2) int
        As of `Stored.marks`.
    """
    none = [np.zeros((0, 2), np.int64)] * max(turns - 1, 0)
    if turns < 2 or not stored.series.size:
        return none
    water = stored.series % len(CHANNELS) == WATER
    far = np.int64(turns + 2)
    ahead = np.minimum.accumulate((turn + stored.series * far)[::-1])[::-1] - stored.series * far
    odd = _beside(stored.same_time())
    odd[:-1] |= water[:-1] & (np.diff(stored.series) == 0) & (ahead[1:] < turn[:-1])
    odd |= water & _uneven(stored, turn, max_l_per_hour)
    near = np.cumsum(np.pad(odd, (_NEAR + 1, _NEAR)))
    near = near[2 * _NEAR + 1 :] - near[: -2 * _NEAR - 1] > 0
    chosen = near & (turn >= 0) & (turn < turns - 1)
    rows, when = stored.where(chosen), turn[chosen]
    return [rows.marks(when == at) if at in when else none[0] for at in range(turns - 1)]


def _uneven(stored: Stored, turn: Ints, max_l_per_hour: float) -> Bools:
    """Where a register falls or leaps, and where two of its steps meet in one hour or leave one out."""
    length_us, rise = np.diff(stored.time_us), np.diff(stored.value)
    same = np.diff(stored.series) == 0
    found = np.zeros(stored.series.size, np.bool_)
    found[1:] = same & ((rise < 0) | (rise > max_l_per_hour * np.maximum(length_us / HOUR_US, 1.0)))
    hour = (stored.time_us[1:] + stored.time_us[:-1]) // 2 // HOUR_US
    measured = same & (length_us <= MEASURED_US)
    moved = np.diff(hour)
    later = np.diff(np.maximum(turn[1:], turn[:-1])) != 0
    found[1:-1] |= measured[1:] & measured[:-1] & ((moved == 2) | ((moved == 0) & later))
    return found


def numbers(part: Readings, places: Ints) -> Ints:
    """The series of readings, by the home of each of their codes."""
    return places[part.unit] * len(CHANNELS) + part.channel


def number_of(unit: int, code: int) -> int:
    """The series of a home and a channel's code."""
    return unit * len(CHANNELS) + CODES.index(code)


def _beside(again: Bools) -> Bools:
    """Those that are like the one before, and the one before them."""
    found = again.copy()
    found[:-1] |= again[1:]
    return found


def _put(positions: Ints, at: Ints, those: Ints) -> Ints:
    positions[at] = those
    return positions


def _around(time_us: Ints, first_day: int, end_day: int) -> tuple[int, int]:
    """How many times lie before some days, and how many before their end."""
    before, after = np.searchsorted(time_us, [first_day * DAY_US, end_day * DAY_US])
    return int(before), int(after)
