"""Durable messages a second: mosquitto, ingest and PostgreSQL on this machine, everything on.

    make bench-ingest            or  .venv/bin/python -m tests.benchmarks.ingest [--help]

A publisher process sends QoS-1 messages of one reading (about 100 bytes) from 1,000 devices to mosquitto; the
real process `anju ingest` stores them, with journal, validation, deduplication, dirty marks and the tally.
A run is over when the last row is committed (synchronous_commit = on); its rate is messages divided by the
time from the first byte that the publisher wrote. Every run has its own database and client session, and
every row is counted afterwards. Three measurements: as fast as the publisher can send; the same with 50
readings a message; and paced at the required 5,000 a second, which asks how long after the last PUBACK
the last row is durable. Readings in batches are compared, round by round, with what PostgreSQL alone can do:
the same rows by bare binary COPY, 50,000 a transaction, into the same uniquely indexed table.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
from psycopg import sql

from anju.embedded import postgres
from devices import lookups, registry
from devices.installations import Installation, install_all
from ingest import binary
from ingest.readings import ROW
from ingest.store import copy_readings
from storage.migrate import migrate
from storage.pool import connect
from tests import brokers
from tests.benchmarks import publisher, sender
from tests.homes import make_estate, make_units
from tests.waiting import wait_until
from wire.channels import BY_NAME
from wire.envelope import Kind, topic_of

DEVICES = 1000
REQUIRED = 5000
#: Readings in batches, of the rate of bare COPY.
COPY_REQUIRED, COPY_AIM = 0.25, 0.5
_COPY_ROWS = 50_000
ENERGY = BY_NAME["energy_kwh"].code
_START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
_STEP = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is sent in one run."""

    name: str
    messages: int
    #: Readings a message.
    readings: int = 1
    #: Messages a second; 0: as fast as it goes.
    rate: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one run."""

    published_s: float
    durable_s: float
    #: Seconds of a processor, by process.
    cpu_s: dict[str, float]
    #: Load average of the machine before the run: over 0.5 somebody else is at work.
    load: float


def payloads(load: Load) -> Iterator[tuple[str, bytes]]:
    """The messages of a run, device after device, each device's readings 30 s apart."""
    for n in range(load.messages):
        device, seq = n % DEVICES, n // DEVICES
        elements = []
        for k in range(load.readings):
            at = _START + (seq * load.readings + k) * _STEP
            value = 1000 + device + (seq * load.readings + k) / 100
            elements.append(
                f'{{"seq":{seq * load.readings + k},"at":"{at:%Y-%m-%dT%H:%M:%SZ}",'
                f'"readings":[{{"ch":"energy_kwh","v":{value:.2f}}}]}}'
            )
        payload = elements[0] if load.readings == 1 else f"[{','.join(elements)}]"
        yield topic_of(f"meter-{device:04}", Kind.readings), payload.encode()


def run(load: Load, *, server: postgres.Server, broker: brokers.TestBroker, folder: Path) -> Outcome:
    """Measure one run and count its rows."""
    packets = folder / "packets"
    publisher.write_packets(packets, payloads(load))
    wanted = load.messages * load.readings
    with (
        database(server) as dsn,
        ingest(dsn, broker, folder / "ingest.log") as process,
        sender.waiting(broker.port311, packets, rate=load.rate) as sending,
    ):
        machine_load = os.getloadavg()[0]
        with psycopg.connect(dsn, autocommit=True) as watcher:
            watched = {"ingest": [process.pid], "mosquitto": [broker.process.pid]}
            watched["postgres"] = _backends(watcher)
            before = {name: sum(map(cpu_s, pids)) for name, pids in watched.items()}
            began = time.perf_counter()
            sending.go()
            wait_until(lambda: _stored(watcher) >= wanted, within_s=600, what="every row is committed")
            durable_s = time.perf_counter() - began
            used_s = {name: sum(map(cpu_s, pids)) - before[name] for name, pids in watched.items()}
            published_s = sending.seconds()
            counted = watcher.execute(
                "SELECT (SELECT count(*) FROM reading), (SELECT sum(messages) FROM journal),"
                " (SELECT count(*) FROM quarantine),"
                " (SELECT sum(duplicates + event_duplicates) FROM ingest_tally)"
            ).fetchone()
        if counted != (wanted, load.messages, 0, 0):
            raise AssertionError(
                f"published {load.messages} messages with {wanted} readings, found {counted}"
            )
    return Outcome(published_s=published_s, durable_s=durable_s, cpu_s=used_s, load=machine_load)


