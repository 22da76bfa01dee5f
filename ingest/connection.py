"""One connection to the broker: MQTT 5 from bytes and back, on the network thread.

The codec is `mqtt5` (Rust): all packets that one read brings are taken apart in one go. What breaks the
protocol ends the connection, with the reason that MQTT has for it; the session outlives it, and whoever
made this connection makes the next.
"""

import asyncio
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import mqtt5
from mqtt5 import DisconnectReasonCode, QoS

from ingest.arrival import Arrivals
from ingest.codec import declared_size, is_failure, read, spoken
from ingest.message import Message
from ingest.outbox import Outbox, Outgoing

#: A larger message is not for us to hold in memory. The broker is told, and drops it.
MAX_PACKET_BYTES = 16 * 1024 * 1024
SESSION_S = 86_400
_CONNACK_WITHIN_S = 10.0
_SUBSCRIBE_ID = 1
_NATIVE = "hm/"
#: A PUBACK without reason and properties means success.
_PUBACK = struct.Struct("!BBH")
_PUBACK_TYPE = 0x40


@dataclass(frozen=True, kw_only=True)
class Login:
    """Who connects, and for what."""

    client_id: str
    username: str | None = None
    #: Never shown.
    password: str | None = None
    keepalive_s: int
    #: Messages that the broker may have in flight to us.
    receive_max: int
    filters: Sequence[str]


