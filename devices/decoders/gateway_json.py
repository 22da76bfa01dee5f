"""JSON of concentrators and edge computers, each of which writes it its own way: the profile says how.

    {"msgId": "d0e6…", "batch": [
        {"timestamp": "20250619145824881", "device_id": "AHU34",
         "metrics": {"energy": {"active": {"unit": "kW", "value": {"forward": 3274.53}}}}}]}

Options of the gateway's profile; places are ways through objects, joined by points, and are looked for in a
part first and then in the message around it:

- `list`: where the parts are; without it the message itself is one, or a list of them.
- `address`: where a part names its device; without it all is about the sender.
- `time`: where its time is, and `time_format`: `iso` (the default), `s` or `ms` since 1970, or `digits`
  (``yyyyMMddHHmmss`` and fractions, without a zone). A time that cannot be read is refused, so that nothing
  gets a wrong one; once the profile is right the message can be replayed.
- `counted`: where the message has its number.
- `values`: where the fields are; without it the whole part. A list there has one object a field: `name` and
  `value` say which of its keys are which.
- `frame`: where a frame of DL/T 645 or CJ/T 188 is spelled, in hexadecimal digits or base64. What it says is
  read as by those formats, and has the part's time if it has none of its own.

Units that such messages state are not believed: labels lie (the example calls its register kW).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from devices.decoders import cjt188, dlt645, times
from devices.decoders.elements import Refusal
from devices.decoders.fields import flatten, object_of, objects_of, parse_json, text_of
from devices.decoders.framing import spelled_bytes
from devices.decoders.reports import DecodeError, Parsed, Report, Value
from devices.decoders.times import NO_TIME, Moment
from wire.reasons import Reason

#: Decoder 13, version 1.
DECODER = 1301

#: EdgeLogger and its like; a gateway whose topics can be chosen publishes on the last two.
UP = ("device/+/up/+", "gateway-json/up", "gateway-json/+/up")
DOWN = ("device/+/down/+", "gateway-json/down", "gateway-json/+/down")
#: What its HTTP receiver is called.
HTTP = ("gateway-json",)

#: Options that name keys of the message.
PLACES = frozenset({"list", "address", "time", "counted", "values", "name", "value", "frame"})

#: A gateway has at most 1,500 children.
MAX_PARTS = 2_000

_DIGITS = re.compile(r"(\d{14})(\d{0,6})")
_PER_SECOND = {"s": 1, "ms": 1000}

_Object = Mapping[str, object]


def parse(topic: str, payload: bytes, options: Mapping[str, Value]) -> Parsed:
    """Take a message apart.

    Raises
    ------
    DecodeError
        It is no JSON, or has nothing where its parts should be.
    """
    del topic
    message = parse_json(payload)
    parts = _parts(message, options)
    if len(parts) > MAX_PARTS:
        raise DecodeError(Reason.array_too_long, f"more than {MAX_PARTS} parts")
    around = object_of(message)
    counted = text_of(_at(around, options.get("counted")))
    reports: list[Report] = []
    for index, part in enumerate(parts):
        for report in _reports(payload, part, around, options):
            number = None if counted is None else f"{counted}.{index}"
            reports.append(msgspec.structs.replace(report, counted=number))
    return Parsed(reports=tuple(reports))


def _parts(message: object, options: Mapping[str, Value]) -> list[dict[str, object]]:
    place = options.get("list")
    found = message if place is None else _at(object_of(message), place)
    parts = objects_of(found if isinstance(found, list) else [found])
    if not parts:
        where = "the message" if place is None else str(place)
        raise DecodeError(Reason.invalid_shape, f"no object in {where}")
    return parts


def _reports(
    payload: bytes, part: _Object, around: _Object, options: Mapping[str, Value]
) -> Iterator[Report]:
    address = text_of(_either(part, around, options.get("address")))
    if address is None and "address" in options:
        yield _refused(payload, None, Reason.invalid_shape, f"no {options['address']}")
        return
    try:
        at = _time(_either(part, around, options.get("time")), options)
        spelled = _either(part, around, options.get("frame"))
        if isinstance(spelled, str):
            yield from _framed(payload, spelled, at, options)
        else:
            yield Report(
                raw=payload,
                address=address,
                fields=_fields(part, options),
                at_us=at.at_us,
                local_at=at.local_at,
            )
    except DecodeError as error:
        yield _refused(payload, address, error.refusal.reason, error.refusal.detail)


def _framed(payload: bytes, spelled: str, at: Moment, options: Mapping[str, Value]) -> Iterator[Report]:
    data = spelled_bytes(spelled)
    if data is None:
        raise DecodeError(Reason.invalid_frame, "neither hexadecimal digits nor base64")
    try:
        reports = dlt645.read(data)
    except DecodeError:
        reports = cjt188.read(data, options)
    for report in reports:
        own = Moment(report.at_us, report.local_at)
        at_us, local_at = at if own == NO_TIME else own
        yield msgspec.structs.replace(report, raw=payload, at_us=at_us, local_at=local_at)


def _fields(part: _Object, options: Mapping[str, Value]) -> dict[str, Value]:
    place = options.get("values")
    found = part if place is None else _at(part, place)
    if isinstance(found, list) and "name" in options:
        named = ((text_of(one.get(str(options["name"]))), one) for one in objects_of(found))
        return flatten({name: one.get(str(options.get("value", "value"))) for name, one in named if name})
    return flatten(found) if isinstance(found, dict | list) else {}


def _time(found: object, options: Mapping[str, Value]) -> Moment:
    if found is None or found == "":
        return NO_TIME
    form = options.get("time_format", "iso")
    if form in _PER_SECOND and isinstance(found, int | float | str) and not isinstance(found, bool):
        return times.epoch(found, per_second=_PER_SECOND[str(form)])
    text = text_of(found) or ""
    return times.iso(text) if form == "iso" else _digits(text)


def _digits(text: str) -> Moment:
    """Read ``20250619145824881``: such times have no zone."""
    found = _DIGITS.fullmatch(text)
    try:
        if found is not None:
            at = datetime.strptime(found[1], "%Y%m%d%H%M%S")  # noqa: DTZ007
            return Moment(None, at.replace(microsecond=int(found[2].ljust(6, "0"))))
    except ValueError:
        pass
    raise DecodeError(Reason.invalid_time, text[:64])


def _either(part: _Object, around: _Object, place: Value | None) -> object:
    found = _at(part, place)
    return _at(around, place) if found is None else found


def _at(found: object, place: Value | None) -> object:
    """Follow a way through objects; None: it leads nowhere."""
    if place is None:
        return None
    for key in str(place).split("."):
        found = object_of(found).get(key)
    return found


def _refused(payload: bytes, address: str | None, reason: Reason, why: str) -> Report:
    return Report(raw=payload, address=address, refusal=Refusal(reason, why))
