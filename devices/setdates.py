"""Values that a meter keeps of a set date, in a field beside: ``target_m3`` and ``target_date``."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from devices.decoders.reports import Value
from devices.wording import Words, words
from wire.instants import to_us

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_DATES = frozenset({"date", "datetime"})
#: What a set date is called.
_CALLED = frozenset(
    {"target", "set", "due", "key", "at", "history", "prev", "previous", "billing", "reporting"}
)


#: Of one object: two years of half months are fewer.
_MOST = 64


class SetDate(NamedTuple):
    """Of which moment a value is."""

    at_us: int
    #: What the value is called, without its date.
    rest: Words


class SetDates:
    """The set dates that an object names.

    A date alone is the end of the month that ends with it or before it: meters write one or the other. Any
    other date could be the day's beginning or its end, so it is none.
    """

    def __init__(self, group: Mapping[str, Value], zone: tzinfo) -> None:
        #: The words of each date's name, and the moment.
        self._found: list[tuple[frozenset[str], list[str], int]] = []
        for name, value in group.items():
            called = words(name).plain
            stem = [word for word in called if word not in _DATES]
            if not isinstance(value, str) or len(stem) == len(called) or not stem:
                continue
            at_us = _moment(value, zone) if {word for word in stem if not word.isdigit()} <= _CALLED else None
            if at_us is not None and len(self._found) < _MOST:
                self._found.append((frozenset(stem), _number(stem), at_us))

    def of(self, own: Words) -> SetDate | None:
        """Find the date that a value is of; None: it is of now, or of a time that is not told."""
        if not self._found or _CALLED.isdisjoint(own.plain) or not _DATES.isdisjoint(own.plain[-1:]):
            return None
        for stem, number, at_us in self._found:
            if stem <= set(own.plain) and number == _number(own.plain):
                rest = [
                    word for word in own.plain if word not in _DATES and word not in stem and word != "at"
                ]
                return SetDate(at_us, words("_".join(rest)))
        return None


def _number(called: list[str] | tuple[str, ...]) -> list[str]:
    return [word for word in called if word.isdigit()]


def _moment(text: str, zone: tzinfo) -> int | None:
    try:
        at = datetime.fromisoformat(text.strip())
        if len(text.strip()) == len("2026-11-30"):
            if (at + _DAY).day == 1:
                at += _DAY
            elif at.day != 1:
                return None
        elif (at.hour, at.minute) == (23, 59):
            at += _MINUTE
        at = at if at.tzinfo is not None else at.replace(tzinfo=zone)
        return to_us(at.replace(second=0))
    except (ValueError, OverflowError):
        return None