class Connection(asyncio.Protocol):
    """A connection from its first byte to its last.

    Parameters
    ----------
    epoch : int
        The number of this connection, for its messages.
    arrivals : Arrivals
        Stamps messages.
    on_connected : Callable[[Connection, mqtt5.ConnAckPacket], None]
        The broker has let us in.
    on_subscribed : Callable[[Sequence[mqtt5.SubAckReasonCode]], None]
        What the broker says to the filters, in their order.
    on_messages : Callable[[list[Message]], None]
        All messages that one read brought.
    """

    def __init__(
        self,
        login: Login,
        *,
        epoch: int,
        arrivals: Arrivals,
        on_connected: "Callable[[Connection, mqtt5.ConnAckPacket], None]",
        on_subscribed: Callable[[Sequence[mqtt5.SubAckReasonCode]], None],
        on_messages: Callable[[list[Message]], None],
    ) -> None:
        self.epoch = epoch
        self._login = login
        self._arrivals = arrivals
        self._on_connected = on_connected
        self._on_subscribed = on_subscribed
        self._on_messages = on_messages
        self._loop = asyncio.get_running_loop()
        #: Done when the connection has ended, with why.
        self.ended: asyncio.Future[str] = self._loop.create_future()
        #: The broker did not let us in.
        self.refused = False
        self._why = "the line broke"
        self._transport: asyncio.Transport
        #: Once the broker has let us in.
        self._outbox: Outbox | None = None
        #: Bytes of a packet whose end has not come, and how many it will be.
        self._held = bytearray()
        self._needed = 0
        self._leaving = self._paused = False
        self._heard = self._pinged = 0.0
        self._ping_s = login.keepalive_s / 2
        self._timer: asyncio.TimerHandle | None = None

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
        if self._leaving:
            return
        self._held += data
        if len(self._held) < self._needed:
            return
        self._needed = 0
        messages: list[Message] = []
        taken = self._take_apart(memoryview(self._held), messages)
        self._held = self._held[taken:]
        if messages:
            self._on_messages(messages)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who waits for something."""
        if self._timer is not None:
            self._timer.cancel()
        if self._outbox is not None:
            self._outbox.close()
        self.ended.set_result(self._why if exc is None else f"{self._why}: {exc}")

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Acknowledge QoS-1 messages in the given order, in one write."""
        if not self._transport.is_closing():
            packed = [_PUBACK.pack(_PUBACK_TYPE, 2, packet_id) for packet_id in packet_ids]
            self._transport.write(b"".join(packed))

    def publish(self, outgoing: Outgoing) -> None:
        """Send a message of ours."""
        if self._outbox is None or self._leaving or self._transport.is_closing():
            outgoing.fail("the connection to the broker is ending")
        else:
            self._outbox.put(outgoing)

    def pause(self) -> None:
        """Read nothing for now; the broker keeps what it has."""
        self._paused = True
        self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        self._paused = False
        self._heard = self._loop.time()
        self._transport.resume_reading()

    def leave(self) -> None:
        """Say goodbye and keep the session; what is still to be written is written first.

        The end is the broker's to make: if we closed while its messages are on their way, the line would be
        reset, and the acknowledgements before the goodbye with it.
        """
        self._leaving = True
        self._why = "asked to stop"
        self.resume()
        self._transport.write(mqtt5.DisconnectPacket().write())

    def abort(self) -> None:
        """End now, whatever is not written."""
        self._transport.abort()

    def _take_apart(self, view: memoryview, messages: list[Message]) -> int:
        """Handle all whole packets; returns how many bytes these were."""
        at, end = 0, len(view)
        arrivals, epoch = self._arrivals, self.epoch
        arrivals.look()
        while at < end and not self._leaving:
            try:
                packet, size = read(view[at:])
            except IndexError:
                self._await_rest(view[at:])
                break
            except ValueError as error:
                self._break_off(DisconnectReasonCode.MALFORMED_PACKET, str(error))
                break
            except BaseException as error:  # noqa: BLE001 - the codec's panic is no `Exception`
                self._break_off(DisconnectReasonCode.MALFORMED_PACKET, f"the codec panics: {error}")
                break
            at += size
            if type(packet) is not mqtt5.PublishPacket or self._outbox is None:
                self._handle(packet)
                continue
            packet_id = packet.packet_id or 0
            topic = packet.topic
            if not topic or packet.qos is not QoS.AT_LEAST_ONCE or not packet_id:
                fault = self._fault(packet)
                if fault is not None:
                    self._break_off(*fault)
                    break
            messages.append(
                Message(
                    topic=topic,
                    payload=packet.payload,
                    # What is native has its own times.
                    received_us=arrivals.stamp(0 if topic.startswith(_NATIVE) else len(packet.payload)),
                    properties=_properties(packet),
                    epoch=epoch,
                    packet_id=packet_id,
                )
            )
        return at

    def _await_rest(self, begun: memoryview) -> None:
        self._needed = declared_size(begun)
        if 0 < self._needed <= len(begun):
            self._break_off(DisconnectReasonCode.MALFORMED_PACKET, "a packet shorter than what is in it")
        elif self._needed > MAX_PACKET_BYTES:
            self._break_off(DisconnectReasonCode.PACKET_TOO_LARGE, f"a packet of {self._needed:,} bytes")

    def _handle(self, packet: mqtt5.Packet) -> None:
        if isinstance(packet, mqtt5.DisconnectPacket):
            self._end(f"the broker says {_said(packet)}")
        elif isinstance(packet, mqtt5.ConnAckPacket) and self._outbox is None:
            self._let_in(packet)
        elif isinstance(packet, mqtt5.SubAckPacket):
            self._on_subscribed(packet.reason_codes)
        elif isinstance(packet, mqtt5.PubAckPacket) and self._outbox is not None:
            self._outbox.answered(packet)
        elif not isinstance(packet, mqtt5.PingRespPacket):
            self._break_off(DisconnectReasonCode.PROTOCOL_ERROR, f"a {type(packet).__name__}")

    def _let_in(self, packet: mqtt5.ConnAckPacket) -> None:
        if is_failure(packet.reason_code):
            self.refused = True
            self._end(_said(packet))
            return
        self._outbox = Outbox(self._transport.write, packet, first_id=_SUBSCRIBE_ID + 1)
        self._ping_s = (packet.server_keep_alive or self._login.keepalive_s) / 2
        self._on_connected(self, packet)
        # Every time: without a session it is needed, with one it does no harm. Retained messages come when
        # the subscription is new, not at every reconnect.
        filters = [
            mqtt5.TopicFilter(
                pattern,
                max_qos=QoS.AT_LEAST_ONCE,
                no_local=True,
                retain_as_published=False,
                retain_handling=mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS,
            )
            for pattern in self._login.filters
        ]
        self._transport.write(mqtt5.SubscribePacket(_SUBSCRIBE_ID, filters).write())
        self._keep_alive()

    def _keep_alive(self) -> None:
        """Send a ping, unless the last one is unanswered: then nobody is there."""
        if self._timer is not None:
            self._timer.cancel()
        # While we do not read we hear nothing, which is no fault of the broker's.
        if self._pinged > self._heard and not self._paused:
            self._drop(f"the broker has been silent for {self._loop.time() - self._heard:.1f} s")
            return
        self._pinged = self._loop.time()
        self._transport.write(mqtt5.PingReqPacket().write())
        self._timer = self._loop.call_later(self._ping_s, self._keep_alive)

    @staticmethod
    def _fault(packet: mqtt5.PublishPacket) -> tuple[DisconnectReasonCode, str] | None:
        """What is wrong with a message that is not like the others; of QoS 0 nothing."""
        if not packet.topic:
            return DisconnectReasonCode.TOPIC_ALIAS_INVALID, "a topic alias, which we did not offer"
        if packet.qos == QoS.EXACTLY_ONCE:
            return DisconnectReasonCode.QOS_NOT_SUPPORTED, "a message of QoS 2"
        if packet.qos == QoS.AT_LEAST_ONCE and not packet.packet_id:
            return DisconnectReasonCode.PROTOCOL_ERROR, "a message with packet id 0"
        return None

    def _break_off(self, reason: DisconnectReasonCode, detail: str) -> None:
        """The broker breaks the protocol: tell it, and end the connection."""
        self._transport.write(mqtt5.DisconnectPacket(reason_code=reason).write())
        self._end(f"{spoken(reason)}, {detail}")

    def _end(self, why: str) -> None:
        self._why = why
        self._leaving = True
        self._transport.close()

    def _drop(self, why: str) -> None:
        self._why = why
        self._transport.abort()


def _said(packet: mqtt5.ConnAckPacket | mqtt5.DisconnectPacket) -> str:
    reason = spoken(packet.reason_code)
    return f"{reason}, {packet.reason_str}" if packet.reason_str else reason


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
