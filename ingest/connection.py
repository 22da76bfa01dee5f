"""One connection to the broker: MQTT 5 from bytes and back, on the network thread.

The codec is `mqtt5` (Rust): all packets that one read brings are taken apart in one go. What breaks the
protocol ends the connection with the reason that MQTT has for it; the session outlives it, and whoever made
this one makes the next.
"""

import asyncio
import itertools
import logging
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, cast

import mqtt5
from mqtt5 import DisconnectReasonCode, QoS

from ingest.errors import NotPublished
from ingest.message import Message

_log = logging.getLogger(__name__)

#: A larger message is not for us to hold in memory. The broker is told, and drops such a one.
MAX_PACKET_BYTES = 16 * 1024 * 1024
SESSION_S = 86_400
_CONNACK_WITHIN_S = 10.0
_SUBSCRIBE_ID = 1
_LAST_ID = 65_535
_REFUSED = 128
#: A PUBACK without reason and properties means success.
_PUBACK = struct.Struct("!BBH")
_PUBACK_TYPE = 0x40

_read = cast("Callable[[memoryview], tuple[mqtt5.Packet, int]]", mqtt5.read)


@dataclass(frozen=True, kw_only=True)
class Login:
    """Who connects, and to what."""

    client_id: str
    username: str | None
    #: Never shown.
    password: str | None
    keepalive_s: int
    #: Messages that the broker may have in flight to us.
    receive_max: int
    filters: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A message from us."""

    topic: str
    payload: bytes
    qos: int
    #: On the clock `time.monotonic`: after it nobody wants this any more.
    expires_at: float | None
    correlation: bytes | None
    response_topic: str | None
    #: Whether anybody is subscribed to the topic, or `NotPublished`.
    outcome: "Future[bool]" = field(default_factory=Future)


class Connection(asyncio.Protocol):
    """A connection from its first byte to its last; all methods belong to the network thread.

    Parameters
    ----------
    epoch : int
        The number of this connection, for its messages.
    stamp : Callable[[], int]
        Now, in microseconds since 1970.
    on_connected : Callable[[Connection, mqtt5.ConnAckPacket], None]
        The broker has let us in.
    on_subscribed : Callable[[Sequence[mqtt5.SubAckReasonCode]], None]
        What the broker says to the filters, in their order.
    on_messages : Callable[[list[Message]], None]
        Everything that one read brought.
    """

    def __init__(
        self,
        login: Login,
        *,
        epoch: int,
        stamp: Callable[[], int],
        on_connected: "Callable[[Connection, mqtt5.ConnAckPacket], None]",
        on_subscribed: Callable[[Sequence[mqtt5.SubAckReasonCode]], None],
        on_messages: Callable[[list[Message]], None],
    ) -> None:
        self.epoch = epoch
        self._login = login
        self._stamp = stamp
        self._on_connected = on_connected
        self._on_subscribed = on_subscribed
        self._on_messages = on_messages
        self._loop = asyncio.get_running_loop()
        #: Done when the connection has ended, with what is to be said about that.
        self.ended: asyncio.Future[str] = self._loop.create_future()
        #: The broker did not let us in, and why.
        self.refused: mqtt5.ConnAckReasonCode | None = None
        self._said = "the connection broke"
        self._transport: asyncio.Transport
        #: Bytes of a packet whose end has not come.
        self._held = bytearray()
        self._needed = 0
        self._connected = self._leaving = self._paused = False
        self._period_s = login.keepalive_s / 2
        self._pinged = self._heard = 0.0
        self._timer: asyncio.TimerHandle | None = None
        #: Our own messages: those that wait for a place in the broker's window, those it has not answered.
        self._window = _LAST_ID
        self._most_bytes = MAX_PACKET_BYTES
        self._max_qos = int(QoS.AT_LEAST_ONCE)
        self._waiting: deque[Outgoing] = deque()
        self._unanswered: dict[int, Outgoing] = {}
        self._ids = itertools.cycle(range(_SUBSCRIBE_ID + 1, _LAST_ID + 1))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce ourselves."""
        self._transport = cast("asyncio.Transport", transport)
        login = self._login
        connect = mqtt5.ConnectPacket(
            login.client_id,
            username=login.username,
            password=None if login.password is None else login.password.encode(),
            clean_start=False,
            keep_alive=login.keepalive_s,
            session_expiry_interval=SESSION_S,
            receive_max=login.receive_max,
            topic_alias_max=0,
            max_packet_size=MAX_PACKET_BYTES,
        )
        self._transport.write(connect.write())
        self._timer = self._loop.call_later(_CONNACK_WITHIN_S, self._drop, "the broker says nothing")

    def data_received(self, data: bytes) -> None:
        """Take apart what came; the end of a split packet comes later."""
        self._heard = self._loop.time()
        self._held += data
        if len(self._held) < self._needed or self._leaving:
            return
        self._needed = 0
        messages: list[Message] = []
        view, at = memoryview(self._held), 0
        try:
            at = self._take_apart(view, messages)
        except ValueError as error:
            self._break_off(DisconnectReasonCode.MALFORMED_PACKET, str(error))
        except BaseException as error:  # the codec panics over a string that is not UTF-8
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            self._break_off(DisconnectReasonCode.MALFORMED_PACKET, f"{type(error).__name__}: {error}")
        if messages:
            self._on_messages(messages)
        del view
        self._held = self._held[at:]

    def eof_received(self) -> bool:
        """Close our side too."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who still waits."""
        if self._timer is not None:
            self._timer.cancel()
        if exc is not None:
            self._said = f"{self._said}: {exc}"
        for outgoing in [*self._unanswered.values(), *self._waiting]:
            outgoing.outcome.set_exception(NotPublished("the connection to the broker ended first"))
        self._unanswered.clear()
        self._waiting.clear()
        if not self.ended.done():
            self.ended.set_result(self._said)

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Acknowledge QoS-1 messages in the given order, in one write."""
        self._transport.write(pubacks(packet_ids))

    def publish(self, outgoing: Outgoing) -> None:
        """Send a message, when the broker's window has room for it."""
        if self._transport.is_closing():
            outgoing.outcome.set_exception(NotPublished("the connection to the broker is ending"))
        elif outgoing.qos > self._max_qos:
            outgoing.outcome.set_exception(NotPublished(f"the broker does not take QoS {outgoing.qos}"))
        else:
            self._waiting.append(outgoing)
            self._send_waiting()

    def pause(self) -> None:
        """Read nothing for now; the broker keeps what it has."""
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._paused:
            self._paused = False
            self._heard = self._loop.time()
            self._transport.resume_reading()

    def leave(self) -> None:
        """Say goodbye and keep the session; what is yet to be written is written first.

        The end is the broker's to make: closing while its last messages are on their way would reset the
        line, and the acknowledgements before the goodbye with it.
        """
        self._leaving = True
        self._said = "asked to stop"
        self.resume()
        self._transport.write(mqtt5.DisconnectPacket().write())

    def abort(self) -> None:
        """End now, whatever is not written."""
        self._transport.abort()

    def _take_apart(self, view: memoryview, messages: list[Message]) -> int:
        """Handle all whole packets; returns where the first one begins that is not whole."""
        at, end = 0, len(view)
        stamp, epoch = self._stamp(), self.epoch
        while at < end and not self._leaving:
            try:
                packet, size = _read(view[at:])
            except IndexError:
                self._await_rest(view[at:])
                break
            at += size
            if type(packet) is mqtt5.PublishPacket:
                packet_id = packet.packet_id
                if packet_id is None:
                    packet_id = 0
                elif packet.qos is not QoS.AT_LEAST_ONCE or not packet_id or not self._connected:
                    self._break_off_over(packet)
                    break
                messages.append(
                    Message(
                        topic=packet.topic,
                        payload=packet.payload,
                        received_us=stamp,
                        properties=_properties(packet),
                        epoch=epoch,
                        packet_id=packet_id,
                    )
                )
            else:
                self._handle(packet)
        return at

    def _await_rest(self, begun: memoryview) -> None:
        self._needed = declared_size(begun)
        if self._needed > MAX_PACKET_BYTES:
            self._break_off(DisconnectReasonCode.PACKET_TOO_LARGE, f"a packet of {self._needed:,} bytes")

    def _handle(self, packet: mqtt5.Packet) -> None:
        if isinstance(packet, mqtt5.ConnAckPacket) and not self._connected:
            self._let_in(packet)
        elif isinstance(packet, mqtt5.DisconnectPacket):
            self._said = f"the broker says {packet.reason_code.name} {packet.reason_str or ''}".rstrip()
            self._transport.close()
        elif not self._connected:
            self._break_off(DisconnectReasonCode.PROTOCOL_ERROR, f"{type(packet).__name__} before CONNACK")
        elif isinstance(packet, mqtt5.SubAckPacket):
            self._on_subscribed(packet.reason_codes)
        elif isinstance(packet, mqtt5.PubAckPacket):
            self._answered(packet)
        elif not isinstance(packet, mqtt5.PingRespPacket):
            self._break_off(DisconnectReasonCode.PROTOCOL_ERROR, f"{type(packet).__name__} is not for us")

    def _let_in(self, packet: mqtt5.ConnAckPacket) -> None:
        assert self._timer is not None
        self._timer.cancel()
        if packet.reason_code >= _REFUSED:
            self.refused = packet.reason_code
            self._said = f"refused: {packet.reason_code.name} {packet.reason_str or ''}".rstrip()
            self._transport.close()
            return
        self._connected = True
        self._window = packet.receive_max
        self._most_bytes = packet.max_packet_size or MAX_PACKET_BYTES
        self._max_qos = int(packet.max_qos)
        self._period_s = (packet.server_keep_alive or self._login.keepalive_s) / 2
        self._on_connected(self, packet)
        # Every time: without a session it is needed, with one it does no harm. Retained messages come when
        # the subscription is new, not at every reconnect.
        filters = [
            mqtt5.TopicFilter(
                pattern,
                max_qos=QoS.AT_LEAST_ONCE,
                retain_as_published=False,
                retain_handling=mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS,
            )
            for pattern in self._login.filters
        ]
        self._transport.write(mqtt5.SubscribePacket(_SUBSCRIBE_ID, filters).write())
        self._keep_alive()

    def _keep_alive(self) -> None:
        """Every half of the keep-alive: has the last ping been answered, by anything at all? Send the next."""
        # While we do not read we hear nothing; that is no fault of the broker's.
        if self._pinged > self._heard and not self._paused:
            self._drop(f"the broker has been silent for {self._loop.time() - self._heard:.1f} s")
            return
        self._pinged = self._loop.time()
        self._transport.write(mqtt5.PingReqPacket().write())
        self._timer = self._loop.call_later(self._period_s, self._keep_alive)

    def _send_waiting(self) -> None:
        while self._waiting and len(self._unanswered) < self._window:
            outgoing = self._waiting.popleft()
            left_s = None if outgoing.expires_at is None else outgoing.expires_at - time.monotonic()
            if left_s is not None and left_s <= 0:
                outgoing.outcome.set_exception(NotPublished("it expired before it could be sent"))
                continue
            packet_id = next(i for i in self._ids if i not in self._unanswered) if outgoing.qos else None
            packed = mqtt5.PublishPacket(
                outgoing.topic,
                outgoing.payload,
                qos=QoS(outgoing.qos),
                packet_id=packet_id,
                message_expiry_interval=None if left_s is None else max(1, int(left_s)),
                correlation_data=outgoing.correlation,
                response_topic=outgoing.response_topic,
            ).write()
            if len(packed) > self._most_bytes:
                outgoing.outcome.set_exception(NotPublished(f"{len(packed):,} bytes are too many for the broker"))
                continue
            self._transport.write(packed)
            if packet_id is None:
                outgoing.outcome.set_result(True)
            else:
                self._unanswered[packet_id] = outgoing

    def _answered(self, packet: mqtt5.PubAckPacket) -> None:
        outgoing = self._unanswered.pop(packet.packet_id, None)
        if outgoing is None:
            return
        if packet.reason_code >= _REFUSED:
            outgoing.outcome.set_exception(NotPublished(f"the broker refuses it: {packet.reason_code.name}"))
        else:
            outgoing.outcome.set_result(
                packet.reason_code is not mqtt5.PubAckReasonCode.NO_MATCHING_SUBSCRIBERS
            )
        self._send_waiting()

    def _break_off_over(self, packet: mqtt5.PublishPacket) -> None:
        if packet.qos is QoS.EXACTLY_ONCE:
            self._break_off(DisconnectReasonCode.QOS_NOT_SUPPORTED, "a message of QoS 2")
        else:
            self._break_off(DisconnectReasonCode.PROTOCOL_ERROR, f"a message with id {packet.packet_id}")

    def _break_off(self, reason: DisconnectReasonCode, detail: str) -> None:
        """The broker breaks the protocol: say so and end the connection."""
        self._said = f"{reason.name.lower().replace('_', ' ')}: {detail}"
        self._leaving = True
        self._transport.write(mqtt5.DisconnectPacket(reason_code=reason).write())
        self._transport.close()

    def _drop(self, said: str) -> None:
        self._said = said
        self._transport.abort()


