"""What a home takes on disk in a year: electricity by the half hour, water by the hour.

    make bench-bytes            or  .venv/bin/python -m tests.benchmarks.bytes [--help]

Four weeks of the demo's real households (two homes that never knew each other make one, as there) are sent
as native messages, one reading each, by devices of random codes: each at a place of its own in the half hour
or hour, and up to three seconds off it. Arrival is kept to the millisecond, as ingest keeps it. The pipeline
of ingest stores them, the worker's functions derive consumption and pack the journal. Journal, readings and
usage are counted with their indexes, and scaled from 28 days to a year: on plain PostgreSQL, and on
TimescaleDB with every chunk laid out by column (ANJU_TEST_TIMESCALE_DSN, else PGlite: how rows lie is the
same there, how fast it is means nothing). A chunk costs some tens of kilobytes whatever it holds: the larger
the estate, the less a home takes.
"""

import argparse
import platform
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import psycopg
import pyarrow.compute as pc
import pyarrow.parquet as pq

import anju.demo
import policy
from anju.work import Work
from devices import lookups, registry
from devices.installations import Installation, install_all
from ingest.bound import Bound
from ingest.message import Message
from ingest.packs import pack
from ingest.pipeline import Pipeline
from storage.migrate import migrate
from storage.pool import Connection, connect
from storage.timescale import promote
from tests.benchmarks.usage import database
from tests.homes import make_estate, make_units
from tests.timescale import server
from tests.timescale.chunks import compress
from wire.channels import BY_NAME
from wire.envelope import Kind, topic_of

#: Whole chunks of every table but `usage`, whose chunk is three times as long.
START, DAYS = datetime(2026, 6, 4, tzinfo=UTC), 28
NOW = START + timedelta(days=DAYS + 8)
AIM_MB = 0.6
_PATIENCE_S = 3_600
COUNTED = ("reading", "usage", "journal")
METERS = {"energy_kwh": "energy-register", "water_l": "water-register"}
_DAY_US = 86_400_000_000
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_encode = msgspec.json.Encoder().encode


