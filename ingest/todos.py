"""Messages whose decoder must not run inside ingest, kept with their batch."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from ingest.sorting import Todo
from storage.pool import Connection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def put(connection: Connection, todos: Sequence[Todo], *, journal_id: int) -> None:
    """Write what is to be decoded after the batch, in the batch's transaction."""
    if not todos:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO decode_todo (received_at, journal_id, device_id, topic, payload, quality)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (
                    _EPOCH + timedelta(microseconds=todo.message.received_us),
                    journal_id,
                    todo.device_id,
                    todo.message.topic,
                    todo.message.payload,
                    todo.flags,
                )
                for todo in todos
            ],
        )
