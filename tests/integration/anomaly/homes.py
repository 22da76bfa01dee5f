"""Homes made of arrays, written to a database as `usage` and devices would have left them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from devices.installations import install
from devices.registry import register_device
from storage.pool import Connection
from tests.unit.anomaly.homes import FIRST, OFFSET_H, Home
from wire.channels import BY_NAME, EVENTS
from wire.events import EventType

MIDNIGHT = datetime.combine(FIRST, time.min, UTC) - timedelta(hours=OFFSET_H)


def local(day: int, hour: float = 0) -> datetime:
    """A moment of local time, by day of the homes."""
    return MIDNIGHT + timedelta(days=day, hours=hour)


def write_usage(
    connection: Connection, unit_id: int, home: Home, *, days: Iterable[int] | None = None
) -> None:
    """Write the home's hours as rows of `usage`, all or those that touch some local days."""
    at = np.arange(home.kwh.size)
    delay = np.broadcast_to(home.delay_h, at.shape)
    wanted = None if days is None else set(days)
    for channel, values in (("energy_kwh", home.kwh), ("water_l", home.litres)):
        padded = np.r_[np.full(24 - OFFSET_H, np.nan), values, np.full(OFFSET_H, np.nan)]
        lags = np.r_[np.full(24 - OFFSET_H, 0), delay, np.full(OFFSET_H, 0)]
        rows = zip(padded.reshape(-1, 24), lags.reshape(-1, 24), strict=True)
        for number, (amount, lag) in enumerate(rows):
            if wanted is not None and not wanted & {number - 1, number}:
                continue
            connection.execute(
                "INSERT INTO usage (computed_at, day, unit_id, channel, amount, covered_min, lag_h)"
                " VALUES (%s, %s, %s, %s, %s::real[], %s::smallint[], %s::smallint[])"
                " ON CONFLICT (unit_id, channel, day) DO UPDATE SET amount = excluded.amount,"
                " covered_min = excluded.covered_min, lag_h = excluded.lag_h",
                [
                    MIDNIGHT,
                    FIRST - timedelta(days=1) + timedelta(days=number),
                    unit_id,
                    BY_NAME[channel].code,
                    amount.tolist(),
                    np.where(np.isfinite(amount), 60, 0).tolist(),
                    np.where(np.isfinite(amount), lag, 32767).tolist(),
                ],
            )


def add_lock(connection: Connection, unit_id: int, *, profile: str = "lock-native") -> int:
    """Install a lock from the first day on; returns the device's id."""
    row = connection.execute("SELECT estate_id FROM unit WHERE id = %s", [unit_id]).fetchone()
    assert row is not None
    device_id = register_device(
        connection, code=f"{profile}-{unit_id}", profile=profile, estate_id=row[0], serial=""
    )
    install(connection, device_id=device_id, channel=EVENTS, unit_id=unit_id, valid_from=MIDNIGHT)
    return device_id


def add_event(
    connection: Connection,
    device_id: int,
    at: datetime,
    *,
    kind: EventType = EventType.door_opened,
    received_at: datetime | None = None,
    subject: str | None = None,
    value: float | None = None,
    quality: int = 0,
) -> None:
    """Write one event."""
    connection.execute(
        "INSERT INTO event (time, received_at, value, device_id, type, quality, decoder, subject, dedupe_key)"
        " VALUES (%s, %s, %s, %s, %s, %s, 100, %s, %s)",
        [at, received_at or at, value, device_id, int(kind), quality, subject, f"{at.isoformat()}-{kind}"],
    )


def add_battery(connection: Connection, device_id: int, at: datetime) -> None:
    """Write one reading of a device's own battery."""
    connection.execute(
        "INSERT INTO reading (time, received_at, value, device_id, channel, decoder)"
        " VALUES (%s, %s, 80, %s, %s, 100)",
        [at, at, device_id, BY_NAME["battery_pct"].code],
    )


def add_absence(
    connection: Connection, unit_id: int, first: int, end: int, *, registered_at: datetime
) -> None:
    """Register an absence over whole local days."""
    connection.execute(
        "INSERT INTO absence (unit_id, registered_at, starts_at, ends_at, reason)"
        " VALUES (%s, %s, %s, %s, '')",
        [unit_id, registered_at, local(first), local(end)],
    )


def signals(connection: Connection) -> list[tuple[int, str, date]]:
    """Who, what, as of when."""
    return connection.execute("SELECT unit_id, kind, as_of FROM signal ORDER BY 1, 2, 3").fetchall()
