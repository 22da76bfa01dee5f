"""The short way of most of all messages: native readings of a known device, with which nothing is wrong.

One pass holds each value against profile and policy and packs it. Where anything is out of the way the
message goes the long way, whole, and says the same there (`tests/unit/ingest/test_plain.py`). This is the
one place where what a message costs decides over how it is written: the fewest calls and objects, not the
shortest text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from devices.decoders import native as native_format
from devices.decoders import plain as plain_format
from devices.decoders.plain import Element
from devices.registry import FOREVER_US, Device
from ingest.limits import Limits
from ingest.message import Message
from ingest.readings import pack
from wire.channels import BY_NAME
from wire.instants import EPOCH
from wire.quality import Quality

_MICROSECOND = timedelta(microseconds=1)
_UNPROVEN = int(Quality.IDENTITY_UNPROVEN)

#: What a plain message says: its readings, as of `ingest.readings.pack`; its elements; the time of each, in
#: microseconds since 1970. A bare tuple: a class takes a third of the whole way more.
Said = tuple[list[bytes], Sequence[Element], Sequence[int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Speaker:
    """Who speaks on a topic of native readings, and what counts as plain from it."""

    device: Device
    #: `wire.quality` flags of everything that comes on the topic.
    flags: int
    #: Nothing proves who sends on it.
    unproven: bool
    #: As whom the sender is known to `ingest.rates`, and how long a token of its takes to come back.
    rated_as: int
    every_us: int
    #: What arrived before is its word.
    until_us: int
    #: By channel name: code, least and largest value of its profile's channels.
    channels: dict[str, tuple[int, float, float]]
    earliest_us: int
    latest_us: int

    @classmethod
    def of(cls, device: Device, *, flags: int, every_us: int, limits: Limits) -> "Speaker":
        """Bring together what is known of a device."""
        ranges, unproven = limits.ranges, bool(flags & _UNPROVEN)
        return cls(
            device=device,
            flags=flags,
            unproven=unproven,
            rated_as=-device.id if unproven else device.id,
            every_us=every_us,
            until_us=FOREVER_US if device.active else device.retired_us or 0,
            channels={
                name: (channel.code, ranges[channel.code].soft_min, ranges[channel.code].soft_max)
                for name, channel in BY_NAME.items()
                if channel.code in device.profile.channel_codes
            },
            earliest_us=-limits.past_tolerance_us,
            latest_us=limits.future_tolerance_us,
        )

    def read(self, message: Message) -> Said | None:
        """Say what a message says; None: look closely."""
        received_us = message.received_us
        elements = plain_format.decode(message.payload)
        if elements is None or received_us >= self.until_us:
            return None
        device_id, flags, channels = self.device.id, self.flags, self.channels
        packed: list[bytes] = []
        times_us: list[int] = []
        for element in elements:
            time_us = (element.at - EPOCH) // _MICROSECOND
            if not self.earliest_us <= time_us - received_us <= self.latest_us:
                return None
            times_us.append(time_us)
            for reading in element.readings:
                known = channels.get(reading.ch)
                if known is None:
                    return None
                channel, least, largest = known
                # Adding zero turns -0.0 into 0.0: one number, one spelling.
                value = reading.v + 0.0
                if not least <= value <= largest:
                    return None
                packed.append(
                    pack(device_id, channel, flags, native_format.DECODER, time_us, received_us, value)
                )
        return packed, elements, times_us
