"""The last sign of each ingest process, and the markers that say how far it is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from storage.pool import Connection
from storage.queries import load

_SQL = load("ingest", "state.sql")
_MARKERS_KEPT = timedelta(days=1)


def put(
    connection: Connection, *, client_id: str, now: datetime, lag: timedelta, outage: timedelta, resumed: bool
) -> None:
    """Record that a batch is being committed, and with it that ingest listens.

    Parameters
    ----------
    lag : timedelta
        Since the arrival of its oldest message. The worst of late is remembered for as long as an outage
        must last to count as one.
    outage, resumed
        As of `listen`.
    """
    connection.execute(
        _SQL["put"],
        {
            "client_id": client_id,
            "now": now,
            "lag_s": max(lag.total_seconds(), 0.0),
            "outage": outage,
            "resumed": resumed,
        },
    )


def listen(
    connection: Connection, *, client_id: str, now: datetime, outage: timedelta, resumed: bool
) -> None:
    """Record that ingest listens, though nothing comes.

    Parameters
    ----------
    outage : timedelta
        A silence of ours that is longer counts as one: devices are not to blame for it.
    resumed : bool
        Whether we may have been away since the last record; false where only the clock has jumped.
    """
    connection.execute(
        _SQL["listen"], {"client_id": client_id, "now": now, "outage": outage, "resumed": resumed}
    )


def put_markers(connection: Connection, markers: Sequence[UUID], now: datetime) -> None:
    """Commit markers with everything that came before them, and sweep those that nobody waits for."""
    connection.execute(
        "INSERT INTO ingest_marker (marker, committed_at) SELECT unnest(%s::uuid[]), %s"
        " ON CONFLICT (marker) DO NOTHING",
        [list(markers), now],
    )
    connection.execute("DELETE FROM ingest_marker WHERE committed_at < %s", [now - _MARKERS_KEPT])
