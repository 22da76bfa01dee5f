"""One field's text becomes a value, or a code that says what is wrong. Pure."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Parser = Callable[[str], object]

_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_MOMENT = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6}))?)?)?"
    r" ?(Z|[+-]\d{2}:?\d{2})?"
)
_WHOLE = re.compile(r"[+-]?\d{1,15}")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: The years in which an estate's clocks must not change.
_ZONE_YEARS = (2020, 2035)
_TRUE = frozenset({"true", "yes", "1", "是"})
_FALSE = frozenset({"false", "no", "0", "否"})


class BadField(Exception):
    """The text is not a value of this column."""

    def __init__(self, code: str, **words: object) -> None:
        super().__init__(code)
        #: A key of `problems.SENTENCES`.
        self.code = code
        self.words = words


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a file."""

    name: str
    #: Headers that mean the same, e.g. of a Chinese spreadsheet.
    aliases: tuple[str, ...] = ()
    parse: Parser
    required: bool = False
    #: Value of an empty field.
    default: object = None
    #: Personal: its value is never repeated in a message.
    personal: bool = False


def text(limit: int = 200) -> Parser:
    """Text without control characters, at most `limit` characters."""

    def parse(field: str) -> str:
        if _CONTROL.search(field):
            raise BadField("control_character")
        if len(field) > limit:
            raise BadField("too_long", limit=limit)
        return field

    return parse


def whole(low: int, high: int) -> Parser:
    """A whole number from `low` to `high`."""

    def parse(field: str) -> int:
        if not _WHOLE.fullmatch(field):
            raise BadField("not_whole")
        value = int(field)
        if not low <= value <= high:
            raise BadField("out_of_range", low=low, high=high)
        return value

    return parse


def number(low: float, high: float) -> Parser:
    """A finite decimal number from `low` to `high`."""

    def parse(field: str) -> float:
        if not _NUMBER.fullmatch(field):
            raise BadField("not_number")
        value = float(field)
        if not math.isfinite(value) or not low <= value <= high:
            raise BadField("out_of_range", low=low, high=high)
        return value

    return parse


def flag(field: str) -> bool:
    """Yes or no."""
    lowered = field.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise BadField("not_flag")


def day(field: str) -> date:
    """A calendar day: year first, `-` or `/`."""
    found = _DATE.fullmatch(field)
    if found is None:
        raise BadField("not_date")
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError as error:
        raise BadField("not_date") from error


def moment(field: str) -> datetime:
    """A point in time: aware in UTC when the text has a zone, else naive local time of the estate.

    A bare date is that day's first moment.
    """
    found = _MOMENT.fullmatch(field)
    if found is None:
        raise BadField("not_time")
    year, month, on, hour, minute, second, fraction, zone = found.groups(default="")
    try:
        naive = datetime(  # noqa: DTZ001 (its zone comes with the estate)
            int(year),
            int(month),
            int(on),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0").ljust(6, "0")),
        )
    except ValueError as error:
        raise BadField("not_time") from error
    if not zone:
        return naive
    if not hour:
        raise BadField("not_time")
    shift = timedelta(0)
    if zone != "Z":
        digits = zone.replace(":", "")
        shift = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
        if shift >= timedelta(hours=24):
            raise BadField("not_time")
        shift = -shift if zone[0] == "-" else shift
    try:
        return (naive - shift).replace(tzinfo=UTC)
    except OverflowError as error:
        raise BadField("not_time") from error


def localise(value: datetime, zone: ZoneInfo) -> datetime:
    """Give a naive local time its zone; what is aware already stays.

    Raises
    ------
    BadField
        The local time does not exist, or exists twice (end of summer time).
    """
    if value.tzinfo is not None:
        return value
    first = value.replace(tzinfo=zone).astimezone(UTC)
    second = value.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) != value:
        raise BadField("time_skipped")
    if first != second:
        raise BadField("time_twice")
    return first


@cache
def zone_name(field: str) -> str:
    """An IANA time zone a whole number of hours from UTC, all year round.

    Consumption is kept in hours of UTC: only there are they hours of the home, and 24 of them its day.
    """
    try:
        zone = ZoneInfo(field)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadField("not_a_zone") from error
    first, last = _ZONE_YEARS
    start = datetime(first, 1, 1, 12, tzinfo=UTC)
    days = (datetime(last + 1, 1, 1, 12, tzinfo=UTC) - start).days
    offsets = {zone.utcoffset((start + timedelta(days=day)).astimezone(zone)) for day in range(days)}
    if len(offsets) > 1:
        raise BadField("zone_changes", first=first, last=last)
    if (offsets.pop() or timedelta(0)) % timedelta(hours=1):
        raise BadField("zone_not_whole")
    return field
