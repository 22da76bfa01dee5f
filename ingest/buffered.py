"""paho's client with buffers, for a subscriber that has thousands of messages a second.

paho reads a packet in three or four system calls after a `select` of its own, and writes each PUBACK by
itself. Every one of them gives up the interpreter's lock to the thread that sorts and stores. Here one
read serves all packets that have arrived, and one write acknowledges a batch. Both lean on methods of
paho 2.2 that are not public: its version is pinned, and tests/unit/ingest/test_buffered.py holds them to
what is needed here.
"""

import struct
from collections.abc import Sequence

from paho.mqtt.client import Client
from paho.mqtt.enums import MessageType, MQTTErrorCode

_BUFFER = 64 * 1024
#: A PUBACK without reason and properties means success.
_PUBACK = struct.Struct("!BBH")


class BufferedClient(Client):
    """A client that reads and acknowledges in bulk; everything else is paho's."""

    _held = b""
    _at = 0
    _filled = False

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
