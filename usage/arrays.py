"""The hours of many units as arrays, for detectors and pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from storage.pool import Connection
from storage.queries import load as load_queries
from usage.binary import EPOCH_DAY, arrays_of, values_of
from usage.series import NEVER_H, Shorts

_SQL = load_queries("usage", "arrays.sql")
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Hours:
    """UTC hours of whole days, (units, hours) each, in the order of the units that were asked for."""

    #: In the channel's unit; NaN: unknown, never zero.
    amount: npt.NDArray[np.float32]
    #: 0 to 60 minutes that were measured; 0: unknown, or only spread over a gap.
    covered_min: Shorts
    #: Whole hours from the hour's start until it was known; NEVER_H where it is unknown.
    lag_h: Shorts


def load(connection: Connection, *, unit_ids: Sequence[int], channel: int, first: date, last: date) -> Hours:
    """Load one channel of some units.

    Parameters
    ----------
    unit_ids : sequence of int
        Each once; one without usage has a row of unknown hours.
    channel : int
        A code of `wire.channels`.
    first, last : date
        UTC days, both part of it.
    """
    days = max((last - first).days + 1, 0)
    shape = (len(unit_ids), days, 24)
    amount = np.full(shape, np.nan, np.float32)
    covered = np.zeros(shape, np.int16)
    lag = np.full(shape, NEVER_H, np.int16)
    place = {unit_id: row for row, unit_id in enumerate(unit_ids)}
    asked = {"units": list(unit_ids), "channel": channel, "first": first, "last": last}
    with connection.cursor(binary=True) as cursor:
        for unit_id, sent_days, amounts, covereds, lags in cursor.execute(_SQL["hours"], asked):
            row = place[int(unit_id)]
            day = values_of(sent_days, "date").astype(np.int64) + EPOCH_DAY - (first - _EPOCH).days
            amount[row, day] = arrays_of(amounts, "real", 24)
            covered[row, day] = arrays_of(covereds, "smallint", 24)
            lag[row, day] = arrays_of(lags, "smallint", 24)
    flat = (len(unit_ids), days * 24)
    return Hours(amount=amount.reshape(flat), covered_min=covered.reshape(flat), lag_h=lag.reshape(flat))
