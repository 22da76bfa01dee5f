"""Installations and readings of many series, in a few queries for all of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from storage.pool import Connection
from storage.queries import load
from usage.binary import EPOCH_US, values_of
from usage.derive import UNUSABLE
from usage.reach import Span, merged
from usage.series import DAY_US, Readings, Segment
from wire.channels import BY_CODE
from wire.forms import Form
from wire.quality import NOT_EVIDENCE

_SQL = load("usage", "recompute.sql")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The end of an installation that has none.
_OPEN_END = datetime(9999, 1, 1, tzinfo=UTC)

Series = tuple[int, int]
#: By profile and channel name.
Forms = Mapping[tuple[str, str], Form]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The readings of one segment for one span: of its days, and usable ones on either side."""

    segment: Segment
    readings: Readings

    def usable(self) -> Readings:
        """Those that a register can be read from."""
        return self.readings.where((self.readings.quality & np.int16(UNUSABLE)) == 0)


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
                    valid_from_us=_micros(valid_from),
                    valid_to_us=_micros(valid_to or _OPEN_END),
                    form=form,
                    multiplier=multiplier,
                )
            )
    return found


def widen(
    connection: Connection, spans: Sequence[Span], segments: Mapping[Series, list[Segment]], window: int
) -> list[Span]:
    """Spans with every day that can differ, if `window` usable readings on either side tell; merged."""
    wide: list[Span] = list(spans)
    asked: list[tuple[int, Segment]] = []
    for place, span in enumerate(spans):
        for segment in segments[span.series]:
            if not span.concerns(segment):
                continue
            if segment.form.kind == "register":
                asked.append((place, segment))
            else:
                wide[place] = wide[place].around_intervals(segment)
    if asked:
        columns = _columns((place, spans[place].channel, segment) for place, segment in asked)
        columns["firsts"] = [_moment(spans[place].changed_first) for place, _ in asked]
        columns["ends"] = [_moment(spans[place].changed_end) for place, _ in asked]
        fixed = {"window": window, "unusable": int(UNUSABLE)}
        for place, before, after in connection.execute(_SQL["probe"], columns | fixed):
            for found in (before, after):
                if found is not None:
                    wide[int(place)] = wide[int(place)].widened(_micros(found), _micros(found))
    return merged(wide)


def readings(
    connection: Connection, spans: Sequence[Span], segments: Mapping[Series, list[Segment]], window: int
) -> list[list[Loaded]]:
    """What each span needs to be derived: its segments with their readings."""
    asked = [
        (place, segment)
        for place, span in enumerate(spans)
        for segment in segments[span.series]
        if span.holds_hours_of(segment)
    ]
    found: list[list[Loaded]] = [[] for _ in spans]
    if not asked:
        return found
    columns = _columns((n, spans[place].channel, segment) for n, (place, segment) in enumerate(asked))
    columns["firsts"] = [_moment(spans[place].first) for place, _ in asked]
    columns["ends"] = [_moment(spans[place].end) for place, _ in asked]
    fixed = {"window": window, "unusable": int(UNUSABLE), "not_evidence": int(NOT_EVIDENCE)}
    with connection.cursor(binary=True) as cursor:
        for n, times, receiveds, values, qualities in cursor.execute(_SQL["readings"], columns | fixed):
            place, segment = asked[int(n)]
            time_us = values_of(times, "timestamptz").astype(np.int64) + EPOCH_US
            rows = Readings(
                device_id=np.full(time_us.size, segment.device_id, np.int64),
                time_us=time_us,
                received_us=values_of(receiveds, "timestamptz").astype(np.int64) + EPOCH_US,
                value=values_of(values, "double precision").astype(np.float64),
                quality=values_of(qualities, "smallint").astype(np.int16),
            )
            if (np.diff(rows.time_us) < 0).any():
                rows = rows.where(np.argsort(rows.time_us, kind="stable"))
            found[place].append(Loaded(segment=segment, readings=rows))
    return found


def _columns(asked: Iterable[tuple[int, int, Segment]]) -> dict[str, list[object]]:
    rows = [
        (n, segment.device_id, channel, _at(segment.valid_from_us), _at(segment.valid_to_us))
        for n, channel, segment in asked
    ]
    names = ("ns", "devices", "channels", "valid_froms", "valid_tos")
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _moment(day: int) -> datetime:
    return _at(day * DAY_US)


def _at(time_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time_us)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
