"""The closed lists of `wire` as lookup tables, for people, Grafana and psql."""

from storage.pool import Connection
from wire.channels import CHANNELS, EVENTS
from wire.events import EventType


def fill(connection: Connection) -> None:
    """Write the lists; safe to repeat."""
    channels = [(EVENTS, "events", "", False), *((c.code, c.name, c.unit, c.metered) for c in CHANNELS)]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO channel (code, name, unit, metered) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (code) DO UPDATE"
            " SET name = excluded.name, unit = excluded.unit, metered = excluded.metered",
            channels,
        )
        cursor.executemany(
            "INSERT INTO event_type (code, name) VALUES (%s, %s)"
            " ON CONFLICT (code) DO UPDATE SET name = excluded.name",
            [(int(kind), kind.name) for kind in EventType],
        )
