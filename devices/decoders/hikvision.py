"""Hikvision ISAPI: what access controllers and face panels post, JSON or XML, numbers or text.

The receiver takes a picture out before (`ingest.receivers`). What happened is said by the pair of numbers
majorEventType and subEventType together, never by one of them; `currentVerifyMode` is what the door is set
to, not what was used, and is left out. Events of other types than AccessControllerEvent are none of a door.

Fields of a report: `code` is major/sub, e.g. 5/75; `person` a pseudonym (the employee's number, else the
hash that redaction left of the card's); `door`, `serialNo`, `frontSerialNo` as they are sent.
"""

from collections.abc import Mapping

from devices.decoders import times
from devices.decoders.fields import parse_object
from devices.decoders.markup import parse_xml
from devices.decoders.reports import DecodeError, Parsed, Report, Value
from devices.decoders.times import NO_TIME, Moment
from wire.reasons import Reason

#: Decoder 11, version 1.
DECODER = 1101

#: What its receiver calls it.
HTTP = ("hikvision",)

_ACCESS = "AccessControllerEvent"
_LONGEST = 128
#: What redaction leaves of a card's number.
_HASHED = "hmac:"


def parse(_topic: str, payload: bytes, _options: Mapping[str, Value]) -> Parsed:
    """Take a posted event apart; of other types than access nothing comes.

    Raises
    ------
    DecodeError
        It is none.
    """
    alert = _alert(payload)
    kind = _text(alert, "eventType")
    if not kind:
        raise DecodeError(Reason.invalid_shape, "no eventType")
    if kind != _ACCESS:
        return Parsed()
    event = alert.get(_ACCESS, alert)
    if not isinstance(event, dict):
        raise DecodeError(Reason.invalid_shape, f"no {_ACCESS}")
    major, minor = _whole(event, "majorEventType"), _whole(event, "subEventType")
    if major is None or minor is None:
        raise DecodeError(Reason.invalid_shape, "neither majorEventType nor subEventType")
    code, serial = f"{major}/{minor}", _whole(event, "serialNo")
    moment, front = _moment(alert), _whole(event, "frontSerialNo")
    fields: dict[str, Value] = {"code": code}
    if person := _person(event):
        fields["person"] = person
    for name, value in (
        ("serialNo", serial),
        ("frontSerialNo", front),
        ("door", _whole(event, "doorNo")),
    ):
        if value is not None:
            fields[name] = float(value)
    report = Report(
        raw=payload,
        fields=fields,
        at_us=moment.at_us,
        local_at=moment.local_at,
        counted=f"{'' if serial is None else serial}-{code}",
        # Only where each number follows the last: some panels number what they do not post, too.
        counter=serial if serial is not None and front in (None, serial - 1) else None,
    )
    return Parsed(reports=(report,))


def _alert(payload: bytes) -> Mapping[str, object]:
    if payload.lstrip(b"\xef\xbb\xbf\x00 \t\r\n").startswith(b"<"):
        _, found = parse_xml(payload)
    else:
        found = parse_object(payload)
        found = found.get("EventNotificationAlert", found)
    if not isinstance(found, dict):
        raise DecodeError(Reason.invalid_shape, "not an alert")
    return found


def _person(event: Mapping[str, object]) -> str:
    """Who it was; "0" is written for nobody."""
    for name in ("employeeNoString", "employeeNo"):
        number = _text(event, name)
        if number and number != "0":
            return number
    card = _text(event, "cardNo")
    return card if card.startswith(_HASHED) else ""


def _moment(alert: Mapping[str, object]) -> Moment:
    try:
        return times.iso(_text(alert, "dateTime"))
    except DecodeError:
        return NO_TIME


def _text(found: Mapping[str, object], name: str) -> str:
    value = found.get(name)
    if isinstance(value, str):
        return value.strip()[:_LONGEST]
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(int(value)) if float(value).is_integer() else str(value)
    return ""


def _whole(found: Mapping[str, object], name: str) -> int | None:
    text = _text(found, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(2**53)) else None
