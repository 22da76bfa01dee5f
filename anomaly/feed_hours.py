"""Hours of consumption from the readings of a feed, derived as the database's are, without one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from anomaly.feed_tables import CHANNELS, Bools, Floats, Ints, Readings, Shorts
from devices.profiles import load_profiles
from policy.groups import Ingest
from usage import series
from usage.around import Asked, Outcome, Series, renew
from usage.derive import UNUSABLE
from usage.reach import spans
from usage.series import DAY_US, NEVER_H, Segment
from wire.channels import BY_NAME
from wire.forms import Form
from wire.quality import Quality

#: The profiles that an import gives the meters of a pack; a water register that stays below
#: `SMALL_REGISTER_L` begins again there.
ENERGY, WATER, SMALL_WATER = "energy-interval-30min", "water-register", "water-register-100m3"
SMALL_REGISTER_L = 100_000
_CODES = tuple(BY_NAME[name].code for name in CHANNELS)
_WATER = CHANNELS.index("water_l")
_ALWAYS = np.iinfo(np.int64).max
#: More days than any calendar of ours has: for keys of series and day.
_DAYS = 1 << 24


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Readings by series and time, one under each time; arrays of one length."""

    #: Place of the home times the number of channels, plus place of the channel.
    series: Ints
    time_us: Ints
    received_us: Ints
    value: Floats
    #: `wire.quality.Quality`: CONFLICT where another value came under the same time.
    quality: Shorts

    @staticmethod
    def nothing() -> "Stored":
        """No readings."""
        none = np.zeros(0, np.int64)
        return Stored(
            series=none,
            time_us=none,
            received_us=none,
            value=none.astype(np.float64),
            quality=none.astype(np.int16),
        )

    def where(self, chosen: Bools | Ints | slice) -> "Stored":
        """Some of them."""
        return Stored(**{one.name: getattr(self, one.name)[chosen] for one in fields(self)})

    def joined(self, given: Sequence[Readings], places: Sequence[Ints]) -> "Stored":
        """With further readings, whatever their order: two values under one time make it unknown, and of
        equal ones the first arrival counts.

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
            "quality": [np.zeros(part.time_us.size, np.int16) for part in given],
        }
        every = Stored(**{name: np.concatenate([getattr(self, name), *new]) for name, new in columns.items()})
        every = every.where(np.lexsort((every.time_us, every.series)))
        again = (np.diff(every.series) == 0) & (np.diff(every.time_us) == 0)
        if not again.any():
            return every
        no = np.zeros(1, np.bool_)
        group = np.cumsum(~np.concatenate((no, again)))
        several = np.flatnonzero(np.concatenate((again, no)) | np.concatenate((no, again)))
        order = several[np.lexsort((every.received_us[several], every.value[several], group[several]))]
        first = order[np.concatenate((~no, np.diff(group[order]) != 0))]
        least = np.repeat(first, np.bincount(group[order])[group[first]])
        odd = (every.value[order] != every.value[least]) | (every.quality[order] != 0)
        every.quality[least[odd]] |= np.int16(Quality.CONFLICT)
        kept = np.ones(every.series.size, np.bool_)
        kept[order] = False
        kept[first] = True
        return every.where(kept)


def numbers(part: Readings, places: Ints) -> Ints:
    """The series of readings, by the home of each of their codes."""
    return places[part.unit] * len(CHANNELS) + part.channel


class Source:
    """Readings in memory; see `usage.around.Source`."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._usable = np.flatnonzero((stored.quality & np.int16(UNUSABLE)) == 0)
        self._usable_series = stored.series[self._usable]

    def bounds(self, asked: Sequence[Asked], window: int) -> list[tuple[int | None, int | None]]:
        """See `usage.around.Source`."""
        found: list[tuple[int | None, int | None]] = []
        for one in asked:
            rows = self._usable_of(one)
            time_us = self._stored.time_us[rows]
            before, after = _around(time_us, one.span.changed_first, one.span.changed_end)
            found.append(
                (
                    int(time_us[max(before - window, 0)]) if before else None,
                    int(time_us[min(after + window, rows.size) - 1]) if after < rows.size else None,
                )
            )
        return found

    def readings(self, asked: Sequence[Asked], window: int) -> list[series.Readings]:
        """See `usage.around.Source`."""
        return [self._readings(one, window) for one in asked]

    def _readings(self, one: Asked, window: int) -> series.Readings:
        stored, span = self._stored, one.span
        first_us, last_us = span.first * DAY_US, span.end * DAY_US
        rows = self._usable_of(one)
        time_us = stored.time_us[rows]
        before, after = _around(time_us, span.first, span.end)
        if before:
            first_us = int(time_us[max(before - window, 0)])
        if after < rows.size:
            last_us = int(time_us[min(after + window, rows.size) - 1])
        part = self._series(_number(span.unit_id, span.channel), stored.series)
        times = stored.time_us[part]
        chosen = slice(
            part.start + int(np.searchsorted(times, first_us, side="left")),
            part.start + int(np.searchsorted(times, last_us, side="right")),
        )
        found = stored.where(chosen)
        return series.Readings(
            device_id=found.series,
            time_us=found.time_us,
            received_us=found.received_us,
            value=found.value,
            quality=found.quality,
        )

    def _usable_of(self, one: Asked) -> Ints:
        number = _number(one.span.unit_id, one.span.channel)
        return self._usable[self._series(number, self._usable_series)]

    @staticmethod
    def _series(number: int, of: Ints) -> slice:
        first, end = np.searchsorted(of, [number, number + 1])
        return slice(int(first), int(end))


