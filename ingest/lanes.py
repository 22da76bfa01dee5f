"""Connections over which batches are stored beside each other, each in its own transaction.

Two batches that say something under one key never run side by side: the later one would wait for the earlier
one inside the database, or each for the other.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

from ingest.content import Sorted
from storage.pool import Connection


@dataclass(kw_only=True, eq=False)
class Lane:
    """A connection, and what is being stored over it."""

    connection: Connection
    content: Sorted | None = None
    #: What its thread does next; None: end.
    work: "queue.SimpleQueue[Callable[[], None] | None]" = field(default_factory=queue.SimpleQueue)


class Lanes:
    """A few lanes with a thread each."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._lanes = [Lane(connection=connection) for connection in connections]
        self._free: queue.SimpleQueue[Lane] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._serve, args=[lane], name=f"lane-{n}", daemon=True)
            for n, lane in enumerate(self._lanes)
        ]
        for lane, thread in zip(self._lanes, self._threads, strict=True):
            self._free.put(lane)
            thread.start()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._lanes)

    def take(self) -> Lane:
        """Wait for a free lane; it is given back by `give`, or by what is run on it."""
        return self._free.get()

    def give(self, lane: Lane) -> None:
        """Give a lane back with nothing of a transaction left on it."""
        with suppress(psycopg.Error):
            lane.connection.rollback()
        lane.content = None
        self._free.put(lane)

    def meets(self, content: Sorted) -> bool:
        """Whether a batch says something under a key that is being stored."""
        return any(
            not (
                not content.readings.meets(other.readings)
                and content.events.keys().isdisjoint(other.events)
                and content.quarantined.keys().isdisjoint(other.quarantined)
            )
            for lane in self._lanes
            if (other := lane.content) is not None
        )

    def run(self, lane: Lane, content: Sorted, work: Callable[[], None]) -> None:
        """Store a batch on the lane's thread; `work` raises nothing."""
        lane.content = content
        lane.work.put(work)

    def close(self) -> None:
        """Wait for what runs, and give the connections back."""
        for lane in self._lanes:
            lane.work.put(None)
        for thread in self._threads:
            thread.join()
        for lane in self._lanes:
            lane.connection.close()

    def _serve(self, lane: Lane) -> None:
        while (work := lane.work.get()) is not None:
            try:
                work()
            finally:
                self.give(lane)
