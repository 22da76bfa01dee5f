"""Consumption out of stored readings: a year of a city quarter in bulk, a few marks live, a year as arrays.

    make bench            or  .venv/bin/python -m tests.benchmarks.usage [--units 300]

Every unit has half hours of electricity as intervals and an hourly water register with a reset, a few false
readings and gaps, 364 days of both, imported through `ingest.history` as an operator does. The
embedded PostgreSQL is its own and on disk. Recompute and loading run in one thread; PostgreSQL's backend
works beside it, so they use at most two processors.
"""

import argparse
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg

from anju.embedded import postgres
from anju.work import BATCH_DAYS
from devices import lookups, registry
from devices.installations import Installation, install_all
from devices.profiles import load_profiles
from ingest.history import store_readings
from storage.migrate import migrate
from storage.pool import Connection, connect
from tests.homes import make_estate, make_units
from usage.arrays import load
from usage.derive import derive
from usage.recompute import Touched, recompute
from usage.series import DAY_US, HOUR_US, Floats, Ints, Readings, Segment
from wire.channels import BY_NAME
from wire.forms import Form

FIRST = date(2025, 1, 1)
DAYS = 364
NOW = datetime(2026, 1, 1, tzinfo=UTC)
#: For 300 units: a year of everything, on one core.
REQUIRED_S = 90
ENERGY, WATER = BY_NAME["energy_kwh"].code, BY_NAME["water_l"].code
PROFILES = {ENERGY: "energy-interval-30min", WATER: "water-register"}
MOST = {"energy_kwh": 40.0, "water_l": 5000.0}
START_US = (FIRST - date(1970, 1, 1)).days * DAY_US


