"""What one batch says, once it is sorted: rows for every table, and what must be answered."""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import msgspec

from devices.decoders.elements import Answered, DecodedEvent, Refusal
from devices.decoders.reports import Answer, Report
from devices.registry import Device
from ingest.conflict import Candidate, settle
from ingest.message import Message
from ingest.readings import Readings
from ingest.signs import Signs
from wire.reasons import Reason

#: No decoder saw it.
UNDECODED = 0
_DETAIL_CHARACTERS = 300
_MINUTE_US = 60_000_000


class EventKey(NamedTuple):
    """The unique key of `event`."""

    device_id: int
    dedupe_key: str
    time_us: int


@dataclass(kw_only=True)
class Quarantined:
    """One row of `quarantine`, with how often it came in this batch."""

    topic: str
    payload: bytes
    refusal: Refusal
    decoder: int
    first_us: int
    last_us: int
    times: int = 1


class Todo(NamedTuple):
    """A message for the vendor's own decoder, which must not run here."""

    device_id: int
    message: Message
    #: Of its arrival.
    flags: int


class Ack(NamedTuple):
    """What a device says of a command."""

    device_id: int
    answered: Answered
    #: What it came as, should the command be unknown.
    message: Message
    raw: bytes
    decoder: int


class Part(NamedTuple):
    """A part of a message, as it would be quarantined alone."""

    #: Whose word it is; None: nobody's that is known.
    device_id: int | None
    decoder: int
    raw: bytes


class Framed(msgspec.Struct, frozen=True):
    """A part of a message that only the vendor's own decoder understands."""

    device: Device
    report: Report
    decoder: int


@dataclass(kw_only=True)
class Sorted:
    """What one batch says; repetitions within the batch are already one."""

    #: To be journaled, redacted; markers are not.
    messages: list[Message] = field(default_factory=list)
    #: Personal keys that were cut from some message.
    redacted: set[str] = field(default_factory=set)
    readings: Readings = field(default_factory=Readings)
    #: The candidate's value plays no part: an event's content is in its key.
    events: dict[EventKey, tuple[Candidate, DecodedEvent]] = field(default_factory=dict)
    #: By message hash.
    quarantined: dict[bytes, Quarantined] = field(default_factory=dict)
    markers: list[UUID] = field(default_factory=list)
    #: For the vendors' own decoders.
    todos: list[Todo] = field(default_factory=list)
    #: What devices say of their commands.
    acks: list[Ack] = field(default_factory=list)
    #: Who was heard.
    signs: Signs = field(default_factory=Signs)
    #: Devices that were taken at their word, whatever became of it: not those that may not speak.
    judged: set[int] = field(default_factory=set)
    #: To be published once the batch is committed.
    answers: list[Answer] = field(default_factory=list)
    #: How many there were before repetitions fell together.
    seen_events: int = 0

    def add_event(self, key: EventKey, found: Candidate, event: DecodedEvent) -> None:
        """Take an event in."""
        self.seen_events += 1
        there = self.events.get(key)
        self.events[key] = (found if there is None else settle(there[0], found), event)

    def quarantine(self, message: Message, payload: bytes, refusal: Refusal, decoder: int) -> None:
        """Take in what is refused."""
        digest = digest_of(message.topic, payload)
        there = self.quarantined.get(digest)
        self.quarantined[digest] = Quarantined(
            topic=storable(message.topic),
            payload=payload,
            refusal=there.refusal if there else Refusal(refusal.reason, storable(refusal.detail)),
            decoder=decoder,
            first_us=min(message.received_us, there.first_us) if there else message.received_us,
            last_us=max(message.received_us, there.last_us) if there else message.received_us,
            times=there.times + 1 if there else 1,
        )

    def exceed(self, message: Message, sender: Device) -> None:
        """Count a message that is above its sender's rate: one row a sender and minute, the first message's.

        The others are in the journal; `anju replay` finds them between the row's two times.
        """
        minute = message.received_us // _MINUTE_US
        digest = hashlib.sha256(f"{Reason.rate_limited}|{sender.code}|{minute}".encode()).digest()
        there = self.quarantined.get(digest)
        if there is None:
            self.quarantined[digest] = Quarantined(
                topic=storable(message.topic),
                payload=message.payload,
                refusal=Refusal(Reason.rate_limited, f"{sender.code} sends more than one device may"),
                decoder=UNDECODED,
                first_us=message.received_us,
                last_us=message.received_us,
            )
        else:
            there.last_us = max(there.last_us, message.received_us)
            there.times += 1


@lru_cache(maxsize=1)
def digest_of(topic: str, payload: bytes) -> bytes:
    """By what a refused message, or part of one, is known.

    Kept for a message of which many parts are refused, one after the other.
    """
    return hashlib.sha256(topic.encode() + b"\x00" + payload).digest()


def storable(text: str) -> str:
    """PostgreSQL's text takes no NUL and no lone surrogate."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")[:_DETAIL_CHARACTERS]
