"""The last sign of each ingest process, and the markers that say how far it is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from storage.pool import Connection

_MARKERS_KEPT = timedelta(days=1)


def put(connection: Connection, *, client_id: str, now: datetime, lag: timedelta) -> None:
    """Record that a batch is being committed; `lag` since the arrival of its oldest message."""
    connection.execute(
        "INSERT INTO ingest_state (client_id, committed_at, lag_s) VALUES (%s, %s, %s)"
        " ON CONFLICT (client_id) DO UPDATE SET committed_at = excluded.committed_at, lag_s = excluded.lag_s",
        [client_id, now, max(lag.total_seconds(), 0.0)],
    )


def put_markers(connection: Connection, markers: Sequence[UUID], now: datetime) -> None:
    """Commit markers with everything that came before them, and sweep those that nobody waits for."""
    connection.execute(
        "INSERT INTO ingest_marker (marker, committed_at) SELECT unnest(%s::uuid[]), %s"
        " ON CONFLICT (marker) DO NOTHING",
        [list(markers), now],
    )
    connection.execute("DELETE FROM ingest_marker WHERE committed_at < %s", [now - _MARKERS_KEPT])
