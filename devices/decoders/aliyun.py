"""Alibaba Cloud's Link protocol (Alink JSON): what a device reports, or what the cloud forwards of it.

    /sys/<product>/<device>/thing/event/property/post
        {"id": …, "params": {"Power": {"value": 1, "time": …}}}
    /sys/<product>/<device>/thing/event/<event>/post
        {"id": …, "params": {"value": {…}, "time": …}}
    /sys/<product>/<device>/thing/event/property/pack/post, of a gateway
        {"id": …, "params": {"properties": {…}, "events": {…}, "subDevices": […]}}
    /<product>/<device>/thing/event/…/post, or to a receiver: forwarded by the cloud
        {"productKey": …, "deviceName": …, "items": {…}}

A device is called ``<product>/<device>``, or by its name alone. A property is a value, or a value and its
time in milliseconds; each time is a report of its own. Events have their name in front: ``alarm.level``,
and ``alarm`` itself is true. A device waits for ``…_reply`` unless it says that it does not (`sys.ack` is 0).
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from devices.decoders import times
from devices.decoders.elements import Refusal
from devices.decoders.fields import flatten, object_of, objects_of, parse_object, text_of
from devices.decoders.reports import Answer, DecodeError, Parsed, Report, Value
from devices.decoders.times import NO_TIME, Moment
from wire.reasons import Reason

#: Decoder 9, version 1.
DECODER = 901

UP = (
    "/sys/+/+/thing/event/+/post",
    "/sys/+/+/thing/event/property/pack/post",
    "/+/+/thing/event/+/post",
)
DOWN = (
    "/sys/+/+/thing/event/+/post_reply",
    "/sys/+/+/thing/event/property/pack/post_reply",
    "/sys/+/+/thing/service/#",
)
#: What the receiver of forwarded messages is called.
HTTP = ("aliyun-iot",)

#: Properties and events of one message.
MAX_ITEMS = 2_000

_Object = Mapping[str, object]


class _Item(NamedTuple):
    """One property, or one event."""

    names: tuple[str, ...]
    #: Empty: of a property.
    event: str
    key: str
    value: object
    time: object


def parse(topic: str, payload: bytes, options: Mapping[str, Value]) -> Parsed:
    """Take a message apart.

    Raises
    ------
    DecodeError
        It is none. Its answer is to be sent all the same.
    """
    del options
    message = parse_object(payload)
    answers = _answers(topic, message)
    items = list(_items(topic, message))
    if len(items) > MAX_ITEMS:
        raise DecodeError(Reason.array_too_long, f"more than {MAX_ITEMS} items", answers=answers)
    if not items:
        raise DecodeError(Reason.empty, "neither properties nor an event", answers=answers)
    counted = text_of(message.get("id")) or text_of(message.get("requestId"))
    return Parsed(reports=tuple(_reports(payload, items, counted)), answers=answers)


def _answers(topic: str, message: _Object) -> tuple[Answer, ...]:
    number = message.get("id")
    if not topic.startswith("/sys/") or text_of(number) is None:
        return ()
    if object_of(message.get("sys")).get("ack") == 0:
        return ()
    return (Answer(f"{topic}_reply", msgspec.json.encode({"id": number, "code": 200, "data": {}})),)


def _items(topic: str, message: _Object) -> Iterator[_Item]:
    levels = topic.split("/")
    forwarded = "items" in message or "productKey" in message
    names = _names(message) if forwarded else _of_topic(levels)
    event = _event(levels)
    if forwarded:
        # To a receiver without the topic: an event is called by its identifier.
        event = event or text_of(message.get("identifier")) or ""
        if event:
            yield from _event_items(names, event, message)
        else:
            yield from _properties(names, message.get("items"))
        return
    params = object_of(message.get("params"))
    if levels[-2:-1] == ["pack"]:
        yield from _pack(names, params)
        for child in objects_of(params.get("subDevices")):
            yield from _pack(_names(object_of(child.get("identity"))), child)
    elif event:
        yield from _event_items(names, event, params)
    else:
        yield from _properties(names, params)


def _pack(names: tuple[str, ...], said: _Object) -> Iterator[_Item]:
    yield from _properties(names, said.get("properties"))
    for event, content in object_of(said.get("events")).items():
        yield from _event_items(names, event, object_of(content))


def _properties(names: tuple[str, ...], params: object) -> Iterator[_Item]:
    for key, found in object_of(params).items():
        timed = isinstance(found, dict) and "value" in found
        yield (
            _Item(names, "", key, found["value"], found.get("time"))
            if timed and isinstance(found, dict)
            else _Item(names, "", key, found, None)
        )


def _event_items(names: tuple[str, ...], event: str, params: _Object) -> Iterator[_Item]:
    yield _Item(names, event, event, params.get("value"), params.get("time"))


def _reports(payload: bytes, items: list[_Item], counted: str | None) -> Iterator[Report]:
    """Put the items of one device and one time together; events stand alone."""
    groups: dict[tuple[object, ...], list[_Item]] = {}
    for place, item in enumerate(items):
        when = item.time if isinstance(item.time, int | float | str) else None
        groups.setdefault((item.names, when, f"{place}.{item.event}" if item.event else ""), []).append(item)
    for index, group in enumerate(groups.values()):
        names, number = group[0].names, None if counted is None else f"{counted}.{index}"
        refusal, at, fields = None, NO_TIME, {}
        try:
            at, fields = _time(group[0].time), _fields(group)
        except DecodeError as error:
            refusal = error.refusal
        yield Report(
            raw=payload,
            address=names[0] if names else None,
            aliases=names[1:],
            fields=fields,
            at_us=at.at_us,
            counted=number,
            refusal=refusal if names else Refusal(Reason.invalid_shape, "no device is named"),
        )


def _fields(group: list[_Item]) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    for item in group:
        fields |= flatten({item.key: item.value})
        if item.event:
            fields[item.event] = True
    return fields


def _time(found: object) -> Moment:
    if found is None or found == "":
        return NO_TIME
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        raise DecodeError(Reason.invalid_time, "a time that is no number")
    return times.epoch(found, per_second=1000)


def _event(levels: list[str]) -> str:
    """Name the event of a topic: the level behind `event`; of properties it is none."""
    found = levels[levels.index("event") + 1] if "event" in levels[:-1] else "property"
    return "" if found == "property" else found


def _of_topic(levels: list[str]) -> tuple[str, ...]:
    at = 2 if levels[:2] == ["", "sys"] else 1
    product, device = (*levels[at : at + 2], "", "")[:2]
    return (f"{product}/{device}", device) if product and device else ()


def _names(found: _Object) -> tuple[str, ...]:
    product, device = text_of(found.get("productKey")), text_of(found.get("deviceName"))
    if product is None or device is None:
        return ()
    return (f"{product}/{device}", device)
