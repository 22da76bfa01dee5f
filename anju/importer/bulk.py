"""Store checked readings and events in large ordered batches through ingest's history functions."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from anju.importer.series import EventBlock, ReadingBlock
from ingest import history
from ingest.history import PastEvent
from storage.pool import Connection
from wire.quality import Quality

#: Readings sorted at once: large enough for COPY, small enough for memory.
_BATCH_ROWS = 1_000_000
#: Commit after so many: a transaction that stores holds the registry as it is, and whoever wants to change
#: it meanwhile keeps ingest waiting, too.
_COMMIT_ROWS = 50_000
#: Events of one transaction; they become objects on the way.
_BATCH_EVENTS = 50_000

Tell = Callable[[int], None]


def readings(
    connection: Connection, blocks: Iterable[ReadingBlock], device_ids: NDArray[np.int64], told: Tell
) -> tuple[int, int]:
    """Store readings; answers how many rows there were, and how many of them were new.

    In many transactions: what is stored stays stored if a later one fails, and is found again by the next
    run.
    """
    rows = new = uncommitted = 0
    for batch in _batches(blocks):
        for part in series_of(batch):
            first = part[0]
            stored = history.store_readings(
                connection,
                device_id=int(device_ids[batch.device[first]]),
                channel=int(batch.channel[first]),
                time_us=batch.time_us[part],
                received_us=batch.received_us[part],
                value=batch.value[part],
                quality=batch.quality[part] | np.int16(Quality.IMPORTED),
            )
            new += stored.stored
            uncommitted += len(part)
            if uncommitted >= _COMMIT_ROWS:
                connection.commit()
                uncommitted = 0
        connection.commit()
        rows += batch.value.size
        told(batch.value.size)
    return rows, new


def events(
    connection: Connection, blocks: Iterable[EventBlock], device_ids: NDArray[np.int64], told: Tell
) -> tuple[int, int]:
    """Store events; likewise."""
    rows = new = 0
    for block in blocks:
        for start in range(0, block.value.size, _BATCH_EVENTS):
            part = list(_past_events(block, device_ids, start))
            new += history.store_events(connection, part).stored
            connection.commit()
            rows += len(part)
            told(len(part))
    return rows, new


def _past_events(block: EventBlock, device_ids: NDArray[np.int64], start: int) -> Iterator[PastEvent]:
    part = slice(start, start + _BATCH_EVENTS)
    columns = (
        device_ids[block.device[part]].tolist(),
        block.time_us[part].tolist(),
        block.received_us[part].tolist(),
        block.type[part].tolist(),
        block.method[part].tolist(),
        block.result[part].tolist(),
        block.value[part].tolist(),
        block.subject[part],
    )
    for device_id, time_us, received_us, kind, method, result, value, subject in zip(*columns, strict=True):
        yield PastEvent(
            device_id=device_id,
            type=kind,
            time_us=time_us,
            received_us=received_us,
            method=method,
            result=result,
            subject=subject,
            value=None if math.isnan(value) else value,
        )


def series_of(block: ReadingBlock) -> list[NDArray[np.int64]]:
    """The rows of each device and channel, in order of time."""
    if block.value.size == 0:
        return []
    order = np.lexsort((block.time_us, block.channel, block.device))
    device, channel = block.device[order], block.channel[order]
    edges = np.flatnonzero((np.diff(device) != 0) | (np.diff(channel) != 0)) + 1
    return np.split(order, edges)


def _batches(blocks: Iterable[ReadingBlock]) -> Iterator[ReadingBlock]:
    held: list[ReadingBlock] = []
    for block in blocks:
        held.append(block)
        if sum(one.value.size for one in held) >= _BATCH_ROWS:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _joined(blocks: Sequence[ReadingBlock]) -> ReadingBlock:
    if len(blocks) == 1:
        return blocks[0]
    return ReadingBlock(
        **{
            one.name: np.concatenate([getattr(block, one.name) for block in blocks])
            for one in fields(ReadingBlock)
        }
    )
