"""A day of 100,000 homes: what deriving it takes, and that late data costs the days that it touches only.

    .venv/bin/python -m tests.benchmarks.city [--units 100000]

Every unit has half hours of electricity as intervals and an hourly water register; the rows are copied into
the table, since importing is not what is measured here. The embedded PostgreSQL is its own and on disk.
"""

import argparse
import os
import statistics
import sys
import time
from datetime import UTC, datetime

import numpy as np

from devices import lookups, registry
from devices.installations import Installation, install_all
from ingest import binary
from ingest.readings import ROW
from storage.pool import Connection
from tests.benchmarks.usage import (
    ENERGY,
    PROFILES,
    START_US,
    bulk,
    database,
    work_off,
)
from tests.homes import make_estate, make_units
from usage.series import HOUR_US, Ints

#: For 100,000 units, electricity and water.
REQUIRED_S = 300
SINCE = datetime(2024, 1, 1, tzinfo=UTC)
#: Units a statement: what the registry is given at once.
_PART = 20_000
_COPY = "COPY reading (time, received_at, value, journal_id, device_id, channel, quality, decoder) FROM STDIN"


def fill(connection: Connection, units: int) -> int:
    """Install everything, copy its day and mark it; returns how many readings."""
    lookups.fill(connection)
    unit_ids = make_units(connection, units)
    estate_id = make_estate(connection)
    count = 0
    for first in range(0, units, _PART):
        part = unit_ids[first : first + _PART]
        for channel, profile in PROFILES.items():
            found = registry.register_devices(
                connection,
                [
                    registry.NewDevice(code=f"{profile}-{unit}", profile=profile, estate_id=estate_id)
                    for unit in part
                ],
            )
            devices = [found[f"{profile}-{unit}"] for unit in part]
            install_all(
                connection,
                [
                    Installation(device_id=device, channel=channel, unit_id=unit, valid_from=SINCE)
                    for device, unit in zip(devices, part, strict=True)
                ],
            )
            count += copy_day(connection, np.array(devices), channel)
    connection.execute("DELETE FROM usage_dirty")
    connection.execute("INSERT INTO usage_dirty SELECT unit_id, channel, date '2025-01-01' FROM installation")
    connection.commit()
    connection.autocommit = True
    connection.execute("ANALYZE")
    connection.autocommit = False
    return count


def copy_day(connection: Connection, devices: Ints, channel: int) -> int:
    """Copy one day of many devices; returns how many readings."""
    rng = np.random.default_rng(channel)
    if channel == ENERGY:
        steps = np.arange(48) * (HOUR_US // 2)
        value = rng.gamma(1, 0.2, (devices.size, steps.size)).round(3)
    else:
        # The last one is of midnight, where the day ends.
        steps = np.arange(25) * HOUR_US
        value = 50_000 + np.cumsum(rng.poisson(8, (devices.size, steps.size)), axis=1).astype(np.float64)
    time_us = np.tile(START_US + steps, devices.size)
    rows = np.zeros(value.size, ROW)
    rows["device_id"], rows["channel"], rows["decoder"] = np.repeat(devices, steps.size), channel, 101
    rows["time_us"], rows["value"] = time_us, value.ravel()
    rows["received_us"] = time_us + HOUR_US
    packed = binary.readings(rows, journal_id=None)
    with connection.cursor() as cursor, cursor.copy(f"{_COPY} (FORMAT binary)".encode()) as copy:
        copy.write(packed)
    return int(value.size)


def late(connection: Connection, days: int) -> tuple[float, int]:
    """Median seconds until late readings of so many units are in their usage, and the rows that wrote."""
    took: list[float] = []
    written = 0
    for n in range(5):
        connection.execute(
            "WITH late AS (UPDATE reading SET value = value + 0.001, received_at = received_at + '1 h'"
            " WHERE (device_id, channel, time) IN (SELECT device_id, channel, timestamptz '2025-01-01 12:00Z'"
            "   FROM installation WHERE channel = %s ORDER BY (unit_id * 7919 + %s) %% 100003 LIMIT %s)"
            " RETURNING device_id, channel, time)"
            " INSERT INTO usage_dirty SELECT unit_id, channel, time::date FROM late"
            " JOIN installation USING (device_id, channel)",
            [ENERGY, n, days],
        )
        connection.commit()
        row = connection.execute("SELECT txid_current()").fetchone()
        assert row is not None
        connection.commit()
        began = time.perf_counter()
        work_off(connection)
        took.append(time.perf_counter() - began)
        changed = connection.execute(
            "SELECT count(*) FROM usage WHERE xmin::text::bigint > %s", [row[0]]
        ).fetchone()
        assert changed is not None
        written = max(written, changed[0])
        connection.commit()
    return statistics.median(took), written


def main() -> None:
    """Measure, and say whether the requirement is met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--units", type=int, default=100_000)
    units = parser.parse_args().units
    with database() as connection:
        began = time.perf_counter()
        count = fill(connection, units)
        print(f"{count:,} readings of {units:,} units in {time.perf_counter() - began:.0f} s")
        took, days = bulk(connection)
        print(
            f"one day of {units:,} units derived in {took:.1f} s: {days / took:,.0f} unit-days/s,"
            f" {count / took:,.0f} readings/s; load of the machine {os.getloadavg()[0]:.1f}"
        )
        exact = True
        for days in (1, 100, 1000):
            seconds, written = late(connection, days)
            exact = exact and written == days
            print(f"late data for {days:,} of these days: {1000 * seconds:.0f} ms, {written:,} rows written")
    allowed = REQUIRED_S * units / 100_000
    met = took <= allowed and exact
    print(f"\nRequired: at most {allowed:.0f} s, and no row but those touched. {'Met' if met else 'Missed'}.")
    sys.exit(not met)


if __name__ == "__main__":
    main()
