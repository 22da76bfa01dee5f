"""paho's client with buffers, for a subscriber that has thousands of messages a second.

paho reads a packet in three or four system calls after a `select` of its own, and writes each PUBACK by
itself; every one of them gives up the interpreter's lock to the thread that sorts and stores. For each
message it builds an object of all MQTT 5 properties, which hardly any message has. Here one read serves all
packets that have arrived, a message without properties is taken apart directly, and one write acknowledges
a batch: a third of the time. This leans on methods of paho 2.2 that are not public: its version is pinned,
and tests/unit/ingest/test_buffered.py holds them to what is needed here.
"""

import struct
from collections.abc import Callable, Sequence

from paho.mqtt.client import Client
from paho.mqtt.enums import MessageType, MQTTErrorCode

_BUFFER = 64 * 1024
#: A PUBACK without reason and properties means success.
_PUBACK = struct.Struct("!BBH")


class BufferedClient(Client):
    """An MQTT 5 client that reads and acknowledges in bulk; everything else is paho's."""

    _held = b""
    _at = 0
    _filled = False

    #: Takes a message without properties: topic, payload, packet id (0: QoS 0), retained. Others come by
    #: `on_message`.
    on_plain: Callable[[bytes, bytes, int, bool], None]

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Handle all packets that one read brings, and the end of the last."""
        self._filled = False
        outcome = super().loop_read(max_packets)
        while self._at < len(self._held) and outcome == MQTTErrorCode.MQTT_ERR_SUCCESS:
            outcome = super().loop_read(max_packets)
        return outcome

    def reconnect(self) -> MQTTErrorCode:
        """Connect anew: what was read of the old connection is of no use."""
        self._held, self._at = b"", 0
        return super().reconnect()

    def ack_all(self, packet_ids: Sequence[int]) -> None:
        """Acknowledge QoS-1 messages in the given order, in one write."""
        packed = b"".join([_PUBACK.pack(MessageType.PUBACK, 2, packet_id) for packet_id in packet_ids])
        self._packet_queue(MessageType.PUBACK, packed, packet_ids[-1], 1)

    def _handle_publish(self) -> MQTTErrorCode:
        packet: bytearray = self._in_packet["packet"]
        header: int = self._in_packet["command"]
        qos = header >> 1 & 3
        end = 2 + int.from_bytes(packet[:2])
        body = end + (2 if qos else 0)
        # The length of the properties follows the packet id. Whatever is not plain is for paho to judge.
        if qos == 2 or len(packet) <= body or packet[body] != 0:
            return super()._handle_publish()
        self.on_plain(
            bytes(packet[2:end]),
            bytes(packet[body + 1 :]),
            int.from_bytes(packet[end:body]),
            bool(header & 1),
        )
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._at == len(self._held):
            if self._filled:
                # The end of a split packet: exactly that, so that nothing is held when `select` waits.
                return super()._sock_recv(bufsize)
            self._filled = True
            self._held, self._at = super()._sock_recv(_BUFFER), 0
        found = self._held[self._at : self._at + bufsize]
        self._at += len(found)
        return found
