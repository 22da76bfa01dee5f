"""DL/T 645-2007 (多功能电能表通信协议): answers of electricity meters.

    FE FE 68 72 00 32 09 17 20 68 91 08 33 33 34 33 B9 34 33 33 6D 16

Preamble, 68, address low byte first, 68, control, length, data with 33 added to each byte, sum, 16. A payload
is frames, or their spelling in hexadecimal digits or base64; what a master asks, heard on the same line, is
left alone.

Fields have the name of the data identifier, eight digits, of the register alone: a block (``0001FF00``)
gives ``00010000`` (total), ``00010100`` (tariff 1) and so on. ``00010000`` is the forward total; the
tariffs are parts of it. A frozen record (``050601xx``) says what the same registers were at a time, which
another record (``050600xx``) of the same message tells; without it nobody knows when, and it is refused.
Records of an opened cover (``03300D01``) and terminal cover (``03300E01``) have the time at which it
happened.

Other control codes than a reading's answer carry no values. The edition of 1997 has two-byte identifiers and
is refused by its name.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from devices.decoders.elements import Refusal
from devices.decoders.framing import START, bcd, closes, digits, find, unwrap
from devices.decoders.reports import Parsed, Report, Value
from wire.reasons import Reason

#: Decoder 2, version 1.
DECODER = 201

#: A serial server or concentrator whose topics can be chosen publishes here; the level between is its own.
UP = ("dlt645/up", "dlt645/+/up")
DOWN = ("dlt645/down", "dlt645/+/down")

_FROM_METER, _FAILED, _MORE_FOLLOWS = 0x80, 0x40, 0x20
_FUNCTION = 0x1F
_READ, _READ_NEXT, _READ_1997 = 0x11, 0x12, 0x01
_ERRORS = (
    "another error",
    "no such data",
    "wrong password, or not allowed",
    "this speed cannot be set",
    "too many time zones of the year",
    "too many periods of the day",
    "too many tariffs",
)


class Frame(NamedTuple):
    """One frame, taken apart."""

    raw: bytes
    #: All twelve digits.
    address: str
    control: int
    #: Without the 33.
    data: bytes


class _Item(NamedTuple):
    """How the value of an identifier is written."""

    size: int
    decimals: int
    unit: str = ""
    #: The highest bit says that it is negative.
    signed: bool = False
    #: Bits, not digits.
    bits: bool = False


# By the first two bytes of the identifier: energies, DL/T 645-2007 table A.1, and variables, table A.3.
_ENERGY = _Item(4, 2, "kWh")
_ITEMS: Mapping[int, _Item] = MappingProxyType(
    {
        0x0000: _Item(4, 2, "kWh", signed=True),
        0x0001: _ENERGY,
        0x0002: _ENERGY,
        0x0201: _Item(2, 1, "V"),
        0x0202: _Item(3, 3, "A", signed=True),
        0x0203: _Item(3, 4, "kW", signed=True),
        0x0204: _Item(3, 4, "kvar", signed=True),
        0x0205: _Item(3, 4, "kVA", signed=True),
        0x0206: _Item(2, 3, signed=True),
    }
)
# By the whole identifier. 040005xx: status words; 0330: how often a cover was opened.
_SINGLE_ITEMS: Mapping[int, _Item] = MappingProxyType(
    {
        0x02800002: _Item(2, 2, "Hz"),
        0x02800007: _Item(2, 1, "°C", signed=True),
        0x02800008: _Item(2, 2, "V"),
        0x02800009: _Item(2, 2, "V"),
        0x03300D00: _Item(3, 0),
        0x03300E00: _Item(3, 0),
        **{0x04000500 + word: _Item(2, 0, bits=True) for word in range(1, 8)},
    }
)
#: The first register of a block: phases count from 1, energies and powers begin with their total.
_BLOCK_STARTS: Mapping[int, int] = MappingProxyType({0x0201: 1, 0x0202: 1})
_TARIFFS = 63
_STATUS_BLOCK = 0x040005FF
_COVERS = frozenset({0x03300D01, 0x03300E01})
_FROZEN = 0x05
_FROZEN_TIME = 0x00
#: Frozen hourly records hold the total alone, the others all tariffs: both are read as far as they go.
_FROZEN_ENERGIES: Mapping[int, int] = MappingProxyType({0x01: 0x00010000, 0x02: 0x00020000})


def parse(topic: str, payload: bytes, options: Mapping[str, Value]) -> Parsed:
    """Take a payload of frames apart.

    Raises
    ------
    DecodeError
        There is no frame in it.
    """
    del topic, options
    return Parsed(reports=read(unwrap(payload)))


def read(data: bytes) -> tuple[Report, ...]:
    """Read the answers of meters in some bytes.

    Raises
    ------
    DecodeError
        There is no frame in them.
    """
    found = find(data, _end_of)
    frames = [_frame(raw) for raw in found.frames]
    frozen = _frozen_times(frames)
    reports = [report for frame in _joined(frames) for report in _answer(frame, frozen)]
    if found.broken:
        why = Refusal(Reason.invalid_frame, "a start without a frame behind it")
        reports.append(Report(raw=data, refusal=why))
    return tuple(reports)


def _end_of(data: bytes, start: int) -> int:
    if len(data) < start + 12 or data[start + 7] != START:
        return 0
    end = start + 12 + data[start + 9]
    return end if closes(data, start, end) else 0


def _frame(raw: bytes) -> Frame:
    data = bytes((byte - 0x33) & 0xFF for byte in raw[10:-2])
    return Frame(raw, digits(raw[1:7]), raw[8], data)


def _joined(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Put the parts of long answers together, and leave out what is no answer to a reading."""
    begun: dict[tuple[str, bytes], Frame] = {}
    for frame in frames:
        function = frame.control & _FUNCTION
        if not frame.control & _FROM_METER or function not in (_READ, _READ_NEXT, _READ_1997):
            continue
        key = frame.address, frame.data[:4]
        if function == _READ_NEXT and not frame.control & _FAILED:
            first = begun.pop(key, None)
            if first is None:
                yield frame
                continue
            # Its last byte counts the parts.
            data = first.data + frame.data[4:-1]
            frame = Frame(first.raw + frame.raw, frame.address, frame.control & ~_FUNCTION | _READ, data)  # noqa: PLW2901
        if frame.control & _MORE_FOLLOWS and not frame.control & _FAILED:
            begun[key] = frame
        else:
            yield frame
    yield from begun.values()


