"""The native format where it is nothing but readings: the short way for most of all messages.

Not one key may be there besides the format's own: such a payload holds nothing personal either. Everything
else is for `native` to look at closely; what both can decode, they decode alike.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from wire.envelope import MAX_ELEMENTS, MAX_PAYLOAD_BYTES, Counter, Instant, Reading


class PlainReading(Reading, frozen=True, gc=False, forbid_unknown_fields=True):
    """As of the format."""


class Element(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """As of the format: its number, its time, and at least one reading."""

    seq: Counter
    at: Instant
    readings: Annotated[list[PlainReading], msgspec.Meta(min_length=1)]
    boot: Counter | None = None


_Array = Annotated[list[Element], msgspec.Meta(min_length=1, max_length=MAX_ELEMENTS)]
_decode = msgspec.json.Decoder(Element | _Array).decode


def decode(payload: bytes) -> Sequence[Element] | None:
    """Decode a payload of `up/m`; None: it is not plain."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        return None
    try:
        found = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if type(found) is list else (found,)
