"""Instants as messages, arrays and keys hold them: microseconds since 1970, UTC."""

from datetime import UTC, datetime, timedelta

#: Where they are counted from.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Count the microseconds of an aware moment; exact."""
    return (moment - EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """The moment of so many microseconds.

    Raises
    ------
    OverflowError
        No calendar has it.
    """
    return EPOCH + timedelta(microseconds=us)
