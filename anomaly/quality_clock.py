"""Clocks that are off by hours: the day of a home, turned, fits its own past better than as it stands.

Two meters must say so with the same number of hours: one alone may be a boiler on a timer. People who keep
other hours turn both, too, so the words leave that open. Nothing of it is a reason to visit anybody.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly import quality_words as words
from anomaly.quality_faults import CLOCK_SKEW, ENERGY, WATER, Fault
from anomaly.quality_weeks import Weeks, bounded, compared, mean, split
from anomaly.window import Floats, Ints

_BOTH = (ENERGY, WATER)
#: [h, j]: which earlier hour lies at hour j after a turn by h.
_TURN = (np.arange(24)[None, :] - np.arange(24)[:, None]) % 24


@dataclass(frozen=True, kw_only=True)
class _Past:
    """A home before its clock was turned, by channel."""

    earlier: dict[str, NDArray[np.float64]]
    noise: dict[str, float]


class Clocks:
    """By how many hours each home's day seems turned at the end of each week."""

    def __init__(self, weeks: Weeks) -> None:
        self._weeks = weeks
        #: (units, weeks); 0: not turned, or not known.
        self.hours: Ints = np.zeros((weeks.ledger.window.units, weeks.count), np.int32)
        self._share: Floats = np.ones(self.hours.shape, np.float32)

    def renew(self, first: int, end: int) -> None:
        """Look at the weeks from `first` to before `end`."""
        rules = self._weeks.rules
        span = rules.recent_weeks + rules.earlier_weeks
        ends = np.arange(max(first, span - 1), end)
        self.hours[:, first:end] = 0
        if not ends.size:
            return
        pair = [compared(self._weeks.shapes[name], ends, rules) for name in _BOTH]
        own = [((one.recent - one.earlier) ** 2).mean(axis=-1) / one.noise for one in pair]
        unit, at = np.nonzero(own[0] + own[1] >= rules.skew_gain)  # unknown is not
        if not unit.size:
            return
        apart = np.stack(
            [_apart(one.recent[unit, at], one.earlier[unit, at]) / one.noise[unit, at, None] for one in pair]
        )
        both = apart.sum(axis=0)
        both[:, _near(rules.skew_min_h)] = np.inf
        hour = both.argmin(axis=1)
        rows = np.arange(unit.size)
        now, turned = apart[:, :, 0], apart[:, rows, hour]
        share = turned.sum(axis=0) / now.sum(axis=0)
        fits = (
            ((now - turned).sum(axis=0) >= rules.skew_gain)
            & (share <= rules.skew_share)
            & (turned <= rules.skew_each_share * now).all(axis=0)
        )
        self.hours[unit[fits], ends[at[fits]]] = hour[fits]
        self._share[unit[fits], ends[at[fits]]] = share[fits]

    def faults(self, first: int, end: int) -> list[Fault]:
        """What the weeks from `first` to before `end` say, past and present."""
        rules = self._weeks.rules
        start = first + rules.recent_weeks + rules.earlier_weeks - 1
        found: list[Fault] = []
        for unit in np.flatnonzero((self.hours[:, start:end] != 0).any(axis=1)):
            found += self._of(int(unit), start, end)
        return found

    def _of(self, unit: int, start: int, end: int) -> list[Fault]:
        """One home: its clock is turned from one week on, until its newest weeks are as before."""
        rules = self._weeks.rules
        found: list[Fault] = []
        week = start
        while week < end:
            if not self.hours[unit, week]:
                week += 1
                continue
            past = self._past(unit, week)
            costs = self._costs(unit, np.arange(week, end), past)
            # the first weeks still held days from before: the turn is read off the next ones
            full = np.nansum(costs[: rules.recent_weeks], axis=0)
            full[_near(rules.skew_min_h)] = np.inf
            hour = int(full.argmin())
            since = self._split(unit, week, past, 0, hour)
            as_before = np.flatnonzero(costs[rules.recent_weeks :, 0] < costs[rules.recent_weeks :, hour])
            share = float(self._share[unit, week])
            if as_before.size:
                week += rules.recent_weeks + int(as_before[0])
                found += self._faults(unit, hour, since, self._split(unit, week, past, hour, 0), share)
                week += 1 + rules.recent_weeks + rules.earlier_weeks  # the turned weeks are no past to go by
            else:
                found += self._faults(unit, hour, since, None, share)
                break
        return found

    def _costs(self, unit: int, ends: NDArray[np.intp], past: _Past) -> NDArray[np.float64]:
        """How badly each turn explains the newest weeks at each end, as far as they are known; (ends, 24)."""
        shapes, span = self._weeks.shapes, self._weeks.rules.back_weeks
        total, known = np.zeros((ends.size, 24)), np.zeros(ends.size, np.int32)
        for name in _BOTH:
            latest = mean(np.stack([shapes[name][unit, ends - back] for back in range(span)]), 0)
            cost = _apart(latest, past.earlier[name][None]) / past.noise[name]
            seen = np.isfinite(cost).all(axis=1)
            total[seen] += cost[seen]
            known += seen
        return np.where(known[:, None] > 0, total, np.nan)

    def _past(self, unit: int, week: int) -> _Past:
        ends = np.array([week])
        one = {
            name: compared(self._weeks.shapes[name][unit : unit + 1], ends, self._weeks.rules)
            for name in _BOTH
        }
        return _Past(
            earlier={name: of.earlier[0, 0] for name, of in one.items()},
            noise={name: float(of.noise[0, 0]) for name, of in one.items()},
        )

    def _split(self, unit: int, week: int, past: _Past, before: int, after: int) -> int:
        """The day on which a turn by `before` hours became one by `after`."""
        weeks, rules = self._weeks, self._weeks.rules
        days = 7 * (rules.recent_weeks + rules.split_weeks)
        first = max(weeks.first_day + 7 * (week + 1) - days, 0)
        better = np.zeros(days)
        for name in _BOTH:
            hours = weeks.hours(name, np.array([unit]), np.array([first]), days)[0]
            level = mean(hours.reshape(1, -1), 1)
            shape = bounded(hours, level[:, None])
            apart = [
                mean((shape - past.earlier[name][_TURN[hour]]) ** 2, 1) / past.noise[name]
                for hour in (before, after)
            ]
            better += np.nan_to_num(apart[0] - apart[1])
        return first + split(better)

    def _faults(self, unit: int, hour: int, since: int, until: int | None, share: float) -> list[Fault]:
        calendar = self._weeks.ledger.window.calendar
        hours = hour if hour <= 12 else hour - 24
        zh, en = words.clock(hours, calendar.day(since), self._weeks.rules)
        return [
            Fault(
                unit=unit,
                channel=name,
                kind=CLOCK_SKEW,
                since_h=24 * since,
                until_h=None if until is None else 24 * until,
                sure=round(1 - min(share, 1.0), 3),
                numbers={"hours": hours},
                zh=zh,
                en=en,
            )
            for name in _BOTH
        ]


def _apart(recent: NDArray[np.floating], earlier: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean squared distance of days in (rows, 24) to others turned by each number of hours; (rows, 24)."""
    return ((recent[:, None, :] - earlier[:, _TURN]) ** 2).mean(axis=-1)


def _near(hours: int) -> NDArray[np.intp]:
    """Turns by less than so many hours, either way."""
    return np.arange(1 - hours, hours) % 24
