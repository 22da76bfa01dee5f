"""Messages whose decoder must not run inside ingest, kept with their batch (`ingest.decoding`)."""

from collections.abc import Sequence

from ingest.content import Todo
from storage.pool import Connection
from storage.queries import load
from wire.instants import from_us

_SQL = load("ingest", "todos.sql")


def put(connection: Connection, todos: Sequence[Todo], *, journal_id: int) -> None:
    """Write what is to be decoded after the batch, in the batch's transaction, and wake who does it."""
    if not todos:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            _SQL["put"],
            [
                (
                    from_us(todo.message.received_us),
                    journal_id,
                    todo.device_id,
                    todo.message.topic,
                    todo.message.payload,
                    todo.flags,
                )
                for todo in todos
            ],
        )
    connection.execute(_SQL["notify"])


def waiting(connection: Connection) -> bool:
    """Whether there is anything to decode."""
    return connection.execute(_SQL["waiting"]).fetchone() is not None
