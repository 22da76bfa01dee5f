"""Callbacks of the TTLock cloud, as our receiver writes its forms: one JSON object, all values text.

    {"notifyType":"1","lockId":"163377","records":"[{\"recordType\":4,\"success\":1,\"lockDate\":1625025703000,…}]"}

The sender is the account, which is a gateway here; locks and door sensors are its children, by lockId and
doorSensorId. There are two tables of codes: `recordType` is the cloud's, `recordTypeFromLock` the lock's own,
where 7 is a code that failed and not a card. And two clocks: `lockDate` is the lock's, and counts;
`serverDate` is when the record was uploaded.

Fields of a report: `record` is recordType/success; `raw` is the lock's own code, only where the cloud's is
missing; `person` what redaction left of the code, card or finger; `electricQuantity`; `serverDate`; `online`
and `door` of the other callbacks. Those carry no time.
"""

from collections.abc import Iterator, Mapping

import msgspec

from devices.decoders import times
from devices.decoders.elements import Refusal
from devices.decoders.fields import parse_json, parse_object
from devices.decoders.reports import DecodeError, Parsed, Report, Value
from devices.decoders.times import NO_TIME
from wire.reasons import Reason

#: Decoder 12, version 1.
DECODER = 1201

#: What its receiver calls it.
HTTP = ("ttlock",)

#: More than the cloud sends at once.
MAX_RECORDS = 1_000

#: `notifyType`.
_RECORDS, _ONLINE, _REQUEST_FAILED, _DOOR = "1", "3", "4", "7"
#: What redaction leaves of a code.
_HASHED = "hmac:"


def parse(_topic: str, payload: bytes, _options: Mapping[str, Value]) -> Parsed:
    """Take a callback apart.

    Raises
    ------
    DecodeError
        It is none, or of a kind that nobody knows.
    """
    form = parse_object(payload)
    kind = _text(form, "notifyType")
    if kind == _RECORDS:
        return Parsed(reports=tuple(_records(form)))
    if kind == _ONLINE:
        return Parsed(reports=(_state(form, payload, "lockId", "online", "isOnline"),))
    if kind == _DOOR:
        return Parsed(reports=(_state(form, payload, "doorSensorId", "door", "recordType"),))
    if kind == _REQUEST_FAILED:
        return Parsed()  # of a request that somebody made of the cloud: nothing a lock says
    raise DecodeError(Reason.nothing_known if kind else Reason.invalid_shape, f"notifyType {kind}")


def _records(form: dict[str, object]) -> Iterator[Report]:
    lock = _text(form, "lockId")
    records = form.get("records")
    if isinstance(records, str):
        records = parse_json(records.encode("utf-8", "replace"))
    if not lock or not isinstance(records, list):
        raise DecodeError(Reason.invalid_shape, "neither lockId nor records")
    if len(records) > MAX_RECORDS:
        raise DecodeError(Reason.array_too_long, f"{len(records)} records")
    for record in records:
        # As if it had come alone: what is quarantined of it can be decoded again.
        raw = msgspec.json.encode(form | {"records": [record]})
        if isinstance(record, dict):
            yield _report(record, lock, raw)
        else:
            yield Report(raw=raw, address=lock, refusal=Refusal(Reason.invalid_shape, "not a record"))


def _report(record: dict[str, object], lock: str, raw: bytes) -> Report:
    cloud, own, success = (_text(record, name) for name in ("recordType", "recordTypeFromLock", "success"))
    fields: dict[str, Value] = {"record": f"{cloud}/{success}"} if cloud else {"raw": own}
    person = _text(record, "keyboardPwd")
    if person.startswith(_HASHED):
        fields["person"] = person
    for name in ("electricQuantity", "serverDate"):
        if (value := _text(record, name)) and value.lstrip("-").isdigit():
            fields[name] = float(value)
    try:
        moment = times.epoch(_text(record, "lockDate") or "none", per_second=1000)
    except DecodeError:
        moment = NO_TIME
    counted = f"{cloud or f'raw{own}'}/{success}-{person if person.startswith(_HASHED) else ''}"
    return Report(raw=raw, address=lock, fields=fields, at_us=moment.at_us, counted=counted)


def _state(form: dict[str, object], payload: bytes, device: str, field: str, key: str) -> Report:
    address, value = _text(form, device), _text(form, key)
    if not address or not value:
        raise DecodeError(Reason.invalid_shape, f"neither {device} nor {key}")
    return Report(raw=payload, address=address, fields={field: value})


def _text(found: Mapping[str, object], name: str) -> str:
    value = found.get(name)
    if isinstance(value, str):
        return value.strip()[:128]
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(int(value)) if float(value).is_integer() else str(value)
    return ""
