"""Messages in quarantine, for tests that look at them."""

import hashlib
from datetime import datetime

from storage.pool import Connection


def put(
    connection: Connection, topic: str, payload: bytes, *, at: datetime, reason: str = "invalid_json"
) -> None:
    """Quarantine a message; the same again is counted. Does not commit."""
    connection.execute(
        "INSERT INTO quarantine AS q (message_hash, topic, payload, reason, decoder, first_at, last_at)"
        " VALUES (%s, %s, %s, %s, 101, %s, %s)"
        " ON CONFLICT (message_hash) DO UPDATE SET repeats = q.repeats + 1, last_at = excluded.last_at",
        [hashlib.sha256(topic.encode() + b"\0" + payload).digest(), topic, payload, reason, at, at],
    )
