"""Face gates of HFSecurity and its many clones: "MQTT V1.25" and its twin over HTTP, "V1.13".

    mqtt/face/{id}/Rec     a known or refused face           → answered by PushAck, type 2
    mqtt/face/{id}/Snap    a stranger; the camera's alarms   → answered by PushAck, type 1 and 3
    mqtt/face/{id}/Ack     what became of a command
    mqtt/face/basic        Online (answered by Online-Ack) and the last will, Offline
    mqtt/face/heartbeat    HeartBeat

What is not confirmed within ten seconds comes again, so everything that has a number is confirmed, whatever
else is wrong with it. Firmwares misspell many keys: each spelling that was seen is taken. Times have no
zone; one that cannot be read is left out, and the time of arrival stands in, flagged.

Fields of a report, by their own names: `operator`; `verified` is VerifyStatus/VerifyType (1 allowed, 2
refused, 3 not registered / 1 face, 2 ID card, 3 both, or nothing); `stranger`; `alarm`, which is the
operator; `status` is online, offline or heartbeat; `person` is a pseudonym, never a name; `score`;
answers to commands as `devices.decoders.reports` says.
"""

import re
from collections.abc import Mapping

import msgspec

from devices.decoders import times
from devices.decoders.fields import parse_object
from devices.decoders.reports import (
    ACK_CODE,
    ACK_ID,
    ACK_OK,
    Answer,
    DecodeError,
    Parsed,
    Report,
    Value,
)
from devices.decoders.times import NO_TIME, Moment
from wire.envelope import DEVICE_CODE
from wire.reasons import Reason

#: Decoder 10, version 1.
DECODER = 1001

UP = ("mqtt/face/+/Rec", "mqtt/face/+/Snap", "mqtt/face/+/Ack", "mqtt/face/basic", "mqtt/face/heartbeat")
DOWN = ("mqtt/face/+",)
#: What the receiver of its HTTP mode calls it.
HTTP = ("face-gate",)

#: Option `ack`: how records are confirmed.
PUSH_ACK, REC_PUSH_ACK, NO_ACK = "PushAck", "RecPushAck", "none"

# Spellings, the best first.
_DEVICE = ("facesluiceId", "facesluiceld", "DeviceID", "deviceId")
_PERSON = ("customId", "CustomizeID", "PersonUUID")
_NUMBER_OF_PERSON = ("personId", "PersonID")
_RECORD = ("RecordID", "nRecordIndex", "SnapOrRecordID", "SnapID", "ID")
_SNAP = ("SnapID", "nRecordIndex", "SnapOrRecordID", "RecordID", "ID")
_SCORE = ("similarity1", "Similarity1")
_METHOD = ("VerifyType", "VerfyType")
_TIME = ("time", "Time", "CreateTime", "snapTime", "SnapTime", "startTime", "StartTime")

_STRANGER_ACK, _RECORD_ACK, _OTHER_ACK = 1, 2, 3
_TOPIC = re.compile(r"mqtt/face/([^/]+)/(?:Rec|Snap|Ack)")
_ID = re.compile(DEVICE_CODE)
_WILL = re.compile(rb'"operator"\s*:\s*"Offline"')
_RECORDS = frozenset({"RecPush", "VerifyPush"})
_STRANGERS = frozenset({"StrSnapPush", "SnapPush"})
_STATUS = {"online": "online", "offline": "offline", "heartbeat": "heartbeat"}

#: No number of a record or a person is larger; Python refuses to write very long ones.
_MOST = 2**64

_Info = Mapping[str, object]


def parse(topic: str, payload: bytes, options: Mapping[str, Value]) -> Parsed:
    """Take a message of a face gate apart.

    Raises
    ------
    DecodeError
        It is none. Its answers are to be sent all the same.
    """
    message = parse_object(payload)
    operator = _text(message, ("operator",))
    info = message.get("info")
    # Some send no `info`, and pictures beside it: what is looked for may stand in either.
    within: _Info = message
    if isinstance(info, dict):
        within = message | {key: value for key, value in info.items() if value not in ("", None)}
    named = _TOPIC.fullmatch(topic)
    told = _text(within, _DEVICE)
    device = told or (named[1] if named else "")
    answers = _answers(operator, message, within, named[1] if named else told, options)
    if not device or not operator:
        raise DecodeError(Reason.invalid_shape, "neither operator nor device", answers=answers)
    if named is not None and told and told != named[1]:
        raise DecodeError(Reason.wrong_sender, f"{told} on the topic of {named[1]}", answers=answers)
    report = _report(operator, message, within, payload, device)
    return Parsed(reports=(report,), answers=answers)


def is_will(topic: str, payload: bytes) -> bool:
    """Whether the broker says this, because the gate is gone."""
    return topic == "mqtt/face/basic" and _WILL.search(payload) is not None