def bare_copy(load: Load, *, server: postgres.Server) -> float:
    """Readings a second of nothing but COPY, packed beforehand, into the table of a migrated database."""
    rows = np.array(
        [
            (device + 1, ENERGY, 0, 101, at_us, at_us, 1000.0 + device)
            for seq in range(load.messages // DEVICES)
            for device in range(DEVICES)
            for at_us in _times_us(seq * load.readings, load.readings)
        ],
        ROW,
    )
    packed = [
        binary.readings(rows[at : at + _COPY_ROWS], journal_id=1) for at in range(0, len(rows), _COPY_ROWS)
    ]
    with database(server) as dsn, connect(dsn, name="bench") as connection:
        began = time.perf_counter()
        for part in packed:
            with connection.cursor() as cursor:
                copy_readings(cursor, part)
            connection.commit()
        return len(rows) / (time.perf_counter() - began)


def _times_us(first: int, count: int) -> list[int]:
    start_us, step_us = round(_START.timestamp()) * 1_000_000, round(_STEP.total_seconds()) * 1_000_000
    return [start_us + n * step_us for n in range(first, first + count)]


@contextmanager
def database(server: postgres.Server) -> Iterator[str]:
    """A database of its own, with every device at a unit."""
    name = f"bench_{time.monotonic_ns()}"
    with psycopg.connect(server.dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        dsn = server.dsn.replace("/postgres", f"/{name}")
        migrate(dsn)
        with connect(dsn, name="bench") as connection:
            lookups.fill(connection)
            units = make_units(connection, DEVICES)
            estate_id = make_estate(connection)
            codes = [f"meter-{n:04}" for n in range(DEVICES)]
            ids = registry.register_devices(
                connection,
                [registry.NewDevice(code=c, profile="energy-register", estate_id=estate_id) for c in codes],
            )
            install_all(
                connection,
                [
                    Installation(
                        device_id=ids[code],
                        channel=ENERGY,
                        unit_id=unit,
                        valid_from=_START - timedelta(days=1),
                    )
                    for code, unit in zip(codes, units, strict=True)
                ],
            )
        yield dsn
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def ingest(dsn: str, broker: brokers.TestBroker, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The real process, subscribed."""
    readable, writable = os.pipe()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ANJU_")} | {
        "ANJU_DATABASE_URL": dsn,
        "ANJU_MQTT_URL": broker.url,
        "ANJU_MQTT_BOUND": "hm/v1/+/#",
        "ANJU_READY_FD": str(writable),
    }
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "anju", "ingest"], env=environment, pass_fds=[writable], stderr=said
        )
    os.close(writable)
    if os.read(readable, 1) != b"1":
        raise AssertionError(f"ingest did not start: {log.read_text()}")
    os.close(readable)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _stored(watcher: psycopg.Connection) -> int:
    row = watcher.execute("SELECT coalesce(sum(readings), 0)::bigint FROM ingest_tally").fetchone()
    assert row is not None
    return row[0]


def cpu_s(pid: int) -> float:
    """Seconds of a processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _backends(watcher: psycopg.Connection) -> list[int]:
    """The server's processes that work for ingest."""
    rows = watcher.execute(
        "SELECT pid FROM pg_stat_activity"
        " WHERE application_name = 'anju ingest' AND datname = current_database()"
    ).fetchall()
    assert rows
    return [pid for (pid,) in rows]


def machine() -> str:
    """What this is measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown CPU")
    return f"{os.cpu_count()} x {model}, Python {platform.python_version()}"


def versions(server: postgres.Server) -> str:
    """What is measured with."""
    mosquitto = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    said = subprocess.run([mosquitto, "-h"], capture_output=True, text=True, check=False).stdout
    with psycopg.connect(server.dsn) as connection:
        row = connection.execute(
            "SELECT version(), current_setting('synchronous_commit'), current_setting('fsync')"
        ).fetchone()
    assert row is not None
    return f"{said.splitlines()[0]}; {row[0].split(' on ')[0]}, synchronous_commit {row[1]}, fsync {row[2]}"


def report(load: Load, outcomes: list[Outcome]) -> float:
    """Print the runs of one load; returns the median rate in messages a second."""
    rates = [load.messages / outcome.durable_s for outcome in outcomes]
    print(f"\n{load.name}: {load.messages:,} messages of {load.readings} reading(s)")
    for outcome, rate in zip(outcomes, rates, strict=True):
        used = ", ".join(f"{name} {took / outcome.durable_s:.2f}" for name, took in outcome.cpu_s.items())
        behind_s = outcome.durable_s - outcome.published_s
        print(
            f"  {rate:8,.0f} messages/s, {rate * load.readings:9,.0f} readings/s; durable after"
            f" {outcome.durable_s:6.2f} s, {behind_s:.2f} s behind the last PUBACK; cores used: {used};"
            f" load of the machine {outcome.load:.1f}"
        )
    median = statistics.median(rates)
    print(f"  median {median:,.0f} messages/s, spread {min(rates):,.0f} to {max(rates):,.0f}")
    return median


def report_copy(load: Load, outcomes: list[Outcome], copied: list[float]) -> float:
    """Print how the readings compare with bare COPY; returns the median of the rounds' ratios."""
    rates = [load.messages * load.readings / outcome.durable_s for outcome in outcomes]
    ratios = [rate / copy for rate, copy in zip(rates, copied, strict=True)]
    print(
        f"  bare COPY: median {statistics.median(copied):,.0f} readings/s, spread {min(copied):,.0f} to"
        f" {max(copied):,.0f}\n  of bare COPY in the same round: median {statistics.median(ratios):.2f},"
        f" spread {min(ratios):.2f} to {max(ratios):.2f}"
    )
    return statistics.median(ratios)


def main() -> None:
    """Measure everything and say whether the requirement is met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--only", choices=["fast", "batched", "paced"])
    given = parser.parse_args()
    loads = {
        "fast": Load(name="As fast as it goes", messages=given.messages),
        "batched": Load(name="50 readings a message", messages=given.messages // 5, readings=50),
        "paced": Load(name=f"Paced at {REQUIRED:,} a second", messages=given.messages, rate=REQUIRED),
    }
    folder = Path(tempfile.mkdtemp(prefix="anju-bench-"))
    folder.chmod(0o755)
    server = postgres.start(folder / "postgres")
    broker = brokers.start("mosquitto", folder / "mosquitto")
    missed: list[str] = []
    try:
        print(machine())
        print(versions(server))
        for key, load in loads.items():
            if given.only not in (None, key):
                continue
            outcomes: list[Outcome] = []
            copied: list[float] = []
            for _ in range(given.runs):
                outcomes.append(run(load, server=server, broker=broker, folder=folder))
                if key == "batched":
                    copied.append(bare_copy(load, server=server))
            median = report(load, outcomes)
            if key == "fast" and median < REQUIRED:
                missed.append(f"{REQUIRED:,} messages/s")
            if copied and report_copy(load, outcomes, copied) < COPY_REQUIRED:
                missed.append(f"{COPY_REQUIRED} of bare COPY")
    finally:
        broker.stop()
        server.stop()
        shutil.rmtree(folder)
    print(f"\nRequired: {REQUIRED:,} messages/s; {COPY_REQUIRED} of bare COPY, aim {COPY_AIM}.", end=" ")
    print(f"Missed: {', '.join(missed)}." if missed else "Met.")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
