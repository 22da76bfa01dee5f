"""kill -9 during a replay: nothing lost, nothing doubled, consumption as if nothing had happened."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.acceptance.live import LiveStack
from tests.acceptance.replay import (
    Meters,
    Replay,
    derive_from_scratch,
    make_meters,
    stored,
    usage,
    wait_for,
)
from tests.brokers import TestBroker

pytestmark = pytest.mark.slow


@pytest.fixture
def meters(live: LiveStack, request: pytest.FixtureRequest) -> Meters:
    return meters_of(live, request.node.name)


def meters_of(live: LiveStack, test: str) -> Meters:
    with live.connect() as connection:
        return make_meters(connection, test.replace("_", "-")[:40], meters=12, hours=24 * 14)


def replayed(live: LiveStack, meters: Meters, disturb: Callable[[Replay], None]) -> None:
    """Replay with a disturbance, settle, and hold the database against what was sent."""
    before = live.counters()["readings"]["stored"]
    replay = Replay(live.ready["mqtt311"], meters.messages)
    disturb(replay)
    replay.finish()
    live.settle()

    with live.connect() as connection:
        rows = stored(connection, meters)
        assert len(rows) == len(meters.readings)
        assert set(rows) == meters.readings
        assert live.counters()["readings"]["stored"] - before == len(meters.readings)
        incremental = usage(connection, meters)
        derive_from_scratch(connection, meters)
    live.settle()
    with live.connect() as connection:
        assert usage(connection, meters) == incremental
    assert len(incremental) >= 14 * len(meters.units)


@contextmanager
def commits_held(live: LiveStack, table: str) -> Iterator[Callable[[], bool]]:
    """Let every transaction that inserts into a table stand still in its COMMIT; the answer: one does."""
    at = sql.Identifier(table)
    with psycopg.connect(live.ready["dsn"], autocommit=True) as gate:
        gate.execute("SELECT pg_advisory_lock(4711)")
        gate.execute(
            "CREATE OR REPLACE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$"
        )
        gate.execute(
            sql.SQL(
                "CREATE CONSTRAINT TRIGGER stand_still AFTER INSERT ON {} DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION stand_still()"
            ).format(at)
        )

        def one_stands() -> bool:
            found = gate.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted"
            ).fetchone()
            return found is not None and found[0] > 0

        yield one_stands
        gate.execute("SELECT pg_advisory_unlock(4711)")
        gate.execute(sql.SQL("DROP TRIGGER stand_still ON {}").format(at))


def more_rows(live: LiveStack, table: str, meters: Meters) -> Callable[[], bool]:
    """Whether one of the tables has grown since now: whoever fills it is in the middle of its work."""

    def count() -> int:
        column, values = (
            ("device_id", list(meters.devices.values())) if table == "reading" else ("unit_id", meters.units)
        )
        statement = sql.SQL("SELECT count(*) FROM {} WHERE {} = ANY(%s)")
        with live.connect() as connection:
            row = connection.execute(
                statement.format(sql.Identifier(table), sql.Identifier(column)), [values]
            ).fetchone()
        return row[0] if row else 0

    before = count()
    return lambda: count() > before


def killed_while_busy(live: LiveStack, name: str, table: str, meters: Meters) -> Callable[[Replay], None]:
    """Three times: send a third, and kill the process as soon as it has stored some of it."""

    def disturb(replay: Replay) -> None:
        for part in (0.33, 0.66, 1.0):
            busy = more_rows(live, table, meters)
            replay.send(part)
            wait_for(busy, f"{name} is busy")
            killed = live.kill(name)
            wait_for(live.is_back(name, killed), f"{name} is back")

    return disturb


def test_ingest_while_it_is_busy(live: LiveStack, meters: Meters) -> None:
    replayed(live, meters, killed_while_busy(live, "ingest", "reading", meters))


def test_ingest_between_commit_and_acknowledgement(live: LiveStack, meters: Meters) -> None:
    """The commit stands still in the server while its client is killed: it happens, unheard."""

    def disturb(replay: Replay) -> None:
        with commits_held(live, "journal") as one_stands:
            replay.send(0.5)
            wait_for(one_stands, "ingest waits for its commit")
            killed = live.kill("ingest")
            wait_for(live.is_back("ingest", killed), "ingest is back")

    duplicates = live.counters()["readings"]["duplicates"]
    replayed(live, meters, disturb)
    sent_twice = len(meters.messages) - len(meters.readings)
    assert live.counters()["readings"]["duplicates"] - duplicates > sent_twice


def test_the_worker_while_it_is_busy(live: LiveStack, meters: Meters) -> None:
    replayed(live, meters, killed_while_busy(live, "worker", "usage", meters))


def test_the_worker_while_it_commits(live: LiveStack, meters: Meters) -> None:
    def disturb(replay: Replay) -> None:
        with commits_held(live, "usage") as one_stands:
            replay.send(0.5)
            wait_for(one_stands, "the worker waits for its commit")
            killed = live.kill("worker")
            wait_for(live.is_back("worker", killed), "the worker is back")

    replayed(live, meters, disturb)


def test_postgresql_while_it_is_busy(live: LiveStack, meters: Meters) -> None:
    replayed(live, meters, killed_while_busy(live, "postgres", "reading", meters))


def test_the_devices_before_all_is_confirmed(live: LiveStack, meters: Meters) -> None:
    """A device that dies sends again, from its own log, what it holds to be unconfirmed: here all."""

    def disturb(_: Replay) -> None:
        first = Replay(live.ready["mqtt311"], meters.messages)
        first.send(1.0)
        first.wait_confirmed(0.3)
        first.die()

    replayed(live, meters, disturb)


@pytest.mark.parametrize("broker", ["mosquitto"], indirect=True)
def test_ingest_and_the_broker_on_servers_that_are_not_ours(
    tmp_path: Path, dsn: str, broker: TestBroker, request: pytest.FixtureRequest
) -> None:
    """Other addresses, no other code: mosquitto keeps sessions and messages over its own restart."""
    elsewhere = {"ANJU_DATABASE_URL": dsn, "ANJU_MQTT_URL": broker.url, "ANJU_MQTT_BOUND": "hm/v1/+/#"}
    with LiveStack(tmp_path, **elsewhere) as live:
        assert (live.ready["dsn"], live.ready["mqtt"], live.ready["mqtt311"]) == (dsn, broker.url, broker.url)
        assert (live.ready["pids"]["postgres"], live.ready["pids"]["broker"]) == (None, None)
        meters = meters_of(live, request.node.name)

        def disturb(replay: Replay) -> None:
            busy = more_rows(live, "reading", meters)
            replay.send(0.5)
            wait_for(busy, "ingest is busy")
            killed = live.kill("ingest")
            replay.wait_confirmed(0.5)
            broker.stop()
            broker.start_again()
            wait_for(live.is_back("ingest", killed), "ingest is back")

        replayed(live, meters, disturb)
        assert live.stop() == 0
