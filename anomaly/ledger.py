"""The days of a block of units as they had arrived by some moment, moved forward through time.

A sweep over a year asks for every evening what was known by then. Recomputing each evening from nothing
would cost a year of work a day, so the ledger only redoes the days that something new arrived for, and
what the weeks after them are compared with. It holds what a ledger made afresh at the same moment would hold.
"""

import numpy as np

from anomaly import features
from anomaly.features import SignRules
from anomaly.window import NEVER, Flags, Floats, Ints, Metered, Window

#: Rows of 24 hours worked on at once: bounds memory when everything is new.
_ROWS = 20_000


class Ledger:
    """What is known of each unit and day; arrays are (units, days), NaN unknown."""

    def __init__(self, window: Window, rules: SignRules) -> None:
        self.window = window
        self.rules = rules
        #: Hours from the window's start; what arrived later is not in here.
        self.cut: int = np.iinfo(np.int32).min
        shape = (window.units, window.calendar.days)

        def unknown() -> Floats:
            return np.full(shape, np.nan, dtype=np.float32)

        def zero() -> Floats:
            return np.zeros(shape, dtype=np.float32)

        self.energy_kwh, self.energy_seen_h = unknown(), zero()
        self.energy_low_kw, self.energy_step_kwh = unknown(), unknown()
        self.standby_kw, self.energy_active_h, self.energy_sign = unknown(), unknown(), unknown()
        self.water_l, self.water_seen_h, self.water_zero_h = unknown(), zero(), unknown()
        self.water_floor_l, self.water_night_l = unknown(), unknown()
        self.water_active_h, self.water_step_l, self.water_sign = unknown(), unknown(), unknown()
        self.entries, self.openings, self.stirs = zero(), zero(), zero()
        self.lock_heard = np.zeros(shape, dtype=np.bool_)
        self._queues = tuple(
            _Queue(of.arrived) for of in (window.energy, window.water, window.doors, window.lock_heard)
        )

    def advance(self, cut: int) -> None:
        """Take in what arrived up to `cut`, hours from the window's start."""
        if cut <= self.cut:
            return
        before, self.cut = self.cut, cut
        energy, water, doors, heard = (queue.between(before, cut) for queue in self._queues)
        self._energy(self._days(energy), begun=max(-(-before // 24), 0))
        self._water(self._days(water))
        self._doors(doors, heard)

    def _energy(self, fresh: Flags, begun: int) -> None:
        """Redo the days with news, those whose standby they move, and those from day `begun` on."""
        for unit, day in _blocks(fresh):
            sums = features.energy_day(self._hours(self.window.energy, unit, day), self.rules)
            self.energy_kwh[unit, day], self.energy_seen_h[unit, day] = sums.kwh, sums.seen_h
            self.energy_low_kw[unit, day], self.energy_step_kwh[unit, day] = sums.low_kw, sums.step_kwh
        span = self.rules.standby_days
        padded = np.pad(self.energy_low_kw, ((0, 0), (span - 1, 0)), constant_values=np.nan)
        trailing = np.lib.stride_tricks.sliding_window_view(padded, span, axis=1)
        moved = _and_after(fresh, features.energy_reach(self.rules))
        moved[:, begun:] = True
        moved[:, max(-(-self.cut // 24), 0) :] = False  # days to come
        for unit, day in _blocks(moved):
            kwh = self._hours(self.window.energy, unit, day)
            base = features.standby(trailing[unit, day], self.rules)
            self.standby_kw[unit, day] = base
            self.energy_active_h[unit, day] = np.where(
                np.isfinite(base) & (self.energy_seen_h[unit, day] > 0),
                features.active_hours(
                    kwh, base, self.rules.energy_quiet_factor, self.rules.energy_quiet_margin_kwh
                ),
                np.nan,
            )
            earlier = self._earlier(self.window.energy, unit, day, self.rules.energy_repeat_days)
            self.energy_sign[unit, day] = features.energy_sign(kwh, earlier, base, self.rules)

    def _water(self, fresh: Flags) -> None:
        for unit, day in _blocks(fresh):
            sums = features.water_day(self._hours(self.window.water, unit, day), self.rules)
            self.water_l[unit, day], self.water_seen_h[unit, day] = sums.litres, sums.seen_h
            self.water_zero_h[unit, day], self.water_floor_l[unit, day] = sums.zero_h, sums.floor_l
            self.water_night_l[unit, day], self.water_active_h[unit, day] = sums.night_l, sums.active_h
            self.water_step_l[unit, day] = sums.step_l
            self.water_sign[unit, day] = features.water_sign(sums.active_h, sums.seen_h, self.rules)

    def _doors(self, happened: Ints, heard: Ints) -> None:
        doors, lock = self.window.doors, self.window.lock_heard
        place = doors.unit[happened], doors.day[happened]
        np.add.at(self.entries, place, doors.entries[happened])
        np.add.at(self.openings, place, doors.openings[happened])
        np.add.at(self.stirs, place, doors.stirs[happened])
        self.lock_heard[lock.unit[heard], lock.start[heard]] = True

    def _days(self, hours: Ints) -> Flags:
        """The unit-days of some hours, given by their position in the flat array of all hours."""
        days = np.zeros(self.energy_kwh.shape, dtype=np.bool_)
        days.reshape(-1)[hours // 24] = True
        return days

    def _hours(self, of: Metered, unit: np.ndarray, day: np.ndarray) -> Floats:
        """The 24 hours of some unit-days, masked where they had not arrived; (rows, 24)."""
        shape = (*self.energy_kwh.shape, 24)
        amount, arrived = of.amount.reshape(shape)[unit, day], of.arrived.reshape(shape)[unit, day]
        return np.where(arrived <= self.cut, amount, np.float32(np.nan))

    def _earlier(self, of: Metered, unit: np.ndarray, day: np.ndarray, days: int) -> Floats:
        """The hours of the days before some unit-days, unknown before the window; (rows, days, 24)."""
        before = day[:, None] - np.arange(days, 0, -1)
        hours = self._hours(of, unit[:, None], np.maximum(before, 0))
        return np.where(before[..., None] >= 0, hours, np.float32(np.nan))

    def door_sign(self, first: int, end: int) -> Floats:
        """Signs of life at the door for days `first` to before `end`."""
        start = max(first - self.rules.door_memory_days, 0)
        happenings = (self.entries + self.openings + self.stirs)[:, start:end]
        found = features.door_sign(happenings, self.lock_heard[:, start:end], self.rules)
        return found[:, first - start :]


class _Queue:
    """Positions of things by the time they arrived."""

    def __init__(self, arrived: Ints) -> None:
        flat = arrived.reshape(-1)
        coming = np.flatnonzero(flat != NEVER).astype(np.int32)
        self._order = coming[np.argsort(flat[coming], kind="stable")]
        self._times = flat[self._order]

    def between(self, before: int, cut: int) -> Ints:
        """What arrived after `before` and by `cut`."""
        ends = np.array([before, cut], dtype=np.int32)  # another type would copy all times at each call
        first, end = np.searchsorted(self._times, ends, side="right")
        return self._order[first:end]


def _and_after(days: Flags, span: int) -> Flags:
    """The unit-days within `span` days from a chosen one."""
    total = np.cumsum(days, axis=1, dtype=np.int32)
    before = np.zeros_like(total)
    before[:, span:] = total[:, :-span]
    return total > before


def _blocks(days: Flags) -> list[tuple[np.ndarray, np.ndarray]]:
    """Chosen unit-days as pairs of index arrays, a bounded number at once."""
    unit, day = np.nonzero(days)
    return [(unit[i : i + _ROWS], day[i : i + _ROWS]) for i in range(0, unit.size, _ROWS)]
