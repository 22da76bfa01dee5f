"""One message as the broker delivered it."""

from typing import Any

from msgspec import Struct

#: Of `properties`: names of what was cut out before it came here (`ingest.receivers`).
REDACTED = "redacted"


class Message(Struct, frozen=True, kw_only=True, gc=False):
    """What arrived, when, and how to acknowledge it."""

    topic: str
    payload: bytes
    #: Microseconds since 1970, UTC, by the process's clock.
    received_us: int
    #: MQTT 5 properties the publisher set, and `retain`; of what came over HTTP, what was left out of its
    #: body; None: none.
    properties: dict[str, Any] | None = None
    #: Which connection it came over: packet ids mean nothing on another one.
    epoch: int = 0
    #: Its packet id on that connection; 0: nothing to acknowledge (QoS 0).
    packet_id: int = 0
