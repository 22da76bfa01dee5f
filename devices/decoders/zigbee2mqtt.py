"""Zigbee2MQTT: locks, contacts, detectors and plugs behind a Zigbee stick.

    zigbee2mqtt/<name>
        {"contact": false, "battery": 97, "last_seen": "2025-08-07T22:10:54+00:00"}
    zigbee2mqtt/<name>/availability
        {"state": "online"}, or the word alone
    zigbee2mqtt/bridge/…
        what the bridge says of itself and of its devices: nothing to keep

A name is the device's own address (``0x00158d0001d64498``) or one that people gave it; where a message
states both, both are tried. Every message carries all that is known of a device, so what it tells are states.
Only `action` happens, and only while it is not empty: it is also there as ``action.<source>``
(``action.keypad``), by what `action_source_name` says. The time is `last_seen`, where the bridge is told to
send it.

A retained message is a state of some time ago, never something that happens; without a time it says nothing.
Copies of single attributes (``zigbee2mqtt/<name>/energy``) are left alone: `output` must be `json`.
"""

import re
from collections.abc import Mapping

from devices.decoders import times
from devices.decoders.fields import flatten, object_of, parse_json, text_of
from devices.decoders.reports import RETAINED, DecodeError, Parsed, Report, Value
from devices.decoders.times import NO_TIME, Moment
from wire.reasons import Reason

#: Decoder 7, version 1.
DECODER = 701

UP = ("zigbee2mqtt/#",)
#: Names may have slashes: `parse` knows the others.
DOWN: tuple[str, ...] = ()

_BRIDGE, _AVAILABILITY = "bridge", "availability"
_SAID_TO_DEVICES = frozenset({"set", "get"})
#: Of the radio and of the bridge: nothing that is measured.
_BOOKKEEPING = frozenset({"linkquality", "last_seen", "device", "update", "update_available", "elapsed"})
#: A lock's slot where there is none.
_NO_USER = 65535
_IEEE = re.compile(r"0x([0-9a-fA-F]{16})")


def parse(topic: str, payload: bytes, options: Mapping[str, Value]) -> Parsed:
    """Take a message apart.

    Raises
    ------
    DecodeError
        It is none.
    """
    levels = topic.split("/")[1:]
    if not any(levels):
        raise DecodeError(Reason.invalid_shape, "no device is named")
    if levels[0] == _BRIDGE or not _SAID_TO_DEVICES.isdisjoint(levels[-2:]) or not payload:
        return Parsed()
    retained = bool(options.get(RETAINED))
    if levels[-1] == _AVAILABILITY and len(levels) > 1:
        state = _state(payload)
        return Parsed() if retained else _parsed(payload, levels[:-1], {}, {_AVAILABILITY: state}, NO_TIME)
    try:
        found = parse_json(payload)
    except DecodeError:
        if len(levels) > 1:
            return Parsed()
        raise
    if not isinstance(found, dict):
        if len(levels) > 1:
            return Parsed()
        raise DecodeError(Reason.invalid_shape, "not an object")
    at = _time(found.get("last_seen"))
    if retained and at == NO_TIME:
        return Parsed()
    fields = flatten({key: value for key, value in found.items() if key not in _BOOKKEEPING})
    _take_action(fields, retained=retained)
    return _parsed(payload, levels, found, fields, at) if fields else Parsed()


def _parsed(
    payload: bytes, levels: list[str], found: Mapping[str, object], fields: dict[str, Value], at: Moment
) -> Parsed:
    device = object_of(found.get("device"))
    others = (text_of(device.get(key)) for key in ("ieeeAddr", "ieee_address", "friendlyName"))
    said = ("/".join(levels), *others)
    names = [name for name in said if name]
    labels = [ieee[1].upper() for name in names if (ieee := _IEEE.fullmatch(name))]
    address, *aliases = dict.fromkeys([*names, *labels])
    report = Report(
        raw=payload,
        address=address,
        aliases=tuple(aliases),
        fields=fields,
        at_us=at.at_us,
        local_at=at.local_at,
    )
    return Parsed(reports=(report,))


def _take_action(fields: dict[str, Value], *, retained: bool) -> None:
    """Say under which source an action happened; one that does not happen now leaves no trace."""
    action = fields.pop("action", None)
    source = fields.pop("action_source_name", None)
    user = fields.pop("action_user", None)
    fields.pop("action_source", None)
    if not isinstance(action, str) or not action or retained:
        return
    fields["action"] = action
    fields[f"action.{source if isinstance(source, str) and source else 'unknown'}"] = action
    if user is not None and user != _NO_USER:
        fields["action_user"] = user


def _state(payload: bytes) -> str:
    """Read an availability: an object, or the word alone."""
    try:
        found = parse_json(payload)
    except DecodeError:
        found = payload.decode("utf-8", "replace")
    state = text_of(object_of(found).get("state") if isinstance(found, dict) else found)
    if state not in ("online", "offline"):
        raise DecodeError(Reason.invalid_shape, f"an availability that is {str(state)[:64]}")
    return state


def _time(found: object) -> Moment:
    if found is None or found == "":
        return NO_TIME
    if isinstance(found, str):
        return times.iso(found)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise DecodeError(Reason.invalid_time, "last_seen is no time")
    return times.epoch(found, per_second=1000)
