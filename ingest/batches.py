"""When a batch is full: many messages make a commit cheap, few make it quick."""

import queue
import time
from dataclasses import dataclass

from ingest.message import Message


@dataclass(frozen=True, kw_only=True)
class Batching:
    """When to close a batch."""

    #: At so many messages. A quarter of what the broker may have in flight to us.
    size: int = 1000
    #: At so many bytes of payload: a flood of large messages must fit into memory and one row.
    bytes: int = 8 * 1024 * 1024
    #: So long after the first message.
    wait_s: float = 0.1
    #: A burst: this many messages, and then nothing for `quiet_s`. The sender, or a broker with a small
    #: window, is then waiting for us.
    burst: int = 64
    quiet_s: float = 0.003


def collect(arrived: "queue.SimpleQueue[Message]", batching: Batching, *, within_s: float) -> list[Message]:
    """Take a batch off the queue, in order; empty when nothing came within `within_s`."""
    try:
        message = arrived.get(timeout=within_s)
    except queue.Empty:
        return []
    batch = [message]
    held = len(message.payload)
    deadline = time.monotonic() + batching.wait_s
    while len(batch) < batching.size and held < batching.bytes:
        try:
            message = arrived.get_nowait()
        except queue.Empty:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            wait_s = min(left_s, batching.quiet_s) if len(batch) >= batching.burst else left_s
            try:
                message = arrived.get(timeout=wait_s)
            except queue.Empty:
                break
        batch.append(message)
        held += len(message.payload)
    return batch
