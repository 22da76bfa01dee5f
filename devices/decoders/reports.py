"""What the parser of a wire format hands on: reports, in the words of that format.

A parser takes a message apart; it does not know which device it is for, nor what a field means there. Who
a report is about is decided by the registry, what its fields mean by that device's profile
(`devices.mapping`).
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from devices.decoders.elements import Refusal
from wire.reasons import Reason

#: Fields of a report that answers a command, whatever its format: the command's id as it was sent along,
#: whether the device did it (bool), and what else it said of that (a code, a word; not always there).
ACK_ID, ACK_OK, ACK_CODE = "ack.id", "ack.ok", "ack.code"

#: An option beside those of a profile, true where the broker had kept the message: it is not of now.
RETAINED = "retained"

#: A field as the message has it. Numbers that are written as text stay text; a mapping may read them.
Value = float | bool | str


class Frame(Struct, frozen=True, gc=False):
    """Bytes that only the vendor's own decoder understands."""

    port: int
    data: bytes


class Report(Struct, frozen=True, kw_only=True):
    """What a message, or one part of it, says of one device at one moment."""

    #: The bytes it came as: what is quarantined when something of it is refused.
    raw: bytes
    #: Of the device it is about, as the format writes it; None: the sender itself.
    address: str | None = None
    #: What the message calls the same device besides: without leading zeros, by another of its numbers.
    aliases: tuple[str, ...] = ()
    #: By the format's own names; nested ones joined by a point, elements of lists by their number:
    #: ``door.0.open``.
    fields: Mapping[str, Value] = {}
    #: Units that the message itself states, by field.
    units: Mapping[str, str] = {}
    #: Microseconds since 1970, UTC; None: the message carries no time with a zone.
    at_us: int | None = None
    #: A time without a zone: the estate's zone applies.
    local_at: datetime | None = None
    #: By what the source counts its messages (an id, a counter); None: it does not.
    counted: str | None = None
    #: What the message itself calls that kind of device (a product's name, a medium), for `devices.meaning`
    #: where a field's name alone says too little.
    about: str = ""
    #: Its number among all messages of the device, if they are counted up one by one, …
    counter: int | None = None
    #: … and the number of restarts, if those are.
    boot: int | None = None
    #: For the vendor's own decoder, if `fields` are still to be made of it.
    frame: Frame | None = None
    #: Set when it is refused, or a part of it; what stands above is good.
    refusal: Refusal | None = None


class Answer(Struct, frozen=True, gc=False):
    """What the sender waits for; published when the message is committed, and not before."""

    #: Without the prefix of a gateway.
    topic: str
    payload: bytes


class Parsed(Struct, frozen=True, kw_only=True):
    """A message, taken apart."""

    reports: tuple[Report, ...] = ()
    #: Also for what is quarantined: the sender would send it for ever.
    answers: tuple[Answer, ...] = ()


class DecodeError(Exception):
    """A message is not of its format."""

    def __init__(self, reason: Reason, detail: str = "", *, answers: tuple[Answer, ...] = ()) -> None:
        super().__init__(f"{reason}: {detail}")
        self.refusal = Refusal(reason, detail)
        self.answers = answers
