"""What in a home's meters and lock is a fault of device or data and not of people.

As of an evening, from what had arrived by then and no further back than the policy's memory: so a sweep of
one evening and a walk through a year say the same. Faults go to the list of the devices and never to
inspectors; what a source says while it has one is unknown to those detectors that speak of people.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np

from anomaly.ledger import Ledger
from anomaly.quality_clock import Clocks
from anomaly.quality_cross import Crossings
from anomaly.quality_faults import (
    CROSSED,
    DOOR,
    ENERGY,
    KINDS,
    LOCK_OUTAGE,
    LUMP,
    STUCK,
    WATER,
    Fault,
    QualityRules,
)
from anomaly.quality_lumps import Lumps
from anomaly.quality_still import days_of, silent_locks, stuck
from anomaly.quality_weeks import Weeks
from anomaly.window import NEVER, Flags, Metered, Window

#: Faults for which the days of a source say nothing of who was there; a turned clock leaves days as they are.
OF_DAYS = (STUCK, LOCK_OUTAGE, CROSSED)
#: Order of the sources on axis 0 of `hidden`: that of `anomaly.detectors.idle.SOURCES`.
_SOURCES = (ENERGY, WATER, DOOR)


class Quality:
    """The faults of a block, evening by evening; the ledger is moved forward by whoever owns it."""

    def __init__(self, ledger: Ledger, rules: QualityRules) -> None:
        self._ledger, self._rules = ledger, rules
        self._weeks = Weeks(ledger, rules)
        self._clocks, self._crossings = Clocks(self._weeks), Crossings(self._weeks)
        self._lumps = Lumps(ledger, rules, self._weeks.first_day)
        self._looked = 0
        #: The last day of the week that was asked about last, and what was wrong then.
        self._week: tuple[int, list[Fault]] | None = None

    def known(self, day: int, latest: int) -> list[Fault]:
        """What was wrong as of the end of the newest week that is over by a day; moves the ledger there.

        Once a week, so that an evening is judged by the same faults however the range around it is cut.

        Parameters
        ----------
        day : int
            Position on the day axis; days rise from call to call.
        latest : int
            Hour up to which anything is known.
        """
        last = day - (day + 1 - self._weeks.first_day) % 7
        if self._week is None or self._week[0] != last:
            self._ledger.advance(min(24 * (last + 1), latest))
            self._week = last, self.faults(last)
        return self._week[1]

    def faults(self, day: int) -> list[Fault]:
        """What is wrong, or was within the memory, as of the evening of a day: by unit, kind and start.

        Parameters
        ----------
        day : int
            Position on the day axis; the ledger must stand at its evening.
        """
        weeks, rules = self._weeks, self._rules
        day = min(day, self._ledger.cut // 24 - 1)  # a day that is not over says nothing yet
        end = weeks.ended(day)
        news = min(weeks.advance(), self._looked)
        if news < end:
            self._clocks.renew(news, end)
            self._crossings.renew(news, end)
            self._lumps.renew(news, end)
            self._looked = end
        first = max(end - rules.memory_weeks, 0)
        days = days_of(self._ledger, max(weeks.first_day + 7 * first, 0), day + 1)
        found = self._clocks.faults(first, end) + self._crossings.faults(first, end)
        found += self._lumps.faults(first, end)
        found += stuck(self._ledger, days, rules) + silent_locks(self._ledger, days, rules)
        return sorted(found, key=lambda one: (one.unit, KINDS.index(one.kind), one.since_h, one.channel))


def reach_days(rules: QualityRules) -> int:
    """How many days before an evening can matter to what is said of it, what signs need not counted."""
    return 7 * (rules.memory_weeks + 1)


def standing(faults: Iterable[Fault], hour: int, rules: QualityRules) -> list[Fault]:
    """Those in force at an hour; a lump is told for some days."""
    return [
        one
        for one in faults
        if one.until_h is None or (one.kind == LUMP and hour - one.since_h <= 24 * rules.lump_told_days)
    ]


def masked(window: Window, faults: Collection[Fault]) -> Window:
    """The same window with what faulty sources said turned unknown."""
    energy, water = (
        _without(of, name, faults) for of, name in ((window.energy, ENERGY), (window.water, WATER))
    )
    heard = window.lock_heard
    kept = np.ones(heard.unit.size, np.bool_)
    for one in faults:
        if one.channel == DOOR:
            day = 24 * heard.start
            kept &= ~((heard.unit == one.unit) & (day >= one.since_h) & (day < _end(one, window)))
    return replace(
        window,
        energy=energy,
        water=water,
        lock_heard=replace(
            heard,
            unit=heard.unit[kept],
            start=heard.start[kept],
            end=heard.end[kept],
            arrived=heard.arrived[kept],
        ),
    )


def hidden(faults: Iterable[Fault], kinds: Collection[str], *, units: int, first: int, end: int) -> Flags:
    """The days from `first` to before `end` on which sources have a fault of some kinds; (sources, units,
    days) as in `anomaly.detectors.idle.SOURCES`."""
    table = np.zeros((len(_SOURCES), units, end - first), np.bool_)
    for one in faults:
        if one.kind in kinds:
            start = max(one.since_h // 24 - first, 0)
            stop = end - first if one.until_h is None else max(-(-one.until_h // 24) - first, 0)
            table[_SOURCES.index(one.channel), one.unit, start:stop] = True
    return table


def _without(of: Metered, channel: str, faults: Iterable[Fault]) -> Metered:
    mine = [one for one in faults if one.channel == channel]
    if not mine:
        return of
    amount, arrived = of.amount.copy(), of.arrived.copy()
    for one in mine:
        hours = slice(max(one.since_h, 0), one.until_h)
        amount[one.unit, hours] = np.nan
        arrived[one.unit, hours] = NEVER
    return Metered(amount=amount, arrived=arrived)


def _end(one: Fault, window: Window) -> int:
    return window.calendar.hours if one.until_h is None else one.until_h
