"""Commands on their way: what is to be sent now, whether somebody took it, and what the device says.

The process that holds the broker's connection calls these. A command is claimed and committed before it is
published, and published again until the device answers or its time is up: no broker tells whether a device
has it. So it may come twice, under one id; devices do an id once.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from storage.pool import Connection
from storage.queries import load

_SQL = load("devices", "commands.sql")


@dataclass(frozen=True, kw_only=True)
class Order:
    """A command to be sent now."""

    id: UUID
    #: Code of the device.
    device: str
    name: str
    arguments: Mapping[str, int]
    expires_at: datetime


class Word(NamedTuple):
    """What a device says of a command."""

    command_id: UUID
    device_id: int
    ok: bool
    detail: str
    at: datetime


def anything_open(connection: Connection) -> bool:
    """Whether there is any command that has not ended."""
    row = connection.execute(_SQL["anything_open"]).fetchone()
    return row is not None and row[0]


def expire(connection: Connection, now: datetime) -> int:
    """End what was not approved, sent or answered in time; returns how many."""
    return len(connection.execute(_SQL["expire"], {"now": now}).fetchall())


def claim(
    connection: Connection, *, busy: Collection[UUID], again_after: timedelta, now: datetime, limit: int
) -> list[Order]:
    """Take commands to send; commit before sending them.

    Parameters
    ----------
    busy : Collection[UUID]
        Those that this process is sending already, or will try again later.
    again_after : timedelta
        What was sent and not answered is sent again after so long, then after twice as long, and so on.
    """
    rows = connection.execute(
        _SQL["claim"], {"busy": list(busy), "again_after": again_after, "now": now, "limit": limit}
    )
    return [
        Order(id=command_id, device=device, name=name, arguments=arguments, expires_at=expires_at)
        for command_id, device, name, arguments, expires_at in rows
    ]


def taken(connection: Connection, command_id: UUID, now: datetime) -> None:
    """The broker has it; whether the device has is not known before it answers."""
    connection.execute(_SQL["taken"], {"id": command_id, "now": now})


def not_taken(connection: Connection, command_id: UUID) -> None:
    """The broker does not have it, or nobody knows; it is to be sent again."""
    connection.execute(_SQL["not_taken"], {"id": command_id})


def answered(connection: Connection, words: Iterable[Word]) -> set[tuple[UUID, int]]:
    """Record what devices say; returns, by command and device, what answers a command sent to that device.

    The first word counts. What comes too late is recorded, and changes nothing else.
    """
    first: dict[tuple[UUID, int], Word] = {}
    for word in words:
        first.setdefault((word.command_id, word.device_id), word)
    if not first:
        return set()
    # In one order everywhere: two processes cannot lock each other out.
    said = [first[key] for key in sorted(first)]
    rows = connection.execute(
        _SQL["answer"],
        {
            "ids": [word.command_id for word in said],
            "devices": [word.device_id for word in said],
            "oks": [word.ok for word in said],
            "answers": [
                Jsonb({"ok": word.ok, "detail": word.detail, "at": word.at.isoformat()}) for word in said
            ],
            "ats": [word.at for word in said],
        },
    )
    return set(rows.fetchall())
