"""Anju's whole chain against peers that bring MQTT into PostgreSQL, in the same runs.

    .venv/bin/python -m tests.benchmarks.peers [--rounds 3] [--messages 100000]

mosquitto, PostgreSQL, the publisher and its messages are the same for all; each round runs everyone once, in
another order, and a ratio is taken within a round only. A run lasts from the first byte that the publisher
writes to the last commit, by the timestamps of PostgreSQL's own commits. The broker is a new one each time:
one that knows the sessions of those who ran before would keep the messages for them as well. Anju stores what
it always does: journal, validation, deduplication under a unique key, dirty marks, tally. The peers store the
value into a table without any key. They are installed for this measurement into a folder that goes
afterwards; who cannot be installed is skipped.
"""

import argparse
import contextlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType

import psycopg
from psycopg import sql

from anju.embedded import postgres
from tests import brokers
from tests.benchmarks import ingest, mqbridge, nodered, publisher, sender
from tests.benchmarks.errors import Unavailable
from tests.waiting import wait_until

ANJU = "Anju"
#: Of the better peer's rate.
REQUIRED, AIM = 1.0, 1.3
PEERS: tuple[ModuleType, ...] = (mqbridge, nodered)
#: A message that only asks whether anybody is there.
_PROBE = b'{"seq":-1,"at":"2026-01-01T00:00:00Z","readings":[{"ch":"energy_kwh","v":0}]}'
_PAUSE_S = 0.25
_WITHIN_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """What came of one run."""

    rate: float
    #: Processors used by the one who stores.
    cores: float
    load: float


def run_anju(bench: "Bench") -> Run:
    """Measure our chain."""
    with (
        bench.broker() as broker,
        ingest.database(bench.server) as dsn,
        ingest.ingest(dsn, broker, bench.folder / "ingest.log") as process,
    ):
        found = bench.measure(dsn, broker, process.pid, "reading")
        with psycopg.connect(dsn) as connection:
            counted = connection.execute(
                "SELECT (SELECT sum(messages) FROM journal), (SELECT count(*) FROM quarantine)"
            ).fetchone()
        if counted != (bench.messages, 0):
            raise AssertionError(f"journal and quarantine hold {counted}")
    return found


def run_peer(bench: "Bench", peer: ModuleType) -> Run:
    """Measure a peer."""
    with (
        bench.broker() as broker,
        bench.database(peer.TABLE) as dsn,
        peer.running(
            bench.folder / peer.__name__,
            dsn=dsn,
            port=broker.port,
            client_id="peer",
            log=bench.folder / "peer.log",
        ) as process,
        psycopg.connect(dsn, autocommit=True) as watcher,
    ):

        def probed() -> bool:
            if process.poll() is not None:
                raise AssertionError(f"{peer.NAME} ended: {(bench.folder / 'peer.log').read_text()[-2000:]}")
            probe = publisher.packet("hm/v1/probe/up/m", _PROBE, 1)
            publisher.publish(broker.port311, [probe], window=1, rate=0)
            time.sleep(_PAUSE_S)
            return watcher.execute("SELECT count(*) > 0 FROM peer").fetchone() == (True,)

        wait_until(probed, within_s=60, what=f"{peer.NAME} stores what comes")
        time.sleep(4 * _PAUSE_S)  # the last probes
        return bench.measure(dsn, broker, process.pid, "peer")