def measured(file: str, value: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Times and values of each household's every four weeks, moved to `START`."""
    table = pq.read_table(Path(anju.demo.__file__).parent / "data" / file)
    start_us = int(START.timestamp()) * 1_000_000
    for household in sorted(set(table["household"].to_pylist())):
        rows = table.filter(pc.equal(table["household"], household)).sort_by("ts")
        times = rows["ts"].to_numpy().astype("datetime64[us]").astype(np.int64)
        values = rows[value].to_numpy().astype(np.float64)
        if value == "kwh":
            times, values = times + 1_800_000_000, (1_234 + np.cumsum(values)).round(2)
        first = times[0] // _DAY_US * _DAY_US
        for n in range(int((times[-1] - first) // (DAYS * _DAY_US))):
            since = first + n * DAYS * _DAY_US
            inside = (times >= since) & (times < since + DAYS * _DAY_US)
            yield times[inside] - since + start_us, values[inside]


def messages(homes: int) -> tuple[list[tuple[str, str]], list[Message]]:
    """Code and channel of each device, home by home, and all messages as they arrive."""
    rng = np.random.default_rng(7)
    devices: list[tuple[str, str]] = []
    sent: list[Message] = []
    sources = zip(
        measured("electricity.parquet", "kwh"), measured("water.parquet", "reading_l"), strict=False
    )
    for home, _ in zip(sources, range(homes), strict=False):
        for channel, (times, values) in zip(METERS, home, strict=True):
            code = "".join(_LETTERS[n] for n in rng.integers(0, 32, 12))
            devices.append((code, channel))
            seq = int(rng.integers(0, 100_000))
            late = rng.integers(0, 120_000_000) + rng.integers(0, 3_000_000, times.size)
            for n, (time_us, value) in enumerate(zip(times.tolist(), values.tolist(), strict=True)):
                body = {
                    "seq": seq + n,
                    "at": datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "readings": [{"ch": channel, "v": value}],
                }
                sent.append(
                    Message(
                        topic=topic_of(code, Kind.readings),
                        payload=_encode(body),
                        received_us=int(time_us + late[n]) // 1000 * 1000,
                    )
                )
    sent.sort(key=lambda message: message.received_us)
    return devices, sent


def fill(dsn: str, devices: list[tuple[str, str]], sent: list[Message], batch: int) -> None:
    """Store everything as ingest does, and derive as the worker does."""
    book = policy.load("anhe")
    with connect(dsn, name="bench") as connection:
        lookups.fill(connection)
        units, estate_id = make_units(connection, len(devices) // 2), make_estate(connection)
        ids = registry.register_devices(
            connection,
            [
                registry.NewDevice(code=code, profile=METERS[channel], estate_id=estate_id)
                for code, channel in devices
            ],
        )
        install_all(
            connection,
            [
                Installation(
                    device_id=ids[code],
                    channel=BY_NAME[channel].code,
                    unit_id=units[n // 2],
                    valid_from=START - timedelta(days=1),
                )
                for n, (code, channel) in enumerate(devices)
            ],
        )
        connection.commit()
        clock = START
        pipeline = Pipeline(
            connection,
            bound=Bound(["hm/v1/+/#"]),
            rules=lambda now: book.on(now.date()).ingest,
            now=lambda: clock,
            source="bench",
        )
        for first in range(0, len(sent), batch):
            part = sent[first : first + batch]
            clock = datetime.fromtimestamp(part[-1].received_us / 1e6, UTC)
            pipeline.store(part)
        work = Work(books={"anhe": book}, now=lambda: NOW)
        while work.recompute(connection):
            connection.commit()
        connection.commit()
        found = connection.execute(
            "SELECT (SELECT count(*) FROM reading), (SELECT count(*) FROM quarantine)"
        ).fetchone()
    if found != (len(sent), 0):
        raise AssertionError(f"sent {len(sent)} readings, found {found}")


def pack_all(connection: Connection) -> None:
    """What the worker does with blocks that are a week old."""
    while pack(connection, before=NOW, whole_before=NOW):
        connection.commit()
    connection.commit()


def megabytes(connection: Connection, size: str, home_years: float) -> dict[str, float]:
    """Of each table with its indexes, for a home and a year."""
    found = {
        table: connection.execute(f"SELECT {size}(%s::text::regclass)", [table]).fetchone()  # pyright: ignore[reportArgumentType]
        for table in COUNTED
    }
    return {table: row[0] / home_years / 1e6 for table, row in found.items() if row is not None}


def plain(devices: list[tuple[str, str]], sent: list[Message], batch: int, home_years: float) -> str:
    """Measure PostgreSQL as it comes; its version."""
    with database() as connection:
        dsn = connection.info.dsn
        fill(dsn, devices, sent, batch)
        told("  journal as it came", megabytes(connection, "pg_total_relation_size", home_years))
        pack_all(connection)
        connection.autocommit = True
        connection.execute("VACUUM FULL journal")  # what blocks leave is used by the blocks of later days
        told("  journal in packs", megabytes(connection, "pg_total_relation_size", home_years))
        return version(connection)


def timescale(devices: list[tuple[str, str]], sent: list[Message], batch: int, home_years: float) -> float:
    """Measure TimescaleDB; megabytes for a home and a year."""
    with server.server(within_s=_PATIENCE_S) as address, server.database(address) as dsn:
        migrate(dsn)
        found = promote(dsn, columnstore_after=timedelta(days=21))
        print(f"\n{found}, {'a server of its own' if server.is_real() else 'PGlite'}")
        fill(dsn, devices, sent, batch)
        with connect(dsn, name="bench") as connection:
            told("  chunks in rows", megabytes(connection, "hypertable_size", home_years))
            pack_all(connection)
            compress(connection)
            sizes = megabytes(connection, "hypertable_size", home_years)
            told("  chunks in columns", sizes)
    return sum(sizes.values())


def told(what: str, sizes: dict[str, float]) -> None:
    """Print one line."""
    parts = "  ".join(f"{table} {size:5.3f}" for table, size in sizes.items())
    print(f"{what:22} {parts}  together {sum(sizes.values()):5.3f} MB", flush=True)


def version(connection: Connection) -> str:
    """The server's, in short."""
    row = connection.execute("SELECT version()").fetchone()
    return row[0].split(" on ")[0] if row else ""


def main() -> None:
    """Measure both, and say whether the aim is met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--homes", type=int, default=150)
    parser.add_argument("--batch", type=int, default=300, help="messages that one transaction stores")
    given = parser.parse_args()
    devices, sent = messages(given.homes)
    home_years = len(devices) / 2 * DAYS / 365
    began = time.perf_counter()
    print(f"Python {platform.python_version()}, psycopg {psycopg.__version__}")
    payload = sum(len(message.payload) for message in sent) / home_years / 1e6
    print(
        f"{given.homes} homes, {DAYS} days, {len(sent):,} messages of one reading, {given.batch} a batch\n"
        f"for a home and a year {len(sent) / home_years:,.0f} messages with {payload:.2f} MB of payload"
    )
    print("\nplain PostgreSQL; MB for a home and a year, indexes included")
    print(f"  ({plain(devices, sent, given.batch, home_years)})")
    try:
        together = timescale(devices, sent, given.batch, home_years)
    except server.TimescaleMissing as error:
        print(f"\nTimescaleDB was not measured: it needs {error}")
        sys.exit()
    print(f"\nAim: at most {AIM_MB} MB. {'Met' if together <= AIM_MB else 'Missed'}.")
    print(f"({time.perf_counter() - began:.0f} s)")


if __name__ == "__main__":
    main()
