"""From the messages of a batch to what it says (`ingest.content`). No input or output."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from devices import formats, mapping
from devices.decoders import native as native_format
from devices.decoders.elements import Answered, Element, Refusal
from devices.decoders.reports import ACK_CODE, ACK_ID, ACK_OK, RETAINED, Answer, DecodeError, Report
from devices.formats import Format
from devices.registry import Device, Registry
from ingest.addressing import Address, Addressing
from ingest.arrival import Spread
from ingest.bound import Bound
from ingest.conflict import candidate
from ingest.content import UNDECODED, Ack, EventKey, Framed, Part, Sorted, Todo
from ingest.judging import Judge
from ingest.limits import Limits
from ingest.message import REDACTED, Message
from ingest.personal import Keyed
from ingest.plain import Said, Speaker
from ingest.rates import Rates
from ingest.redaction import redact
from wire.envelope import SETTLE, Kind, is_down
from wire.quality import Quality
from wire.reasons import Reason

_UNPROVEN = int(Quality.IDENTITY_UNPROVEN)


class _Marker(msgspec.Struct):
    marker: UUID


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
        self._limits = limits
        self._judge = Judge(limits)
        self._addressing = Addressing(registry, bound)
        #: By topic of native readings.
        self._speakers: dict[str, Speaker] = {}

    def sort(self, messages: Iterable[Message]) -> Sorted:
        """Say what a batch says; nothing is raised over what a message holds."""
        into = Sorted()
        speakers = self._speakers
        for message in messages:
            speaker = speakers.get(message.topic) or self._speaker(message.topic)
            said = None if speaker is None else speaker.read(message)
            if speaker is None or said is None:
                self._look_closely(message, into)
            else:
                self._take_plain(message, speaker, said, into)
        return into

    def sender(self, topic: str) -> Device | None:
        """Who a topic says a message is from."""
        return self._addressing.read(topic).sender

    def parts(self, message: Message) -> list[Part]:
        """Find whose word each part of a message is; empty: it cannot be taken apart."""
        address = self._addressing.read(message.topic)
        native, sender = address.native, address.sender
        if native is not None and sender is not None:
            elements = native_format.decode(native.kind, message.payload)
            return [Part(sender.id, native_format.DECODER, element.raw) for element in elements]
        if address.format is None:
            return []
        parsed, _ = self._parse(address.format, address, message)
        found: list[Part] = []
        for report in () if isinstance(parsed, Refusal) else parsed:
            device = self._addressing.device_of(report, address)
            device_id = device.id if isinstance(device, Device) else None
            found.append(Part(device_id, address.format.decoder, report.raw))
        return found

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

    def decoded(self, framed: Framed, message: Message, into: Sorted, *, spread: Spread, flags: int) -> None:
        """Take in what the vendor's own decoder made of a part of a message: its report has fields now."""
        device = framed.device
        meant = mapping.element(framed.report, device.profile, device.zone)
        self._screen(meant, device, message, into, spread=spread, flags=flags, decoder=framed.decoder)

    def refuse(self, message: Message, refusal: Refusal) -> Sorted:
        """Quarantine a message whole, whatever it says; who waits for an answer gets it."""
        into = Sorted()
        address = self._addressing.read(message.topic)
        self._refuse(self._journaled(message, into), address, refusal, into)
        return into

    def _speaker(self, topic: str) -> Speaker | None:
        address = self._addressing.read(topic)
        if address.sender is None or address.native is None or address.native.kind is not Kind.readings:
            return None
        sender = address.sender
        found = Speaker.of(sender, flags=address.flags, every_us=self._every(sender), limits=self._limits)
        self._speakers[topic] = found
        return found

    def _take_plain(self, message: Message, speaker: Speaker, said: Said, into: Sorted) -> None:
        """Take in a message with which nothing is wrong; who it is from is known and may speak."""
        received_us, properties, rates = message.received_us, message.properties, self._rates
        own = not speaker.unproven and (properties is None or not properties.get("retain"))
        into.messages.append(message)
        into.signs.begin(received_us, own=own)
        if rates is None or rates.admits(
            speaker.rated_as, received_us, speaker.every_us, self._limits.burst_us
        ):
            into.judged.add(speaker.device.id)
            into.readings.extend(said[0])
            into.signs.said_plainly(speaker.device.id, said)
        else:
            self._exceed(message, speaker.device, into)

    def _look_closely(self, message: Message, into: Sorted) -> None:
        address = self._addressing.read(message.topic)
        native = address.native
        if native is not None and native.device == SETTLE and _is_marker(message, into):
            return
        if native is None and (is_down(message.topic) or formats.heard(message.topic)):
            return  # what is said to devices, by us or by others, is none of their messages
        sender = address.sender
        message = self._journaled(message, into)
        into.signs.begin(message.received_us, own=_is_own(message, address))
        if sender is not None:
            into.signs.heard(sender.id)
        if sender is not None and not self._admits(sender, message, address.flags):
            self._exceed(message, sender, into)
        elif sender is not None and not sender.speaks_at(message.received_us):
            self._refuse(message, address, Refusal(Reason.retired_device, sender.code), into)
        elif address.refusal is not None:
            self._refuse(message, address, address.refusal, into)
        elif address.format is not None:
            self._take_foreign(message, address, address.format, into)
        elif native is not None and sender is not None:
            self._take_native(message, sender, native.kind, into, flags=address.flags)

    @staticmethod
    def _exceed(message: Message, sender: Device, into: Sorted) -> None:
        into.signs.limited(sender.id)
        # Not answered either: who waits for an answer keeps the message and sends it later.
        into.exceed(message, sender)

    def _take_native(self, message: Message, sender: Device, kind: Kind, into: Sorted, *, flags: int) -> None:
        spread = Spread(message.received_us)
        for element in native_format.decode(kind, message.payload):
            if element.answer is not None:
                ack = Ack(sender.id, element.answer, message, element.raw, native_format.DECODER)
                self._acknowledge(ack, into, flags=flags)
            else:
                self._screen(
                    element, sender, message, into, spread=spread, flags=flags, decoder=native_format.DECODER
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

    def _admits(self, sender: Device, message: Message, flags: int) -> bool:
        if self._rates is None:
            return True
        known_as = -sender.id if flags & _UNPROVEN else sender.id
        return self._rates.admits(known_as, message.received_us, self._every(sender), self._limits.burst_us)

    def _every(self, sender: Device) -> int:
        """So long a token takes to come back; a gateway has the rate of all the devices it speaks for."""
        return -(-self._limits.token_us // self.registry.voices(sender))

    def _refuse(self, message: Message, address: Address, refusal: Refusal, into: Sorted) -> None:
        """Quarantine it whole; who waits for an answer gets it all the same, or it would send for ever."""
        if address.format is not None:
            into.answers += self._parse(address.format, address, message)[1]
        into.quarantine(message, message.payload, refusal, UNDECODED)

    def _take_foreign(self, message: Message, address: Address, found: Format, into: Sorted) -> None:
        parsed, answers = self._parse(found, address, message)
        into.answers += answers
        if isinstance(parsed, Refusal):
            into.quarantine(message, message.payload, parsed, found.decoder)
            return
        spread = Spread(message.received_us)
        for report in parsed:
            device = self._addressing.device_of(report, address)
            if isinstance(device, Device) and not device.speaks_at(message.received_us):
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
                self._screen(
                    meant, device, message, into, spread=spread, flags=address.flags, decoder=found.decoder
                )

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
        self,
        element: Element,
        device: Device,
        message: Message,
        into: Sorted,
        *,
        spread: Spread,
        flags: int,
        decoder: int,
    ) -> None:
        """Take in what is good of an element; the rest is quarantined with its reason."""
        received_us = message.received_us
        into.judged.add(device.id)
        said = element.readings or element.events
        into.signs.said(
            device.id, said[0].time_us if said else None, counter=element.counter, boot=element.boot
        )
        refusals = [] if element.refusal is None else [element.refusal]
        for reading in element.readings:
            verdict = self._judge.reading(reading, device, received_us)
            if isinstance(verdict, Refusal):
                refusals.append(verdict)
            else:
                time_us = reading.time_us
                if time_us is None:
                    time_us = spread.next_us(device.id, reading.channel)
                into.readings.add(
                    device_id=device.id,
                    channel=reading.channel,
                    time_us=time_us,
                    value=reading.value,
                    received_us=received_us,
                    quality=flags | verdict,
                    decoder=decoder,
                )
        for event in element.events:
            verdict = self._judge.event(event, device, received_us)
            if isinstance(verdict, Refusal):
                refusals.append(verdict)
            else:
                time_us = event.time_us
                if time_us is None:
                    time_us = spread.next_us(device.id, event.dedupe_key)
                key = EventKey(device.id, event.dedupe_key, time_us)
                into.add_event(key, candidate(0.0, received_us, flags | verdict, decoder), event)
        if refusals:
            into.quarantine(message, element.raw, _together(refusals), decoder)

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
