"""Times as formats write them: with a zone, or without one."""

from datetime import datetime
from typing import NamedTuple

from devices.decoders.reports import DecodeError
from wire.instants import to_us
from wire.reasons import Reason

#: Year 9999 in microseconds: what lies beyond is no time.
_LAST_US = 253_402_300_800_000_000


class Moment(NamedTuple):
    """One of the two, as `Report` has them."""

    #: Microseconds since 1970, UTC.
    at_us: int | None
    #: The zone is the estate's.
    local_at: datetime | None


#: The message says nothing of when.
NO_TIME = Moment(None, None)


def of(at: datetime) -> Moment:
    """A time with its zone, if it has one."""
    if at.tzinfo is None:
        return Moment(None, at)
    return Moment(to_us(at), None)


def iso(text: str) -> Moment:
    """Read ISO 8601, extended or basic, with date and time: ``2026-11-24T08:00:00+08:00``.

    Raises
    ------
    DecodeError
        It is not that.
    """
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise DecodeError(Reason.invalid_time, text[:64]) from error
    if len(text.strip()) <= len("2026-11-24"):
        raise DecodeError(Reason.invalid_time, f"a date without a time: {text[:64]}")
    return of(at)


def epoch(number: float | str, *, per_second: int) -> Moment:
    """Read a count since 1970, UTC: of seconds (1), milliseconds (1000) or microseconds.

    Raises
    ------
    DecodeError
        It is not a number, or not a time of our era.
    """
    try:
        at_us = round(float(number) * 1_000_000 / per_second)
    except (ValueError, OverflowError) as error:
        raise DecodeError(Reason.invalid_time, str(number)[:64]) from error
    if not 0 <= at_us < _LAST_US:
        raise DecodeError(Reason.invalid_time, str(number)[:64])
    return Moment(at_us, None)
