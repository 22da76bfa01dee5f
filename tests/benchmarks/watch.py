"""What a look at many devices takes: a meter each for power and water, one in a hundred silent.

A database of its own on the server of ANJU_TEST_DSN, dropped afterwards.
"""

import argparse
import os
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

import policy
from alerts.raising import raise_alerts
from devices import lookups
from devices.watch import watch
from storage.migrate import migrate
from storage.pool import Connection, connect

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
POLICY = policy.load("anhe").on(NOW.date())
#: A pass a minute must leave the machine to others.
REQUIRED_S = 30.0


def seed(connection: Connection, devices: int) -> None:
    """Write homes with two meters each, a day of hourly readings, and when each was heard."""
    lookups.fill(connection)
    connection.execute("INSERT INTO estate (code, name, city) VALUES ('E', 'E', 'anhe')")
    connection.execute("INSERT INTO building (estate_id, code) VALUES (1, '1')")
    connection.execute(
        "INSERT INTO unit (estate_id, building_id, code, floor, door)"
        " SELECT 1, 1, n::text, 1, n::text FROM generate_series(1, %s) n",
        [(devices + 1) // 2],
    )
    connection.execute(
        "INSERT INTO device (code, profile, estate_id)"
        " SELECT 'd' || n, (ARRAY['energy-register', 'water-register'])[n %% 2 + 1], 1"
        " FROM generate_series(1, %s) n",
        [devices],
    )
    connection.execute(
        "INSERT INTO installation (device_id, channel, unit_id, valid_from)"
        " SELECT id, id %% 2 + 1, (id + 1) / 2, %s FROM device",
        [NOW - timedelta(days=90)],
    )
    connection.execute(
        "INSERT INTO reading (time, received_at, value, device_id, channel, decoder)"
        " SELECT t, t, extract(epoch FROM t) / 3600, id, c, 101"
        " FROM device, generate_series(%(now)s::timestamptz - interval '1 day', %(now)s, '1 hour') t,"
        " unnest(CASE WHEN id %% 2 = 0 THEN ARRAY[1, 10, 11] ELSE ARRAY[2, 30] END) c",
        {"now": NOW},
    )
    connection.execute(
        "INSERT INTO device_sign (device_id, received_at, device_at, lag_s, lag_low_s, lag_high_s, counter)"
        " SELECT id, %(now)s::timestamptz - CASE WHEN id %% 100 = 0 THEN interval '5 hours' ELSE '9 min' END,"
        " %(now)s, 1, 1, 1, 5 FROM device",
        {"now": NOW},
    )
    connection.execute(
        "INSERT INTO ingest_state (client_id, listened_at, listening_since) VALUES ('ingest-0', %s, %s)",
        [NOW, NOW - timedelta(days=9)],
    )
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")
    connection.autocommit = False


def main() -> int:
    """Measure, print, and say 1 when it took too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--passes", type=int, default=5)
    given = parser.parse_args()
    server = os.environ.get("ANJU_TEST_DSN")
    if server is None:
        print("needs ANJU_TEST_DSN: a running PostgreSQL")
        return 0
    name = f"anju_bench_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        took = measure(urlsplit(server)._replace(path=f"/{name}").geturl(), given.devices, given.passes)
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    median = statistics.median(took)
    print(
        f"{given.devices} devices, 1 % silent: a pass over conditions and alerts takes {median:.1f} s"
        f" (median of {len(took)}; {min(took):.1f} to {max(took):.1f}), load {os.getloadavg()[0]:.1f}"
    )
    return int(median > REQUIRED_S)


def measure(dsn: str, devices: int, passes: int) -> list[float]:
    """Seconds of each pass."""
    took: list[float] = []
    migrate(dsn)
    with connect(dsn, name="bench") as connection:
        seed(connection, devices)
        for number in range(passes):
            now = NOW + timedelta(seconds=number)
            began = time.perf_counter()
            seen = watch(connection, policies={"anhe": POLICY}, now=now)
            raise_alerts(connection, troubles=[], rules=POLICY.alerts, now=now)
            connection.commit()
            took.append(time.perf_counter() - began)
            assert len(seen.conditions) == devices // 100, len(seen.conditions)
    return took


if __name__ == "__main__":
    sys.exit(main())