def pubacks(packet_ids: Sequence[int]) -> bytes:
    """Pack acknowledgements, in the given order."""
    return b"".join([_PUBACK.pack(_PUBACK_TYPE, 2, packet_id) for packet_id in packet_ids])


def declared_size(begun: memoryview) -> int:
    """The bytes of a packet, header and all, as far as its beginning says; 0: it does not say yet."""
    size = shift = 0
    for at in range(1, min(len(begun), 5)):
        size |= (begun[at] & 0x7F) << shift
        shift += 7
        if begun[at] < 0x80:
            return at + 1 + size
    return 0


def _properties(packet: mqtt5.PublishPacket) -> dict[str, Any] | None:
    """What a publisher can say beside the payload; the rest is between it and the broker."""
    said: dict[str, Any] = {}
    if packet.user_properties:
        said["UserProperty"] = packet.user_properties
    if packet.content_type is not None:
        said["ContentType"] = packet.content_type
    if packet.payload_format_indicator:
        said["PayloadFormatIndicator"] = packet.payload_format_indicator
    if packet.response_topic is not None:
        said["ResponseTopic"] = packet.response_topic
    if packet.correlation_data is not None:
        said["CorrelationData"] = packet.correlation_data
    if packet.retain:
        said["retain"] = True
    return said or None
