"""What a decoder hands on, whatever the wire format."""

import hashlib

from msgspec import Struct

from wire.reasons import Reason


class DecodedReading(Struct, frozen=True, gc=False):
    """One value of one channel, as the device said it."""

    #: Code in `wire.channels`.
    channel: int
    #: Microseconds since 1970, UTC; None: the message carries no time.
    time_us: int | None
    #: In the channel's unit; finite.
    value: float


class DecodedEvent(Struct, frozen=True, gc=False):
    """One event, as the device said it."""

    #: Codes of `wire.events`.
    type: int
    method: int
    result: int
    #: Microseconds since 1970, UTC; None: the message carries no time.
    time_us: int | None
    #: A pseudonym.
    subject: str | None
    value: float | None
    #: The same for the same event however often it is sent, and for no other.
    dedupe_key: str
    #: A state that was reported, perhaps not for the first time; not a change that was seen.
    is_state: bool = False


class Refusal(Struct, frozen=True, gc=False):
    """Why something is not stored."""

    reason: Reason
    #: For the person who looks into it: what exactly was wrong.
    detail: str


class Answered(Struct, frozen=True, gc=False):
    """What a device says of a command."""

    #: The command's id, as it was sent along.
    id: str
    #: Whether it was done.
    ok: bool
    #: What else was said of it.
    detail: str


class Element(Struct, frozen=True, gc=False):
    """A message, or one element of an array, which then is a message of its own."""

    #: Its bytes: what is quarantined when something of it is refused.
    raw: bytes
    readings: tuple[DecodedReading, ...] = ()
    events: tuple[DecodedEvent, ...] = ()
    answer: Answered | None = None
    #: Set when the element, or something of it, is refused; what stands above is good.
    refusal: Refusal | None = None
    #: The number of the message among all of the device, if it counts them, …
    counter: int | None = None
    #: … and its restarts.
    boot: int | None = None


def event_key(counted: str, *content: str | float | None) -> str:
    """Make the key of an event: what its source counted, and a digest of what it says.

    The counter says which message; the digest keeps apart two events that a faulty counter, or no counter,
    gave one number.
    """
    said = "|".join(str(part) for part in content).encode()
    return f"{counted}-{hashlib.blake2b(said, digest_size=8).hexdigest()}"
