"""A QoS-1 publisher that costs little: packets made beforehand, written in runs, PUBACKs counted.

A publisher in paho would take as much of the machine as ingest does. Runs as a process of its own:
`python -m tests.benchmarks.publisher PORT FILE WINDOW RATE`, FILE made by `write_packets`, RATE messages a
second (0: as fast as it goes). Says ready, waits for a line, and prints the seconds from the first byte to
the last PUBACK.
"""

import socket
import struct
import sys
import time
from collections.abc import Iterable
from pathlib import Path

_CONNECT = b"\x10\x14\x00\x04MQTT\x04\x02\x00\x3c\x00\x08bench-pb"
_RUN = 64


def packet(topic: str, payload: bytes, packet_id: int) -> bytes:
    """One PUBLISH of MQTT 3.1.1, QoS 1."""
    name = topic.encode()
    body = struct.pack("!H", len(name)) + name + struct.pack("!H", packet_id) + payload
    return b"\x32" + _length(len(body)) + body


def write_packets(file: Path, messages: Iterable[tuple[str, bytes]]) -> int:
    """Write a file of packets, each behind its length; returns how many."""
    count = 0
    with file.open("wb") as out:
        for topic, payload in messages:
            made = packet(topic, payload, count % 65_535 + 1)
            out.write(struct.pack("!I", len(made)) + made)
            count += 1
    return count


def publish(port: int, packets: list[bytes], *, window: int, rate: float) -> float:
    """Publish with at most `window` unacknowledged and at most `rate` a second; returns seconds."""
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.sendall(_CONNECT)
        if wire.recv(4)[:1] != b"\x20":
            raise ConnectionError("the broker refused the publisher")
        started = time.perf_counter()
        sent = acknowledged = partial = 0
        while acknowledged < len(packets):
            room = window - (sent - acknowledged)
            if sent < len(packets) and room >= min(_RUN, len(packets) - sent):
                if rate:
                    time.sleep(max(0.0, started + sent / rate - time.perf_counter()))
                wire.sendall(b"".join(packets[sent : sent + min(room, _RUN)]))
                sent += len(packets[sent : sent + min(room, _RUN)])
                continue
            # A PUBACK has four bytes.
            got = wire.recv(65_536)
            if not got:
                raise ConnectionError("the broker closed the connection")
            partial += len(got)
            acknowledged, partial = acknowledged + partial // 4, partial % 4
        took = time.perf_counter() - started
        wire.sendall(b"\xe0\x00")
        return took


def _length(size: int) -> bytes:
    out = bytearray()
    while True:
        size, low = divmod(size, 128)
        out.append(low | (0x80 if size else 0))
        if not size:
            return bytes(out)


def _read(file: Path) -> list[bytes]:
    raw = file.read_bytes()
    packets: list[bytes] = []
    at = 0
    while at < len(raw):
        (size,) = struct.unpack_from("!I", raw, at)
        packets.append(raw[at + 4 : at + 4 + size])
        at += 4 + size
    return packets


if __name__ == "__main__":
    port, file, window, rate = sys.argv[1:]
    found = _read(Path(file))
    print("ready", flush=True)
    sys.stdin.readline()
    print(publish(int(port), found, window=int(window), rate=float(rate)), flush=True)
