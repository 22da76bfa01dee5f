"""What an evening costs a city: all homes loaded from the database and judged, at growing numbers of homes.

    .venv/bin/python -m tests.benchmarks.sweep [--units 1000 10000 100000] [--rounds 3]

Every home has hours of electricity and water for as long as an evening looks back, a lock with its passages,
a lease and a registered person; no two households are alike. Rows are copied into the tables, since deriving
them is measured by `tests.benchmarks.city`. An evening is `anomaly.sweep.sweep` as the worker calls it,
reading and writing included. The embedded PostgreSQL is its own and on disk. Then a year of 300 homes is
judged from arrays that are there already, evening by evening.
"""

import argparse
import os
import resource
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np

import policy
from anomaly.sweep import reach_days, sweep, walk
from devices import lookups, registry
from devices.installations import Installation, install_all
from storage.pool import Connection
from tests.benchmarks.usage import database
from tests.homes import make_estate, make_units
from tests.unit.anomaly.homes import FIRST, Home, lived_in, window
from usage.binary import EPOCH_DAY
from usage.recompute import USAGE
from wire.channels import BY_NAME, EVENTS
from wire.events import EventType, Method, Result
from wire.instants import EPOCH

#: For 100,000 homes.
REQUIRED_S, REQUIRED_GIB = 600.0, 4.0
#: A year of 300 homes from arrays.
REQUIRED_YEAR_S = 3.0
BOOKS = {"anhe": policy.load("anhe")}
LAST = datetime(2026, 11, 22, tzinfo=UTC).date()
NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
#: Homes copied at once.
_PART = 2_000


def fill(connection: Connection, units: int, days: int) -> None:
    """Homes with everything that a sweep reads."""
    lookups.fill(connection)
    unit_ids = make_units(connection, units)
    estate_id = make_estate(connection)
    since = datetime.combine(LAST - timedelta(days=days + 30), datetime.min.time(), UTC)
    for first in range(0, units, _PART):
        part = unit_ids[first : first + _PART]
        codes = {unit: f"lock-{unit}" for unit in part}
        found = registry.register_devices(
            connection,
            [
                registry.NewDevice(code=code, profile="lock-native", estate_id=estate_id)
                for code in codes.values()
            ],
        )
        install_all(
            connection,
            [
                Installation(device_id=found[code], channel=EVENTS, unit_id=unit, valid_from=since)
                for unit, code in codes.items()
            ],
        )
        copy_usage(connection, part, days)
        copy_events(connection, [found[code] for code in codes.values()], part, days)
    let(connection)
    connection.commit()
    connection.autocommit = True
    connection.execute("ANALYZE")
    connection.autocommit = False


def copy_usage(connection: Connection, unit_ids: list[int], days: int) -> None:
    """Hours of both meters of some homes."""
    rng = np.random.default_rng(unit_ids[0])
    count = len(unit_ids) * days
    first = (LAST - timedelta(days=days - 1) - EPOCH.date()).days - EPOCH_DAY
    home = rng.uniform(0.5, 2, (len(unit_ids), 1, 1))
    habit = rng.dirichlet(np.full(24, 3.0), len(unit_ids))[:, None, :]
    for channel, size, floor in (("energy_kwh", 8.0, 0.05), ("water_l", 200.0, 0.0)):
        amount = floor + size * home * habit * rng.gamma(2, 0.5, (len(unit_ids), days, 24))
        columns = {
            "computed_at": np.zeros(count, np.int64),
            "day": np.tile(np.arange(first, first + days), len(unit_ids)),
            "unit_id": np.repeat(unit_ids, days),
            "channel": np.full(count, BY_NAME[channel].code),
            "quality": np.zeros(count, np.int16),
            "amount": amount.reshape(-1, 24),
            "covered_min": np.full((count, 24), 60),
            "lag_h": np.zeros((count, 24), np.int16),
        }
        with (
            connection.cursor() as cursor,
            cursor.copy(
                "COPY usage (computed_at, day, unit_id, channel, quality, amount, covered_min, lag_h)"
                " FROM STDIN (FORMAT BINARY)"
            ) as copy,
        ):
            copy.write(USAGE.write(columns))


