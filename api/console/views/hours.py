"""The last hours of a home's water, as the plots and their words need them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from api.console.plots.scale import Floats
from housing import flows
from policy.groups import Leak
from storage.pool import Connection
from usage import arrays
from wire.channels import BY_NAME

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Consecutive whole hours; the last one has ended."""

    #: Start of the first hour, UTC.
    first: datetime
    #: (hours,) litres; NaN: unknown, or only spread over a gap.
    values: Floats

    @property
    def any_known(self) -> bool:
        """True when a plot has something to show."""
        return bool(np.isfinite(self.values).any())

    @property
    def unknown(self) -> int:
        """Hours that nothing is known about."""
        return int((~np.isfinite(self.values)).sum())

    def run(self, since: datetime, rules: Leak) -> tuple[int, int] | None:
        """Positions [start, stop) of what has run since a moment, as the detector counts.

        It ends with the first hour known to be without flow, or with a gap too long to be bridged. None
        when `since` is later than all hours.
        """
        start = max(math.floor((since - self.first) / _HOUR), 0)
        if start >= self.values.size:
            return None
        return start, start + flows.run_end(self.values[start:], rules)[0]

    def mostly_known(self, run: tuple[int, int]) -> bool:
        """True when more hours of a run are known than not."""
        known = np.isfinite(self.values[slice(*run)])
        return bool(known.size and known.mean() > 0.5)


def water_hours(
    connection: Connection, unit_ids: Sequence[int], *, count: int, now: datetime
) -> Mapping[int, Hours]:
    """The last `count` whole hours of the water of several homes, in one query."""
    if not unit_ids:
        return {}
    end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = end - count * _HOUR
    found = arrays.load(
        connection,
        unit_ids=list(unit_ids),
        channel=BY_NAME["water_l"].code,
        first=first.date(),
        last=(end - _HOUR).date(),
    )
    values = np.where(found.covered_min > 0, found.amount, np.nan)
    start = first.hour
    return {
        unit_id: Hours(first=first, values=row[start : start + count].astype(float))
        for unit_id, row in zip(unit_ids, values, strict=True)
    }
