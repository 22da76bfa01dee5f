"""wmbusmeters' JSON: meters that it heard over wireless M-Bus, decoded by its drivers.

The receiver is a gateway; a meter is named by its id. Raw telegrams and keys stay with wmbusmeters.
"""

from collections.abc import Mapping
from datetime import UTC

from devices.decoders import times
from devices.decoders.fields import flatten, parse_object
from devices.decoders.reports import DecodeError, Parsed, Report, Value
from wire.reasons import Reason

DECODER = 501

UP = ("wmbusmeters/#",)
DOWN: tuple[str, ...] = ()

#: What says who it is and when it was heard, and what whoever set wmbusmeters up called it.
_NOT_CONTENT = frozenset({"_", "id", "name", "timestamp", "device"})


def parse(topic: str, payload: bytes, options: Mapping[str, Value]) -> Parsed:  # noqa: ARG001
    """Take one message apart.

    Its time is when the receiver heard the meter: the meter's own clock says no zone and is often wrong.

    Raises
    ------
    DecodeError
    """
    found = parse_object(payload)
    address = found.get("id")
    if not isinstance(address, str) or not address:
        raise DecodeError(Reason.invalid_shape, "no id")
    time = found.get("timestamp")
    at = times.iso(time) if isinstance(time, str) else times.NO_TIME
    if at.local_at is not None:
        at = times.of(at.local_at.replace(tzinfo=UTC))
    report = Report(
        raw=payload,
        address=address.lower(),
        fields=flatten({key: value for key, value in found.items() if key not in _NOT_CONTENT}),
        at_us=at.at_us,
        about=str(found.get("media") or ""),
    )
    return Parsed(reports=(report,))
