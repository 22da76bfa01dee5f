"""The native format, version 1: what a device of ours publishes, and where.

    hm/v1/<device>/up/m   {"seq": 17, "at": "2026-11-24T08:00:00Z", "readings": [{"ch": "water_l", "v": 15}]}
    hm/v1/<device>/up/e   {"seq": 18, "at": "…Z", "type": "door_opened", "subject": "…", "method": "face"}
    hm/v1/<device>/up/state  online, retained; and as its will: offline
    hm/v1/<device>/up/meta   {"model": "…", "firmware": "…"}, retained

What it is told, and what it says of that:

    hm/v1/<device>/down/cmd  {"id": "…", "name": "read_now", "args": {}, "expires_at": "…Z", "issuer": "anju"}
    hm/v1/<device>/up/rsp    {"id": "…", "result": "done"}

A payload of readings or events is one such object, or an array of at most 50; in an array each element
stands for itself. The same shapes as JSON Schema are in `schema/native-v1.json`. Keys that are not named
here are ignored.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

#: What ingest subscribes to: everything under our own prefix, so that a topic of another shape is
#: quarantined and not overlooked. One filter keeps a marker behind the messages sent before it.
FILTER = "hm/#"

#: The reserved device code of `anju settle`; no device can be called so.
SETTLE = "~settle"

#: Names that our own processes have at the broker. No device can be called so: it would stand in their place,
#: and what is refused to it would be refused to them.
INGEST, MARKER, MONITOR = SERVICES = ("ingest", "settle", "monitor")

#: Elements of one array.
MAX_ELEMENTS = 50

#: A payload of 50 elements with every channel there is stays far below this.
MAX_PAYLOAD_BYTES = 256 * 1024

#: The code of a device in its topic: random, without names or addresses.
DEVICE_CODE = r"[A-Za-z0-9._-]{1,64}"

_TOPIC = re.compile(rf"hm/v1/({DEVICE_CODE}|{SETTLE})/up/(m|e|state|meta|rsp)")
_DOWN = re.compile(rf"hm/v1/{DEVICE_CODE}/down/.*", re.DOTALL)
_DEVICE = re.compile(DEVICE_CODE)

Counter = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Instant = Annotated[datetime, Meta(tz=True)]
#: A pseudonym, never a name: no control characters (PostgreSQL refuses NUL).
Subject = Annotated[str, Meta(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Kind(StrEnum):
    """The last level of a topic."""

    readings = "m"
    events = "e"
    #: Retained: `online`, or `offline` by its will.
    state = "state"
    #: Retained: what the device says it is; kept in the journal alone.
    meta = "meta"
    #: What became of a command.
    answers = "rsp"


class Topic(NamedTuple):
    """A topic of the native format."""

    device: str
    kind: Kind


class Reading(Struct, frozen=True, gc=False):
    """One value of one channel."""

    #: Name of a channel in `wire.channels`.
    ch: str
    #: In the channel's unit. Finite.
    v: float


class MeterMessage(Struct, frozen=True, gc=False, omit_defaults=True):
    """One element of `up/m`: what was read at one moment."""

    #: Counts up with every message of the device, events included.
    seq: Counter
    #: When it was read, with a zone.
    at: Instant
    readings: Annotated[list[Reading], Meta(min_length=1)]
    #: Counts restarts, for devices whose `seq` restarts.
    boot: Counter | None = None


class EventMessage(Struct, frozen=True, gc=False, omit_defaults=True):
    """One element of `up/e`: what happened at one moment."""

    seq: Counter
    at: Instant
    #: Name of a `wire.events.EventType`.
    type: str
    #: Who, as a pseudonym.
    subject: Subject | None = None
    #: Name of a `wire.events.Method`.
    method: str | None = None
    #: Name of a `wire.events.Result`.
    result: str | None = None
    #: What the event type says it is, e.g. minutes of `door_left_open`. Finite.
    value: float | None = None
    boot: Counter | None = None


class CommandMessage(Struct, frozen=True, gc=False):
    """What is published on `down/cmd`, with QoS 1, never retained. The correlation data is the id, too."""

    #: A UUID. A device does an id once, and answers again what it answered when it hears the id again.
    id: str
    #: Name of a `wire.commands.COMMANDS`.
    name: str
    args: dict[str, int]
    #: Later it must not be done any more.
    expires_at: Instant
    issuer: str


class AnswerMessage(Struct, frozen=True, gc=False, omit_defaults=True):
    """What is published on `up/rsp`: one object, no array."""

    #: Of the command.
    id: Annotated[str, Meta(max_length=64)]
    result: Literal["done", "failed"]
    #: Why it failed, or what it says besides.
    detail: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


def parse_topic(topic: str) -> Topic | None:
    """Take a topic apart; None if it is not one of the native format."""
    found = _TOPIC.fullmatch(topic)
    return None if found is None else Topic(found[1], Kind(found[2]))


def topic_of(device: str, kind: Kind) -> str:
    """Name the topic a device publishes on."""
    return f"hm/v1/{device}/up/{kind.value}"


def command_topic(device: str) -> str:
    """Name the topic on which a device is told something."""
    return f"hm/v1/{device}/down/cmd"


def is_down(topic: str) -> bool:
    """Say whether something is said to a device on a topic of the native format."""
    return _DOWN.fullmatch(topic) is not None


def is_device_code(code: str) -> bool:
    """Say whether a device may be called so."""
    return _DEVICE.fullmatch(code) is not None
