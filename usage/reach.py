"""How far around changed days hours can differ, and how far readings must be loaded. Pure.

Marks say on which days readings changed, not which. A span is a run of such days of one series; it is
widened to every hour that can differ. The window, a number of usable readings on either side, is a
guess that holds unless there are many false readings in a row; `holds` tells, and then it is widened.
"""

from dataclasses import dataclass, replace

import numpy as np

from usage import register
from usage.derive import REACH, SOUND_REACH
from usage.series import DAY_US, Bools, Floats, Ints, Segment

#: Usable readings on either side that are looked at first.
WINDOW = 2 * (REACH + SOUND_REACH)
_SECOND_US = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Span:
    """Days of one series that are derived anew; days since 1970, the end is not part of it."""

    unit_id: int
    channel: int
    first: int
    end: int
    #: The days within that were marked, from the first to the last.
    changed_first: int
    changed_end: int

    @property
    def series(self) -> tuple[int, int]:
        """Unit and channel."""
        return self.unit_id, self.channel

    def concerns(self, segment: Segment) -> bool:
        """Whether a change may be one of the segment's readings."""
        return (
            segment.valid_from_us < self.changed_end * DAY_US
            and segment.valid_to_us > self.changed_first * DAY_US
        )

    def holds_hours_of(self, segment: Segment) -> bool:
        """Whether the segment has readings, or intervals that reach, into these days."""
        length_us = (segment.form.interval_s or 0) * _SECOND_US
        return (
            segment.valid_from_us < self.end * DAY_US + length_us
            and segment.valid_to_us > self.first * DAY_US - length_us
        )

    def widened(self, first_us: int, last_us: int) -> "Span":
        """With the days of these two moments and all between."""
        return replace(
            self, first=min(self.first, first_us // DAY_US), end=max(self.end, last_us // DAY_US + 1)
        )

    def reached_by(self, segment: Segment) -> "Span":
        """With the days that intervals of the marked days reach into."""
        length_us = (segment.form.interval_s or 0) * _SECOND_US
        first_us, end_us = self.changed_first * DAY_US, self.changed_end * DAY_US
        return self.widened(first_us - length_us, end_us + length_us - 1)

    def reaching(self, segment: Segment) -> "Span":
        """With the days whose intervals reach into these."""
        length_us = (segment.form.interval_s or 0) * _SECOND_US
        return self.widened(self.first * DAY_US - length_us, self.end * DAY_US + length_us - 1)


def spans(unit_id: Ints, channel: Ints, day: Ints) -> list[Span]:
    """Runs of consecutive marked days; sorted by unit, channel, day, without repeats."""
    if day.size == 0:
        return []
    breaks = (np.diff(unit_id) != 0) | (np.diff(channel) != 0) | (np.diff(day) != 1)
    starts = np.concatenate(([0], np.flatnonzero(breaks) + 1))
    ends = np.concatenate((starts[1:], [day.size])) - 1
    return [
        Span(
            unit_id=unit,
            channel=code,
            first=first,
            end=last + 1,
            changed_first=first,
            changed_end=last + 1,
        )
        for unit, code, first, last in zip(
            unit_id[starts].tolist(),
            channel[starts].tolist(),
            day[starts].tolist(),
            day[ends].tolist(),
            strict=True,
        )
    ]


def merged(widened: list[Span]) -> list[Span]:
    """Spans of one series that meet become one."""
    found: list[Span] = []
    for span in sorted(widened, key=lambda one: (one.series, one.first)):
        if found and found[-1].series == span.series and span.first <= found[-1].end:
            found[-1] = replace(
                found[-1],
                end=max(found[-1].end, span.end),
                changed_first=min(found[-1].changed_first, span.changed_first),
                changed_end=max(found[-1].changed_end, span.changed_end),
            )
        else:
            found.append(span)
    return found


def holds(
    span: Span, segment: Segment, time_us: Ints, value: Floats, *, window: int, max_per_hour: float
) -> bool:
    """Whether the span covers every hour that can differ, and the readings suffice to derive it.

    Parameters
    ----------
    time_us, value : (n,)
        The usable readings of the segment: those of the span's days, and up to `window` on either side.
    """
    if segment.form.kind != "register":
        return True
    before, after = time_us < span.changed_first * DAY_US, time_us >= span.changed_end * DAY_US
    outer = time_us < span.first * DAY_US, time_us >= span.end * DAY_US
    enough = True
    for side, beyond, near, far in (
        (before, outer[0], slice(-REACH, None), slice(REACH)),
        (after, outer[1], slice(REACH), slice(-REACH, None)),
    ):
        is_whole = int(beyond.sum()) < window
        certain = _sound(segment, time_us[side], value[side], max_per_hour)
        certain[near] = False
        if not is_whole:
            certain[far] = False
        if span.concerns(segment):
            inside = int((certain & ~beyond[side]).sum())
            enough &= inside >= SOUND_REACH or (is_whole and not beyond.any())
        enough &= is_whole or int((certain & beyond[side]).sum()) >= SOUND_REACH
    return enough


def _sound(segment: Segment, time_us: Ints, value: Floats, max_per_hour: float) -> Bools:
    full = segment.form.rollover_at
    return register.judge(
        time_us,
        value * segment.multiplier,
        max_per_hour=max_per_hour,
        rollover_at=None if full is None else full * segment.multiplier,
    ).sound