def _report(operator: str, message: _Info, info: _Info, payload: bytes, device: str) -> Report:
    fields: dict[str, Value] = {"operator": operator}
    counted, moment = None, _moment(info)
    if operator.endswith("-Ack"):
        moment = NO_TIME
        fields |= _of_ack(message, info)
    elif (status := _STATUS.get(operator.lower())) is not None:
        fields["status"] = status
        if status == "offline":
            moment = NO_TIME  # the last will was written when the connection began
    elif operator in _RECORDS:
        fields["verified"] = f"{_text(info, ('VerifyStatus',))}/{_text(info, _METHOD)}"
        counted = f"rec{_text(info, _RECORD)}"
    elif _is_stranger(operator, info):
        fields["stranger"] = True
        counted = f"snap{_text(info, _SNAP)}"
    else:
        fields["alarm"] = "nothing" if _saw_nothing(info) else operator
        counted = f"alarm{_text(info, _SNAP)}"
    person = _text(info, _PERSON)
    number = _text(info, _NUMBER_OF_PERSON)
    if person or number:
        fields["person"] = person or f"#{number}"
    if score := _text(info, _SCORE):
        fields["score"] = score
    return Report(
        raw=payload,
        address=device,
        fields=fields,
        at_us=moment.at_us,
        local_at=moment.local_at,
        counted=counted,
    )


def _is_stranger(operator: str, info: _Info) -> bool:
    return operator in _STRANGERS and not _text(info, ("AlarmAction",))


def _saw_nothing(info: _Info) -> bool:
    """A look for fire and smoke that found neither: 0 none, 1 there, 2 perhaps."""
    seen = [_text(info, spellings) for spellings in (("fire", "Fire"), ("smoke", "Smoke"))]
    return any(seen) and all(one in ("", "0") for one in seen)


def _of_ack(message: _Info, info: _Info) -> dict[str, Value]:
    code, result = _text(message, ("code",)), _text(info, ("result", "Result"))
    found: dict[str, Value] = {
        ACK_ID: _text(message, ("messageId",)),
        ACK_OK: code == "200" if code else result.lower() == "ok",
    }
    if code or result:
        found[ACK_CODE] = code or result
    return found


def _answers(
    operator: str, message: _Info, info: _Info, device: str, options: Mapping[str, Value]
) -> tuple[Answer, ...]:
    """Say what the gate waits for; nothing, where it cannot be said to whom or of what."""
    if not _ID.fullmatch(device) or operator.endswith("-Ack"):
        return ()
    topic, message_id = f"mqtt/face/{device}", _text(message, ("messageId",))
    status = _STATUS.get(operator.lower())
    if status == "online":
        told = {"facesluiceId": device, "result": "ok"}
        return (_answer(topic, "Online-Ack", message_id or f"online-{device}", told),)
    shape = options.get("ack", PUSH_ACK)
    if status is not None or shape == NO_ACK:
        return ()
    if operator in _RECORDS and shape == REC_PUSH_ACK:
        told = {
            "customId": _text(info, _PERSON),
            "result": "success",
            "timestamp": _text(info, _TIME),
        }
        return (_answer(topic, REC_PUSH_ACK, message_id, told),)
    kind, record = _numbered(operator, info)
    if not record:
        return ()
    number = int(record) if re.fullmatch("[0-9]{1,18}", record) else record
    confirmed = {"PushAckType": kind, "SnapOrRecordID": number}
    return (_answer(topic, PUSH_ACK, message_id or f"ack-{kind}-{record}", confirmed),)


def _numbered(operator: str, info: _Info) -> tuple[int, str]:
    """Which list of the gate's own it stands in, and under which number."""
    if operator in _RECORDS:
        return _RECORD_ACK, _text(info, _RECORD)
    return _STRANGER_ACK if _is_stranger(operator, info) else _OTHER_ACK, _text(info, _SNAP)


def _answer(topic: str, operator: str, message_id: str, info: Mapping[str, object]) -> Answer:
    said: dict[str, object] = {"operator": operator}
    if message_id:
        said["messageId"] = message_id
    return Answer(topic, msgspec.json.encode(said | {"info": info}))


def _moment(info: _Info) -> Moment:
    for name in _TIME:
        if found := _text(info, (name,)):
            try:
                return times.iso(found)
            except DecodeError:
                return NO_TIME
    return NO_TIME


def _text(found: _Info, names: tuple[str, ...]) -> str:
    """The first of these keys that says anything, as text: numbers come as text and as numbers."""
    for name in names:
        value = found.get(name)
        if isinstance(value, bool):
            continue
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not -_MOST <= value <= _MOST:
            continue
        if isinstance(value, str | int | float):
            text = str(value).strip()
            if text:
                return text[:128]
    return ""
