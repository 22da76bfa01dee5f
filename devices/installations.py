"""Which unit or entrance a device's channel serves, from when to when. History belongs to the unit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import psycopg

from devices.errors import InstallationConflict, NoInstallation
from devices.marks import Stretch, mark_stretches
from devices.registry import begin_change
from storage.pool import Connection
from storage.queries import load

_SQL = load("devices", "installations.sql")


@dataclass(frozen=True, kw_only=True)
class Installation:
    """One channel of one device at one place over a period."""

    device_id: int
    #: A channel code; `wire.channels.EVENTS` for what the device reports as events.
    channel: int
    #: Aware.
    valid_from: datetime
    #: Exactly one of the two.
    unit_id: int | None = None
    entrance: str | None = None
    #: None: still there.
    valid_to: datetime | None = None
    #: What the device's register is multiplied by (transformers, pulses).
    multiplier: float = 1.0

    @property
    def key(self) -> tuple[int, int, datetime]:
        """What tells it from others."""
        return self.device_id, self.channel, self.valid_from

    def stretch(self) -> Stretch | None:
        """Where its readings go; None at an entrance."""
        if self.unit_id is None:
            return None
        return Stretch(self.unit_id, self.device_id, self.channel, self.valid_from, self.valid_to)


def install(
    connection: Connection,
    *,
    device_id: int,
    channel: int,
    unit_id: int | None = None,
    entrance: str | None = None,
    valid_from: datetime,
    valid_to: datetime | None = None,
    multiplier: float = 1.0,
) -> int:
    """Install a channel, or correct the installation that began at that moment. Returns its id.

    Raises
    ------
    InstallationConflict
        The channel, or the unit's meter of that channel, is taken in that period.
    """
    wanted = Installation(
        device_id=device_id,
        channel=channel,
        unit_id=unit_id,
        entrance=entrance,
        valid_from=valid_from,
        valid_to=valid_to,
        multiplier=multiplier,
    )
    install_all(connection, [wanted])
    return next(iter(_at_keys(connection, [wanted]).values()))[0]


def install_all(connection: Connection, installations: Sequence[Installation]) -> int:
    """Install channels in a few round trips; safe to repeat. Returns how many were new or different.

    The days of readings that are there already are marked, under the old installation and the new.

    Raises
    ------
    InstallationConflict
        Names the period; nothing is written then.
    """
    if not installations:
        return 0
    begin_change(connection)
    before = {key: found for key, (_, found) in _at_keys(connection, installations).items()}
    changed = [wanted for wanted in installations if before.get(wanted.key) != wanted]
    if not changed:
        return 0
    try:
        with connection.transaction():
            connection.execute(
                _SQL["put"],
                _keys(changed)
                | {
                    "units": [row.unit_id for row in changed],
                    "entrances": [row.entrance for row in changed],
                    "tos": [row.valid_to for row in changed],
                    "multipliers": [row.multiplier for row in changed],
                },
            )
    except (psycopg.errors.ExclusionViolation, psycopg.errors.CheckViolation) as error:
        raise InstallationConflict(error.diag.message_detail or str(error)) from error
    touched = [before[row.key] for row in changed if row.key in before] + changed
    mark_stretches(connection, [stretch for row in touched if (stretch := row.stretch()) is not None])
    return len(changed)


def end(connection: Connection, *, device_id: int, channel: int, valid_to: datetime) -> None:
    """End the installation that is there up to `valid_to`; safe to repeat.

    Raises
    ------
    NoInstallation
        The channel is not installed up to that moment.
    """
    begin_change(connection)
    row = connection.execute(
        _SQL["covering"], {"device_id": device_id, "channel": channel, "moment": valid_to}
    ).fetchone()
    if row is None:
        raise NoInstallation
    install_all(connection, [replace(_installation(row), valid_to=valid_to)])


def _at_keys(
    connection: Connection, wanted: Sequence[Installation]
) -> dict[tuple[int, int, datetime], tuple[int, Installation]]:
    rows = connection.execute(_SQL["at_keys"], _keys(wanted)).fetchall()
    found = ((row[0], _installation(row[1:])) for row in rows)
    return {installation.key: (row_id, installation) for row_id, installation in found}


def _keys(rows: Sequence[Installation]) -> dict[str, object]:
    return {
        "devices": [row.device_id for row in rows],
        "channels": [row.channel for row in rows],
        "froms": [row.valid_from for row in rows],
    }


def _installation(
    row: tuple[int, int, datetime, int | None, str | None, datetime | None, float],
) -> Installation:
    device_id, channel, valid_from, unit_id, entrance, valid_to, multiplier = row
    return Installation(
        device_id=device_id,
        channel=channel,
        valid_from=valid_from,
        unit_id=unit_id,
        entrance=entrance,
        valid_to=valid_to,
        multiplier=multiplier,
    )