class Bench:
    """The server and the messages that all share."""

    def __init__(self, folder: Path, *, messages: int) -> None:
        self.folder = folder
        self.messages = messages
        self.packets = folder / "packets"
        publisher.write_packets(
            self.packets, ingest.payloads(ingest.Load(name="one reading a message", messages=messages))
        )
        self.server = _server(folder / "postgres")

    @contextlib.contextmanager
    def broker(self) -> Iterator[brokers.TestBroker]:
        """A broker that knows nobody."""
        folder = self.folder / f"mosquitto-{time.monotonic_ns()}"
        started = brokers.start("mosquitto", folder)
        try:
            yield started
        finally:
            started.stop()
            shutil.rmtree(folder)

    @contextlib.contextmanager
    def database(self, table: str) -> Iterator[str]:
        """A database with one table."""
        name = sql.Identifier(f"peer_{time.monotonic_ns()}")
        with psycopg.connect(self.server.dsn, autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(name))
            dsn = self.server.dsn.replace("/postgres", f"/{name.as_string().strip(chr(34))}")
            with psycopg.connect(dsn) as connection:
                connection.execute(table.encode())
            yield dsn
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def measure(self, dsn: str, broker: brokers.TestBroker, pid: int, table: str) -> Run:
        """Publish everything and wait until it is committed."""
        if table == "reading":
            committed = "SELECT count(*), max(pg_xact_commit_timestamp(xmin)) FROM reading"
        else:
            committed = "SELECT count(*), max(pg_xact_commit_timestamp(xmin)) FROM peer WHERE seq >= 0"
        load, cpu_s = os.getloadavg()[0], ingest.cpu_s(pid)
        with (
            psycopg.connect(dsn, autocommit=True) as watcher,
            sender.waiting(broker.port311, self.packets) as sending,
        ):
            began = time.time()
            sending.go()
            sending.seconds()
            deadline = time.monotonic() + _WITHIN_S
            while True:
                row = watcher.execute(committed).fetchone()
                assert row is not None
                if row[0] >= self.messages:
                    break
                if time.monotonic() > deadline:
                    raise AssertionError(f"{row[0]:,} of {self.messages:,} stored after {_WITHIN_S:.0f} s")
                time.sleep(_PAUSE_S)
        if row[0] != self.messages:
            raise AssertionError(f"{row[0]:,} rows of {self.messages:,} messages")
        ended: datetime = row[1]
        took_s = ended.timestamp() - began
        return Run(rate=self.messages / took_s, cores=(ingest.cpu_s(pid) - cpu_s) / took_s, load=load)


def _server(folder: Path) -> postgres.Server:
    """A server that knows when each transaction was committed."""
    server = postgres.start(folder)
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    server.stop()
    return postgres.start(folder)


def prepared(folder: Path) -> list[ModuleType]:
    """The peers that can be installed here."""
    found: list[ModuleType] = []
    for peer in PEERS:
        try:
            peer.prepare(folder / peer.__name__)
        except Unavailable as error:
            print(f"skipped: {peer.NAME}: {error}")
        else:
            found.append(peer)
    return found


def report(rounds: list[dict[str, Run | None]]) -> float | None:
    """Print all runs; returns the median ratio of Anju to the better peer of its round."""
    names = list(dict.fromkeys(name for round_ in rounds for name in round_))
    for name in names:
        runs = [run for round_ in rounds if (run := round_.get(name)) is not None]
        if not runs:
            print(f"{name}: no run came to an end")
            continue
        rates = [run.rate for run in runs]
        print(
            f"{name}: median {statistics.median(rates):,.0f} messages/s,"
            f" spread {min(rates):,.0f} to {max(rates):,.0f};"
            f" cores used {statistics.median([run.cores for run in runs]):.2f};"
            f" load of the machine {max(run.load for run in runs):.1f} at most"
        )
    ratios: list[float] = []
    for round_ in rounds:
        ours = round_.get(ANJU)
        others = [run.rate for name, run in round_.items() if name != ANJU and run is not None]
        if ours is not None and others:
            ratios.append(ours.rate / max(others))
    if not ratios:
        return None
    median = statistics.median(ratios)
    print(
        f"Anju to the better peer of the same round: median {median:.2f},"
        f" spread {min(ratios):.2f} to {max(ratios):.2f} ({', '.join(f'{ratio:.2f}' for ratio in ratios)})"
    )
    return median


def main() -> None:
    """Measure, and say whether the requirement is met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=100_000)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="anju-bench-"))
    folder.chmod(0o755)
    bench: Bench | None = None
    try:
        peers = prepared(folder)
        if not peers:
            print("no peer can be installed: nothing is compared")
            return
        bench = Bench(folder, messages=given.messages)
        print(ingest.machine())
        print(ingest.versions(bench.server))
        rounds: list[dict[str, Run | None]] = []
        for n in range(given.rounds):
            contenders: list[ModuleType | None] = [None, *peers]
            turn = n % len(contenders)
            round_: dict[str, Run | None] = {}
            for peer in contenders[turn:] + contenders[:turn]:
                name = ANJU if peer is None else peer.NAME
                try:
                    found = run_anju(bench) if peer is None else run_peer(bench, peer)
                except AssertionError as error:
                    if peer is None:
                        raise
                    round_[name] = None
                    print(f"{name}: {error}")
                else:
                    print(f"round {n + 1}: {name}: {found.rate:,.0f} messages/s", flush=True)
                    round_[name] = found
            rounds.append(round_)
        ratio = report(rounds)
    finally:
        if bench is not None:
            bench.server.stop()
        shutil.rmtree(folder)
    met = ratio is None or ratio >= REQUIRED
    print(f"\nRequired: {REQUIRED}, aim {AIM}. {'Met.' if met else 'Missed.'}")
    sys.exit(not met)


if __name__ == "__main__":
    main()