def series(channel: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Times and values of one meter's year."""
    if channel == ENERGY:
        time_us = START_US + np.arange(DAYS * 48) * (HOUR_US // 2)
        return time_us, rng.gamma(1, 0.2, time_us.size).round(3)
    time_us = START_US + np.arange(DAYS * 24) * HOUR_US + int(rng.integers(HOUR_US))
    used = rng.integers(0, 20, time_us.size) * rng.poisson(0.5, time_us.size)
    register = 50_000 + np.cumsum(used).astype(np.float64)
    register[rng.integers(2_000, 8_000) :] -= 40_000
    register[rng.integers(10, register.size, 5)] = 0
    kept = rng.random(time_us.size) > 0.01
    return time_us[kept], register[kept]


def fill(connection: Connection, units: int) -> int:
    """Install and import everything; returns how many readings."""
    lookups.fill(connection)
    unit_ids = make_units(connection, units)
    estate_id = make_estate(connection)
    wanted = [
        registry.NewDevice(code=f"{PROFILES[channel]}-{unit}", profile=PROFILES[channel], estate_id=estate_id)
        for unit in unit_ids
        for channel in PROFILES
    ]
    devices = registry.register_devices(connection, wanted)
    since = datetime(2024, 1, 1, tzinfo=UTC)
    places = [
        Installation(
            device_id=devices[f"{PROFILES[channel]}-{unit}"],
            channel=channel,
            unit_id=unit,
            valid_from=since,
        )
        for unit in unit_ids
        for channel in PROFILES
    ]
    install_all(connection, places)
    rng, count = np.random.default_rng(1), 0
    for place in places:
        time_us, value = series(place.channel, rng)
        store_readings(
            connection,
            device_id=place.device_id,
            channel=place.channel,
            time_us=time_us,
            received_us=time_us + HOUR_US,
            value=value,
        )
        count += time_us.size
    connection.commit()
    connection.autocommit = True
    connection.execute("ANALYZE")
    connection.autocommit = False
    return count


def work_off(connection: Connection) -> Touched:
    """One batch, committed."""
    forms = {
        (profile.name, channel): form
        for profile in load_profiles().values()
        for channel, form in profile.channels.items()
    }
    touched = recompute(connection, now=NOW, limit=BATCH_DAYS, forms=forms, max_per_hour=MOST)
    connection.commit()
    return touched


def bulk(connection: Connection) -> tuple[float, int]:
    """Seconds and unit-days of working off every mark."""
    began, days = time.perf_counter(), 0
    while (touched := work_off(connection)).marked:
        days += touched.marked
    return time.perf_counter() - began, days


def live(connection: Connection, marks: int) -> float:
    """Median seconds of a batch of so many marks, each with a reading that changes something."""
    took: list[float] = []
    for _ in range(15):
        connection.execute(
            "WITH late AS (UPDATE reading SET value = value + 0.001, received_at = received_at"
            " WHERE (device_id, channel, time) IN (SELECT device_id, channel, max(time) FROM reading"
            "   WHERE device_id IN (SELECT device_id FROM installation ORDER BY unit_id, channel LIMIT %s)"
            "   GROUP BY device_id, channel) RETURNING device_id, channel, time)"
            " INSERT INTO usage_dirty SELECT unit_id, channel, time::date FROM late"
            " JOIN installation USING (device_id, channel)",
            [marks],
        )
        connection.commit()
        began = time.perf_counter()
        work_off(connection)
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def arrays(connection: Connection) -> float:
    """Seconds to load both channels of all units for the year."""
    unit_ids = [row[0] for row in connection.execute("SELECT id FROM unit ORDER BY id")]
    began = time.perf_counter()
    for channel in PROFILES:
        load(
            connection,
            unit_ids=unit_ids,
            channel=channel,
            first=FIRST,
            last=FIRST + timedelta(days=DAYS - 1),
        )
    return time.perf_counter() - began


def one_series() -> float:
    """Best milliseconds of deriving a year of a half-hourly register, in memory."""
    time_us = START_US + np.arange(DAYS * 48) * (HOUR_US // 2)
    readings = Readings(
        device_id=np.ones_like(time_us),
        time_us=time_us,
        received_us=time_us,
        value=np.arange(time_us.size, dtype=np.float64),
        quality=np.zeros(time_us.size, np.int16),
    )
    segment = Segment(
        device_id=1, valid_from_us=0, valid_to_us=2**62, form=Form(kind="register"), multiplier=1.0
    )
    took: list[float] = []
    for _ in range(20):
        began = time.perf_counter()
        derive(readings, [segment], first_day=START_US // DAY_US, days=DAYS, max_per_hour=40)
        took.append(time.perf_counter() - began)
    return 1000 * min(took)


@contextmanager
def database() -> Iterator[Connection]:
    """A server of its own, on disk."""
    folder = Path(tempfile.mkdtemp(prefix="anju-bench-"))
    folder.chmod(0o755)
    server = postgres.start(folder / "postgres")
    try:
        migrate(server.dsn)
        with connect(server.dsn, name="bench") as connection:
            yield connection
    finally:
        server.stop()
        shutil.rmtree(folder)


def main() -> None:
    """Measure everything and say whether the requirement is met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--units", type=int, default=300)
    units = parser.parse_args().units
    with database() as connection:
        row = connection.execute("SELECT version()").fetchone()
        version = row[0].split(" on ")[0] if row else ""
        print(f"{os.cpu_count()} processors, Python {platform.python_version()}, numpy {np.__version__}")
        print(f"{version}, psycopg {psycopg.__version__}; load of the machine {os.getloadavg()[0]:.1f}")
        print(f"\none series, a year of half hours in memory: {one_series():.1f} ms")
        began = time.perf_counter()
        count = fill(connection, units)
        print(f"imported {count:,} readings of {units} units in {time.perf_counter() - began:.1f} s")
        took, days = bulk(connection)
        print(
            f"recomputed {days:,} unit-days in {took:.1f} s: {days / took:,.0f} unit-days/s,"
            f" {count / took:,.0f} readings/s; load of the machine {os.getloadavg()[0]:.1f}"
        )
        for marks in (1, 10, 100):
            print(f"a live batch of {marks} changed readings: {1000 * live(connection, marks):.1f} ms")
        print(f"loaded {2 * units * DAYS:,} unit-days as arrays in {arrays(connection):.2f} s")
    allowed = REQUIRED_S * units / 300
    print(f"\nRequired: at most {allowed:.0f} s for the recompute. {'Met' if took <= allowed else 'Missed'}.")
    sys.exit(took > allowed)


if __name__ == "__main__":
    main()
