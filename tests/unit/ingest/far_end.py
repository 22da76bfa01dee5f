"""The broker's end of a connection, byte by byte: what no real broker does can be done here."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import mqtt5

from ingest.address import BrokerAddress
from ingest.batches import Batching
from ingest.broker import MqttBroker
from ingest.codec import read
from ingest.message import Message
from tests.waiting import wait_until

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
CONNACK = mqtt5.ConnAckPacket().write()
TOPIC = "hm/v1/d/up/m"


def publish(n: int, *, qos: int = 1, size: int = 20, **more: object) -> bytes:
    """A PUBLISH with packet id n, its number as payload, filled up to a size."""
    return mqtt5.PublishPacket(
        TOPIC,
        str(n).encode().ljust(size, b"."),
        qos=mqtt5.QoS(qos),
        packet_id=n if qos else None,
        **more,  # pyright: ignore[reportArgumentType]
    ).write()


class FarEnd:
    """Listens as a broker does, and holds one connection at a time."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(10)
        self.port = self._listener.getsockname()[1]
        self._wire: socket.socket | None = None
        #: What came behind the packet that was heard last.
        self.unread = b""

    @property
    def wire(self) -> socket.socket:
        """The connection there is."""
        assert self._wire is not None
        return self._wire

    def accept(self) -> mqtt5.ConnectPacket:
        """Take the next connection, and hear its CONNECT."""
        if self._wire is not None:
            self._wire.close()
        self._wire, _ = self._listener.accept()
        self.wire.settimeout(10)
        self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""
        packet = self.hear()
        assert isinstance(packet, mqtt5.ConnectPacket)
        return packet

    def let_in(self, connack: bytes = CONNACK, *, grant: bool = True) -> mqtt5.SubscribePacket:
        """Take the next connection, let it in and grant its subscription."""
        self.accept()
        self.say(connack)
        packet = self.hear()
        assert isinstance(packet, mqtt5.SubscribePacket)
        if grant:
            granted = [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE] * len(packet.topic_filters)
            self.say(mqtt5.SubAckPacket(packet.packet_id, granted).write())
        return packet

    def say(self, raw: bytes) -> None:
        self.wire.sendall(raw)

    def hear(self) -> mqtt5.Packet | None:
        """The next packet but pings; None: the client has closed."""
        while True:
            try:
                packet, size = read(memoryview(self.unread))
            except IndexError:
                try:
                    more = self.wire.recv(65_536)
                except ConnectionResetError:
                    more = b""
                if not more:
                    return None
                self.unread += more
            else:
                self.unread = self.unread[size:]
                if not isinstance(packet, mqtt5.PingReqPacket):
                    return packet

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._listener.close()


@contextmanager
def connected(
    far: FarEnd, *, connack: bytes = CONNACK, batching: Batching | None = None, keepalive_s: int = 60
) -> Iterator[MqttBroker]:
    """A client that the far end has let in."""
    with started(far, batching=batching, keepalive_s=keepalive_s) as client:
        far.let_in(connack)
        wait_until(lambda: client._connection is not None, what="let in")
        yield client


@contextmanager
def started(
    far: FarEnd,
    *,
    filters: tuple[str, ...] = ("hm/#",),
    batching: Batching | None = None,
    keepalive_s: int = 60,
    url: str = "mqtt://127.0.0.1",
) -> Iterator[MqttBroker]:
    """A client that connects to the far end."""
    client = MqttBroker(
        BrokerAddress.parse(f"{url}:{far.port}"),
        client_id="t",
        filters=filters,
        batching=batching or Batching(wait_s=0.01),
        now=lambda: NOW,
        keepalive_s=keepalive_s,
    )
    client.start()
    try:
        yield client
    finally:
        client.stop(within_s=0)


def take(client: MqttBroker, count: int) -> list[Message]:
    """So many messages, in however many batches."""
    taken: list[Message] = []

    def enough() -> bool:
        taken.extend(client.take(within_s=0.05))
        return len(taken) >= count

    wait_until(enough, what=f"{count} messages have come")
    return taken