def _answer(frame: Frame, frozen: Mapping[tuple[str, int, int], datetime]) -> Iterator[Report]:
    function = frame.control & _FUNCTION
    if function == _READ_1997:
        yield _refused(frame, Reason.wrong_format, "DL/T 645-1997: two-byte identifiers are not read")
    elif frame.control & _FAILED:
        yield _refused(frame, Reason.nothing_known, f"the meter answers: {_error(frame.data)}")
    elif function == _READ_NEXT:
        yield _refused(frame, Reason.invalid_frame, "the rest of an answer without its beginning")
    elif len(frame.data) < 4:
        yield _refused(frame, Reason.invalid_frame, "an answer without an identifier")
    else:
        yield from _values(frame, int.from_bytes(frame.data[:4], "little"), frame.data[4:], frozen)


def _values(
    frame: Frame, identifier: int, data: bytes, frozen: Mapping[tuple[str, int, int], datetime]
) -> Iterator[Report]:
    group, record = identifier >> 24, identifier & 0xFF
    if group == _FROZEN:
        kind, content = identifier >> 16 & 0xFF, identifier >> 8 & 0xFF
        if content == _FROZEN_TIME:
            return
        register = _FROZEN_ENERGIES.get(content)
        when = frozen.get((frame.address, kind, record))
        if register is None:
            yield _unknown(frame, identifier)
        elif when is None:
            yield _refused(frame, Reason.invalid_time, f"{identifier:08X} is frozen, but not said when")
        else:
            yield _report(frame, _registers(register, data, first=0), local_at=when)
    elif identifier in _COVERS:
        when = _time(data[:6])
        # All zeros: it never happened.
        yield _report(frame, {f"{identifier:08X}": when is not None}, local_at=when)
    else:
        fields = _fields(identifier, data)
        yield _unknown(frame, identifier) if fields is None else _report(frame, fields)


