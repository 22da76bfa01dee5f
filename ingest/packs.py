"""Old blocks of the journal in packs: the same messages in a tenth of the room, or less.

An estate of a thousand homes sends a message a second: most blocks hold one message, and a row and an index
entry for each cost more than what it says. So blocks of past days are put together: their messages lie by
topic, each part of them by itself, and compress as neighbours that say almost the same. A pack stands in the
journal where its last block stood, and gives each block back as it was.
"""

import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from ingest.errors import BlockDamaged
from ingest.journal import Journaled, read_block
from storage.pool import Connection
from storage.queries import load

_SQL = load("ingest", "packs.sql")
#: A pack reaches over no more time, messages and bytes of payload than these.
SPAN = timedelta(days=7)
_MESSAGES, _BYTES = 50_000, 16 * 1024 * 1024
#: Held alone while blocks are put together, shared by whoever reads several one after the other.
_LOCK = 7_309_004_732

Ints = npt.NDArray[np.int64]
Block = tuple[int, Sequence[Journaled]]


class _Pack(msgspec.Struct, frozen=True, array_like=True):
    """The messages of some blocks, by topic."""

    #: Id and number of messages of each block.
    blocks: list[tuple[int, int]]
    #: Topic and number of messages.
    topics: list[tuple[str, int]]
    #: What divides all times of arrival: 1,000, where they are kept to the millisecond.
    unit: int
    #: For each message when it came, and how far its place among all, in the order of the blocks, is from
    #: where that puts it: mostly not at all. Both by topic, as `_planes` of differences.
    received: bytes
    moved: bytes
    payloads: list[bytes]
    #: By place; most messages have none.
    properties: dict[int, dict[str, Any]]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Pack)


def make_pack(blocks: Sequence[Block]) -> bytes:
    """Put blocks, each with its id, into one."""
    messages = [message for _, block in blocks for message in block]
    order = sorted(range(len(messages)), key=lambda place: (messages[place].topic, place))
    topics: dict[str, int] = {}
    for place in order:
        topic = messages[place].topic
        topics[topic] = topics.get(topic, 0) + 1
    counts = list(topics.values())
    received = np.asarray([messages[place].received_us for place in order], np.int64)
    unit = int(np.gcd.reduce(received)) or 1
    pack = _Pack(
        blocks=[(number, len(block)) for number, block in blocks],
        topics=list(topics.items()),
        unit=unit,
        received=_planes(received // unit, counts),
        moved=_planes(np.asarray(order, np.int64) - _ranks(received), counts),
        payloads=[messages[place].payload for place in order],
        properties={place: found for place, m in enumerate(messages) if (found := m.properties) is not None},
    )
    return lzma.compress(_ENCODER.encode(pack))


def read_pack(pack: bytes) -> list[Block]:
    """The blocks that were put together, as they were.

    Raises
    ------
    BlockDamaged
        Not a pack, or altered.
    """
    try:
        found = _DECODER.decode(lzma.decompress(pack))
        counts = [count for _, count in found.topics]
        received = _from_planes(found.received, counts) * found.unit
        places = _from_planes(found.moved, counts) + _ranks(received)
        named = [topic for topic, count in found.topics for _ in range(count)]
        messages: list[Journaled | None] = [None] * len(found.payloads)
        arrived = zip(places.tolist(), received.tolist(), strict=True)
        for topic, (place, received_us), payload in zip(named, arrived, found.payloads, strict=True):
            messages[place] = Journaled(topic, payload, received_us, found.properties.get(place))
    except (lzma.LZMAError, msgspec.DecodeError, ValueError, IndexError) as error:
        raise BlockDamaged(str(error)) from error
    whole = [message for message in messages if message is not None]
    if len(whole) != len(messages) or len(whole) != sum(count for _, count in found.blocks):
        raise BlockDamaged("a pack lacks messages")
    blocks: list[Block] = []
    first = 0
    for number, count in found.blocks:
        blocks.append((number, whole[first : first + count]))
        first += count
    return blocks


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What one pack took in."""

    blocks: int
    messages: int
    #: Compressed, before and after.
    bytes_before: int
    bytes_after: int


def pack(connection: Connection, *, before: datetime, whole_before: datetime) -> Packed | None:
    """Put the oldest blocks that stand alone into one pack, in the caller's transaction.

    Parameters
    ----------
    before : datetime
        Blocks that came later stay as they are.
    whole_before : datetime
        A pack that is not full yet waits for more, unless its first block came before this.

    Returns
    -------
    Packed or None
        None: nothing is to be done, or somebody reads the journal block by block just now.

    Raises
    ------
    BlockDamaged
        A block cannot be read, or a pack would not give back what went in; nothing was changed.
    """
    taken = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK]).fetchone()
    if taken is None or not taken[0]:
        return None
    asked = {"before": before, "span": SPAN, "messages": _MESSAGES, "bytes": _BYTES}
    chosen = connection.execute(_SQL["choose"], asked).fetchone()
    if chosen is None or chosen[0] is None:
        return None
    first_id, last_id, first_at, full = chosen
    if not full and first_at >= whole_before:
        return None
    ids = {"first": first_id, "last": last_id}
    rows = sorted(connection.execute(_SQL["take"], ids, binary=True).fetchall(), key=lambda row: row[0])
    blocks = [(number, read_block(block)) for number, _, _, _, _, block in rows]
    made = make_pack(blocks)
    if read_pack(made) != blocks:
        raise BlockDamaged("a pack does not give back what went in")
    result = Packed(
        blocks=len(rows),
        messages=sum(messages for _, _, messages, _, _, _ in rows),
        bytes_before=sum(len(block) for *_, block in rows),
        bytes_after=len(made),
    )
    connection.execute(
        _SQL["put"],
        {
            "received_at": rows[-1][1],
            "id": last_id,
            "messages": result.messages,
            "raw_bytes": sum(raw_bytes for _, _, _, raw_bytes, _, _ in rows),
            "redacted": sorted({key for _, _, _, _, redacted, _ in rows for key in redacted}),
            "block": made,
            "first_id": first_id,
            "first_at": first_at,
        },
    )
    return result


def hold(connection: Connection) -> None:
    """Let blocks stand as they are until the caller's transaction ends; waits for a pack that is made."""
    connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])


def read_row(number: int, block: bytes, *, is_pack: bool) -> list[Block]:
    """The blocks of one row of the journal."""
    return read_pack(block) if is_pack else [(number, read_block(block))]


def _ranks(received: Ints) -> Ints:
    """The place of each message by its arrival; of equals the one that comes first here."""
    ranks = np.empty(len(received), np.int64)
    ranks[np.argsort(received, kind="stable")] = np.arange(len(received))
    return ranks


def _planes(numbers: Ints, counts: Sequence[int]) -> bytes:
    """Differences to the one before within a topic, the first as it is; their first bytes, their second …

    High bytes of small differences are all alike, which a compressor sees only when they lie together.
    """
    differences = np.diff(numbers, prepend=0)
    starts = np.cumsum(np.asarray([0, *counts], dtype=np.int64))[:-1]
    differences[starts[starts < numbers.size]] = numbers[starts[starts < numbers.size]]
    return differences.astype("<i8").view(np.uint8).reshape(-1, 8).T.tobytes()


def _from_planes(planes: bytes, counts: Sequence[int]) -> Ints:
    differences = np.frombuffer(planes, np.uint8).reshape(8, -1).T.copy().view("<i8").ravel()
    numbers = differences.astype(np.int64)
    first = 0
    for count in counts:
        numbers[first : first + count] = np.cumsum(numbers[first : first + count])
        first += count
    return numbers
