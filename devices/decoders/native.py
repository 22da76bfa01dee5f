"""The native format, version 1 (`wire.envelope`)."""

import json
import re
from collections.abc import Callable

import msgspec

from devices.decoders.elements import Answered, DecodedEvent, DecodedReading, Element, Refusal, event_key
from devices.decoders.fields import names_no_number
from wire.channels import BY_NAME
from wire.envelope import MAX_ELEMENTS, MAX_PAYLOAD_BYTES, AnswerMessage, EventMessage, Kind, MeterMessage
from wire.events import EventType, Method, Result
from wire.instants import to_us
from wire.reasons import Reason

#: Decoder 1, version 1; stamped on every row, so that it can be decoded again.
DECODER = 101

_CHANNEL = {name: channel.code for name, channel in BY_NAME.items()}
_EVENT_TYPE = {kind.name: int(kind) for kind in EventType}
_METHOD = {None: 0} | {way.name: int(way) for way in Method}
_RESULT = {None: 0} | {result.name: int(result) for result in Result}

_METER_MESSAGE = msgspec.json.Decoder(MeterMessage)
_EVENT_MESSAGE = msgspec.json.Decoder(EventMessage)
_ANSWER_MESSAGE = msgspec.json.Decoder(AnswerMessage)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_META = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SYNTAX = msgspec.json.Decoder(msgspec.Raw)
_SPACE = b" \t\r\n"
_SPACES = re.compile(r"[ \t\r\n]*")
_PYTHON_JSON = json.JSONDecoder()


