"""What a batch says: readings, events, markers, and what must be quarantined. No input or output."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import msgspec

from devices import formats, mapping
from devices.decoders import native as native_format
from devices.decoders import plain as plain_format
from devices.decoders.elements import Answered, DecodedEvent, DecodedReading, Element, Refusal
from devices.decoders.plain import Said
from devices.decoders.reports import ACK_CODE, ACK_ID, ACK_OK, RETAINED, Answer, DecodeError, Report
from devices.formats import Format
from devices.registry import Device, Registry
from ingest.addressing import Address, Addressing
from ingest.bound import Bound
from ingest.conflict import Candidate, candidate, settle
from ingest.limits import Limits
from ingest.message import REDACTED, Message
from ingest.personal import Keyed
from ingest.rates import Rates
from ingest.redaction import redact
from ingest.signs import Signs
from wire.envelope import SETTLE, Kind, is_down
from wire.quality import NOT_EVIDENCE, Quality
from wire.reasons import Reason

#: No decoder saw it.
_UNDECODED = 0
_CLOCK_SUSPECT = int(Quality.CLOCK_SUSPECT)
_SOFT_LIMIT = int(Quality.SOFT_LIMIT)
_ARRIVAL_TIME = int(Quality.ARRIVAL_TIME)
_STATE = int(Quality.STATE)
_UNPROVEN = int(Quality.IDENTITY_UNPROVEN)
_DETAIL_CHARACTERS = 300
_MINUTE_US = 60_000_000


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


class Framed(msgspec.Struct, frozen=True):
    """A part of a message that only the vendor's own decoder understands."""

    device: Device
    report: Report
    decoder: int


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
    #: For the vendors' own decoders.
    todos: list[Todo] = field(default_factory=list)
    #: What devices say of their commands.
    acks: list[Ack] = field(default_factory=list)
    #: Who was heard.
    signs: Signs = field(default_factory=Signs)
    #: To be published once the batch is committed.
    answers: list[Answer] = field(default_factory=list)
    #: How many there were before repetitions fell together.
    seen_readings: int = 0
    seen_events: int = 0

    def add_reading(self, key: ReadingKey, found: Candidate) -> None:
        """Take a reading in; the conflict rule decides over the one that is there."""
        self.seen_readings += 1
        there = self.readings.setdefault(key, found)
        if there is not found:
            self.readings[key] = settle(there, found)

    def add_plain(self, said: Iterable[Said], device_id: int, *, received_us: int, flags: int) -> None:
        """Take in a device's readings that need no judging."""
        unproven = bool(flags & _UNPROVEN)
        readings, new = self.readings, tuple.__new__  # half the time of calling the classes
        for time_us, counter, boot, values in said:
            self.signs.said(device_id, time_us, counter=counter, boot=boot)
            self.seen_readings += len(values)
            for channel, value in values:
                key = new(ReadingKey, (device_id, channel, time_us))
                found = new(Candidate, (unproven, value, received_us, flags, native_format.DECODER, False))
                there = readings.setdefault(key, found)
                if there is not found:
                    readings[key] = settle(there, found)

    def add_event(self, key: EventKey, found: Candidate, event: DecodedEvent) -> None:
        """Take an event in."""
        self.seen_events += 1
        there = self.events.get(key)
        self.events[key] = (found if there is None else settle(there[0], found), event)

    def quarantine(self, message: Message, payload: bytes, refusal: Refusal, decoder: int) -> None:
        """Take in what is refused."""
        digest = _digest(message.topic, payload)
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

    def exceed(self, message: Message, sender: Device) -> None:
        """Count a message that is above its sender's rate: one row a sender and minute, the first message's.

        The others are in the journal; `anju replay` finds them between the row's two times.
        """
        minute = message.received_us // _MINUTE_US
        digest = hashlib.sha256(f"{Reason.rate_limited}|{sender.code}|{minute}".encode()).digest()
        there = self.quarantined.get(digest)
        if there is None:
            self.quarantined[digest] = Quarantined(
                topic=_storable(message.topic),
                payload=message.payload,
                refusal=Refusal(Reason.rate_limited, f"{sender.code} sends more than one device may"),
                decoder=_UNDECODED,
                first_us=message.received_us,
                last_us=message.received_us,
            )
        else:
            there.last_us = max(there.last_us, message.received_us)
            there.times += 1

    def evidence(self) -> Iterator[ReadingKey]:
        """The readings that may become consumption."""
        return (key for key, found in self.readings.items() if not found.flags & NOT_EVIDENCE)


