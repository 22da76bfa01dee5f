"""Installations and readings of many series, in a few queries for all of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from storage.pool import Connection
from storage.queries import load
from usage.around import Asked, Series
from usage.binary import EPOCH_US, values_of
from usage.derive import UNUSABLE
from usage.series import DAY_US, Readings, Segment
from wire.channels import BY_CODE
from wire.forms import Form
from wire.instants import from_us, to_us
from wire.quality import NOT_EVIDENCE

_SQL = load("usage", "recompute.sql")
#: The end of an installation that has none.
_OPEN_END = datetime(9999, 1, 1, tzinfo=UTC)

#: By profile and channel name.
Forms = Mapping[tuple[str, str], Form]


def installations(
    connection: Connection, series: Iterable[Series], forms: Forms
) -> dict[Series, list[Segment]]:
    """The segments of each series, in order of time.

    A channel that its device's profile does not know (any more), or calls a gauge, has none.
    """
    found: dict[Series, list[Segment]] = {key: [] for key in series}
    rows = connection.execute(
        _SQL["segments"], {"units": [unit for unit, _ in found], "channels": [code for _, code in found]}
    ).fetchall()
    for unit_id, channel, device_id, profile, valid_from, valid_to, multiplier in rows:
        form = forms.get((profile, BY_CODE[channel].name))
        if form is not None and form.kind != "gauge":
            found[unit_id, channel].append(
                Segment(
                    device_id=device_id,
                    valid_from_us=to_us(valid_from),
                    valid_to_us=to_us(valid_to or _OPEN_END),
                    form=form,
                    multiplier=multiplier,
                )
            )
    return found


class Database:
    """Readings of many segments in one query."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def bounds(self, asked: Sequence[Asked], window: int) -> list[tuple[int | None, int | None]]:
        """See `usage.around.Source`."""
        found: list[tuple[int | None, int | None]] = [(None, None)] * len(asked)
        if asked:
            days = [(one.span.changed_first, one.span.changed_end) for one in asked]
            fixed = {"window": window, "unusable": int(UNUSABLE)}
            for n, before, after in self._connection.execute(_SQL["bounds"], _columns(asked, days) | fixed):
                found[int(n)] = (
                    None if before is None else to_us(before),
                    None if after is None else to_us(after),
                )
        return found

    def readings(self, asked: Sequence[Asked], window: int) -> list[Readings]:
        """See `usage.around.Source`."""
        found = [Readings.joined([])] * len(asked)
        if not asked:
            return found
        days = [(one.span.first, one.span.end) for one in asked]
        fixed = {"window": window, "unusable": int(UNUSABLE), "not_evidence": int(NOT_EVIDENCE)}
        with self._connection.cursor(binary=True) as cursor:
            for n, times, receiveds, values, qualities in cursor.execute(
                _SQL["readings"], _columns(asked, days) | fixed
            ):
                time_us = values_of(times, "timestamptz").astype(np.int64) + EPOCH_US
                rows = Readings(
                    device_id=np.full(time_us.size, asked[int(n)].segment.device_id, np.int64),
                    time_us=time_us,
                    received_us=values_of(receiveds, "timestamptz").astype(np.int64) + EPOCH_US,
                    value=values_of(values, "double precision").astype(np.float64),
                    quality=values_of(qualities, "smallint").astype(np.int16),
                )
                is_sorted = (np.diff(rows.time_us) >= 0).all()
                found[int(n)] = rows if is_sorted else rows.where(np.argsort(rows.time_us, kind="stable"))
        return found


def _columns(asked: Sequence[Asked], days: Sequence[tuple[int, int]]) -> dict[str, object]:
    return {
        "ns": list(range(len(asked))),
        "devices": [one.segment.device_id for one in asked],
        "channels": [one.span.channel for one in asked],
        "valid_froms": [from_us(one.segment.valid_from_us) for one in asked],
        "valid_tos": [from_us(one.segment.valid_to_us) for one in asked],
        "firsts": [from_us(first * DAY_US) for first, _ in days],
        "ends": [from_us(end * DAY_US) for _, end in days],
        "registers": [one.segment.form.kind == "register" for one in asked],
    }
