"""The native format where it is nothing but readings: the short way for most of all messages.

Not one key may be there besides the format's own: such a payload holds nothing personal either. Everything
else is for `native` to look at closely; what both can decode, they decode alike.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, cast

import msgspec

from wire.channels import BY_NAME
from wire.envelope import MAX_ELEMENTS, MAX_PAYLOAD_BYTES, Counter, Instant, Reading

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CHANNEL = {name: channel.code for name, channel in BY_NAME.items()}


#: One element: its time (microseconds since 1970, UTC), counter and boot; channel and value of each reading.
Said = tuple[int, int, int | None, Sequence[tuple[int, float]]]


class _Reading(Reading, frozen=True, gc=False, forbid_unknown_fields=True):
    pass


class _Element(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    seq: Counter
    at: Instant
    readings: Annotated[list[_Reading], msgspec.Meta(min_length=1)]
    boot: Counter | None = None


_Array = Annotated[list[_Element], msgspec.Meta(min_length=1, max_length=MAX_ELEMENTS)]
_DECODER: "msgspec.json.Decoder[_Element | list[_Element]]" = msgspec.json.Decoder(_Element | _Array)


def decode(payload: bytes) -> list[Said] | None:
    """Decode a payload of `up/m`; None: it is not plain."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        return None
    try:
        found = _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    elements = found if type(found) is list else (found,)
    said: list[Said] = []
    try:
        for element in cast("Sequence[_Element]", elements):
            # Adding zero turns -0.0 into 0.0: one number, one spelling. Mostly there is one reading, and the
            # frame of a comprehension costs as much as what is done in it.
            readings = element.readings
            first = readings[0]
            values = [(_CHANNEL[first.ch], first.v + 0.0)]
            if len(readings) > 1:
                values += [(_CHANNEL[reading.ch], reading.v + 0.0) for reading in readings[1:]]
            said.append(((element.at - _EPOCH) // _MICROSECOND, element.seq, element.boot, values))
    except KeyError:
        return None
    return said