def decode(kind: Kind, payload: bytes) -> list[Element]:
    """Decode one message.

    Parameters
    ----------
    kind : Kind
        From the topic.
    payload : bytes
        As received.

    Returns
    -------
    list[Element]
        One a message, or one an element of an array. What cannot be decoded is an element with a
        refusal; nothing is raised and nothing is dropped.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        return [_refused(payload, Reason.payload_too_large, f"{len(payload)} bytes")]
    if not payload.isascii():
        try:
            payload.decode()
        except UnicodeDecodeError as error:
            return [_refused(payload, Reason.invalid_utf8, f"byte {error.start}")]
    whole = _WHOLE.get(kind)
    if whole is not None:
        return [whole(payload)]
    if not payload.lstrip(_SPACE).startswith(b"["):
        return [_element(kind, payload)]
    return _array(kind, payload)


def _state(payload: bytes) -> Element:
    """Online, or offline by the will: the words themselves. A will has no time, so neither has any time."""
    word = payload.strip(_SPACE).strip(b'"')
    kind = {b"online": EventType.online, b"offline": EventType.offline}.get(word)
    if kind is None:
        return _refused(payload, Reason.invalid_shape, "neither online nor offline")
    event = DecodedEvent(
        type=int(kind),
        method=0,
        result=0,
        time_us=None,
        subject=None,
        value=None,
        dedupe_key=event_key("state", int(kind)),
        is_state=True,
    )
    return Element(raw=payload, events=(event,))


def _meta(payload: bytes) -> Element:
    """What a device says it is: nothing to store beside the journal."""
    try:
        _META.decode(payload)
    except msgspec.DecodeError as error:
        return Element(raw=payload, refusal=_why(payload, error))
    except RecursionError:
        return _refused(payload, Reason.invalid_json, "nested too deeply")
    return Element(raw=payload)


def _answer(payload: bytes) -> Element:
    try:
        message = _ANSWER_MESSAGE.decode(payload)
    except msgspec.DecodeError as error:
        return Element(raw=payload, refusal=_why(payload, error))
    except RecursionError:
        return _refused(payload, Reason.invalid_json, "nested too deeply")
    answer = Answered(message.id, message.result == "done", message.detail)
    return Element(raw=payload, answer=answer)


#: What is one message and never an array.
_WHOLE: dict[Kind, Callable[[bytes], Element]] = {
    Kind.state: _state,
    Kind.meta: _meta,
    Kind.answers: _answer,
}


def _array(kind: Kind, payload: bytes) -> list[Element]:
    try:
        parts = [bytes(part) for part in _ARRAY.decode(payload)]
    except msgspec.DecodeError as error:
        # One NaN makes the whole array no JSON: find the elements all the same.
        parts = _tolerant_parts(payload)
        if parts is None:
            return [_refused(payload, Reason.invalid_json, str(error))]
    except RecursionError:
        return [_refused(payload, Reason.invalid_json, "nested too deeply")]
    if not parts:
        return [_refused(payload, Reason.empty, "an empty array")]
    if len(parts) > MAX_ELEMENTS:
        return [_refused(payload, Reason.array_too_long, f"more than {MAX_ELEMENTS} elements")]
    return [_element(kind, part) for part in parts]


def _element(kind: Kind, raw: bytes) -> Element:
    try:
        if kind is Kind.readings:
            return _meter_message(raw, _METER_MESSAGE.decode(raw))
        return _event_message(raw, _EVENT_MESSAGE.decode(raw))
    except msgspec.DecodeError as error:
        return Element(raw=raw, refusal=_why(raw, error))
    except RecursionError:
        return _refused(raw, Reason.invalid_json, "nested too deeply")


def _meter_message(raw: bytes, message: MeterMessage) -> Element:
    time_us = to_us(message.at)
    try:
        # Adding zero turns -0.0 into 0.0: one number, one spelling.
        readings = [DecodedReading(_CHANNEL[r.ch], time_us, r.v + 0.0) for r in message.readings]
    except KeyError:
        known = [r for r in message.readings if r.ch in _CHANNEL]
        unknown = sorted({r.ch for r in message.readings} - _CHANNEL.keys())
        return Element(
            raw=raw,
            readings=tuple(DecodedReading(_CHANNEL[r.ch], time_us, r.v + 0.0) for r in known),
            refusal=Refusal(Reason.unknown_channel, ", ".join(unknown)),
            counter=message.seq,
            boot=message.boot,
        )
    return Element(raw, tuple(readings), counter=message.seq, boot=message.boot)


def _event_message(raw: bytes, message: EventMessage) -> Element:
    kind = _EVENT_TYPE.get(message.type)
    method = _METHOD.get(message.method)
    result = _RESULT.get(message.result)
    if kind is None or method is None or result is None:
        named = f"type {message.type}, method {message.method}, result {message.result}"
        refusal = Refusal(Reason.unknown_event, named)
        return Element(raw=raw, refusal=refusal, counter=message.seq, boot=message.boot)
    value = None if message.value is None else message.value + 0.0
    counted = f"{message.boot}.{message.seq}" if message.boot is not None else f"{message.seq}"
    event = DecodedEvent(
        type=kind,
        method=method,
        result=result,
        time_us=to_us(message.at),
        subject=message.subject or None,
        value=value,
        dedupe_key=event_key(counted, kind, method, result, message.subject or None, value),
    )
    return Element(raw=raw, events=(event,), counter=message.seq, boot=message.boot)


def _why(raw: bytes, error: msgspec.DecodeError) -> Refusal:
    """Name the reason. msgspec stops at the first fault: whether it is JSON at all is asked first."""
    if not raw.strip(_SPACE):
        return Refusal(Reason.empty, "no payload")
    try:
        _SYNTAX.decode(raw)
    except msgspec.DecodeError as syntax:
        if names_no_number(raw):
            return Refusal(Reason.not_finite, "NaN and Infinity are no numbers of JSON")
        return Refusal(Reason.invalid_json, str(syntax))
    except RecursionError:
        return Refusal(Reason.invalid_json, "nested too deeply")
    return Refusal(_reason_of(error), str(error))


def _reason_of(error: msgspec.DecodeError) -> Reason:
    fault = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return Reason.invalid_json
    if fault.startswith("Number out of range"):
        return Reason.not_finite
    if fault.endswith("at `$.at`"):
        return Reason.invalid_time
    if fault.endswith("of length >= 1 - at `$.readings`"):
        return Reason.empty
    return Reason.invalid_shape


def _tolerant_parts(payload: bytes) -> list[bytes] | None:
    """Split an array that is JSON but for NaN and Infinity; None if it is not even that.

    Stops when there are more elements than one may have: it is refused whole then.
    """
    text = payload.decode()
    parts: list[bytes] = []
    at = text.index("[")
    try:
        while text[at] != "]":
            start = _after_space(text, at + 1)
            end = _PYTHON_JSON.raw_decode(text, start)[1]
            parts.append(text[start:end].encode())
            if len(parts) > MAX_ELEMENTS:
                return parts
            at = _after_space(text, end)
            if text[at] not in ",]":
                return None
    except (ValueError, IndexError, RecursionError):
        return None
    return parts if _after_space(text, at + 1) == len(text) else None


def _after_space(text: str, at: int) -> int:
    found = _SPACES.match(text, at)
    assert found is not None
    return found.end()


def _refused(raw: bytes, reason: Reason, detail: str) -> Element:
    return Element(raw=raw, refusal=Refusal(reason, detail))