class Sorter:
    """Sorts batches by one registry, one set of limits and one list of bound topics.

    Parameters
    ----------
    rates : Rates | None
        What senders have used up; None: they are not held to a rate.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        limits: Limits,
        bound: Bound,
        keyed: Keyed | None = None,
        rates: Rates | None = None,
    ) -> None:
        self.registry = registry
        self._keyed = keyed
        self._rates = rates
        #: So long a message's token takes to come back, by sender.
        self._every_us: dict[int, int] = {}
        self._limits = limits
        self._addressing = Addressing(registry, bound)

    def sort(self, messages: Iterable[Message]) -> Sorted:
        """Say what a batch says; nothing is raised over what a message holds."""
        into = Sorted()
        for message in messages:
            self._take(message, into)
        return into

    def sender(self, topic: str) -> Device | None:
        """Who a topic says a message is from."""
        return self._addressing.read(topic).sender

    def framed(self, message: Message, device_id: int) -> list[Framed]:
        """Find what a message holds for the vendor's own decoder of one device."""
        address = self._addressing.read(message.topic)
        if address.format is None:
            return []
        parsed, _ = self._parse(address.format, address, message)
        found: list[Framed] = []
        for report in () if isinstance(parsed, Refusal) else parsed:
            device = self._addressing.device_of(report, address)
            if not isinstance(device, Device) or device.id != device_id or device.profile.codec is None:
                continue
            if report.frame is not None:
                found.append(Framed(device, report, address.format.decoder))
        return found

    def decoded(self, framed: Framed, message: Message, into: Sorted, *, flags: int) -> None:
        """Take in what the vendor's own decoder made of a part of a message: its report has fields now."""
        device = framed.device
        meant = mapping.element(framed.report, device.profile, device.zone)
        self._screen(meant, device, message, into, flags=flags, decoder=framed.decoder)

    def refuse(self, message: Message, refusal: Refusal) -> Sorted:
        """Quarantine a message whole, whatever it says; who waits for an answer gets it."""
        into = Sorted()
        address = self._addressing.read(message.topic)
        self._refuse(self._journaled(message, into), address, refusal, into)
        return into

    def _take(self, message: Message, into: Sorted) -> None:
        address = self._addressing.read(message.topic)
        native = address.native
        if native is not None and native.device == SETTLE and _is_marker(message, into):
            return
        if native is None and (is_down(message.topic) or formats.heard(message.topic)):
            return  # what is said to devices, by us or by others, is none of their messages
        plain = self._plain(message, address)
        if plain is None:
            message = self._journaled(message, into)
        else:
            into.messages.append(message)
        into.signs.begin(message.received_us, own=_is_own(message, address))
        if address.sender is not None and plain is None:  # what is plain says so itself
            into.signs.heard(address.sender.id)
        if address.sender is not None and not self._admits(address.sender, message, address.flags):
            into.signs.limited(address.sender.id)
            # Not answered either: who waits for an answer keeps the message and sends it later.
            into.exceed(message, address.sender)
        elif address.refusal is not None:
            self._refuse(message, address, address.refusal, into)
        elif address.format is not None:
            self._take_foreign(message, address, address.format, into)
        elif plain is not None and address.sender is not None:
            into.add_plain(plain, address.sender.id, received_us=message.received_us, flags=address.flags)
        elif native is not None and address.sender is not None:
            for element in native_format.decode(native.kind, message.payload):
                if element.answer is not None:
                    ack = Ack(address.sender.id, element.answer, message, element.raw, native_format.DECODER)
                    self._acknowledge(ack, into, flags=address.flags)
                    continue
                self._screen(
                    element, address.sender, message, into, flags=address.flags, decoder=native_format.DECODER
                )

    @staticmethod
    def _acknowledge(ack: Ack, into: Sorted, *, flags: int) -> None:
        """Take in what a device says of a command; nobody else may say it."""
        if flags & _UNPROVEN:
            into.quarantine(
                ack.message, ack.raw, Refusal(Reason.unproven_answer, ack.answered.id), ack.decoder
            )
        else:
            into.acks.append(ack)

    def _plain(self, message: Message, address: Address) -> list[Said] | None:
        """The readings of a message with which nothing is wrong or out of the way; None: look closely."""
        device, native = address.sender, address.native
        if device is None or address.refusal is not None:
            return None
        if native is None or native.kind is not Kind.readings:
            return None
        said = plain_format.decode(message.payload)
        if said is None:
            return None
        channels, ranges = device.profile.channel_codes, self._limits.ranges
        earliest_us = message.received_us - self._limits.past_tolerance_us
        latest_us = message.received_us + self._limits.future_tolerance_us
        for time_us, _, _, readings in said:
            if not earliest_us <= time_us <= latest_us:
                return None
            for channel, value in readings:
                limits = ranges[channel]
                if channel not in channels or not limits.soft_min <= value <= limits.soft_max:
                    return None
        return said

    def _admits(self, sender: Device, message: Message, flags: int) -> bool:
        if self._rates is None:
            return True
        every_us = self._every_us.get(sender.id)
        if every_us is None:
            # A gateway has the rate of all the devices it speaks for.
            every_us = self._every_us[sender.id] = -(-self._limits.token_us // self.registry.voices(sender))
        known_as = -sender.id if flags & _UNPROVEN else sender.id
        return self._rates.admits(known_as, message.received_us, every_us, self._limits.burst_us)

    def _refuse(self, message: Message, address: Address, refusal: Refusal, into: Sorted) -> None:
        """Quarantine it whole; who waits for an answer gets it all the same, or it would send for ever."""
        if address.format is not None:
            into.answers += self._parse(address.format, address, message)[1]
        into.quarantine(message, message.payload, refusal, _UNDECODED)

    def _take_foreign(self, message: Message, address: Address, found: Format, into: Sorted) -> None:
        parsed, answers = self._parse(found, address, message)
        into.answers += answers
        if isinstance(parsed, Refusal):
            into.quarantine(message, message.payload, parsed, found.decoder)
            return
        for report in parsed:
            device = self._addressing.device_of(report, address)
            if isinstance(device, Device) and not device.active:
                device = Refusal(Reason.retired_device, device.code)
            if isinstance(device, Refusal):
                into.quarantine(message, report.raw, device, found.decoder)
            elif ACK_ID in report.fields:
                into.signs.heard(device.id)
                ack = Ack(device.id, _answered(report), message, report.raw, found.decoder)
                self._acknowledge(ack, into, flags=address.flags)
            elif report.frame is not None and not report.fields and device.profile.codec is not None:
                into.signs.said(device.id, report.at_us, counter=report.counter, boot=report.boot)
                into.todos.append(Todo(device.id, message, address.flags))
            else:
                meant = mapping.element(report, device.profile, device.zone)
                self._screen(meant, device, message, into, flags=address.flags, decoder=found.decoder)

    @staticmethod
    def _parse(
        found: Format, address: Address, message: Message
    ) -> tuple[tuple[Report, ...] | Refusal, list[Answer]]:
        """Take a message apart; answers with the whole topic they go to."""
        options = address.sender.profile.options if address.sender is not None else {}
        if message.properties and message.properties.get("retain"):
            options = {**options, RETAINED: True}
        try:
            parsed = found.parse(address.vendor, message.payload, options)
        except DecodeError as error:
            said, answers = error.refusal, error.answers
        else:
            said, answers = parsed.reports, parsed.answers
        return said, [Answer(address.prefix + answer.topic, answer.payload) for answer in answers]

    def _screen(
        self, element: Element, device: Device, message: Message, into: Sorted, *, flags: int, decoder: int
    ) -> None:
        """Take in what is good of an element; the rest is quarantined with its reason."""
        received_us = message.received_us
        said = element.readings or element.events
        into.signs.said(
            device.id, said[0].time_us if said else None, counter=element.counter, boot=element.boot
        )
        refusals = [] if element.refusal is None else [element.refusal]
        for reading in element.readings:
            verdict = self._judge_reading(reading, device, received_us)
            if isinstance(verdict, Refusal):
                refusals.append(verdict)
            else:
                time_us = received_us if reading.time_us is None else reading.time_us
                key = ReadingKey(device.id, reading.channel, time_us)
                into.add_reading(key, candidate(reading.value, received_us, flags | verdict, decoder))
        for event in element.events:
            verdict = self._judge_event(event, device, received_us)
            if isinstance(verdict, Refusal):
                refusals.append(verdict)
            else:
                time_us = received_us if event.time_us is None else event.time_us
                key = EventKey(device.id, event.dedupe_key, time_us)
                into.add_event(key, candidate(0.0, received_us, flags | verdict, decoder), event)
        if refusals:
            into.quarantine(message, element.raw, _together(refusals), decoder)

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
        flags = self._judge_time(event.time_us, received_us)
        return flags if isinstance(flags, Refusal) or not event.is_state else flags | _STATE

    def _judge_time(self, time_us: int | None, received_us: int) -> int | Refusal:
        if time_us is None:
            return _ARRIVAL_TIME
        ahead_us = time_us - received_us
        if -self._limits.past_tolerance_us <= ahead_us <= self._limits.future_tolerance_us:
            return 0
        if time_us < self._limits.earliest_us or ahead_us > self._limits.latest_ahead_us:
            return Refusal(Reason.time_out_of_range, f"{ahead_us / 86_400_000_000:+.1f} days from arrival")
        return _CLOCK_SUSPECT

    def _journaled(self, message: Message, into: Sorted) -> Message:
        payload, cut = redact(message.payload, self._keyed)
        if cut:
            message = msgspec.structs.replace(message, payload=payload)
            into.redacted |= cut
        if message.properties is not None and isinstance(said := message.properties.get(REDACTED), list):
            into.redacted.update(said)
        into.messages.append(message)
        return message


def _answered(report: Report) -> Answered:
    fields = report.fields
    return Answered(str(fields[ACK_ID]), bool(fields.get(ACK_OK)), str(fields.get(ACK_CODE, "")))


def _is_own(message: Message, address: Address) -> bool:
    """Whether a message shows that its sender lives.

    Not where nothing proves who sent it; nor what the broker says in its name: a will, and what it kept and
    gives to everybody who subscribes.
    """
    if address.flags & _UNPROVEN or (address.native is not None and address.native.kind is Kind.state):
        return False
    if address.format is not None and address.format.is_will(address.vendor, message.payload):
        return False
    return message.properties is None or not message.properties.get("retain")


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


@lru_cache(maxsize=1)
def _digest(topic: str, payload: bytes) -> bytes:
    """Once for a message of which many parts are refused, one after the other."""
    return hashlib.sha256(topic.encode() + b"\x00" + payload).digest()


def _storable(text: str) -> str:
    """PostgreSQL's text takes no NUL and no lone surrogate."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")[:_DETAIL_CHARACTERS]
