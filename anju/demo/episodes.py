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


def longest_flow(water: Water) -> Run | None:
    """The longest run of whole days in whose every step between two readings water flowed."""
    flowed = (np.diff(water.litres) > 0) & (np.diff(water.wall_s) <= _GAP_S)
    return _longest(water.first_day, ~_touched(water, ~flowed))


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
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]
    if starts.size == 0:
        return None
    best = int(np.argmax(ends - starts))
    return Run(first=first + int(starts[best]), last=first + int(ends[best]) - 1)
