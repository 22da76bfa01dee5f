"""Signs that wait while more messages wait: one write a device for many batches, where each of them counts.

Writing them with every batch costs as much as storing the readings. So a batch behind which others wait
leaves them to a later one, for a few seconds at most. What a process had put off when it was killed is in the
journal: the next start reads the last seconds of it and makes the signs out again.
"""

import time

from ingest import journal
from ingest.message import Message
from ingest.signs import Signs
from ingest.sorting import Sorter
from storage.pool import Connection

#: They wait so long at most.
WITHIN_S = 5.0
#: Of the journal's end this much can be without its signs, with the arrivals of one batch.
_REACH_S = 2 * WITHIN_S
_MOST_BLOCKS = 2000


class Deferred:
    """The signs of committed batches that are not written yet."""

    def __init__(self) -> None:
        self._signs = Signs()
        self._since_s: float | None = None

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self._since_s is not None

    def can_wait(self, *, more: bool) -> bool:
        """Whether nothing need be written with this batch."""
        return more and (self._since_s is None or time.monotonic() - self._since_s < WITHIN_S)

    def due(self, latest: Signs, *, more: bool) -> Signs | None:
        """What is to be written with the signs of the latest batch, these included; None: they can wait.

        Parameters
        ----------
        more : bool
            Whether other messages wait behind this batch.
        """
        if self.can_wait(more=more):
            return None
        together = self._signs.copy()
        together.extend(latest)
        return together

    def committed(self, latest: Signs, *, written: bool) -> None:
        """The batch is committed, and all signs with it, or none."""
        if written:
            self._signs, self._since_s = Signs(), None
        else:
            self._signs.extend(latest)
            self._signs.make_out()
            self._since_s = time.monotonic() if self._since_s is None else self._since_s


def from_journal(connection: Connection, sorter: Sorter) -> Signs:
    """Make out again what the end of the journal says of its senders."""
    rows = connection.execute(
        "WITH latest AS (SELECT id, received_at, block FROM journal WHERE first_id IS NULL"  # a pack is old
        " ORDER BY id DESC LIMIT %(most)s)"
        " SELECT block FROM latest"
        " WHERE received_at >= (SELECT max(received_at) FROM latest) - %(reach)s * interval '1 s'"
        " AND received_at >= (SELECT max(received_at) FROM device_sign) - %(reach)s * interval '1 s'"
        " ORDER BY received_at, id",  # batches that are stored beside each other take their ids as they come
        {"reach": _REACH_S, "most": _MOST_BLOCKS},
    )
    found = Signs()
    for (block,) in rows:
        messages = [
            Message(
                topic=kept.topic,
                payload=kept.payload,
                received_us=kept.received_us,
                properties=kept.properties,
            )
            for kept in journal.read_block(block)
        ]
        found.extend(sorter.sort(messages).signs)
    return found
