"""Meters that stand still and locks that fall silent while the other sources of the home show life.

An empty home is no fault: there, everything is quiet. So it takes days on which others are alive, and of a
lock more of them than in the home's longest silence of before.
"""

import math
from dataclasses import dataclass

import numpy as np

from anomaly import quality_words as words
from anomaly.ledger import Ledger
from anomaly.quality_faults import DOOR, ENERGY, LOCK_OUTAGE, STUCK, WATER, Fault, QualityRules
from anomaly.views import absent
from anomaly.window import Flags, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Days:
    """Days of a block, (units, days) each; the first is day `first` of the window."""

    first: int
    energy_sign: Floats
    water_sign: Floats
    #: Days on which a door or somebody inside was heard.
    passed: Flags
    #: Registered absences, on which life is not what it seems.
    absent: Flags
    #: Whether a meter was seen and did not move, whether it moved; by channel.
    still: dict[str, Flags]
    moved: dict[str, Flags]
    #: Amounts of those days.
    amount: dict[str, Floats]


def days_of(ledger: Ledger, first: int, end: int) -> Days:
    """The days from `first` to before `end`, as far as the ledger knows them."""
    span = slice(first, end)
    still: dict[str, Flags] = {}
    moved: dict[str, Flags] = {}
    for name, amount, seen_h, step, least in (
        (
            ENERGY,
            ledger.energy_kwh,
            ledger.energy_seen_h,
            ledger.energy_step_kwh,
            ledger.rules.energy_seen_hours,
        ),
        (WATER, ledger.water_l, ledger.water_seen_h, ledger.water_step_l, ledger.rules.water_seen_hours),
    ):
        alike = np.isnan(step[:, span]) & (seen_h[:, span] >= least)
        still[name] = alike
        moved[name] = np.isfinite(step[:, span]) | ((amount[:, span] > 0) & ~alike)
    return Days(
        first=first,
        energy_sign=ledger.energy_sign[:, span],
        water_sign=ledger.water_sign[:, span],
        passed=(ledger.entries + ledger.openings + ledger.stirs)[:, span] > 0,
        absent=absent(ledger.window, ledger.cut)[:, span],
        still=still,
        moved=moved,
        amount={ENERGY: ledger.energy_kwh[:, span], WATER: ledger.water_l[:, span]},
    )


def stuck(ledger: Ledger, days: Days, rules: QualityRules) -> list[Fault]:
    """Meters that report and stand still beside life, past and present."""
    found: list[Fault] = []
    passed = days.passed & ~days.absent
    for channel, sign in ((WATER, days.energy_sign), (ENERGY, days.water_sign)):
        still, moved = days.still[channel], days.moved[channel]
        power = (sign == 1) & ~days.absent
        count = _counted(still)
        for unit, start, end in _stretches(moved, rules.still_days):
            if count[unit, end] - count[unit, start] < rules.still_days:
                continue
            at = start + np.flatnonzero(still[unit, start:end])
            latest = at[-rules.still_days :]
            if not _lived(power[unit], passed[unit], latest, rules):
                continue
            life = power[unit, at] | passed[unit, at]
            begun, over = days.first + int(at[0]), end < moved.shape[1]
            facts = words.Still(
                channel=channel,
                since=ledger.window.calendar.day(begun),
                days=int(at.size),
                alive=int(life.sum()),
                passed=int(passed[unit, at].sum()),
                amount=round(float(days.amount[channel][unit, at[-1]]), 3),
                at_least=start == 0,
            )
            zh, en = words.stuck(facts)
            found.append(
                Fault(
                    unit=unit,
                    channel=channel,
                    kind=STUCK,
                    since_h=24 * begun,
                    until_h=24 * (days.first + end) if over else None,
                    sure=round(float(life.mean()), 3),
                    numbers={"days": facts.days, "other_days": facts.alive, "amount": facts.amount},
                    zh=zh,
                    en=en,
                )
            )
    return found


def silent_locks(ledger: Ledger, days: Days, rules: QualityRules) -> list[Fault]:
    """Doors of which nothing is heard while the meters show life, past and present."""
    energy, water = days.energy_sign, days.water_sign
    lively = (((energy == 1) & (water != 0)) | ((water == 1) & (energy != 0))) & ~days.absent
    alive, passed = _counted(lively), _counted(days.passed)
    found: list[Fault] = []
    #: Days with life in the longest silence of before, by unit.
    longest: dict[int, int] = {}
    for unit, start, end in _stretches(days.passed, math.ceil(rules.lock_days / rules.lock_pace)):
        count = int(alive[unit, end] - alive[unit, start])
        before = int(passed[unit, start] - passed[unit, max(start - rules.lock_before_days, 0)])
        if (
            count < rules.lock_days
            or count < rules.lock_life_share * (end - start)
            or count < rules.lock_pace * longest.get(unit, 0)
            or before < rules.lock_before_min_days
        ):
            if start:  # before the first day somebody may have been away, or the lock not there yet
                longest[unit] = max(longest.get(unit, 0), count)
            continue
        begun = days.first + start
        zh, en = words.lock(ledger.window.calendar.day(begun), end - start, count)
        found.append(
            Fault(
                unit=unit,
                channel=DOOR,
                kind=LOCK_OUTAGE,
                since_h=24 * begun,
                until_h=24 * (days.first + end) if end < days.passed.shape[1] else None,
                sure=round(count / (end - start), 3),
                numbers={"days": end - start, "other_days": count},
                zh=zh,
                en=en,
            )
        )
    return found


def _lived(power: Flags, passed: Flags, at: np.ndarray, rules: QualityRules) -> bool:
    """Whether somebody was there on enough of some days: a door that tells says so, or power alone by far."""
    if passed[at].sum() >= rules.still_door_days:
        return bool((power[at] | passed[at]).sum() >= rules.still_life_share * at.size)
    return bool(not passed.any() and power[at].sum() >= rules.still_power_share * at.size)


def _stretches(breaks: Flags, at_least: int) -> list[tuple[int, int, int]]:
    """Stretches of so many days or more between those that break them: (unit, first day, day after the
    last), by unit and then by time."""
    edge = np.ones((breaks.shape[0], 1), np.bool_)
    unit, day = np.nonzero(np.concatenate((edge, breaks, edge), axis=1))
    chosen = np.flatnonzero((np.diff(unit) == 0) & (np.diff(day) > at_least))
    return list(zip(unit[chosen].tolist(), day[chosen].tolist(), (day[chosen + 1] - 1).tolist(), strict=True))


def _counted(days: Flags) -> Ints:
    """How many days before each one are chosen; (units, days + 1)."""
    table = np.zeros((days.shape[0], days.shape[1] + 1), np.int32)
    np.cumsum(days, axis=1, out=table[:, 1:])
    return table
