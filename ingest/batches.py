"""When a batch is full: many messages make a commit cheap, few make it quick."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.message import Message

#: Held in memory at most, about: beyond it the reader of the broker waits. Messages of QoS 0 know no window.
_CROWDED_BYTES = 8 * 1024 * 1024
#: What a message takes beside its payload, about.
_OVERHEAD_BYTES = 400


@dataclass(frozen=True, kw_only=True)
class Batching:
    """When to close a batch."""

    #: At so many messages. Half of what the broker may have in flight to us: it mostly closes sooner, at the
    #: end of a burst, and what a batch costs whatever is in it is shared by more.
    size: int = 2000
    #: At so many bytes of payload: a flood of large messages must fit into memory and one row.
    bytes: int = 4 * 1024 * 1024
    #: So long after the first message.
    wait_s: float = 0.1
    #: A burst: this many messages, and then nothing for `quiet_s`. The sender, or a broker with a small
    #: window, is then waiting for us.
    burst: int = 64
    quiet_s: float = 0.003


class Inbox:
    """Messages between the thread that receives and the one that stores, in order.

    They come as one read of the network brings them, so that the two threads meet once for all of these.
    """

    def __init__(self, batching: Batching) -> None:
        self._batching = batching
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        #: Whoever takes sleeps until there are so many messages, or bytes enough; 0: nobody sleeps.
        self._wanted = 0

    def __len__(self) -> int:
        """How many messages are not taken yet."""
        return len(self._messages)

    @property
    def crowded(self) -> bool:
        """Whether nothing more should be read before something is taken."""
        return self._bytes + len(self._messages) * _OVERHEAD_BYTES > _CROWDED_BYTES

    def put(self, messages: Sequence[Message]) -> None:
        """Append messages."""
        held = sum([len(message.payload) for message in messages])
        with self._changed:
            self._messages.extend(messages)
            self._bytes += held
            if self._wanted and self._has(self._wanted):
                self._wanted = 0
                self._changed.notify()

    def take(self, *, within_s: float) -> list[Message]:
        """Take a batch, in order; empty when nothing came within `within_s`."""
        shape = self._batching
        with self._changed:
            if not self._messages:
                self._sleep(1, within_s)
                if not self._messages:
                    return []
            deadline = time.monotonic() + shape.wait_s
            while not self._has(shape.size):
                before = len(self._messages)
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    break
                if before < shape.burst:
                    self._sleep(shape.burst, left_s)
                else:
                    self._sleep(shape.size, min(left_s, shape.quiet_s))
                    if len(self._messages) == before:
                        break
            return self._first()

    def _has(self, count: int) -> bool:
        return len(self._messages) >= count or self._bytes >= self._batching.bytes

    def _sleep(self, wanted: int, within_s: float) -> None:
        self._wanted = wanted
        self._changed.wait(within_s)
        self._wanted = 0

    def _first(self) -> list[Message]:
        messages, shape = self._messages, self._batching
        batch: list[Message] = []
        held = 0
        while messages and len(batch) < shape.size and held < shape.bytes:
            message = messages.popleft()
            batch.append(message)
            held += len(message.payload)
        self._bytes -= held
        return batch
