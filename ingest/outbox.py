"""Messages from us: commands and answers, within the window that the broker grants.

Nothing is sent again by itself, not even over the next connection: a command that opens a door must not
come late. Whoever wants it sent knows whether it still makes sense, and is told what became of it.
"""

import itertools
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import mqtt5
from mqtt5 import QoS

from ingest.codec import is_failure, spoken
from ingest.errors import NotPublished

_LAST_ID = 65_535


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A message from us."""

    topic: str
    payload: bytes
    #: 0 or 1.
    qos: int = 1
    #: On the clock `time.monotonic`: after it nobody wants this any more.
    expires_at: float | None = None
    correlation: bytes | None = None
    response_topic: str | None = None
    #: Whether anybody is subscribed to the topic, or `NotPublished`.
    outcome: "Future[bool]" = field(default_factory=Future)

    def fail(self, reason: str) -> None:
        """It will not be sent, or nobody knows whether it was."""
        self.outcome.set_exception(NotPublished(reason))


class Outbox:
    """The outgoing side of one connection; belongs to the network thread."""

    def __init__(
        self, write: Callable[[bytes], None], granted: mqtt5.ConnAckPacket, *, first_id: int
    ) -> None:
        self._write = write
        self._window = granted.receive_max
        self._most_bytes = granted.max_packet_size
        self._max_qos = int(granted.max_qos)
        self._waiting: deque[Outgoing] = deque()
        self._unanswered: dict[int, Outgoing] = {}
        self._ids = itertools.cycle(range(first_id, _LAST_ID + 1))

    def put(self, outgoing: Outgoing) -> None:
        """Send a message, as soon as the window has room."""
        if outgoing.qos > self._max_qos:
            outgoing.fail(f"the broker does not take QoS {outgoing.qos}")
        else:
            self._waiting.append(outgoing)
            self._send()

    def answered(self, packet: mqtt5.PubAckPacket) -> None:
        """The broker has it, or refuses it."""
        outgoing = self._unanswered.pop(packet.packet_id, None)
        if outgoing is None:
            return
        if is_failure(packet.reason_code):
            outgoing.fail(f"the broker refuses it: {spoken(packet.reason_code)}")
        else:
            somebody = packet.reason_code != mqtt5.PubAckReasonCode.NO_MATCHING_SUBSCRIBERS
            outgoing.outcome.set_result(somebody)
        self._send()

    def close(self) -> None:
        """The connection has ended."""
        for outgoing in self._unanswered.values():
            outgoing.fail("the connection ended before the broker answered")
        for outgoing in self._waiting:
            outgoing.fail("the connection ended before it was sent")
        self._unanswered.clear()
        self._waiting.clear()

    def _send(self) -> None:
        while self._waiting and len(self._unanswered) < self._window:
            outgoing = self._waiting.popleft()
            left_s = None if outgoing.expires_at is None else outgoing.expires_at - time.monotonic()
            if left_s is not None and left_s <= 0:
                outgoing.fail("it expired before it could be sent")
                continue
            packet_id = next(i for i in self._ids if i not in self._unanswered) if outgoing.qos else None
            packed = mqtt5.PublishPacket(
                outgoing.topic,
                outgoing.payload,
                qos=QoS(outgoing.qos),
                packet_id=packet_id,
                message_expiry_interval=None if left_s is None else max(1, round(left_s)),
                correlation_data=outgoing.correlation,
                response_topic=outgoing.response_topic,
            ).write()
            if self._most_bytes is not None and len(packed) > self._most_bytes:
                outgoing.fail(f"the broker takes no packet of {len(packed):,} bytes")
                continue
            self._write(packed)
            if packet_id is None:
                outgoing.outcome.set_result(True)
            else:
                self._unanswered[packet_id] = outgoing
