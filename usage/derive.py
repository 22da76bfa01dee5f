"""One series of readings becomes hours of consumption. Pure: no input, no output, no clock.

The result depends on the *set* of readings alone. Order does not matter; a reading that came twice
counts once, with the earlier arrival; two values under one time make that time unknown (the row
that `ingest` flagged CONFLICT, or two rows here): the reading is skipped and its day flagged. A late
reading is a reading: it takes its place by its time, splits the gap it falls into, and `lag_h` says
when that was known. Rows that are no evidence (`wire.quality.NOT_EVIDENCE`) do not exist here.

An hour rests on the two readings of each step that touches it, and its lag on the later arrival.

Register
    Steps between consecutive sound readings, as `usage.register` tells them. The first reading of an
    installation is a zero point, not use. A new installation is a new register (swap): no step
    reaches across. What was read off both registers at the exchange are readings like others
    (`Quality.READ_OFF`), the last of the old one and the first of the new one.
Interval
    Each row stands for itself: the `interval_s` seconds after (or before) its time. A negative
    amount, or more than the policy's maximum for its length, is a spike: left out, flagged.
Gauge
    Has no consumption.

**Reach.** Let r be the REACH nearest usable readings of the same installation on one side of a
changed reading. The hours that can change end, on that side, with the SOUND_REACH-th sound reading
beyond r. A reading of an interval changes the hours of its own interval only.
"""

from collections.abc import Sequence

import numpy as np

from usage import register
from usage.ledger import HOUR_REACH, Ledger, Stretches
from usage.series import DAY_US, HOUR_US, Bools, Derived, Fault, FaultKind, Readings, Segment, Shorts
from wire.quality import NOT_EVIDENCE, Quality

#: See "Reach": the step that ends at the first sound reading beyond, and those whose hour may move.
SOUND_REACH = 1 + HOUR_REACH
#: See "Reach".
REACH = register.REACH
#: A row with any of these is not a usable reading of a register.
UNUSABLE = NOT_EVIDENCE | Quality.CONFLICT

_INHERITED = np.int16(Quality.IMPORTED | Quality.SOFT_LIMIT | Quality.ARRIVAL_TIME | Quality.READ_OFF)
_SECOND_US = 1_000_000


def derive(
    readings: Readings, segments: Sequence[Segment], *, first_day: int, days: int, max_per_hour: float
) -> Derived:
    """Derive the hours of some UTC days.

    Parameters
    ----------
    readings : Readings
        Of the days themselves, and around them as far as their reach (see above).
    segments : sequence of Segment
        The installations of this unit and channel; they do not overlap.
    first_day, days : int
        Days since 1970, and how many.
    max_per_hour : float
        More than this in one hour, in the channel's unit, is impossible (from the policy).

    Returns
    -------
    Derived
        Amounts are never negative; over hours that rest on sound readings they add up to the
        register's change, times the multiplier.
    """
    ledger = Ledger(first_day, days)
    faults: list[Fault] = []
    for segment in segments:
        rows = _of(readings, segment)
        doubtful = _conflicting(rows)
        if doubtful.any():
            ledger.flag(rows.time_us[doubtful], Quality.CONFLICT)
            rows = rows.where(~doubtful)
        rows = _once(rows)
        if segment.form.kind == "register":
            faults += _book_register(ledger, rows, segment, max_per_hour)
        elif segment.form.kind == "interval":
            faults += _book_intervals(ledger, rows, segment, max_per_hour)
    wrong = [fault.time_us for fault in faults if fault.kind is not FaultKind.rollover]
    ledger.flag(np.array(wrong, np.int64), Quality.REGISTER_FAULT)
    first_us, end_us = first_day * DAY_US, (first_day + days) * DAY_US
    inside = [fault for fault in faults if first_us <= fault.time_us < end_us]
    return ledger.close(tuple(sorted(inside, key=lambda fault: (fault.time_us, fault.device_id))))


def _of(readings: Readings, segment: Segment) -> Readings:
    """The segment's rows that are evidence, in order of time and arrival."""
    chosen = (
        (readings.device_id == segment.device_id)
        & (readings.time_us >= segment.valid_from_us)
        & (readings.time_us < segment.valid_to_us)
        & ((readings.quality & np.int16(NOT_EVIDENCE)) == 0)
    )
    rows = readings if bool(chosen.all()) else readings.where(chosen)
    if bool((np.diff(rows.time_us) > 0).all()):
        return rows
    return rows.where(np.lexsort((rows.quality, rows.received_us, rows.time_us)))


def _conflicting(rows: Readings) -> Bools:
    """Which rows stand under a time that was told two values."""
    doubtful = (rows.quality & np.int16(Quality.CONFLICT)) != 0
    again = np.diff(rows.time_us) == 0
    if again.any():
        doubtful[1:] |= again & (np.diff(rows.value) != 0)
        doubtful = np.isin(rows.time_us, rows.time_us[doubtful])
    return doubtful


def _once(rows: Readings) -> Readings:
    """Without repeats: of each time the first arrival."""
    first = np.ones(len(rows), np.bool_)
    first[1:] = np.diff(rows.time_us) != 0
    return rows if bool(first.all()) else rows.where(first)


def _book_register(ledger: Ledger, rows: Readings, segment: Segment, max_per_hour: float) -> list[Fault]:
    full = segment.form.rollover_at
    judged = register.judge(
        rows.time_us,
        rows.value * segment.multiplier,
        max_per_hour=max_per_hour,
        rollover_at=None if full is None else full * segment.multiplier,
    )
    left, right = judged.steps.left, judged.steps.right
    ledger.book(
        Stretches(
            start_us=rows.time_us[left],
            end_us=rows.time_us[right],
            amount=judged.steps.amount,
            received_us=np.maximum(rows.received_us[left], rows.received_us[right]),
            quality=_inherited(rows.quality[left] | rows.quality[right], segment),
        )
    )
    return [
        Fault(
            kind=misfit.kind,
            time_us=int(rows.time_us[misfit.at]),
            device_id=segment.device_id,
            before=float(rows.value[misfit.before]),
            after=float(rows.value[misfit.at]),
        )
        for misfit in judged.misfits
    ]


def _book_intervals(ledger: Ledger, rows: Readings, segment: Segment, max_per_hour: float) -> list[Fault]:
    length_us = (segment.form.interval_s or 0) * _SECOND_US
    start_us = rows.time_us if segment.form.at == "start" else rows.time_us - length_us
    amount = rows.value * segment.multiplier
    possible = (amount >= 0) & (amount <= max_per_hour * length_us / HOUR_US)
    intervals = Stretches(
        start_us=start_us,
        end_us=start_us + length_us,
        amount=amount,
        received_us=rows.received_us,
        quality=_inherited(rows.quality, segment),
    )
    ledger.book(intervals.where(possible))
    return [
        Fault(
            kind=FaultKind.spike,
            time_us=int(rows.time_us[at]),
            device_id=segment.device_id,
            before=float("nan"),
            after=float(rows.value[at]),
        )
        for at in np.flatnonzero(~possible).tolist()
    ]


def _inherited(quality: Shorts, segment: Segment) -> Shorts:
    """The flags that an hour inherits from its readings."""
    own = np.int16(Quality.MULTIPLIED if segment.multiplier != 1 else 0)
    return (quality & _INHERITED) | own
