"""What one week of one unit shows: power and water over the day, who came and went, who is registered.

A row is one array of numbers in the order of `week_fields.FIELDS`, for a local week from Monday to Sunday.
It rests on that week alone, so what arrives late changes the row of its own week and no other; the days'
signs of life, which know the home's standby, are taken from the ledger. Not-a-number is unknown, never zero:
a week without a word of the lock has no counts of entries. What is compared with what is the business of
`anomaly.measures`.

The numbers in here say what a field means. The weights of `anomaly/models/` are fitted to exactly these
fields: who changes one fits them anew.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.ledger import Ledger
from anomaly.week_fields import (
    ACCESS,
    AT,
    BLOCKS,
    FIELDS,
    LIFE,
    METERS,
    REGISTER,
    REGISTERED,
)
from anomaly.window import Calendar, Flags, Floats, Happenings, Ints, Window
from wire.events import EventType, Method

Places = NDArray[np.intp]

HOURS = 168
#: Days of a week on which an hour was measured, hours of the day, and hours in all that make a row known.
_SEEN_DAYS, _SEEN_OF_DAY, _SEEN_HOURS = 3, 20, 80
#: Flow of an hour that counts, and that is much.
_FLOW_L, _HEAVY_L = 1.0, 40.0
#: The working day, in hours of the local day.
_OFFICE = (8.5, 18.5)
_DAYTIME = slice(8, 20)
#: A day's worth of measured hours.
_DAY_HOURS = 18


@dataclass(frozen=True, kw_only=True)
class Span:
    """The whole weeks of a calendar."""

    #: Position of the first Monday on the day axis.
    first: int
    count: int

    @classmethod
    def of(cls, calendar: Calendar) -> "Span":
        """The weeks from Monday to Sunday that lie in a calendar."""
        first = -calendar.first.weekday() % 7
        return cls(first=first, count=max((calendar.days - first) // 7, 0))

    def ended(self, day: int) -> int:
        """How many of the weeks are over at the end of a day."""
        return min(max((day + 1 - self.first) // 7, 0), self.count)

    def end(self, week: int) -> int:
        """Position on the day axis of the day after a week."""
        return self.first + 7 * (week + 1)


class Weeks:
    """The rows of a block as they had arrived by some moment, moved forward in time."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.span = Span.of(window.calendar)
        self.cut: int = np.iinfo(np.int32).min
        #: (units, weeks, fields)
        self.rows: Floats = np.full((window.units, self.span.count, len(FIELDS)), np.nan, dtype=np.float32)

    def advance(self, ledger: Ledger, day: int) -> int:
        """Take in what the ledger knows at the end of a day; returns how many weeks are over.

        Only the weeks that something new arrived for are redone.
        """
        ended, before, self.cut = self.span.ended(day), self.cut, ledger.cut
        if ended and self.cut > before:
            unit, week = np.nonzero(self._news(before, ended))
            if unit.size:
                self.rows[unit, week, : LIFE.start] = _rows(self.window, ledger, self.span, unit, week)
            self.rows[:, :ended, LIFE] = life(ledger, self.span, ended)
            self.rows[:, :ended, REGISTER] = register(self.window, self.span, self.cut)[:, :ended]
        return ended

    def _news(self, before: int, ended: int) -> Flags:
        """The weeks, among those that are over, that something arrived for since; (units, weeks)."""
        window, span = self.window, self.span
        hours = slice(24 * span.first, 24 * span.end(ended - 1))
        shape = (window.units, ended, HOURS)
        news = np.zeros(shape[:2], dtype=np.bool_)
        for of in (window.energy, window.water):
            arrived = of.arrived[:, hours].reshape(shape)
            news |= ((arrived > before) & (arrived <= self.cut)).any(axis=2)
        told, heard = window.happenings, window.lock_heard
        for unit, day, arrived in (
            (told.unit, (told.hour // 24).astype(np.int32), told.arrived),
            (heard.unit, heard.start, heard.arrived),
        ):
            week = (day - span.first) // 7
            fresh = (arrived > before) & (arrived <= self.cut) & (day >= span.first) & (week < ended)
            news[unit[fresh], week[fresh]] = True
        first_time = np.isnan(self.rows[:, :ended, AT["energy_days"]])
        return news | first_time


def peers(rows: Floats, at_least: int = 1) -> Floats:
    """The median of the homes that are known in each week; (weeks, fields of meters). Unknown where there are
    fewer than `at_least`."""
    meters = rows[:, :, METERS]
    known = np.isfinite(meters)
    ordered = np.sort(np.where(known, meters, np.inf), axis=0)
    count = known.sum(axis=0)
    low, high = (
        np.take_along_axis(ordered, at[None], axis=0)[0] for at in (np.maximum(count - 1, 0) // 2, count // 2)
    )
    with np.errstate(invalid="ignore"):
        return np.where(count >= at_least, (low + high) / 2, np.nan).astype(np.float32)


def register(window: Window, span: Span, cut: int) -> Floats:
    """What the office knew of each week: heads, who joined and left, a lease that began, days of a registered
    absence; (units, weeks, 5)."""
    table = np.zeros((window.units, span.count, len(REGISTERED)), dtype=np.float32)
    residents, leases, absences = window.residents, window.leases, window.absences
    start, end = span.first + 7 * np.arange(span.count), span.first + 7 * np.arange(1, span.count + 1)
    for one in range(residents.unit.size):
        unit, first, last = residents.unit[one], residents.start[one], residents.end[one]
        table[unit, :, 0] += (first < end) & (last >= end)
        table[unit, :, 1] += (first >= start) & (first < end)
        table[unit, :, 2] += (last >= start) & (last < end)
    for unit, first in zip(leases.unit, leases.start, strict=True):
        table[unit, :, 3] += (first >= start) & (first < end)
    for one in np.flatnonzero(absences.arrived <= cut):
        days = np.minimum(end, absences.end[one]) - np.maximum(start, absences.start[one])
        table[absences.unit[one], :, 4] += np.clip(days, 0, 7)
    return table


def life(ledger: Ledger, span: Span, weeks: int) -> Floats:
    """Days with a sign of life, and days that two sources agree were quiet; (units, weeks, 2)."""
    days = slice(span.first, span.first + 7 * weeks)
    door = ledger.door_sign(days.start, days.stop)
    signs = np.stack([ledger.energy_sign[:, days], ledger.water_sign[:, days], door])
    alive, quiet = (signs == 1).any(axis=0), (signs == 0).sum(axis=0) >= 2
    both = np.stack([alive, quiet & ~alive], axis=2).reshape(len(alive), weeks, 7, 2)
    return both.sum(axis=2, dtype=np.float32)


def power(kwh: Floats) -> Floats:
    """The power fields of weeks, (rows, 168) to (rows, fields)."""
    days = kwh.reshape(-1, 7, 24)
    profile = _mean(days, 1, _SEEN_DAYS)
    level = _mean(profile, 1, _SEEN_OF_DAY)
    steps = _mean(np.abs(np.diff(kwh, axis=1)), 1, _SEEN_HOURS)
    work, rest = (
        _mean(_mean(days[:, which], 1, 1)[:, _DAYTIME], 1, 8) for which in (slice(0, 5), slice(5, 7))
    )
    single = [
        np.log(level + 0.01),
        np.log(_quantile(kwh, 0.1) + 0.01),
        np.log(_quantile(kwh, 0.92) + 0.01),
        np.log(steps / (level + 0.001) + 0.05),
        np.log((work + 0.02) / (rest + 0.02)),
        _spread(np.log(_mean(days, 2, _DAY_HOURS) + 0.02)),
        _alike(days),
    ]
    return np.concatenate([np.stack(single, axis=1), profile], axis=1).astype(np.float32)


def water(litres: Floats) -> Floats:
    """The water fields of weeks, (rows, 168) to (rows, fields)."""
    days = litres.reshape(-1, 7, 24)
    profile = _mean(days, 1, _SEEN_DAYS)
    level = _mean(profile, 1, 16)
    seen = np.isfinite(litres).sum(axis=1)
    enough = np.where(seen >= _SEEN_HOURS, seen, np.nan)
    single = [
        np.log(level + 0.5),
        (litres < _FLOW_L).sum(axis=1) / enough,
        np.sqrt((litres > _HEAVY_L).sum(axis=1) / enough),
        _spread(np.log(_mean(days, 2, _DAY_HOURS) + 0.5)),
    ]
    blocks = [_mean(profile[:, first:end], 1, 1) for first, end in BLOCKS]
    return np.stack(single + blocks, axis=1).astype(np.float32)


def _rows(window: Window, ledger: Ledger, span: Span, unit: Places, week: Places) -> Floats:
    """The rows of some units and weeks, without signs of life and what is registered; (rows, fields)."""
    first = 24 * (span.first + 7 * week)
    hours = first[:, None] + np.arange(HOURS)

    def known(amount: Floats, arrived: Ints) -> Floats:
        place = unit[:, None], hours
        return np.where(arrived[place] <= ledger.cut, amount[place], np.float32(np.nan))

    kwh = known(window.energy.amount, window.energy.arrived)
    litres = known(window.water.amount, window.water.arrived)
    days = span.first + 7 * week[:, None] + np.arange(7)
    lock_days = ledger.lock_heard[unit[:, None], days].sum(axis=1)
    access = entries(window.happenings, span, ledger.cut, (window.units, span.count))[unit, week]
    access[lock_days == 0] = np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        meters = [power(kwh), water(litres)]
    seen = [
        (np.isfinite(of).reshape(-1, 7, 24).sum(axis=2) >= _DAY_HOURS).sum(axis=1) for of in (kwh, litres)
    ]
    counts = np.stack([*seen, lock_days], axis=1)
    return np.concatenate([*meters, access, counts], axis=1).astype(np.float32)


def entries(told: Happenings, span: Span, cut: int, shape: tuple[int, int]) -> Floats:
    """Who came, and how often doors opened, in each week, as far as it was known; (units, weeks, fields)."""
    day = (told.hour // 24).astype(np.int64) - span.first
    inside = (told.arrived <= cut) & (day >= 0) & (day < 7 * span.count)
    unit, day, hour = told.unit[inside], day[inside], told.hour[inside] % 24
    kind, method, subject = told.type[inside], told.method[inside], told.subject[inside]
    entry = kind == EventType.entry
    known = entry & told.registered[inside]
    foreign = entry & ~told.registered[inside]
    named = foreign & (subject >= 0)
    fresh = named & told.fresh[inside]
    office = foreign & (day % 7 < 5) & (hour >= _OFFICE[0]) & (hour < _OFFICE[1])
    table = np.zeros((*shape, len(ACCESS)), dtype=np.float32)

    def fill(name: str, which: Flags, each: NDArray[np.integer] | None = None) -> None:
        """Count what was chosen, or the different values of `each` among it."""
        place = unit[which].astype(np.int64) * shape[1] + day[which] // 7
        if each is not None:
            place = np.unique(np.stack([place, each[which]]), axis=1)[0]
        np.add.at(table.reshape(-1, len(ACCESS))[:, ACCESS.index(name)], place, 1)

    fill("known", known)
    for name, way in (("known_face", Method.face), ("known_code", Method.code), ("known_card", Method.card)):
        fill(name, known & (method == way))
    fill("known_people", known, subject)
    fill("known_days", known, day)
    fill("foreign", foreign)
    fill("named", named)
    fill("people", named, subject)
    fill("fresh_people", fresh, subject)
    fill("foreign_days", foreign, day)
    fill("both_days", _with_known(unit, day, foreign, known), day)
    fill("office", office)
    fill("foreign_code", foreign & (method == Method.code))
    fill("openings", kind == EventType.door_opened)
    return table


def _with_known(unit: Ints, day: NDArray[np.int64], foreign: Flags, known: Flags) -> Flags:
    """Entries of others on days on which registered people came, too."""
    place = unit.astype(np.int64) * (int(day.max(initial=0)) + 1) + day
    return foreign & np.isin(place, place[known])


def _mean(values: Floats, axis: int, at_least: int) -> Floats:
    """Mean of the known values; unknown where there are fewer than `at_least`."""
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    total = np.where(finite, values, 0).sum(axis=axis, dtype=np.float64)
    return np.where(count >= at_least, total / np.maximum(count, 1), np.nan)


def _quantile(values: Floats, share: float) -> Floats:
    """That share of the known values of a row lies below; unknown where too few are known."""
    ordered = np.sort(values, axis=1)  # unknown sorts to the end
    count = np.isfinite(values).sum(axis=1)
    at = np.minimum((share * count).astype(int), np.maximum(count - 1, 0))
    found = np.take_along_axis(ordered, at[:, None], axis=1)[:, 0]
    return np.where(count >= _SEEN_HOURS, found, np.nan)


def _spread(days: Floats) -> Floats:
    """How far the days of a week lie apart."""
    middle = _mean(days, 1, 4)
    return np.sqrt(_mean((days - middle[:, None]) ** 2, 1, 4))


def _alike(days: Floats) -> Floats:
    """How alike one day's hours are to the next day's: mean correlation of days that follow each other."""
    level = _mean(days, 2, _DAY_HOURS)[:, :, None]
    shape = days - level
    today, next_day = shape[:, :-1], shape[:, 1:]
    both = np.isfinite(today) & np.isfinite(next_day)
    a, b = np.where(both, today, 0), np.where(both, next_day, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        fit = (a * b).sum(axis=2) / np.sqrt((a * a).sum(axis=2) * (b * b).sum(axis=2) + 1e-9)
    return _mean(np.where(both.sum(axis=2) >= 12, fit, np.nan), 1, 3)
