"""The raw truth: one block a batch, as received but for the personal keys. Append-only."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import zstandard

from ingest.errors import BlockDamaged
from ingest.message import Message
from storage.pool import Connection

#: Level 3 is zstd's default: half a millisecond for 100 kB.
_LEVEL = 3


class Journaled(msgspec.Struct, frozen=True, array_like=True):
    """One message of a block."""

    topic: str
    payload: bytes
    #: Microseconds since 1970, UTC.
    received_us: int
    properties: dict[str, Any] | None = None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Journaled])


def make_block(messages: Iterable[Message]) -> bytes:
    """Pack messages into a block."""
    rows = [Journaled(m.topic, m.payload, m.received_us, m.properties) for m in messages]
    return zstandard.compress(_ENCODER.encode(rows), _LEVEL)


def read_block(block: bytes) -> list[Journaled]:
    """Unpack a block, for replay and for people.

    Raises
    ------
    BlockDamaged
        Not a block, or altered.
    """
    try:
        return _DECODER.decode(zstandard.decompress(block))
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise BlockDamaged(str(error)) from error


def append(
    connection: Connection, messages: Sequence[Message], *, first_at: datetime, redacted: Iterable[str]
) -> int:
    """Write the block of a batch in the caller's transaction; returns its id."""
    row = connection.execute(
        "INSERT INTO journal (received_at, messages, raw_bytes, redacted, block)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING id",
        [
            first_at,
            len(messages),
            sum(len(message.payload) for message in messages),
            sorted(redacted),
            make_block(messages),
        ],
        binary=True,
    ).fetchone()
    assert row is not None
    return row[0]
