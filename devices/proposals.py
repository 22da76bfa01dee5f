"""Commands that wait for their second person: how many, which, and where their devices hang."""

from dataclasses import dataclass
from datetime import datetime

from devices.commands import Asker, Command
from storage.pool import Connection
from storage.queries import load

_SQL = load("devices", "commands.sql")


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A proposal that can still be approved."""

    command: Command
    time_zone: str
    #: Codes of the homes and entrances where the device hangs.
    places: tuple[str, ...]


def count(connection: Connection, *, asker: Asker, now: datetime) -> int:
    """How many wait for this person: nobody approves what they asked for."""
    values = {"by": asker.by, "now": now, **asker.parameters()}
    row = connection.execute(_SQL["waiting_count"], values).fetchone()
    return row[0] if row else 0


def waiting(connection: Connection, *, asker: Asker, now: datetime, limit: int) -> list[Waiting]:
    """All that wait in the asker's estates, one's own too; whose time is up first at the front."""
    rows = connection.execute(_SQL["waiting"], {"now": now, "limit": limit, **asker.parameters()})
    return [
        Waiting(command=Command.of(values), time_zone=time_zone, places=tuple(places))
        for *values, time_zone, places in rows
    ]