def _fields(identifier: int, data: bytes) -> dict[str, Value] | None:
    """Read the registers of an identifier or block; None: it is not known."""
    kind, block = identifier >> 16, identifier >> 8 & 0xFF == 0xFF
    if identifier == _STATUS_BLOCK:
        return _series(0x04000501, 1, data, 7)
    if kind in _ITEMS and block and identifier & 0xFF == 0:
        return _registers(kind << 16, data, first=_BLOCK_STARTS.get(kind, 0))
    if kind in _ITEMS and identifier & 0xFF == 0:
        return _series(identifier, 0x100, data, 1)
    return _series(identifier, 1, data, 1) if identifier in _SINGLE_ITEMS else None


def _registers(base: int, data: bytes, *, first: int) -> dict[str, Value]:
    return _series(base + (first << 8), 0x100, data, _TARIFFS + 1)


def _series(identifier: int, step: int, data: bytes, most: int) -> dict[str, Value]:
    """Read values that follow each other; one that is no number (FF: not there) is left out."""
    item = _SINGLE_ITEMS.get(identifier) or _ITEMS[identifier >> 16]
    fields: dict[str, Value] = {}
    for place in range(min(most, len(data) // item.size)):
        value = _value(item, data[place * item.size : (place + 1) * item.size])
        if value is not None:
            fields[f"{identifier + place * step:08X}"] = value
    return fields


def _value(item: _Item, data: bytes) -> float | None:
    if item.bits:
        return float(int.from_bytes(data, "little"))
    negative = item.signed and bool(data[-1] & 0x80) and data[-1] != 0xFF
    number = bcd(data[:-1] + bytes([data[-1] & 0x7F])) if negative else bcd(data)
    if number is None:
        return None
    return (-number if negative else number) / 10**item.decimals


def _frozen_times(frames: Iterable[Frame]) -> dict[tuple[str, int, int], datetime]:
    """When each frozen record was made, by address, kind of freezing and number."""
    times: dict[tuple[str, int, int], datetime] = {}
    for frame in frames:
        record, content, kind, group = (*frame.data[:4], 0, 0, 0, 0)[:4]
        if frame.control & (_FROM_METER | _FAILED) == _FROM_METER and group == _FROZEN and content == 0:
            when = _time(b"\x00" + frame.data[4:9])
            if when is not None:
                times[frame.address, kind, record] = when
    return times


def _time(data: bytes) -> datetime | None:
    """Read second, minute, hour, day, month and year of this century; the meter says no zone."""
    parts = [bcd(data[place : place + 1]) for place in range(len(data))]
    try:
        second, minute, hour, day, month, year = (part for part in parts if part is not None)
        return datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None


def _report(frame: Frame, fields: dict[str, Value], *, local_at: datetime | None = None) -> Report:
    units = {name: unit for name in fields if (unit := _unit(int(name, 16)))}
    return Report(
        raw=frame.raw,
        address=frame.address,
        aliases=_aliases(frame),
        fields=fields,
        units=units,
        local_at=local_at,
    )


def _unit(identifier: int) -> str:
    item = _SINGLE_ITEMS.get(identifier) or _ITEMS.get(identifier >> 16)
    return item.unit if item is not None else ""


def _aliases(frame: Frame) -> tuple[str, ...]:
    short = frame.address.lstrip("0")
    return (short,) if short not in ("", frame.address) else ()


def _unknown(frame: Frame, identifier: int) -> Report:
    return _refused(frame, Reason.nothing_known, f"identifier {identifier:08X}")


def _refused(frame: Frame, reason: Reason, why: str) -> Report:
    return Report(raw=frame.raw, address=frame.address, aliases=_aliases(frame), refusal=Refusal(reason, why))


def _error(data: bytes) -> str:
    said = [text for bit, text in enumerate(_ERRORS) if data[:1] and data[0] >> bit & 1]
    return ", ".join(said) or "an error"
