"""Derive marked days anew, with as many days and readings around them as their reach asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from usage.derive import UNUSABLE, derive
from usage.reach import WINDOW, Span, holds, merged
from usage.series import DAY_US, Derived, Readings, Segment

#: Unit and channel.
Series = tuple[int, int]
#: How much wider each further look around many false readings in a row is.
_WIDER = 8


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of a source: the readings of one segment for the days of one span."""

    span: Span
    segment: Segment


class Source(Protocol):
    """Where readings come from."""

    def bounds(self, asked: Sequence[Asked], window: int) -> Sequence[tuple[int | None, int | None]]:
        """Times (µs) of the `window`-th usable reading before and after the changed days, or of the last
        one that there is; None: there is none."""
        ...

    def readings(self, asked: Sequence[Asked], window: int) -> Sequence[Readings]:
        """The readings that are evidence of the span's days and, on either side, as far as `window`
        usable ones reach; in order of time."""
        ...


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The hours of a span."""

    span: Span
    derived: Derived


def renew(
    source: Source,
    marked: Sequence[Span],
    segments: Mapping[Series, Sequence[Segment]],
    max_per_hour: Mapping[int, float],
    *,
    window: int = WINDOW,
) -> list[Outcome]:
    """Derive every day that can differ because readings of the marked days did.

    Parameters
    ----------
    marked : sequence of Span
        From `usage.reach.spans`.
    segments : mapping
        The installations of every marked series.
    max_per_hour : mapping
        By channel code; missing: anything is possible.
    window : int
        Usable readings on either side that are looked at first; any number leads to the same result.

    Returns
    -------
    list of Outcome
        Their spans do not overlap.
    """
    outcomes: list[Outcome] = []
    while marked:
        too_narrow: set[Series] = set()
        found: list[Outcome] = []
        for span, parts in _parts(source, _widened(source, marked, segments, window), segments, window):
            most = max_per_hour.get(span.channel, np.inf)
            if all(_holds(span, segment, rows, window, most) for segment, rows in parts):
                found.append(Outcome(span=span, derived=_hours(span, parts, most)))
            else:
                too_narrow.add(span.series)
        outcomes += [outcome for outcome in found if outcome.span.series not in too_narrow]
        marked = [span for span in marked if span.series in too_narrow]
        window *= _WIDER
    return outcomes


def _widened(
    source: Source, marked: Sequence[Span], segments: Mapping[Series, Sequence[Segment]], window: int
) -> list[Span]:
    """The spans with every day that can differ, if `window` readings on either side tell."""
    wide = list(marked)
    places: list[int] = []
    asked: list[Asked] = []
    for place, span in enumerate(marked):
        concerned = [segment for segment in segments[span.series] if span.concerns(segment)]
        if not concerned:
            # withdrawn: an interval of what hung there may have reached into the days beside
            wide[place] = span.widened((span.first - 1) * DAY_US, span.end * DAY_US)
        for segment in concerned:
            if segment.form.kind == "register":
                places.append(place)
                asked.append(Asked(span=span, segment=segment))
            else:
                wide[place] = wide[place].reached_by(segment)
    for place, bounds in zip(places, source.bounds(asked, window), strict=True):
        for bound in bounds:
            if bound is not None:
                wide[place] = wide[place].widened(bound, bound)
    return merged(wide)


def _parts(
    source: Source, wide: Sequence[Span], segments: Mapping[Series, Sequence[Segment]], window: int
) -> list[tuple[Span, list[tuple[Segment, Readings]]]]:
    places: list[int] = []
    asked: list[Asked] = []
    for place, span in enumerate(wide):
        for segment in segments[span.series]:
            if span.holds_hours_of(segment):
                places.append(place)
                asked.append(Asked(span=span.reaching(segment), segment=segment))
    parts: list[tuple[Span, list[tuple[Segment, Readings]]]] = [(span, []) for span in wide]
    for place, one, rows in zip(places, asked, source.readings(asked, window), strict=True):
        parts[place][1].append((one.segment, rows))
    return parts


def _holds(span: Span, segment: Segment, rows: Readings, window: int, max_per_hour: float) -> bool:
    usable = rows.where((rows.quality & np.int16(UNUSABLE)) == 0)
    return holds(span, segment, usable.time_us, usable.value, window=window, max_per_hour=max_per_hour)


def _hours(span: Span, parts: Sequence[tuple[Segment, Readings]], max_per_hour: float) -> Derived:
    return derive(
        Readings.joined([rows for _, rows in parts]),
        [segment for segment, _ in parts],
        first_day=span.first,
        days=span.end - span.first,
        max_per_hour=max_per_hour,
    )
