"""What a batch says: readings, events, markers, and what must be quarantined. No input or output."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import msgspec

from devices.decoders import native
from devices.decoders.elements import DecodedEvent, DecodedReading, Element, Refusal
from devices.registry import Device, Registry
from ingest.bound import Bound
from ingest.conflict import Candidate, candidate, settle
from ingest.limits import Limits
from ingest.message import Message
from ingest.redaction import redact
from wire.envelope import SETTLE, Topic, parse_topic
from wire.quality import NOT_EVIDENCE, Quality
from wire.reasons import Reason

#: No decoder saw it.
_UNDECODED = 0
_CLOCK_SUSPECT = int(Quality.CLOCK_SUSPECT)
_SOFT_LIMIT = int(Quality.SOFT_LIMIT)
_UNPROVEN = int(Quality.IDENTITY_UNPROVEN)
_DETAIL_CHARACTERS = 300


class ReadingKey(NamedTuple):
    """The unique key of `reading`."""

    device_id: int
    channel: int
    time_us: int


class EventKey(NamedTuple):
    """The unique key of `event`."""

    device_id: int
    dedupe_key: str
    time_us: int


@dataclass(frozen=True, kw_only=True)
class Quarantined:
    """One row of `quarantine`, with how often it came in this batch."""

    topic: str
    payload: bytes
    refusal: Refusal
    decoder: int
    first_us: int
    last_us: int
    times: int = 1


class _Marker(msgspec.Struct):
    marker: UUID


@dataclass(kw_only=True)
class Sorted:
    """What one batch says; repetitions within the batch are already one."""

    #: To be journaled, redacted; markers are not.
    messages: list[Message] = field(default_factory=list)
    #: Personal keys that were cut from some message.
    redacted: set[str] = field(default_factory=set)
    readings: dict[ReadingKey, Candidate] = field(default_factory=dict)
    #: The candidate's value plays no part: an event's content is in its key.
    events: dict[EventKey, tuple[Candidate, DecodedEvent]] = field(default_factory=dict)
    #: By message hash.
    quarantined: dict[bytes, Quarantined] = field(default_factory=dict)
    markers: list[UUID] = field(default_factory=list)
    #: How many there were before repetitions fell together.
    seen_readings: int = 0
    seen_events: int = 0

    def add_reading(self, key: ReadingKey, found: Candidate) -> None:
        """Take a reading in; the conflict rule decides over the one that is there."""
        self.seen_readings += 1
        there = self.readings.setdefault(key, found)
        if there is not found:
            self.readings[key] = settle(there, found)

    def add_event(self, key: EventKey, found: Candidate, event: DecodedEvent) -> None:
        """Take an event in."""
        self.seen_events += 1
        there = self.events.get(key)
        self.events[key] = (found if there is None else settle(there[0], found), event)

    def quarantine(self, message: Message, payload: bytes, refusal: Refusal, decoder: int) -> None:
        """Take in what is refused."""
        digest = hashlib.sha256(message.topic.encode() + b"\x00" + payload).digest()
        there = self.quarantined.get(digest)
        self.quarantined[digest] = Quarantined(
            topic=_storable(message.topic),
            payload=payload,
            refusal=there.refusal if there else Refusal(refusal.reason, _storable(refusal.detail)),
            decoder=decoder,
            first_us=min(message.received_us, there.first_us) if there else message.received_us,
            last_us=max(message.received_us, there.last_us) if there else message.received_us,
            times=there.times + 1 if there else 1,
        )

    def evidence(self) -> Iterator[ReadingKey]:
        """The readings that may become consumption."""
        return (key for key, found in self.readings.items() if not found.flags & NOT_EVIDENCE)


class Sorter:
    """Sorts batches by one registry, one set of limits and one list of bound topics."""

    def __init__(self, *, registry: Registry, limits: Limits, bound: Bound) -> None:
        self.registry = registry
        self._limits = limits
        self._bound = bound
        self._addresses: dict[str, tuple[Topic | None, int]] = {}

    def sort(self, messages: Iterable[Message]) -> Sorted:
        """Say what a batch says; nothing is raised over what a message holds."""
        into = Sorted()
        for message in messages:
            self._take(message, into)
        return into

    def refuse(self, message: Message, refusal: Refusal) -> Sorted:
        """Quarantine a message whole, whatever it says."""
        into = Sorted()
        self._quarantine_whole(self._journaled(message, into), refusal, into)
        return into

    def _take(self, message: Message, into: Sorted) -> None:
        topic, flags = self._address(message.topic)
        if topic is not None and topic.device == SETTLE and _is_marker(message, into):
            return
        message = self._journaled(message, into)
        device = None if topic is None else self.registry.device(topic.device)
        if topic is None:
            self._quarantine_whole(message, Refusal(Reason.unknown_topic, ""), into)
        elif device is None:
            self._quarantine_whole(message, self._stranger(topic.device), into)
        elif not device.active:
            self._quarantine_whole(message, Refusal(Reason.retired_device, topic.device), into)
        else:
            for element in native.decode(topic.kind, message.payload):
                refusals = self._screen(element, device, message.received_us, flags, into)
                if refusals:
                    into.quarantine(message, element.raw, _together(refusals), native.DECODER)

    def _stranger(self, code: str) -> Refusal:
        profile = self.registry.without_profile.get(code)
        detail = code if profile is None else f"{code} is registered, but its profile {profile} has no file"
        return Refusal(Reason.unknown_device, detail)

    def _address(self, topic: str) -> tuple[Topic | None, int]:
        found = self._addresses.get(topic)
        if found is None:
            found = parse_topic(topic), 0 if self._bound.covers(topic) else _UNPROVEN
            if found[0] is not None and self.registry.device(found[0].device) is not None:
                self._addresses[topic] = found
        return found

    def _screen(
        self, element: Element, device: Device, received_us: int, flags: int, into: Sorted
    ) -> list[Refusal]:
        """Take in what is good of an element; returns why the rest is refused."""
        refusals = [] if element.refusal is None else [element.refusal]
        for reading in element.readings:
            verdict = self._judge_reading(reading, device, received_us)
            if isinstance(verdict, Refusal):
                refusals.append(verdict)
            else:
                key = ReadingKey(device.id, reading.channel, reading.time_us)
                found = candidate(reading.value, received_us, flags | verdict, native.DECODER)
                into.add_reading(key, found)
        event = element.event
        if event is not None:
            verdict = self._judge_event(event, device, received_us)
            if isinstance(verdict, Refusal):
                refusals.append(verdict)
            else:
                key = EventKey(device.id, event.dedupe_key, event.time_us)
                into.add_event(key, candidate(0.0, received_us, flags | verdict, native.DECODER), event)
        return refusals

    def _judge_reading(self, reading: DecodedReading, device: Device, received_us: int) -> int | Refusal:
        if reading.channel not in device.profile.channel_codes:
            return Refusal(Reason.unknown_channel, f"channel {reading.channel} of {device.profile.name}")
        flags = self._judge_time(reading.time_us, received_us)
        if isinstance(flags, Refusal):
            return flags
        limits = self._limits.ranges[reading.channel]
        if limits.soft_min <= reading.value <= limits.soft_max:
            return flags
        if limits.hard_min <= reading.value <= limits.hard_max:
            return flags | _SOFT_LIMIT
        return Refusal(Reason.value_out_of_range, f"{reading.value!r} on channel {reading.channel}")

    def _judge_event(self, event: DecodedEvent, device: Device, received_us: int) -> int | Refusal:
        if event.type not in device.profile.event_codes:
            return Refusal(Reason.unknown_event, f"event {event.type} of {device.profile.name}")
        return self._judge_time(event.time_us, received_us)

    def _judge_time(self, time_us: int, received_us: int) -> int | Refusal:
        ahead_us = time_us - received_us
        if -self._limits.past_tolerance_us <= ahead_us <= self._limits.future_tolerance_us:
            return 0
        if time_us < self._limits.earliest_us or ahead_us > self._limits.latest_ahead_us:
            return Refusal(Reason.time_out_of_range, f"{ahead_us / 86_400_000_000:+.1f} days from arrival")
        return _CLOCK_SUSPECT

    @staticmethod
    def _journaled(message: Message, into: Sorted) -> Message:
        payload, cut = redact(message.payload)
        if cut:
            message = msgspec.structs.replace(message, payload=payload)
            into.redacted |= cut
        into.messages.append(message)
        return message

    @staticmethod
    def _quarantine_whole(message: Message, refusal: Refusal, into: Sorted) -> None:
        into.quarantine(message, message.payload, refusal, _UNDECODED)


def _is_marker(message: Message, into: Sorted) -> bool:
    try:
        into.markers.append(msgspec.json.decode(message.payload, type=_Marker).marker)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _together(refusals: list[Refusal]) -> Refusal:
    """Of one element: the first reason, and everything that was found."""
    details = dict.fromkeys(refusal.detail for refusal in refusals)
    return Refusal(refusals[0].reason, "; ".join(details))


def _storable(text: str) -> str:
    """PostgreSQL's text takes no NUL and no lone surrogate."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")[:_DETAIL_CHARACTERS]
