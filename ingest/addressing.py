"""Who a message is from, by its topic: the native device, the gateway, or nobody that can be proven."""

from dataclasses import dataclass

from devices import formats
from devices.decoders.elements import Refusal
from devices.decoders.reports import Report
from devices.formats import Format
from devices.registry import Device, Registry
from ingest.bound import Bound
from wire.envelope import SETTLE, Topic, parse_topic
from wire.quality import Quality
from wire.reasons import Reason

_UNPROVEN = int(Quality.IDENTITY_UNPROVEN)


@dataclass(frozen=True, kw_only=True)
class Address:
    """What a topic says."""

    #: `wire.quality` flags of everything that comes on it.
    flags: int = 0
    #: Its sender; None: the body says who is meant.
    sender: Device | None = None
    #: A topic of the native format.
    native: Topic | None = None
    #: Another format, and the vendor's own topic; also of a stranger, who may wait for an answer.
    format: Format | None = None
    vendor: str = ""
    #: What an answer's topic needs in front.
    prefix: str = ""
    #: Set when nothing that comes on it can be stored.
    refusal: Refusal | None = None


class Addressing:
    """Reads topics by one registry and one list of bound topics."""

    def __init__(self, registry: Registry, bound: Bound) -> None:
        self._registry = registry
        self._bound = bound
        self._known: dict[str, Address] = {}

    def read(self, topic: str) -> Address:
        """Say who a topic is from."""
        found = self._known.get(topic)
        if found is None:
            found = self._read(topic)
            if found.sender is not None:
                self._known[topic] = found
        return found

    def device_of(self, report: Report, address: Address) -> Device | Refusal:
        """Find the device that a report is about; a gateway speaks for its listed children only."""
        sender = address.sender
        if report.address is None:
            return sender or Refusal(Reason.unknown_address, "neither topic nor message names a device")
        names = (report.address, *report.aliases)
        if sender is not None:
            if sender.code in names or sender.address in names:
                return sender
            children = (self._registry.child(sender, name) for name in names)
            return next((child for child in children if child is not None), None) or Refusal(
                Reason.unlisted_child, f"{report.address} is not a child of {sender.code}"
            )
        assert address.format is not None
        format_name = address.format.name
        devices = (self._registry.addressed(format_name, name) for name in names)
        return next((device for device in devices if device is not None), None) or Refusal(
            Reason.unknown_address, f"{report.address} is no {format_name} device, or several"
        )

    def _read(self, topic: str) -> Address:
        flags = 0 if self._bound.covers(topic) else _UNPROVEN
        native = parse_topic(topic)
        if native is not None:
            return self._from(native.device, flags=flags, native=native)
        prefixed = formats.split(topic)
        if prefixed is not None:
            if prefixed.prefix == formats.HTTP:
                flags = 0  # the receiver has proven the sender, and MQTT has no such topics for us
            return self._from(prefixed.sender, flags=flags, vendor=prefixed.topic, prefix=prefixed.front)
        found = formats.of_topic(topic)
        if found is None:
            return Address(refusal=Refusal(Reason.unknown_topic, ""))
        return Address(flags=flags, format=found, vendor=topic)

    def _from(
        self, code: str, *, flags: int, native: Topic | None = None, vendor: str = "", prefix: str = ""
    ) -> Address:
        sender = self._registry.device(code)
        if sender is None:
            # Nothing is promised to a marker of `anju settle` that is none.
            detail = code if code == SETTLE else self._stranger(code)
            return Address(
                native=native,
                format=formats.of_topic(vendor),
                vendor=vendor,
                prefix=prefix,
                refusal=Refusal(Reason.unknown_device, detail),
            )
        found = None if native is not None else _format(sender, vendor)
        refusal = None
        if native is None and found is None:
            refusal = Refusal(Reason.wrong_format, f"{sender.profile.name} does not speak on {vendor}")
        return Address(
            flags=flags,
            sender=sender,
            native=native,
            format=found,
            vendor=vendor,
            prefix=prefix,
            refusal=refusal,
        )

    def _stranger(self, code: str) -> str:
        profile = self._registry.without_profile.get(code)
        return code if profile is None else f"{code} is registered, but its profile {profile} has no file"


def _format(sender: Device, vendor: str) -> Format | None:
    """The sender's own format; a gateway may carry others, each on its own topics."""
    own = formats.FORMATS.get(sender.profile.format)
    if own is not None and own.says(vendor):
        return own
    return formats.of_topic(vendor) if sender.profile.gateway else None
