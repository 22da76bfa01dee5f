"""Meters in a database: installed, told of, recomputed, and compared with a derivation from scratch."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from devices import registry
from devices.installations import install
from devices.profiles import load_profiles
from storage.pool import Connection
from tests.homes import make_estate, make_units
from tests.unit.usage.oracle import Row
from usage.arrays import Hours, load
from usage.derive import derive
from usage.loading import installations
from usage.recompute import Touched, recompute
from usage.series import DAY_US, Readings
from wire.channels import BY_CODE, BY_NAME
from wire.instants import EPOCH, from_us, to_us

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
#: The day on which these meters begin to be read, in days since 1970.
FIRST = 20_400
ENERGY, WATER = BY_NAME["energy_kwh"].code, BY_NAME["water_l"].code
FORMS = {
    (profile.name, channel): form
    for profile in load_profiles().values()
    for channel, form in profile.channels.items()
}
MOST = {"energy_kwh": 40.0, "water_l": 5000.0}


def at(day: float, *, minutes: float = 0) -> datetime:
    """A moment, so many days after the first."""
    return EPOCH + timedelta(days=FIRST + day, minutes=minutes)


def us(moment: datetime) -> int:
    return to_us(moment)


def make_meter(
    connection: Connection,
    unit_id: int,
    profile: str,
    *,
    channel: int = WATER,
    code: str | None = None,
    since: datetime = EPOCH,
    until: datetime | None = None,
    multiplier: float = 1.0,
) -> int:
    """Register a device and install it; returns its id. Commits."""
    device_id = registry.register_device(
        connection,
        code=code or f"{profile}-{unit_id}-{channel}",
        profile=profile,
        estate_id=make_estate(connection),
    )
    install(
        connection,
        device_id=device_id,
        channel=channel,
        unit_id=unit_id,
        valid_from=since,
        valid_to=until,
        multiplier=multiplier,
    )
    connection.commit()
    return device_id


def make_unit(connection: Connection, *, code: str = "E1") -> int:
    unit_id = make_units(connection, 1, code=code)[0]
    connection.commit()
    return unit_id


def tell(connection: Connection, device_id: int, rows: Iterable[Row], *, channel: int = WATER) -> None:
    """Store rows as they are, with the marks of their days. Does not commit."""
    values = [
        {
            "time": from_us(row.time),
            "received": from_us(row.received),
            "value": row.value,
            "device": device_id,
            "channel": channel,
            "quality": row.quality,
        }
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO reading (time, received_at, value, device_id, channel, quality, decoder)"
            " VALUES (%(time)s, %(received)s, %(value)s, %(device)s, %(channel)s, %(quality)s, 1)",
            values,
        )
        cursor.executemany(
            "INSERT INTO usage_dirty (unit_id, channel, day)"
            " SELECT unit_id, channel, %(time)s::date FROM installation"
            " WHERE device_id = %(device)s AND channel = %(channel)s"
            " AND %(time)s >= valid_from AND %(time)s < coalesce(valid_to, 'infinity')",
            values,
        )


def hourly(values: Iterable[float], *, day: float = 0, hours: float = 1) -> list[Row]:
    """One value an hour."""
    start, step = us(at(day)), round(hours * 3_600_000_000)
    return [
        Row(device=0, time=start + n * step, received=start + n * step + 600_000_000, value=value)  # pyright: ignore[reportArgumentType]
        for n, value in enumerate(values)
    ]


def work_off(connection: Connection, *, limit: int = 1000, commit: bool = True) -> Touched:
    """Recompute once."""
    touched = recompute(connection, now=NOW, limit=limit, forms=FORMS, max_per_hour=MOST)
    if commit:
        connection.commit()
    return touched


def work_off_all(connection: Connection, *, limit: int = 1000) -> None:
    while work_off(connection, limit=limit).marked:
        pass


def hours_of(
    connection: Connection, unit_id: int, *, channel: int = WATER, day: int = 0, days: int = 1
) -> Hours:
    first = at(day).date()
    return load(
        connection,
        unit_ids=[unit_id],
        channel=channel,
        first=first,
        last=first + timedelta(days=days - 1),
    )


def assert_as_from_scratch(connection: Connection, unit_id: int, *, channel: int = WATER) -> None:
    """Every row of `usage` of a unit and channel is what all its readings give, and there is no other."""
    segments = installations(connection, [(unit_id, channel)], FORMS)[unit_id, channel]
    readings = all_readings(connection, channel=channel)
    first, end = _range(readings)
    scratch = derive(
        readings,
        segments,
        first_day=first,
        days=end - first,
        max_per_hour=MOST[BY_CODE[channel].name],
    )
    kept = {row[0]: row[1:] for row in _kept(connection, unit_id, channel)}
    wanted = {
        first + n for n in range(end - first) if scratch.quality[n] or not np.isnan(scratch.amount[n]).all()
    }
    assert set(kept) == wanted
    for day, (amount, covered, lag, quality) in kept.items():
        np.testing.assert_allclose(amount, scratch.amount[day - first].astype(np.float32), rtol=1e-6)
        np.testing.assert_array_equal(covered, scratch.covered_min[day - first])
        np.testing.assert_array_equal(lag, scratch.lag_h[day - first])
        assert quality == scratch.quality[day - first]
    faults = connection.execute(
        "SELECT time, device_id, kind FROM usage_fault WHERE unit_id = %s AND channel = %s ORDER BY 1, 2",
        [unit_id, channel],
    ).fetchall()
    assert [(us(time), device, kind) for time, device, kind in faults] == [
        (fault.time_us, fault.device_id, fault.kind) for fault in scratch.faults
    ]


def all_readings(connection: Connection, *, channel: int) -> Readings:
    rows = connection.execute(
        "SELECT device_id, time, received_at, value, quality FROM reading WHERE channel = %s", [channel]
    ).fetchall()
    devices, times, receiveds, values, qualities = zip(*rows, strict=True) if rows else ((),) * 5
    return Readings(
        device_id=np.array(devices, np.int64),
        time_us=np.array([us(time) for time in times], np.int64),
        received_us=np.array([us(time) for time in receiveds], np.int64),
        value=np.array(values, np.float64),
        quality=np.array(qualities, np.int16),
    )


def _kept(connection: Connection, unit_id: int, channel: int) -> list[tuple]:
    return connection.execute(
        "SELECT day - date '1970-01-01', amount, covered_min, lag_h, quality FROM usage"
        " WHERE unit_id = %s AND channel = %s",
        [unit_id, channel],
    ).fetchall()


def _range(readings: Readings) -> tuple[int, int]:
    if not len(readings):
        return FIRST, FIRST + 1
    return int(readings.time_us.min()) // DAY_US - 2, int(readings.time_us.max()) // DAY_US + 3


def usage_rows(connection: Connection) -> Mapping[tuple[int, int, int], float]:
    """Sum of the known hours by unit, channel and day after the first."""
    rows = connection.execute(
        "SELECT unit_id, channel, day - date '1970-01-01', amount FROM usage"
    ).fetchall()
    return {(unit, code, day - FIRST): float(np.nansum(amount)) for unit, code, day, amount in rows}
