"""The last hours of a home's water, as the plots and their words need them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from api.console.plots.scale import Floats
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

    def hours_since(self, since: datetime) -> int | None:
        """How many of the hours lie after a moment; None when it is later than all."""
        run = int((self.first + self.values.size * _HOUR - since) / _HOUR)
        return min(run, self.values.size) if run > 0 else None

    def never_zero(self, run: int) -> bool:
        """True when no known hour of the last `run` was without flow, and most of them are known."""
        tail = self.values[-run:]
        known = np.isfinite(tail)
        return bool(known.mean() > 0.5 and (tail[known] > 0).all())


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
