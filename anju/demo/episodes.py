"""What really happened in a published water register: days without use, runs without a pause.

Only the planning of the demo looks here (whose year ends when). The detectors never see it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju.demo.households import DAY_S, Water

#: A day with no more than this is a day without use.
QUIET_L = 3
#: Longer gaps between two readings hide when the water ran, and whether it paused.
_GAP_S = 3 * 3_600


@dataclass(frozen=True, kw_only=True)
class Run:
    """Local days [first, last], counted from 1970-01-01."""

    first: int
    last: int

    @property
    def days(self) -> int:
        return self.last - self.first + 1


def quiet_days(water: Water) -> tuple[int, NDArray[np.bool_]]:
    """Days on which the register stood still; the first day, then one flag a day.

    A day without readings counts when the register is the same on both sides of the gap.
    """
    first, last = water.first_day, water.last_day
    midnights = np.arange(first, last + 2, dtype=np.int64) * DAY_S
    at = np.clip(np.searchsorted(water.wall_s, midnights, side="right") - 1, 0, None)
    used = np.abs(np.diff(water.litres[at]))
    gaps = (np.diff(water.wall_s) > _GAP_S) & (np.abs(np.diff(water.litres)) > QUIET_L)
    return first, (used <= QUIET_L) & ~_touched(water, gaps)


def longest_quiet(water: Water) -> Run | None:
    """The longest run of days without use."""
    first, flags = quiet_days(water)
    return _longest(first, flags)


def strongest_flow(water: Water, *, at_least: int = 1) -> Run | None:
    """The run of whole days without a pause in whose quiet hours most flowed.

    A day counts when no step between two of its readings was without flow. Short gaps in which the
    register moved do not end a run: nobody knows whether the water paused.
    """
    used = np.diff(water.litres)
    paused = (used == 0) | (np.diff(water.wall_s) > DAY_S)
    runs = _runs(water.first_day, ~_touched(water, paused))
    day = water.wall_s[1:] // DAY_S

    def in_quiet_hours(run: Run) -> float:
        days = range(run.first, run.last + 1)
        steps = (used[day == one] for one in days)
        return sum(float(np.quantile(of_day, 0.2)) for of_day in steps if of_day.size)

    return max((run for run in runs if run.days >= at_least), key=in_quiet_hours, default=None)


def _touched(water: Water, steps: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whole days of the record that some of the chosen steps between two readings reach into."""
    first, days = water.first_day, water.last_day - water.first_day + 1
    chosen = np.flatnonzero(steps)
    start = np.clip(water.wall_s[chosen] // DAY_S - first, 0, days)
    end = np.clip(water.wall_s[chosen + 1] // DAY_S - first + 1, 0, days)
    edges = np.zeros(days + 1, dtype=np.int64)
    np.add.at(edges, start, 1)
    np.add.at(edges, end, -1)
    return np.cumsum(edges)[:-1] > 0


def _longest(first: int, flags: NDArray[np.bool_]) -> Run | None:
    return max(_runs(first, flags), key=lambda run: run.days, default=None)


def _runs(first: int, flags: NDArray[np.bool_]) -> list[Run]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [
        Run(first=first + start, last=first + end - 1)
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]
