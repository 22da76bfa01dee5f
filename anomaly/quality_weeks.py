"""How power and water of each home lay over the day, week by week from Monday to Sunday, as far as known.

Two pictures of a week: its shape, which knows no level, to ask whether a clock was turned; and of electricity
its level at each hour, to ask whether another home's meter counts here. News redo the weeks they touch.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.ledger import Ledger
from anomaly.quality_faults import ENERGY, WATER, QualityRules
from anomaly.window import Floats, Metered

#: Between weeks that do not differ at all: smaller differences are noise of adding and rounding.
_LEAST = 1e-7


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The latest weeks beside those before them, as of the end of some weeks; (units, weeks, …)."""

    recent: NDArray[np.float64]
    earlier: NDArray[np.float64]
    #: How far the two lie apart by chance alone, squared; NaN where too little is known to say.
    noise: NDArray[np.float64]


class Weeks:
    """The weeks of a window; week 0 begins on its first Monday."""

    def __init__(self, ledger: Ledger, rules: QualityRules) -> None:
        calendar = ledger.window.calendar
        self.ledger, self.rules = ledger, rules
        #: Position of the first Monday on the day axis.
        self.first_day: int = -calendar.first.weekday() % 7
        self.count: int = max((calendar.days - self.first_day) // 7, 0)
        shape = (ledger.window.units, self.count, 24)
        self.shapes = {name: np.full(shape, np.nan, np.float32) for name in (ENERGY, WATER)}
        #: Logarithm of the mean amount of each hour of the day.
        self.levels: Floats = np.full(shape, np.nan, np.float32)
        self._seen = {name: np.zeros(shape[:2], np.float32) for name in (ENERGY, WATER)}

    def advance(self) -> int:
        """Take in what the ledger knows; the first week with news, or the number of weeks."""
        first = self.count
        for name, seen_h in ((ENERGY, self.ledger.energy_seen_h), (WATER, self.ledger.water_seen_h)):
            days = seen_h[:, self.first_day : self.first_day + 7 * self.count]
            seen = days.reshape(*days.shape[:1], self.count, 7).sum(axis=2)
            unit, week = np.nonzero(seen != self._seen[name])  # an hour that is known does not change
            self._seen[name] = seen
            if not unit.size:
                continue
            first = min(first, int(week.min()))
            hours = self.hours(name, unit, self.first_day + 7 * week, 7)
            enough = (np.isfinite(hours).sum(axis=1) >= self.rules.hour_min_days).all(axis=1)
            self.shapes[name][unit, week] = np.where(enough[:, None], _shape(hours), np.nan)
            if name == ENERGY:
                level = np.log(mean(hours, 1) + np.float32(self.rules.cross_floor_kwh))
                self.levels[unit, week] = np.where(enough[:, None], level, np.nan)
        return first

    def hours(self, channel: str, unit: NDArray[np.intp], day: NDArray[np.intp], days: int) -> Floats:
        """The hours of some days of some units from a day on, as far as they are known; (rows, days, 24)."""
        of: Metered = self.ledger.window.energy if channel == ENERGY else self.ledger.window.water
        span = (day[:, None] + np.arange(days))[..., None]
        place = unit[:, None, None], 24 * span + np.arange(24)
        return np.where(of.arrived[place] <= self.ledger.cut, of.amount[place], np.float32(np.nan))

    def ended(self, day: int) -> int:
        """How many weeks are over with the end of a day."""
        return max((day + 1 - self.first_day) // 7, 0)


def compared(weeks: Floats, ends: NDArray[np.intp], rules: QualityRules) -> Compared:
    """The latest weeks beside those before them.

    Parameters
    ----------
    weeks : (units, weeks, 24)
    ends : (n,) int
        The last week of each comparison; as many before it as are compared must be there.
    """
    recent, recent_n, _ = _summed(weeks, ends, rules.recent_weeks)
    earlier, earlier_n, squares = _summed(weeks, ends - rules.recent_weeks, rules.earlier_weeks)
    enough = (recent_n == rules.recent_weeks) & (earlier_n >= rules.earlier_min_weeks)
    with np.errstate(invalid="ignore", divide="ignore"):
        e = earlier / earlier_n[..., None]
        spread = (squares - earlier_n[..., None] * e * e).mean(axis=-1) / np.maximum(earlier_n - 1, 1)
        noise = np.maximum(spread, _LEAST) * (1 / rules.recent_weeks + 1 / np.maximum(earlier_n, 1))
        return Compared(recent=recent / recent_n[..., None], earlier=e, noise=np.where(enough, noise, np.nan))


def mean(values: NDArray[np.floating], axis: int) -> Floats:
    """Mean of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0).sum(axis=axis, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def split(better: NDArray[np.floating]) -> int:
    """The day from which on what is asked about holds, by how much better it explains each day; its length:
    never, 0: always."""
    known = np.where(np.isfinite(better), better, 0)
    before = np.concatenate(([0.0], np.cumsum(known)))
    return int(np.argmax(before[-1] - 2 * before))


def bounded(amount: Floats, level: Floats) -> Floats:
    """Amounts between 0 and 1: half where they equal the level. One heavy hour cannot outweigh a day."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(level > 0, amount / (amount + level), np.float32(np.nan))


def _shape(hours: Floats) -> Floats:
    """Of weeks in (rows, 7, 24)."""
    level = mean(hours.reshape(hours.shape[0], -1), 1)
    return mean(bounded(hours, level[:, None, None]), 1)


def _summed(
    weeks: Floats, ends: NDArray[np.intp], span: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Sum, number and sum of squares of the known ones of `span` weeks up to each end."""
    of = weeks[:, ends[:, None] - np.arange(span)].astype(np.float64)
    known = np.isfinite(of[..., 0])
    of[~known] = 0
    return of.sum(axis=2), known.sum(axis=2), np.einsum("uwsh,uwsh->uwh", of, of)
