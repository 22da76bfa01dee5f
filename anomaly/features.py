"""What one local day of one unit shows: sums, standby, activity, and whether each source saw life.

Pure and row-wise: the last axis of an input is the 24 hours of a day or the days before one, every
other axis is just rows. Not-a-number is unknown. Signs are 1 alive, 0 quiet, NaN unknown: a day between
quiet and alive is unknown, so that a fridge that defrosts is no person and no empty home either.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from anomaly.window import Flags, Floats

#: Smaller differences are noise of adding and rounding.
_NOISE_KWH, _NOISE_L = 5e-4, 0.05


class SignRules(Protocol):
    """The part of the policy that features need; `policy.groups.Signs` is one."""

    @property
    def energy_seen_hours(self) -> int: ...
    @property
    def energy_quiet_factor(self) -> float: ...
    @property
    def energy_quiet_margin_kwh(self) -> float: ...
    @property
    def energy_alive_factor(self) -> float: ...
    @property
    def energy_alive_margin_kwh(self) -> float: ...
    @property
    def energy_active_hours(self) -> int: ...
    @property
    def energy_repeat_days(self) -> int: ...
    @property
    def energy_repeat_share(self) -> float: ...
    @property
    def energy_coarsest_kwh(self) -> float: ...
    @property
    def standby_hours(self) -> int: ...
    @property
    def standby_days(self) -> int: ...
    @property
    def standby_min_days(self) -> int: ...
    @property
    def water_seen_hours(self) -> int: ...
    @property
    def water_floor_factor(self) -> float: ...
    @property
    def water_floor_margin_l(self) -> float: ...
    @property
    def water_coarsest_l(self) -> float: ...
    @property
    def night_from_h(self) -> int: ...
    @property
    def night_to_h(self) -> int: ...
    @property
    def door_memory_days(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class EnergyDay:
    """Electricity of single days, before it is compared with standby; arrays of rows."""

    kwh: Floats
    seen_h: Floats
    #: Mean power of the quietest stretch; NaN of a day that was not seen well enough.
    low_kw: Floats
    #: Smallest difference between two hours: no finer than the steps of the meter. NaN: all alike.
    step_kwh: Floats


@dataclass(frozen=True, kw_only=True)
class WaterDay:
    """Water of single days; arrays of rows."""

    litres: Floats
    seen_h: Floats
    #: Hours without flow.
    zero_h: Floats
    #: Smallest hour of the day: what flows all day.
    floor_l: Floats
    #: Smallest hour of the night.
    night_l: Floats
    #: Hours with flow beyond what flows all day.
    active_h: Floats
    step_l: Floats


def energy_day(kwh: Floats, rules: SignRules) -> EnergyDay:
    """Sums of the days in (rows, 24)."""
    seen = np.isfinite(kwh)
    enough = seen.sum(axis=-1) >= rules.energy_seen_hours
    stretches = np.lib.stride_tricks.sliding_window_view(kwh, rules.standby_hours, axis=-1).mean(axis=-1)
    return EnergyDay(
        kwh=_sum(kwh, seen),
        seen_h=seen.sum(axis=-1, dtype=np.float32),
        low_kw=np.where(enough, least(stretches), np.float32(np.nan)),
        step_kwh=_step(kwh, _NOISE_KWH),
    )


def water_day(litres: Floats, rules: SignRules) -> WaterDay:
    """Sums of the days in (rows, 24)."""
    seen = np.isfinite(litres)
    floor = least(litres)
    with np.errstate(invalid="ignore"):
        limit = rules.water_floor_factor * floor + rules.water_floor_margin_l
        active = (litres > limit[..., None]).sum(axis=-1, dtype=np.float32)
        zero = (litres <= 0).sum(axis=-1, dtype=np.float32)
    return WaterDay(
        litres=_sum(litres, seen),
        seen_h=seen.sum(axis=-1, dtype=np.float32),
        zero_h=zero,
        floor_l=floor,
        night_l=least(litres[..., rules.night_from_h : rules.night_to_h]),
        active_h=active,
        step_l=_step(litres, _NOISE_L),
    )


def energy_reach(rules: SignRules) -> int:
    """Days, from one on, whose answer its electricity moves: by standby, and as a day to compare with."""
    return max(rules.standby_days, rules.energy_repeat_days + 1)


def standby(low_kw: Floats, rules: SignRules) -> Floats:
    """Standby power: the median over (rows, trailing days); NaN where too few are known."""
    return median(low_kw, rules.standby_min_days)


def active_hours(kwh: Floats, standby_kw: Floats, factor: float, margin_kwh: float) -> Floats:
    """Hours of (rows, 24) above `factor` times standby plus `margin_kwh`."""
    with np.errstate(invalid="ignore"):
        above = kwh > (factor * standby_kw + margin_kwh)[..., None]
    return above.sum(axis=-1, dtype=np.float32)


def repeats(kwh: Floats, before: Floats, rules: SignRules) -> Flags:
    """Whether a day draws the same as the days before it, hour by hour of its ranking: a timer or a
    thermostat does, people do not.

    Parameters
    ----------
    kwh : (rows, 24)
    before : (rows, days, 24)
        The days before; all must be known in full.
    """
    usual = np.median(np.sort(before, axis=-1), axis=-2)
    with np.errstate(invalid="ignore"):
        apart = np.abs(np.sort(kwh, axis=-1) - usual).sum(axis=-1)
        return apart <= rules.energy_repeat_share * usual.sum(axis=-1)


def energy_sign(kwh: Floats, before: Floats, standby_kw: Floats, rules: SignRules) -> Floats:
    """Signs of life in electricity, of days in (rows, 24) after those in (rows, days, 24)."""
    some = active_hours(kwh, standby_kw, rules.energy_quiet_factor, rules.energy_quiet_margin_kwh)
    clear = active_hours(kwh, standby_kw, rules.energy_alive_factor, rules.energy_alive_margin_kwh)
    enough = np.isfinite(kwh).sum(axis=-1) >= rules.energy_seen_hours
    return _sign(
        alive=(clear >= rules.energy_active_hours) & ~repeats(kwh, before, rules),
        quiet=(some < rules.energy_active_hours) & enough & np.isfinite(standby_kw),
    )


def water_sign(active_h: Floats, seen_h: Floats, rules: SignRules) -> Floats:
    """Signs of life in water."""
    return _sign(alive=active_h >= 1, quiet=(active_h < 1) & (seen_h >= rules.water_seen_hours))


def door_sign(happenings: Floats, heard: Flags, rules: SignRules) -> Floats:
    """Signs of life at the door, of (rows, days); a lock that was long not heard is no witness.

    Parameters
    ----------
    happenings : (rows, days)
        Entries and openings.
    heard : (rows, days)
        Days on which the lock said anything at all.
    """
    total = np.cumsum(heard, axis=-1, dtype=np.int32)
    before = np.zeros_like(total)
    before[..., rules.door_memory_days :] = total[..., : -rules.door_memory_days]
    return _sign(alive=happenings > 0, quiet=(happenings <= 0) & (total > before))


def resolution(steps: Floats, coarsest: float) -> Flags:
    """Whether a meter counts finely enough to be a witness, from the steps in (rows, days).

    A meter that was never seen to move by two different amounts has not shown that it measures.
    """
    finest = least(steps)
    with np.errstate(invalid="ignore"):
        return finest <= coarsest


def least(values: Floats) -> Floats:
    """Smallest known value of the last axis; NaN where none is known."""
    low = np.where(np.isfinite(values), values, np.float32(np.inf)).min(axis=-1, initial=np.float32(np.inf))
    return np.where(np.isfinite(low), low, np.float32(np.nan))


def median(values: Floats, at_least: int) -> Floats:
    """Lower median of the known values of the last axis; NaN where fewer than `at_least` are known."""
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    ordered = np.sort(np.where(known, values, np.float32(np.inf)), axis=-1)
    middle = np.maximum(count - 1, 0) // 2
    found = np.take_along_axis(ordered, middle[..., None], axis=-1)[..., 0]
    return np.where(count >= at_least, found, np.float32(np.nan))


def _sign(*, alive: Flags, quiet: Flags) -> Floats:
    return np.where(alive, np.float32(1), np.where(quiet, np.float32(0), np.float32(np.nan)))


def _sum(values: Floats, seen: Flags) -> Floats:
    total = np.where(seen, values, 0).sum(axis=-1, dtype=np.float32)
    return np.where(seen.any(axis=-1), total, np.float32(np.nan))


def _step(values: Floats, noise: float) -> Floats:
    steps = np.diff(np.sort(values, axis=-1), axis=-1)  # unknown hours sort to the end
    with np.errstate(invalid="ignore"):
        return least(np.where(steps > noise, steps, np.float32(np.nan)))