def copy_events(connection: Connection, devices: list[int], unit_ids: list[int], days: int) -> None:
    """Two entries and three openings a day at each door, all by the one who is registered."""
    connection.execute(
        "INSERT INTO event (time, received_at, value, device_id, type, method, result, subject, quality,"
        " decoder, dedupe_key)"
        " SELECT t.time, t.time, NULL, d.device_id, CASE WHEN n.n < 2 THEN %(entry)s ELSE %(opened)s END,"
        " CASE WHEN n.n < 2 THEN %(face)s ELSE 0 END, CASE WHEN n.n < 2 THEN %(granted)s ELSE 0 END,"
        " CASE WHEN n.n < 2 THEN 'p-' || d.unit_id END, 0, 100, t.day || '-' || n.n"
        " FROM unnest(%(devices)s::integer[], %(units)s::integer[]) AS d (device_id, unit_id)"
        " CROSS JOIN generate_series(0, %(days)s - 1) AS day"
        " CROSS JOIN generate_series(0, 4) AS n (n)"
        " CROSS JOIN LATERAL (SELECT day, %(last)s::date - day + make_interval(mins => 30 * (1 + n.n"
        "   + (d.unit_id + 7 * day) %% 40)) AS time) t",
        {
            "devices": devices,
            "units": unit_ids,
            "days": days,
            "last": LAST,
            "entry": int(EventType.entry),
            "opened": int(EventType.door_opened),
            "face": int(Method.face),
            "granted": int(Result.granted),
        },
    )


def let(connection: Connection) -> None:
    """A lease and a registered person in every home."""
    for statement in (
        "INSERT INTO household (code, size) SELECT 'h-' || id, 1 FROM unit",
        "INSERT INTO lease (code, unit_id, household_id, starts_on, ends_on)"
        " SELECT 'l-' || u.id, u.id, h.id, '2020-01-01', '2035-12-31'"
        " FROM unit u JOIN household h ON h.code = 'h-' || u.id",
        "INSERT INTO resident (code, household_id, subject) SELECT 'r-' || u.id, h.id, 'p-' || u.id"
        " FROM unit u JOIN household h ON h.code = 'h-' || u.id",
        "INSERT INTO occupant (unit_id, resident_id, starts_at)"
        " SELECT u.id, r.id, '2020-01-01Z' FROM unit u JOIN resident r ON r.code = 'r-' || u.id",
    ):
        connection.execute(statement.encode())


def evening(connection: Connection) -> float:
    """Seconds that one evening of all homes takes."""
    began = time.perf_counter()
    done = sweep(connection, books=BOOKS, first=LAST, last=LAST, now=NOW)
    connection.commit()
    took = time.perf_counter() - began
    if done.left_out:
        raise AssertionError(f"{done.left_out} homes were left out")
    return took


def year() -> float:
    """Seconds that a year of 300 homes takes from arrays, on one core."""
    rules = BOOKS["anhe"].on(FIRST)
    days = 364
    homes: list[Home] = [lived_in(days, seed=seed, lock=True) for seed in range(300)]
    made = window(homes)
    began = time.perf_counter()
    list(walk(made, rules, [made.calendar.day(day) for day in range(days)], now=NOW + timedelta(days=3650)))
    return time.perf_counter() - began


def peak_gib() -> float:
    """The most that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Measure, and say whether the requirement is met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--units", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    days = reach_days(BOOKS["anhe"].on(LAST)) + 2
    met = True
    for units in sorted(given.units):
        with database() as connection:
            began = time.perf_counter()
            fill(connection, units, days)
            print(
                f"{units:,} homes with {days} days filled in {time.perf_counter() - began:.0f} s", flush=True
            )
            took = [evening(connection) for _ in range(given.rounds)]
        middle, most = statistics.median(took), peak_gib()
        allowed = REQUIRED_S * units / 100_000
        met &= middle <= allowed and most <= REQUIRED_GIB
        print(
            f"an evening of {units:,} homes: median {middle:.1f} s ({min(took):.1f} to {max(took):.1f}),"
            f" {1000 * middle / units:.2f} ms a home, {most:.2f} GiB at most; allowed {allowed:.0f} s;"
            f" load of the machine {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    seconds = [year() for _ in range(given.rounds)]
    met &= statistics.median(seconds) <= REQUIRED_YEAR_S
    print(
        f"a year of 300 homes from arrays, evening by evening: median {statistics.median(seconds):.1f} s"
        f" ({min(seconds):.1f} to {max(seconds):.1f}); allowed {REQUIRED_YEAR_S:.0f} s"
    )
    print(f"\n{'Met' if met else 'Missed'}.")
    sys.exit(not met)


if __name__ == "__main__":
    main()
