"""How far each kind of work got."""

from collections.abc import Mapping
from datetime import datetime

from psycopg.types.json import Jsonb

from storage.pool import Connection


def reached(connection: Connection, name: str) -> datetime | None:
    """When (or up to when) the work `name` got; None if it never ran."""
    row = connection.execute("SELECT at FROM watermark WHERE name = %s", [name]).fetchone()
    return None if row is None else row[0]


def noted(connection: Connection, name: str) -> dict[str, object]:
    """What the work `name` noted with its last advance; empty if it never ran."""
    row = connection.execute("SELECT note FROM watermark WHERE name = %s", [name]).fetchone()
    return {} if row is None else row[0]


def advance(
    connection: Connection, name: str, at: datetime, note: Mapping[str, object] | None = None
) -> None:
    """Record that the work `name` got to `at`, in the caller's transaction."""
    connection.execute(
        "INSERT INTO watermark (name, at, note) VALUES (%s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET at = excluded.at, note = excluded.note",
        [name, at, Jsonb(dict(note or {}))],
    )
