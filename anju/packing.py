"""The journal's blocks of past days are put into packs, once a day."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from ingest import packs
from ingest.errors import BlockDamaged
from storage import watermark
from storage.pool import Connection

_log = logging.getLogger(__name__)
_DONE = "journal_packed"
#: Blocks younger than this stay as they came: what is replayed most is of today.
_AFTER = timedelta(days=1)


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether no round was completed on the UTC day of `now`."""
    done = watermark.reached(connection, _DONE)
    return done is None or done.date() < now.date()


def pack(connection: Connection, *, now: datetime) -> Iterator[None]:
    """One round; every step of the iteration is one committed transaction.

    A damaged block ends the round and is told: it stays where it is, and so does what came after it.
    """
    done: list[packs.Packed] = []
    try:
        while one := packs.pack(connection, before=now - _AFTER, whole_before=now - packs.SPAN):
            connection.commit()
            done.append(one)
            yield
    except BlockDamaged as error:
        connection.rollback()
        _log.error("the journal is damaged: %s", error, extra={"action": "journal_damaged"})
    watermark.advance(connection, _DONE, now)
    connection.commit()
    if done:
        _log.info(
            "put %d blocks into %d packs: %d bytes instead of %d",
            sum(one.blocks for one in done),
            len(done),
            sum(one.bytes_after for one in done),
            sum(one.bytes_before for one in done),
            extra={"action": "journal_packed"},
        )
