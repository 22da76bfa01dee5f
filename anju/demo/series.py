"""What the meters of a home show: registers on the demo's calendar.

Electricity is published as energy of half hours; here it becomes a register that counts 0.01 kWh, read at
the end of every half hour that was published. Water is published as a register and stays one. On days
when the water says that nobody was there, the electricity is replaced by the home's own standby.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju.demo.episodes import quiet_days
from anju.demo.households import DAY_S, SLOTS, Electricity
from anju.demo.plan import SEED, Home
from anju.demo.turn import NO_DAY, YEAR

#: The estate lies in Asia/Shanghai, eight hours ahead of UTC all year.
ZONE = "Asia/Shanghai"
ZONE_S = 8 * 3_600
#: What the electricity register counts in.
KWH_STEP = 0.01
#: Shorter absences are not imposed on the electricity.
_AWAY_DAYS = 2
#: The quietest three hours of a day stand for standby; a day of standby is made of eight of them …
_QUIET_SLOTS = 6
#: … of days at most so far away.
_NEAR_DAYS = 15


@dataclass(frozen=True, kw_only=True)
class Register:
    """Readings of one channel."""

    #: UTC, microseconds since 1970, rising.
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]

    def between(self, after_us: int, until_us: int) -> "Register":
        """Readings later than `after_us`, up to and including `until_us`."""
        first, last = np.searchsorted(self.time_us, [after_us, until_us], side="right")
        return Register(time_us=self.time_us[first:last], value=self.value[first:last])


def away_days(home: Home, last: int) -> NDArray[np.bool_]:
    """Days of the demo from the first to `last` on which the water says that nobody was there."""
    if home.water is None or home.water_turn is None:
        return np.zeros(last + YEAR + 1, dtype=bool)
    first, flags = quiet_days(home.water)
    source = home.water_turn.sources(-YEAR, last + _AWAY_DAYS)
    index = np.where(source == NO_DAY, 0, source - first)
    inside = (source != NO_DAY) & (index >= 0) & (index < flags.size)
    quiet = inside & flags[np.clip(index, 0, flags.size - 1)]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(np.int8), [0]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start < _AWAY_DAYS:
            quiet[start:end] = False
    return quiet[: last + YEAR + 1]


def electricity(home: Home, anchor: int, last: int) -> Register:
    """The electricity register from the demo's first day to the end of day `last`."""
    if home.electricity is None or home.electricity_turn is None:
        return _empty()
    record = home.electricity
    source = home.electricity_turn.sources(-YEAR, last)
    there = source != NO_DAY
    rows = np.where(there, source - record.first_day, 0)
    seen = np.isfinite(record.kwh[rows]) & there[:, None]
    filled = _filled(record.kwh)
    kwh = np.where(there[:, None], filled[rows], 0.0)
    quiet = _quiet(filled)
    for day in np.flatnonzero(away_days(home, last) & there):
        kwh[day] = _standby_day(home.index, int(day) - YEAR, int(rows[day]), quiet)
    start = float(np.random.default_rng([SEED, home.index, 2]).integers(1_500, 22_000))
    counted = np.floor((start + np.cumsum(kwh)) / KWH_STEP + 1e-6) * KWH_STEP
    ends = (anchor - YEAR) * DAY_S + np.arange(1, kwh.size + 1, dtype=np.int64) * (DAY_S // SLOTS)
    told = seen.reshape(-1)
    return Register(time_us=(ends[told] - ZONE_S) * 1_000_000, value=np.round(counted[told], 2))


def water(home: Home, anchor: int, last: int) -> Register:
    """The water register from the demo's first day to the end of day `last`, faults as published.

    Where the turned year jumps in the published record the register goes on from where it stood: that
    seam is ours. A fall of the published register stays a fall.
    """
    if home.water is None or home.water_turn is None:
        return _empty()
    record = home.water
    source = home.water_turn.sources(-YEAR, last)
    edges = np.flatnonzero(np.diff(source) != 1) + 1
    times: list[NDArray[np.int64]] = []
    values: list[NDArray[np.int64]] = []
    stood: int | None = None
    for start, stop in zip([0, *edges], [*edges, source.size], strict=True):
        if source[start] == NO_DAY:
            continue
        low, high = np.searchsorted(record.wall_s, [source[start] * DAY_S, (source[stop - 1] + 1) * DAY_S])
        if low == high:
            continue
        shown = record.litres[low:high].copy()
        if stood is not None:
            shown = _continued(shown, stood)
        stood = int(shown[-1])
        shift = (anchor - YEAR + start - source[start]) * DAY_S
        times.append(record.wall_s[low:high] + shift)
        values.append(shown)
    if not times:
        return _empty()
    wall = np.concatenate(times)
    return Register(time_us=(wall - ZONE_S) * 1_000_000, value=np.concatenate(values).astype(np.float64))


def battery(home: Home, anchor: int, last: int) -> Register:
    """The invented charge that a lock reports once a day, so that a lock in an empty home is heard."""
    if not home.has_lock:
        return _empty()
    rng = np.random.default_rng([SEED, home.index, 9])
    days = np.arange(-YEAR, last + 1, dtype=np.int64)
    at = (anchor + days) * DAY_S + int(rng.integers(3_600, 5 * 3_600))
    full, drain = float(rng.uniform(75, 95)), float(rng.uniform(0.05, 0.12))
    charge = np.clip(np.round(full - drain * (days + YEAR)), 5.0, 100.0).astype(np.float64)
    return Register(time_us=(at - ZONE_S) * 1_000_000, value=charge)


def _continued(shown: NDArray[np.int64], stood: int) -> NDArray[np.int64]:
    moved = shown + (stood - shown[0])
    below = np.flatnonzero(moved < 0)
    if below.size:  # the published meter started anew: from there on it shows its own number
        moved[below[0] :] = shown[below[0] :]
    return moved


def _filled(kwh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half hours that were not published take those of a week before or after, else their median."""
    filled = kwh.copy()
    for days in (7, -7, 14, -14):
        filled = np.where(np.isnan(filled), np.roll(kwh, days, axis=0), filled)
    known = filled[np.isfinite(filled)]
    return np.where(np.isnan(filled), np.median(known) if known.size else 0.0, filled)


def _quiet(kwh: NDArray[np.float64]) -> NDArray[np.float64]:
    """(days, 6): the quietest three hours of each published day."""
    windows = np.lib.stride_tricks.sliding_window_view(kwh, _QUIET_SLOTS, axis=1)
    best = windows.sum(axis=2).argmin(axis=1)
    return windows[np.arange(kwh.shape[0]), best]


def _standby_day(index: int, day: int, row: int, quiet: NDArray[np.float64]) -> NDArray[np.float64]:
    rng = np.random.default_rng([SEED, index, 3, day + 10 * YEAR])
    near = np.clip(row + rng.integers(-_NEAR_DAYS, _NEAR_DAYS + 1, SLOTS // _QUIET_SLOTS), 0, len(quiet) - 1)
    return quiet[near].reshape(SLOTS)


def _empty() -> Register:
    return Register(time_us=np.empty(0, dtype=np.int64), value=np.empty(0))


def half_hours(record: Electricity) -> NDArray[np.float64]:
    """The record without holes, for what only needs its shape."""
    return _filled(record.kwh)
