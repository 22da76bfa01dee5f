"""What tests do to the chunks of a promoted database."""

from storage.pool import Connection
from storage.timescale import tables

#: What must come out the same on both stores: all but the ids of blocks and when a row was computed.
CONTENT = {
    "reading": "time, received_at, value, device_id, channel, quality, decoder",
    "event": "time, received_at, value, device_id, type, method, result, quality, subject, dedupe_key",
    "usage": "day, unit_id, channel, quality, amount::text, covered_min, lag_h",
    "unit_day": "day, unit_id, energy_kwh, energy_seen_h, water_l, entries, doors, energy_alive, door_alive",
}


def contents(connection: Connection) -> dict[str, list[tuple]]:
    """The rows of every table, in order."""
    return {
        table: connection.execute(f"SELECT {columns} FROM {table} ORDER BY {columns}").fetchall()  # pyright: ignore[reportArgumentType]
        for table, columns in CONTENT.items()
    }


def compress(connection: Connection) -> int:
    """Lay every chunk out by column, whatever its age; returns how many there are. Commits."""
    count = 0
    for table in tables():
        chunks = connection.execute("SELECT compress_chunk(c, true) FROM show_chunks(%s) c", [table])
        count += len(chunks.fetchall())
    connection.commit()
    return count


def compressed(connection: Connection, table: str) -> list[bool]:
    """Of each chunk, the oldest first, whether it is laid out by column."""
    return [
        row[0]
        for row in connection.execute(
            "SELECT is_compressed FROM timescaledb_information.chunks"
            " WHERE format('%%I.%%I', hypertable_schema, hypertable_name)::regclass = %s::text::regclass"
            " ORDER BY range_start",
            [table],
        )
    ]
