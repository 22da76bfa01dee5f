"""Hold what a device says against its profile and the policy's limits."""

from devices.decoders.elements import DecodedEvent, DecodedReading, Refusal
from devices.registry import Device
from ingest.limits import Limits
from wire.quality import Quality
from wire.reasons import Reason

_CLOCK_SUSPECT = int(Quality.CLOCK_SUSPECT)
_SOFT_LIMIT = int(Quality.SOFT_LIMIT)
_ARRIVAL_TIME = int(Quality.ARRIVAL_TIME)
_STATE = int(Quality.STATE)


class Judge:
    """Judges by one set of limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def reading(self, reading: DecodedReading, device: Device, received_us: int) -> int | Refusal:
        """Flags of a reading, or why it is refused."""
        if reading.channel not in device.profile.channel_codes:
            return Refusal(Reason.unknown_channel, f"channel {reading.channel} of {device.profile.name}")
        flags = self._time(reading.time_us, received_us)
        if isinstance(flags, Refusal):
            return flags
        limits = self._limits.ranges[reading.channel]
        if limits.soft_min <= reading.value <= limits.soft_max:
            return flags
        if limits.hard_min <= reading.value <= limits.hard_max:
            return flags | _SOFT_LIMIT
        return Refusal(Reason.value_out_of_range, f"{reading.value!r} on channel {reading.channel}")

    def event(self, event: DecodedEvent, device: Device, received_us: int) -> int | Refusal:
        """Flags of an event, or why it is refused."""
        if event.type not in device.profile.event_codes:
            return Refusal(Reason.unknown_event, f"event {event.type} of {device.profile.name}")
        flags = self._time(event.time_us, received_us)
        return flags if isinstance(flags, Refusal) or not event.is_state else flags | _STATE

    def _time(self, time_us: int | None, received_us: int) -> int | Refusal:
        if time_us is None:
            return _ARRIVAL_TIME
        ahead_us = time_us - received_us
        if -self._limits.past_tolerance_us <= ahead_us <= self._limits.future_tolerance_us:
            return 0
        if time_us < self._limits.earliest_us or ahead_us > self._limits.latest_ahead_us:
            return Refusal(Reason.time_out_of_range, f"{ahead_us / 86_400_000_000:+.1f} days from arrival")
        return _CLOCK_SUSPECT
