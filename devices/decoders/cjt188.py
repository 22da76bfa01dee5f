"""CJ/T 188-2004 (户用计量仪表数据传输技术条件): answers of water, hot-water, heat and gas meters.

    FE FE FE FE 68 10 44 33 22 11 00 33 78 81 16 1F 90 00 00 77 66 55 2C … 31 01 22 11 05 15 20 21 84 CS 16

Preamble, 68, type of meter, address low byte first (five bytes of number, two of the maker), control,
length, data, sum, 16. The data of a reading: its identifier (901F, in either order), a serial number, and
what the meter says. A payload is frames, or their spelling in hexadecimal digits or base64; what a master
asks is left alone.

Fields: `type` (``10`` cold water, ``11`` hot water, ``20`` heat, ``30`` gas); `current`, what the meter
has counted, and `settled`, what it had on its settlement day, each with the unit it states; of a heat
meter also `power`, `flow`, `volume`, `supply`, `return` (temperatures) and `hours`; `st1` and `st2`, the
bytes of its status. Makers disagree on which bit of the status is what: the profile says it.

Option `clock`: `little` (as in the standard), `big` (year first) or `none` (not to be believed at all).
Without it either order is taken, the standard's first. Times have no zone; one that cannot be is left out.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from devices.decoders.elements import Refusal
from devices.decoders.framing import bcd, closes, digits, find, unwrap
from devices.decoders.reports import Parsed, Report, Value
from wire.reasons import Reason

#: Decoder 3, version 1.
DECODER = 301

#: A serial server or concentrator whose topics can be chosen publishes here; the level between is its own.
UP = ("cjt188/up", "cjt188/+/up")
DOWN = ("cjt188/down", "cjt188/+/down")

LITTLE, BIG, NONE = "little", "big", "none"

_TYPES = range(0x10, 0x50)
_FROM_METER, _FAILED, _READ = 0x80, 0x40, 0x01
_FUNCTION = 0x3F
_READING = frozenset({b"\x1f\x90", b"\x90\x1f"})

#: Table of the standard; factors for units that it counts in hundreds, and a name no other unit has.
_UNITS: Mapping[int, tuple[str, float]] = MappingProxyType(
    {
        0x02: ("Wh", 1),
        0x05: ("kWh", 1),
        0x08: ("MWh", 1),
        0x0A: ("MWh", 100),
        0x01: ("J", 1),
        0x0B: ("kJ", 1),
        0x0E: ("MJ", 1),
        0x11: ("GJ", 1),
        0x13: ("GJ", 100),
        0x14: ("W", 1),
        0x17: ("kW", 1),
        0x1A: ("kW", 1000),
        0x29: ("L", 1),
        0x2C: ("m3", 1),
        0x32: ("L/h", 1),
        0x35: ("m3/h", 1),
    }
)


class _Part(NamedTuple):
    """One value of a reading: four bytes and a unit, or three bytes of a unit that is understood."""

    name: str
    decimals: int = 2
    unit: str = ""


_SIMPLE = (_Part("current"), _Part("settled"))
_HEAT = (
    _Part("settled"),
    _Part("current"),
    _Part("power"),
    _Part("flow", decimals=4),
    _Part("volume"),
    _Part("supply", unit="°C"),
    _Part("return", unit="°C"),
    _Part("hours", decimals=0, unit="h"),
)
_CLOCK, _STATUS = 7, 2


def parse(topic: str, payload: bytes, options: Mapping[str, Value]) -> Parsed:
    """Take a payload of frames apart.

    Raises
    ------
    DecodeError
        There is no frame in it.
    """
    del topic
    return Parsed(reports=read(unwrap(payload), options))


def read(data: bytes, options: Mapping[str, Value]) -> tuple[Report, ...]:
    """Read the answers of meters in some bytes.

    Raises
    ------
    DecodeError
        There is no frame in them.
    """
    found = find(data, _end_of)
    reports = [report for raw in found.frames for report in _answer(raw, options)]
    if found.broken:
        why = Refusal(Reason.invalid_frame, "a start without a frame behind it")
        reports.append(Report(raw=data, refusal=why))
    return tuple(reports)


def _end_of(data: bytes, start: int) -> int:
    if len(data) < start + 13 or data[start + 1] not in _TYPES:
        return 0
    end = start + 13 + data[start + 10]
    return end if closes(data, start, end) else 0


def _answer(raw: bytes, options: Mapping[str, Value]) -> Iterator[Report]:
    control, data = raw[9], raw[11:-2]
    if not control & _FROM_METER or control & _FUNCTION != _READ:
        return
    if control & _FAILED:
        yield _refused(raw, Reason.nothing_known, "the meter answers with an error")
    elif data[:2] not in _READING:
        yield _refused(raw, Reason.nothing_known, f"identifier {data[:2].hex().upper()}")
    else:
        yield _reading(raw, data[3:], options)


def _reading(raw: bytes, said: bytes, options: Mapping[str, Value]) -> Report:
    parts = next((parts for parts in (_SIMPLE, _HEAT) if len(said) == _length(parts)), None)
    if parts is None:
        return _refused(raw, Reason.invalid_frame, f"a reading of {len(said)} bytes")
    fields: dict[str, Value] = {"type": f"{raw[1]:02X}"}
    units: dict[str, str] = {}
    at = 0
    for part in parts:
        size = 3 if part.unit else 4
        number = bcd(said[at : at + size])
        unit, factor = (part.unit, 1) if part.unit else _unit(said[at + size])
        if number is not None:
            fields[part.name] = number * factor / 10**part.decimals
            units[part.name] = unit
        at += _size(part)
    local_at = _time(said[at : at + _CLOCK], options.get("clock"))
    fields["st1"], fields["st2"] = float(said[-2]), float(said[-1])
    why = None if "current" in fields else Refusal(Reason.invalid_shape, "the meter says no current value")
    address, *aliases = _names(raw)
    return Report(
        raw=raw,
        address=address,
        aliases=tuple(aliases),
        fields=fields,
        units=units,
        local_at=local_at,
        refusal=why,
    )


def _size(part: _Part) -> int:
    return 3 if part.unit else 5


def _length(parts: tuple[_Part, ...]) -> int:
    return sum(map(_size, parts)) + _CLOCK + _STATUS


def _unit(code: int) -> tuple[str, float]:
    """Name a unit; one that is not in the table gets a name that is no unit, so that nobody guesses."""
    return _UNITS.get(code, (f"unit {code:02X}", 1))


def _names(raw: bytes) -> list[str]:
    """Write the address whole, without the maker's code, without leading zeros: labels say any of these."""
    whole = digits(raw[2:9])
    number = whole[4:]
    names = [whole, number, number.lstrip("0"), whole.lstrip("0")]
    return [name for name in dict.fromkeys(names) if name]


def _time(clock: bytes, order: Value | None) -> datetime | None:
    orders = {LITTLE: (clock[::-1],), BIG: (clock,), NONE: ()}.get(str(order), (clock[::-1], clock))
    return next((at for year_first in orders if (at := _moment(year_first)) is not None), None)


def _moment(year_first: bytes) -> datetime | None:
    """Read century, year, month, day, hour, minute, second; some makers leave the century out."""
    parts = [bcd(year_first[place : place + 1]) for place in range(_CLOCK)]
    try:
        century, year, month, day, hour, minute, second = (part for part in parts if part is not None)
        if century not in (0, 20):
            return None
        return datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None


def _refused(raw: bytes, reason: Reason, why: str) -> Report:
    address, *aliases = _names(raw)
    return Report(raw=raw, address=address, aliases=tuple(aliases), refusal=Refusal(reason, why))
