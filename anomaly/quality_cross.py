"""Crossed meters: the electricity of two homes changed places on one day.

Each home's latest weeks fit the other's past far better than its own, in level and in shape, and the change
falls on the same day in both. One home that looks like another is no evidence, and a home that fits several
others says nothing. Water is left out: what flats draw by the hour is too alike to tell them apart.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly import quality_words as words
from anomaly.quality_faults import CROSSED, ENERGY, Fault
from anomaly.quality_weeks import Weeks, compared, mean, split
from anomaly.window import Floats

#: A day says at most so much for either home: a feast is one day.
_MOST = 4.0
#: What hours of a day differ by at least, squared, in logarithms.
_LEAST_SPREAD = 0.05


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two homes whose electricity seems to have changed places."""

    one: int
    other: int
    #: Position of the first day of it.
    since: int
    #: The larger of both: the distance to the other's past, by that to its own.
    share: float


@dataclass(frozen=True, kw_only=True)
class _Split:
    day: int
    #: Share of days that fit as they should, before and after, the lower of both; and by how much they do.
    fitting: float
    margin: float


class Crossings:
    """Pairs found at the end of each week."""

    def __init__(self, weeks: Weeks) -> None:
        self._weeks = weeks
        self._pairs: list[list[Pair]] = [[] for _ in range(weeks.count)]

    def renew(self, first: int, end: int) -> None:
        """Look at the weeks from `first` to before `end`."""
        rules = self._weeks.rules
        span = rules.recent_weeks + max(rules.earlier_weeks, rules.split_weeks)
        for week in range(first, end):
            self._pairs[week] = []
        ends = np.arange(max(first, span - 1), end)
        if not ends.size:
            return
        of = compared(self._weeks.levels, ends, rules)
        own = ((of.recent - of.earlier) ** 2).mean(axis=-1) / of.noise
        for at, week in enumerate(ends):
            changed = np.flatnonzero(own[:, at] >= rules.cross_own)
            if changed.size < 2:
                continue
            recent, earlier = of.recent[changed, at], of.earlier[changed, at]
            apart = ((recent[:, None] - earlier[None]) ** 2).mean(axis=-1) / of.noise[changed, at][None]
            share = apart / own[changed, at][None]
            fits = (share <= rules.cross_share) & (apart <= rules.cross_other)
            for a, b in zip(*np.nonzero(np.triu(fits & fits.T, 1)), strict=True):
                one, other = int(changed[a]), int(changed[b])
                since = self._since(one, other, int(week))
                if since is not None:
                    worst = float(max(share[a, b], share[b, a]))
                    self._pairs[int(week)].append(Pair(one=one, other=other, since=since, share=worst))

    def faults(self, first: int, end: int) -> list[Fault]:
        """What the weeks from `first` to before `end` say, past and present."""
        rules = self._weeks.rules
        start = first + rules.recent_weeks + max(rules.earlier_weeks, rules.split_weeks) - 1
        begun: dict[tuple[int, int], tuple[int, Pair]] = {}
        partners: dict[int, set[int]] = {}
        for week in range(start, end):
            for pair in self._pairs[week]:
                begun.setdefault((pair.one, pair.other), (week, pair))
                partners.setdefault(pair.one, set()).add(pair.other)
                partners.setdefault(pair.other, set()).add(pair.one)
        found: list[Fault] = []
        for (one, other), (week, pair) in sorted(begun.items()):
            if len(partners[one]) == len(partners[other]) == 1:
                found += self._faults(pair, self._until(pair, week, end))
        return found

    def _since(self, one: int, other: int, week: int) -> int | None:
        """The day on which both changed places; None: there is no such day."""
        rules = self._weeks.rules
        a, b = (self._split(x, y, week) for x, y in ((one, other), (other, one)))
        if a is None or b is None or abs(a.day - b.day) > rules.cross_apart_days:
            return None
        if min(a.fitting, b.fitting) < rules.cross_days_share or min(a.margin, b.margin) < rules.cross_margin:
            return None
        return min(a.day, b.day)

    def _split(self, unit: int, other: int, week: int) -> _Split | None:
        weeks, rules = self._weeks, self._weeks.rules
        end = weeks.first_day + 7 * (week + 1)
        recent = 7 * rules.recent_weeks
        past = end - recent - 7 * rules.earlier_weeks
        floor = np.float32(rules.cross_floor_kwh)
        both = np.array([unit, other])
        usual = np.log(weeks.hours(ENERGY, both, np.array([past, past]), 7 * rules.earlier_weeks) + floor)
        level = mean(usual, 1)
        spread = mean((usual - level[:, None]) ** 2, 1) + _LEAST_SPREAD
        days = 7 * (rules.recent_weeks + rules.split_weeks)
        first = np.array([end - days])
        hours = np.log(weeks.hours(ENERGY, np.array([unit]), first, days)[0] + floor)
        own, foreign = ((hours - level[i]) ** 2 / spread[i] + np.log(spread[i]) for i in (0, 1))
        better = mean(np.clip((own - foreign) / 2, -_MOST, _MOST), 1)
        at = split(better)
        if not 7 <= at <= days - 7:
            return None
        before, after = better[:at], better[at:]
        if not (np.isfinite(before).any() and np.isfinite(after).any()):
            return None
        return _Split(
            day=end - days + at,
            fitting=float(min(_share(before < 0, before), _share(after > 0, after))),
            margin=float(min(-mean(before, 0), mean(after, 0))),
        )

    def _until(self, pair: Pair, week: int, end: int) -> int | None:
        """The day from which on both homes are as they were; None: they are not."""
        weeks, rules = self._weeks, self._weeks.rules
        past = compared(weeks.levels[[pair.one, pair.other]], np.array([week]), rules)
        for later in range(week + rules.back_weeks, end):
            latest = mean(weeks.levels[[pair.one, pair.other], later + 1 - rules.back_weeks : later + 1], 1)
            apart = ((latest[:, None] - past.earlier[None, :, 0]) ** 2).mean(axis=-1) / past.noise[:, 0]
            if apart[0, 0] < apart[0, 1] and apart[1, 1] < apart[1, 0]:
                return weeks.first_day + 7 * (later + 1 - rules.back_weeks)
        return None

    def _faults(self, pair: Pair, until: int | None) -> list[Fault]:
        calendar = self._weeks.ledger.window.calendar
        zh, en = words.crossed(calendar.day(pair.since), self._weeks.rules)
        return [
            Fault(
                unit=unit,
                channel=ENERGY,
                kind=CROSSED,
                since_h=24 * pair.since,
                until_h=None if until is None else 24 * until,
                sure=round(1 - pair.share, 3),
                other=other,
                zh=zh,
                en=en,
            )
            for unit, other in ((pair.one, pair.other), (pair.other, pair.one))
        ]


def _share(which: NDArray[np.bool_], of: Floats) -> float:
    return float(which.sum() / np.isfinite(of).sum())
