"""Thousands of devices in one process, each a connection of its own that speaks just enough MQTT 3.1.1."""

import asyncio
import struct
from collections.abc import Callable, Sequence

#: Dials that are under way at once: more than a listening socket's backlog holds.
_DIALS = 1_000
_PUBACK = 0x40
_KEEPALIVE_S = 300

Messages = Sequence[tuple[str, bytes]]


async def reconnect_at_once(port: int, devices: Sequence[Messages], power_cut: Callable[[], None]) -> None:
    """Connect all, cut them off, and have all come back at once with what they have to say.

    Returns when the broker has confirmed every message.
    """
    dialling = asyncio.Semaphore(_DIALS)
    held = await asyncio.gather(*(_connect(port, f"d{n}", dialling) for n in range(len(devices))))
    power_cut()
    for _, writer in held:
        writer.close()
    await asyncio.gather(*(_say(port, f"d{n}", said, dialling) for n, said in enumerate(devices)))


async def _connect(
    port: int, client_id: str, dialling: asyncio.Semaphore
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04\x02" + struct.pack("!HH", _KEEPALIVE_S, len(name)) + name
    while True:
        try:
            async with dialling:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"\x10" + _length(len(body)) + body)
                answer = await reader.readexactly(4)
        except (OSError, asyncio.IncompleteReadError):
            continue  # as a device does
        assert answer[3] == 0, "the broker takes it"
        return reader, writer


async def _say(port: int, client_id: str, messages: Messages, dialling: asyncio.Semaphore) -> None:
    reader, writer = await _connect(port, client_id, dialling)
    for number, (topic, payload) in enumerate(messages, 1):
        name = topic.encode()
        body = struct.pack("!H", len(name)) + name + struct.pack("!H", number) + payload
        writer.write(b"\x32" + _length(len(body)) + body)
    await writer.drain()
    for _ in messages:
        assert (await reader.readexactly(4))[0] == _PUBACK
    writer.write(b"\xe0\x00")
    await writer.drain()
    writer.close()


def _length(size: int) -> bytes:
    written = b""
    while True:
        size, byte = divmod(size, 128)
        written += bytes([byte | (0x80 if size else 0)])
        if not size:
            return written
