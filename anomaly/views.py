"""What the detectors look at as of one evening, cut out of a window and its ledger."""

from typing import Protocol

import numpy as np

from anomaly import features
from anomaly.detectors.idle import IdleView
from anomaly.detectors.leak import LeakView
from anomaly.ledger import Ledger
from anomaly.window import Calendar, Flags, Ints, Window

#: `lease_from` where leases are on record and none is in force.
NO_LEASE = np.iinfo(np.int32).max


def idle_view(ledger: Ledger, day: int, memory_days: int) -> IdleView:
    """The days up to `day`, as far as the ledger knows them."""
    window, rules = ledger.window, ledger.rules
    first = max(day + 1 - memory_days, 0)
    days = slice(first, day + 1)
    energy, water = ledger.energy_step_kwh[:, days], ledger.water_step_l[:, days]
    return IdleView(
        calendar=_from(window, first, day),
        signs=np.stack(
            [ledger.energy_sign[:, days], ledger.water_sign[:, days], ledger.door_sign(first, day + 1)]
        ),
        fine=np.stack(
            [
                features.resolution(energy, rules.energy_coarsest_kwh),
                features.resolution(water, rules.water_coarsest_l),
            ]
        ),
        absent=absent(window, ledger.cut)[:, days],
        lease_from=np.maximum(lease_from(window, day), first) - np.int32(first),
        energy_kwh=ledger.energy_kwh[:, days],
        water_l=ledger.water_l[:, days],
        water_floor_l=ledger.water_floor_l[:, days],
        happenings=ledger.entries[:, days] + ledger.openings[:, days],
        step=np.stack([features.least(energy), features.least(water)]),
    )


class News(Protocol):
    """The part of the policy that says what of the water is looked at; `policy.groups.Leak` is one."""

    @property
    def memory_days(self) -> int: ...
    @property
    def news_hours(self) -> int: ...
    @property
    def latest_hours(self) -> int: ...


def leak_view(ledger: Ledger, day: int, rules: News, fine: Flags) -> LeakView:
    """The hours up to the end of `day`, as far as the ledger knows them; `fine` is (units,)."""
    window = ledger.window
    first = max(day + 1 - rules.memory_days, 0)
    hours = slice(24 * first, 24 * (day + 1))
    arrived = window.water.arrived[:, hours]
    known = arrived <= ledger.cut
    news = known & (arrived > ledger.cut - rules.news_hours)
    news[:, : -rules.latest_hours] = False
    return LeakView(
        calendar=_from(window, first, day),
        litres=np.where(known, window.water.amount[:, hours], np.float32(np.nan)),
        news=news,
        fine=fine,
        night=slice(ledger.rules.night_from_h, ledger.rules.night_to_h),
    )


def absent(window: Window, cut: float) -> Flags:
    """The days that an absence known by `cut` covers; (units, days)."""
    table = np.zeros((window.units, window.calendar.days), dtype=np.bool_)
    spans = window.absences
    for one in np.flatnonzero(spans.arrived <= cut):
        table[spans.unit[one], max(spans.start[one], 0) : max(spans.end[one], 0)] = True
    return table


def lease_from(window: Window, day: int) -> Ints:
    """The first day of the lease in force on `day`, (units,): 0 where no lease is on record."""
    leases = window.leases
    start = np.zeros(window.units, dtype=np.int32)
    start[leases.unit] = NO_LEASE
    now = (leases.start <= day) & (day < leases.end)
    start[leases.unit[now]] = np.maximum(leases.start[now], 0)
    return start


def _from(window: Window, first: int, day: int) -> Calendar:
    calendar = window.calendar
    return Calendar(first=calendar.day(first), days=day + 1 - first, offset_h=calendar.offset_h)
