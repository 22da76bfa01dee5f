"""The closed lists of event types, ways in and results. Codes are stored; they are never reused."""

from enum import IntEnum


class EventType(IntEnum):
    """What happened at a door, a gate or a detector."""

    #: Somebody was let in, or refused, by a reader; `method`, `subject` and `result` say how and who.
    entry = 1
    #: The door was opened, from whichever side.
    door_opened = 2
    door_closed = 3
    #: `value` is the time in minutes.
    door_left_open = 4
    door_forced = 5
    lock_jammed = 6
    tamper = 7
    #: A battery asks to be replaced; `value` 0: it was.
    battery_low = 8
    smoke = 20
    smoke_test = 21
    gas = 22
    water_leak = 23
    motion = 24
    emergency_button = 25
    #: An electric bicycle where it must not be: in a lift, a stairwell.
    electric_bicycle = 26
    #: Something is hotter than it may be, or sparks.
    overheating = 27
    #: Something was dropped from a height.
    falling_object = 28
    #: What a camera or gate calls an alarm and no other type names.
    device_alarm = 29
    #: A button was pressed that is not known to be one for emergencies.
    button_pressed = 30
    #: A register was exchanged; the new meter starts where it starts.
    meter_swap = 40
    meter_reset = 41
    online = 50
    offline = 51


class Method(IntEnum):
    """How somebody identified themselves."""

    none = 0
    qr = 1
    face = 2
    card = 3
    code = 4
    key = 5
    remote = 6
    finger = 7


class Result(IntEnum):
    """What the device decided."""

    none = 0
    granted = 1
    denied = 2
