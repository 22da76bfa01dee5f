"""Lumps: a meter, or what collects from it, was cut off, and what it missed stands in the first hour after.

Such an hour is no load and no sign of life. Registers are spread over the gap before they come here; it is
meters that send amounts of intervals.
"""

import numpy as np

from anomaly import quality_words as words
from anomaly.ledger import Ledger
from anomaly.quality_faults import ENERGY, LUMP, Fault, QualityRules
from anomaly.window import Ints


class Lumps:
    """Lumps found so far, by unit and week."""

    def __init__(self, ledger: Ledger, rules: QualityRules, first_day: int) -> None:
        self._ledger, self._rules, self._first_day = ledger, rules, first_day
        self._found: dict[int, list[Fault]] = {}

    def renew(self, first: int, end: int) -> None:
        """Look at the weeks from `first` to before `end`."""
        window, rules, cut = self._ledger.window, self._rules, self._ledger.cut
        for week in range(first, end):
            self._found[week] = []
        gap = rules.lump_gap_h
        start = max(24 * self._first_day + 168 * first - gap, 0)
        stop = 24 * self._first_day + 168 * end
        span = slice(start, stop)
        known = np.isfinite(window.energy.amount[:, span]) & (window.energy.arrived[:, span] <= cut)
        after = known[:, gap:].copy()
        for back in range(1, gap + 1):
            after &= ~known[:, gap - back : known.shape[1] - back]
        units, hours = np.nonzero(after)
        self._judge(units.astype(np.int32), (hours + start + gap).astype(np.int32))

    def faults(self, first: int, end: int) -> list[Fault]:
        """What the weeks from `first` to before `end` say."""
        return [one for week in range(first, end) for one in self._found.get(week, [])]

    def _judge(self, units: Ints, hours: Ints) -> None:
        """Say which of some first hours after a gap are lumps."""
        of, cut, rules = self._ledger.window.energy, self._ledger.cut, self._rules
        for unit, hour in zip(units.tolist(), hours.tolist(), strict=True):
            row, arrived = of.amount[unit], of.arrived[unit]
            lo = max(hour - 24 * rules.lump_days, 0)
            seen = np.isfinite(row[lo:hour]) & (arrived[lo:hour] <= cut)
            if not seen.any():
                continue
            before = row[lo:hour][seen]
            gap = hour - lo - 1 - int(np.flatnonzero(seen)[-1])
            amount = float(row[hour])
            usual = float(before.mean()) * (gap + 1)
            if amount < rules.lump_factor * float(before.max()) or amount < rules.lump_share * usual:
                continue
            calendar = self._ledger.window.calendar
            zh, en = words.lump(calendar.local(hour), gap, amount)
            week = (hour - 24 * self._first_day) // 168
            self._found[week].append(
                Fault(
                    unit=unit,
                    channel=ENERGY,
                    kind=LUMP,
                    since_h=hour,
                    until_h=hour + 1,
                    sure=round(1 - float(before.max()) / amount, 3),
                    numbers={"gap_hours": gap, "kwh": round(amount, 3), "usual_kwh": round(usual, 3)},
                    zh=zh,
                    en=en,
                )
            )
