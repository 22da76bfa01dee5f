"""What the detectors of hazards look at as of one evening, cut out of a window and its ledger.

A sweep asks for every evening: what can be sorted out once for all of them is, here, at the start.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly import views
from anomaly.detectors import alarm, silence
from anomaly.detectors.alarm import AlarmView
from anomaly.detectors.burst import BurstView
from anomaly.detectors.overload import OverloadView
from anomaly.detectors.silence import SilenceView
from anomaly.ledger import Ledger
from anomaly.window import Calendar, Flags, Floats, Happenings, Ints, Metered
from policy.book import Policy
from wire.events import EventType

#: What the door tells of somebody who passed.
_PASSAGES = (EventType.entry, EventType.door_opened)
#: Signs of somebody, at the door or inside.
_SIGNS = (
    *_PASSAGES,
    EventType.door_closed,
    EventType.door_left_open,
    EventType.door_forced,
    EventType.motion,
    EventType.emergency_button,
    EventType.button_pressed,
)
#: Events that an alarm is made of -> their place in `alarm.TYPES`.
_ALARMS = {int(EventType[name]): place for place, name in enumerate(alarm.TYPES)}


def reach_days(policy: Policy) -> int:
    """How many days before an evening can matter to what is said of hazards."""
    latest = -(-policy.hazard.latest_hours // 24)
    return latest + max(
        policy.burst.memory_days,
        policy.overload.memory_days,
        policy.alarm.memory_days,
        policy.elder_silence.memory_days,
    )


def told_days(policy: Policy) -> int:
    """How many days before an evening what was told one by one can matter."""
    silence_rules = policy.elder_silence
    quiet = silence_rules.door_memory_days + silence_rules.lock_days
    return -(-policy.hazard.latest_hours // 24) + max(policy.alarm.memory_days, quiet)


class Hazards:
    """The hazards of a block, evening by evening."""

    def __init__(self, ledger: Ledger, policy: Policy) -> None:
        self._ledger = ledger
        self._policy = policy
        told, homes = ledger.window.happenings, ledger.window.homes
        self._alarms = np.flatnonzero(np.isin(told.type, list(_ALARMS)))
        self._elders = np.flatnonzero(homes.elder_alone).astype(np.int32)
        of_elders = np.isin(told.unit, self._elders) & np.isin(told.type, [int(one) for one in _SIGNS])
        signs = np.flatnonzero(of_elders)
        self._signs = signs[np.argsort(told.hour[signs], kind="stable")]
        self._sign_hours = told.hour[self._signs]
        self._contracted = np.flatnonzero(homes.contract_kw > 0).astype(np.int32)

    def burst(self, day: int) -> BurstView:
        """The homes whose latest water is much, with the time before."""
        rules, water = self._policy.burst, self._ledger.window.water
        first, news = self._first(day, rules.memory_days), self._news(water, day)
        latest = slice(24 * (day + 1) - news.shape[1], 24 * (day + 1))
        with np.errstate(invalid="ignore"):
            much = news & (water.amount[:, latest] >= min(rules.sustained_l, rules.hour_l))
        unit = np.flatnonzero(much.any(axis=1)).astype(np.int32)
        litres, arrived = self._hours(water, unit, first, day)
        return BurstView(
            calendar=self._calendar(first, day),
            unit=unit,
            litres=litres,
            arrived=arrived,
            news=_to_the_end(news[unit], litres.shape[1]),
            latest_hours=news.shape[1],
        )

    def overload(self, day: int) -> OverloadView:
        """The homes whose latest power is above the contract, with the days before."""
        rules, window = self._policy.overload, self._ledger.window
        first, news = self._first(day, rules.memory_days), self._news(window.energy, day)
        latest = slice(24 * (day + 1) - news.shape[1], 24 * (day + 1))
        unit, contract_kw = self._contracted, window.homes.contract_kw
        with np.errstate(invalid="ignore"):
            above = news[unit] & (window.energy.amount[unit, latest] > contract_kw[unit, None])
        unit = unit[above.any(axis=1)]
        kwh, arrived = self._hours(window.energy, unit, first, day)
        return OverloadView(
            calendar=self._calendar(first, day),
            unit=unit,
            kwh=kwh,
            arrived=arrived,
            news=_to_the_end(news[unit], kwh.shape[1]),
            contract_kw=contract_kw[unit],
        )

    def alarm(self, day: int) -> AlarmView:
        """What alarms told in the days that matter."""
        rules, told, cut = self._policy.hazard, self._ledger.window.happenings, self._ledger.cut
        end = 24 * (day + 1)
        first = self._first(day, self._policy.alarm.memory_days)
        chosen = self._alarms
        hour, arrived = told.hour[chosen], told.arrived[chosen]
        chosen = chosen[(arrived <= cut) & (hour >= 24 * first) & (hour < end)]
        hour, arrived = told.hour[chosen], told.arrived[chosen]
        return AlarmView(
            calendar=self._calendar(first, day),
            unit=told.unit[chosen],
            hour=hour - 24 * first,
            arrived=arrived - np.int32(24 * first),
            type=np.array([_ALARMS[one] for one in told.type[chosen].tolist()], np.int16),
            value=told.value[chosen],
            news=(arrived > cut - rules.news_hours) & (hour >= end - rules.latest_hours),
        )

    def silence(self, day: int) -> SilenceView:
        """The homes of older people alone that may be quiet for long, with the time before."""
        rules, window, ledger = self._policy.elder_silence, self._ledger.window, self._ledger
        news = self._news(window.energy, day) | self._news(window.water, day)
        first, unit = self._first(day, rules.memory_days), self._elders
        near = max(day - (self._policy.hazard.latest_hours + rules.min_hours) // 24 - 1, first)
        litres, _ = self._hours(window.water, unit, near, day)
        stirred = self._passed(unit, near, day).stirred
        unit = unit[silence.may_be_quiet(litres, stirred, _to_the_end(news[unit], litres.shape[1]), rules)]
        kwh, kwh_arrived = self._hours(window.energy, unit, first, day)
        litres, litres_arrived = self._hours(window.water, unit, first, day)
        days = slice(first, day + 1)
        passed = self._passed(unit, first, day)
        return SilenceView(
            calendar=self._calendar(first, day),
            unit=unit,
            kwh=kwh,
            litres=litres,
            kwh_arrived=kwh_arrived,
            litres_arrived=litres_arrived,
            news=_to_the_end(news[unit], kwh.shape[1]),
            stirred=passed.stirred,
            door=passed.last_here > silence.UNKNOWN,
            entry=passed.entry,
            last=passed.last,
            heard=ledger.lock_heard[unit, days],
            absent=np.repeat(views.absent(window, ledger.cut)[unit, days], 24, axis=1),
        )

    def _first(self, day: int, memory_days: int) -> int:
        latest = -(-self._policy.hazard.latest_hours // 24)
        return max(day + 1 - memory_days - latest, 0)

    def _calendar(self, first: int, day: int) -> Calendar:
        calendar = self._ledger.window.calendar
        return Calendar(first=calendar.day(first), days=day + 1 - first, offset_h=calendar.offset_h)

    def _news(self, of: Metered, day: int) -> Flags:
        """Of the latest hours those that became known since the last look."""
        rules, cut, end = self._policy.hazard, self._ledger.cut, 24 * (day + 1)
        arrived = of.arrived[:, max(end - rules.latest_hours, 0) : end]
        return (arrived <= cut) & (arrived > cut - rules.news_hours)

    def _hours(self, of: Metered, unit: Ints, first: int, day: int) -> tuple[Floats, Ints]:
        """Amounts as far as they had arrived, and by when they had."""
        hours = slice(24 * first, 24 * (day + 1))
        arrived = of.arrived[unit, hours]
        known = arrived <= self._ledger.cut
        return (
            np.where(known, of.amount[unit, hours], np.float32(np.nan)),
            np.where(known, arrived - np.int32(24 * first), 0).astype(np.int32),
        )

    def _passed(self, unit: Ints, first: int, day: int) -> "_Passed":
        """What the doors of some older people and the sensors inside told, by hour."""
        told, ledger = self._ledger.window.happenings, self._ledger
        since = max(24 * (day + 1 - told_days(self._policy)), 24 * first)
        chosen = self._signs[slice(*np.searchsorted(self._sign_hours, [since, 24 * (day + 1)]))]
        chosen = chosen[(told.arrived[chosen] <= ledger.cut) & np.isin(told.unit[chosen], unit)]
        chosen = chosen[np.argsort(told.unit[chosen], kind="stable")]
        row = np.searchsorted(unit, told.unit[chosen])
        hour = np.floor(told.hour[chosen]).astype(np.int64) - 24 * first
        shape = (unit.size, 24 * (day + 1 - first))
        stirred, entry = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
        here = np.zeros(shape, np.int8)
        stirred[row, hour] = True
        is_entry = told.type[chosen] == EventType.entry
        entry[row[is_entry], hour[is_entry]] = True
        went = _went(told, chosen, row, self._policy.elder_silence.beside_s)
        passage = went > silence.UNKNOWN
        here[row[passage], hour[passage]] = went[passage]  # the last of an hour stays
        at = np.maximum.accumulate(np.where(here > silence.UNKNOWN, np.arange(shape[1]), -1), axis=1)
        last = np.where(at >= 0, np.take_along_axis(here, np.maximum(at, 0), axis=1), np.int8(0))
        return _Passed(stirred=stirred, entry=entry, last_here=here, last=last)


@dataclass(frozen=True, kw_only=True)
class _Passed:
    """By unit and hour; as `SilenceView` has them, and what the door told last within each hour."""

    stirred: Flags
    entry: Flags
    last_here: NDArray[np.int8]
    last: NDArray[np.int8]


def _went(
    told: Happenings, chosen: NDArray[np.intp], row: NDArray[np.intp], beside_s: int
) -> NDArray[np.int8]:
    """Of each happening, by unit and then by time, whether somebody came in or went out."""
    kind, is_entry = told.type[chosen], told.type[chosen] == EventType.entry
    hour = told.hour[chosen]
    span = float(hour.max(initial=0) - hour.min(initial=0)) + 1
    at = hour + 2 * span * row  # homes lie further apart than any two of their hours
    entered = np.maximum.accumulate(np.where(is_entry, at, -np.inf))
    came_in = is_entry | ((kind == EventType.door_opened) & ((at - entered) * 3600 <= beside_s))
    opened = kind == EventType.door_opened
    return np.where(came_in, silence.CAME_IN, np.where(opened, silence.WENT_OUT, silence.UNKNOWN)).astype(
        np.int8
    )


def _to_the_end(latest: Flags, hours: int) -> Flags:
    """Flags of the latest hours as those of all hours."""
    return np.pad(latest, ((0, 0), (hours - latest.shape[1], 0)))
