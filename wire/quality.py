"""Flags of a stored row: everything a later reader must know before trusting it."""

from enum import IntFlag


class Quality(IntFlag):
    """Bits of `reading.quality`, `event.quality` and `usage.quality`."""

    #: The device's clock is beyond the tolerance of the policy: stored, never used for consumption.
    CLOCK_SUSPECT = 1
    #: Two different values came under one key; the rule that does not depend on arrival order chose.
    CONFLICT = 2
    #: The topic is not bound to a credential by the broker: never evidence.
    IDENTITY_UNPROVEN = 4
    #: History brought in by an operator's import, not over MQTT.
    IMPORTED = 8
    #: Between the soft and the hard limit of the channel: kept, flagged.
    SOFT_LIMIT = 16
    #: The payload carries no time: the time of arrival stands in.
    ARRIVAL_TIME = 32
    #: usage: the register fell (reset, swap, back-jump) or a glitch was left out on this day.
    REGISTER_FAULT = 64
    #: usage: some hours were only spread over a gap.
    SPREAD = 128
    #: The installation states a multiplier that is not one.
    MULTIPLIED = 256
    #: event: a state that was reported, perhaps not for the first time; not a change that was seen.
    STATE = 512
    #: A person read it off the register at an exchange; the device did not report it.
    READ_OFF = 1024


#: Rows with any of these never reach `usage`.
NOT_EVIDENCE = Quality.CLOCK_SUSPECT | Quality.IDENTITY_UNPROVEN