@dataclass(kw_only=True)
class Hours:
    """UTC hours of whole days of all homes of a feed, by channel; (channels, units, days, 24)."""

    #: Days since 1970.
    first_day: int
    amount: np.ndarray
    covered_min: Shorts
    lag_h: Shorts

    @staticmethod
    def nothing() -> "Hours":
        """No homes and no days."""
        shape = (len(CHANNELS), 0, 0, 24)
        return Hours(
            first_day=0,
            amount=np.zeros(shape, np.float32),
            covered_min=np.zeros(shape, np.int16),
            lag_h=np.zeros(shape, np.int16),
        )

    @property
    def end_day(self) -> int:
        """The day after the last."""
        return self.first_day + self.amount.shape[2]

    def spread(self, *, units: int, first_day: int, end_day: int) -> "Hours":
        """The same for more homes and for other days: what is new is unknown."""
        shape = (len(CHANNELS), units, max(end_day - first_day, 0), 24)
        found = Hours(
            first_day=first_day,
            amount=np.full(shape, np.nan, np.float32),
            covered_min=np.zeros(shape, np.int16),
            lag_h=np.full(shape, NEVER_H, np.int16),
        )
        low, high = max(first_day, self.first_day), min(end_day, self.end_day)
        if low < high:
            to, of = (
                slice(low - first_day, high - first_day),
                slice(low - self.first_day, high - self.first_day),
            )
            known = self.amount.shape[1]
            for name in ("amount", "covered_min", "lag_h"):
                getattr(found, name)[:, :known, to] = getattr(self, name)[:, :, of]
        return found

    def put(self, outcome: Outcome) -> None:
        """Write what was derived, as far as it lies within these days."""
        span, derived = outcome.span, outcome.derived
        channel = _CODES.index(span.channel)
        low, high = max(span.first, self.first_day), min(span.end, self.end_day)
        to, of = (
            slice(low - self.first_day, high - self.first_day),
            slice(low - span.first, high - span.first),
        )
        if low < high:
            self.amount[channel, span.unit_id, to] = derived.amount[of].astype(np.float32)
            self.covered_min[channel, span.unit_id, to] = derived.covered_min[of]
            self.lag_h[channel, span.unit_id, to] = derived.lag_h[of]


def outcomes(stored: Stored, marks: Ints, highest_l: Floats, rules: Ingest) -> list[Outcome]:
    """What some days, and the days around them, are now.

    Parameters
    ----------
    stored : Stored
        All readings that there are, as far back as news can reach.
    marks : (n, 2) int
        Series and days whose readings may be other than before; sorted, without repeats.
    highest_l : (units,)
        The highest register of water that ever came.
    """
    unit, channel = marks[:, 0] // len(CHANNELS), np.array(_CODES)[marks[:, 0] % len(CHANNELS)]
    marked = spans(unit, channel, marks[:, 1])
    segments = {one.series: [_segment(one.series, highest_l)] for one in marked}
    most: Mapping[int, float] = {
        BY_NAME[name].code: limit for name in CHANNELS if (limit := rules.limits[name].step_per_h) is not None
    }
    return renew(Source(stored), marked, segments, most)


def _segment(of: Series, highest_l: Floats) -> Segment:
    unit, code = of
    profile = ENERGY
    if code == _CODES[_WATER]:
        profile = SMALL_WATER if highest_l[unit] < SMALL_REGISTER_L else WATER
    return Segment(
        device_id=_number(unit, code),
        valid_from_us=-_ALWAYS,
        valid_to_us=_ALWAYS,
        form=_form(profile, code),
        multiplier=1.0,
    )


def _form(profile: str, code: int) -> Form:
    return load_profiles()[profile].channels[CHANNELS[_CODES.index(code)]]


def _number(unit: int, code: int) -> int:
    return unit * len(CHANNELS) + _CODES.index(code)


def _around(time_us: Ints, first_day: int, end_day: int) -> tuple[int, int]:
    """How many times lie before some days, and how many before their end."""
    before, after = np.searchsorted(time_us, [first_day * DAY_US, end_day * DAY_US])
    return int(before), int(after)


def marks_of(series: Ints, time_us: Ints) -> Ints:
    """The series and days of some readings, (n, 2), sorted, without repeats."""
    key = series * _DAYS + time_us // DAY_US
    key = np.unique(key[np.concatenate((np.ones(min(key.size, 1), np.bool_), np.diff(key) != 0))])
    return np.stack((key // _DAYS, key % _DAYS), axis=1)
