"""A published year, turned so that it ends today: whole weeks moved, local hour and weekday kept.

Demo days are counted from the anchor, the local day on which the demo was loaded: -364 is the first, -1
yesterday, 0 the day that is still running. A day of the demo is a day of the published record, `end` days
later; where the record does not reach, the same weekday of the season one year (52 weeks) before or after
stands in, so that a record of 52 weeks never ends, unless it shall.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: 52 whole weeks: weekday and, almost, season are kept.
YEAR = 364


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Which published day stands at which day of the demo. Days of the record count from 1970-01-01."""

    #: Published day that stands at the anchor.
    end: int
    first: int
    last: int
    #: The record stopped before today, and so does the home's meter.
    stops: bool = False

    def source(self, day: int) -> int | None:
        """The published day at a day of the demo; None: the record has none."""
        found = day + self.end
        if self.stops and found > self.last:
            return None
        while found > self.last:
            found -= YEAR
        while found < self.first:
            found += YEAR
        return found if found <= self.last else None

    def sources(self, first: int, last: int) -> NDArray[np.int64]:
        """`source` of each day from `first` to `last`; the smallest integer where the record has none."""
        found = [self.source(day) for day in range(first, last + 1)]
        return np.array([NO_DAY if day is None else day for day in found], dtype=np.int64)


NO_DAY = int(np.iinfo(np.int64).min)


def latest_like(anchor: int, *, low: int, high: int) -> int | None:
    """The latest day from `low` to `high` with the anchor's weekday."""
    day = high - (high - anchor) % 7
    return day if day >= low else None
