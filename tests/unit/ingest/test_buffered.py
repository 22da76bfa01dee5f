"""What we need of paho's inside: packets however they are cut, and acknowledgements byte for byte."""

import socket
from collections.abc import Iterator

import pytest
from paho.mqtt.client import MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ingest.buffered import BufferedClient
from tests.waiting import wait_until

CONNACK = b"\x20\x03\x00\x00\x00"
ENOUGH = 300


def publish(
    n: int, *, qos: int = 1, retained: bool = False, properties: bytes = b"", size: int = 20
) -> bytes:
    topic = b"hm/v1/d/up/m"
    packet_id = n.to_bytes(2, "big") if qos else b""
    payload = str(n).encode().ljust(size, b".")
    body = len(topic).to_bytes(2, "big") + topic + packet_id
    body += bytes([len(properties)]) + properties + payload
    length = bytes([len(body) % 128 | 128, len(body) // 128]) if len(body) > 127 else bytes([len(body)])
    return bytes([0x30 | qos << 1 | retained]) + length + body


class Wire:
    """The broker's end of a connection, byte by byte."""

    def __init__(self) -> None:
        self.plain: list[tuple[bytes, bytes, int, bool]] = []
        self.others: list[MQTTMessage] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        client = BufferedClient(
            CallbackAPIVersion.VERSION2, client_id="t", protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
        )
        client.on_plain = lambda *message: self.plain.append(message)
        client.on_message = lambda _client, _data, message: self.others.append(message)
        client.connect_async("127.0.0.1", self._listener.getsockname()[1], keepalive=60)
        client.loop_start()
        self.client = client
        self.connect()

    def connect(self) -> None:
        self.socket, _ = self._listener.accept()
        self.socket.settimeout(10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.recv(1024)
        self.socket.sendall(CONNACK)
        wait_until(self.client.is_connected, what="connected")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self.socket.close()
        self._listener.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    opened = Wire()
    yield opened
    opened.close()


@pytest.mark.parametrize("chunk", [1, 3, 31, 1000, 100_000])
def test_messages_come_whole_and_in_order_however_they_are_cut(wire: Wire, chunk: int) -> None:
    count = 20 if chunk == 1 else ENOUGH
    sent = b"".join(publish(n, size=n) for n in range(1, count + 1))
    for at in range(0, len(sent), chunk):
        wire.socket.sendall(sent[at : at + chunk])
    wait_until(lambda: len(wire.plain) == count, what="all have come")
    assert [packet_id for *_, packet_id, _ in wire.plain] == list(range(1, count + 1))
    assert [payload for _, payload, *_ in wire.plain] == [
        str(n).encode().ljust(n, b".") for n in range(1, count + 1)
    ]


def test_a_message_larger_than_the_buffer_comes_whole(wire: Wire) -> None:
    payload = b"x" * 1_000_000
    body = b"\x00\x01t\x00\x07\x00" + payload
    wire.socket.sendall(
        b"\x32" + bytes([len(body) % 128 | 128, len(body) // 128 % 128 | 128, len(body) // 16384])
    )
    wire.socket.sendall(body + publish(8))
    wait_until(lambda: len(wire.plain) == 2, what="both have come")
    assert wire.plain[0] == (b"t", payload, 7, False)


def test_qos_and_retained_are_told(wire: Wire) -> None:
    wire.socket.sendall(publish(5, qos=0) + publish(6, retained=True))
    wait_until(lambda: len(wire.plain) == 2, what="both have come")
    assert [(packet_id, retained) for *_, packet_id, retained in wire.plain] == [(0, False), (6, True)]


def test_a_message_with_properties_comes_by_way_of_paho(wire: Wire) -> None:
    content_type = b"\x03\x00\x04json"
    wire.socket.sendall(publish(5, properties=content_type) + publish(6))
    wait_until(lambda: wire.plain and wire.others, what="both have come")
    (message,) = wire.others
    assert (message.mid, message.payload.rstrip(b"."), message.properties.ContentType) == (5, b"5", "json")


def test_a_batch_is_acknowledged_in_order_and_in_one_write(wire: Wire) -> None:
    wire.client.ack_all([7, 300, 2])
    assert wire.socket.recv(1024) == bytes.fromhex("40020007 4002012c 40020002")


def test_half_a_packet_of_an_old_connection_is_forgotten(wire: Wire) -> None:
    wire.client.reconnect_delay_set(1, 1)
    wire.socket.sendall(publish(1) + publish(2)[:9])
    wait_until(lambda: len(wire.plain) == 1, what="the first has come")
    wire.socket.close()
    wait_until(lambda: not wire.client.is_connected(), what="the end is seen")
    wire.connect()
    wire.socket.sendall(publish(3))
    wait_until(lambda: len(wire.plain) == 2, what="the third has come")
    assert wire.plain[1][2] == 3
