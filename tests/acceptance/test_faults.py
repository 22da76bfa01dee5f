"""What brokers, databases, disks, clocks and devices do to it: published = stored + quarantined, never twice.

Kills are in `test_kill9.py`. Each test sends through a real broker and holds the tables against what it sent.
"""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import policy
from anju.embedded import postgres
from tests import brokers
from tests.acceptance.live import LiveStack
from tests.acceptance.replay import Meters, Replay, make_meters, stored, wait_for
from tests.acceptance.storm import reconnect_at_once
from tests.brokers import TestBroker
from tests.conftest import missing, tool
from tests.waiting import wait_until
from wire.envelope import Kind, topic_of

pytestmark = pytest.mark.slow

POLICY = policy.load("anhe").on(datetime.now(UTC).date())

OUTAGE_S = 60
MANY_DEVICES = 5_000
#: What `anju up` needs for its programs and an empty database, and little more.
SMALL_DISK = "420m"


def held_against(live: LiveStack, meters: Meters, before: dict[str, int], *, refused: int = 0) -> None:
    """Every reading once, every refusal in quarantine, nothing else new."""
    live.settle(120)
    with live.connect() as connection:
        rows = stored(connection, meters)
    assert len(rows) == len(meters.readings)
    assert set(rows) == meters.readings
    now = counted(live)
    assert now["stored"] - before["stored"] == len(meters.readings)
    assert now["quarantined"] - before["quarantined"] == refused


def counted(live: LiveStack) -> dict[str, int]:
    """Rows that came of messages so far."""
    found = live.counters()
    return {"stored": found["readings"]["stored"], "quarantined": found["quarantine"]["total"]}


def some_meters(
    live: LiveStack, request: pytest.FixtureRequest, *, meters: int, hours: int, installed: bool = True
) -> Meters:
    name = request.node.name.replace("_", "-")[:40]
    with live.connect() as connection:
        return make_meters(connection, name, meters=meters, hours=hours, installed=installed)


@pytest.fixture
def mosquitto(place: Path, request: pytest.FixtureRequest) -> Iterator[TestBroker]:
    tool("mosquitto", also="/usr/sbin")
    broker = brokers.start("mosquitto", place / request.node.name)
    yield broker
    broker.stop()


def test_a_database_that_is_away_for_a_minute(
    place: Path, mosquitto: TestBroker, request: pytest.FixtureRequest
) -> None:
    """The broker keeps what comes meanwhile; when the database is back, all of it is stored."""
    folder = place / "away"
    server = postgres.start(folder / "server")
    variables = {
        "ANJU_DATABASE_URL": server.dsn,
        "ANJU_MQTT_URL": mosquitto.url,
        "ANJU_MQTT_BOUND": "hm/v1/+/#",
    }
    try:
        with LiveStack(folder, **variables) as live:
            meters = some_meters(live, request, meters=12, hours=24 * 14)
            before = counted(live)
            replay = Replay(mosquitto.url, meters.messages)
            replay.send(0.3)
            wait_for(lambda: counted(live)["stored"] > before["stored"], "ingest is busy")
            server.stop()
            away_since = time.monotonic()
            replay.send(1.0)
            replay.wait_confirmed()
            wait_until(
                lambda: time.monotonic() - away_since > OUTAGE_S,
                within_s=OUTAGE_S + 5,
                what="a minute is over",
            )
            server = postgres.start(folder / "server", port=server.port)
            held_against(live, meters, before)
            with live.connect() as connection:
                told = connection.execute(
                    "SELECT count(*) FROM alert WHERE kind = 'ingest_behind'"
                ).fetchone()
            assert told == (1,), "how long messages waited is an alert"
            replay.finish()
            assert live.stop() == 0
    finally:
        server.stop()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of its own that is soon full."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK},mode=755", "tmpfs", folder], check=False
    )
    if mounted.returncode:
        missing("the right to mount a disk of its own")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(ballast: Path) -> None:
    """Take all the room that is left, but for some hundred kilobytes."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 16)):
                pass
        except OSError:
            file.truncate(max(0, file.tell() - (1 << 18)))


def test_a_disk_that_is_full(place: Path, request: pytest.FixtureRequest) -> None:
    """Nothing is confirmed that is not on disk; when there is room again, it goes on by itself."""
    with small_disk(place / "full") as folder, LiveStack(folder) as live:
        meters = some_meters(live, request, meters=12, hours=24 * 28)
        before = counted(live)
        ballast = folder / "ballast"
        fill(ballast)
        replay = Replay(live.ready["mqtt311"], meters.messages)
        replay.send(1.0)
        log = folder / "logs" / "ingest.log"
        full = "No space left on device"
        server = next(folder.rglob("server.log"))
        wait_for(
            lambda: full in server.read_text(errors="replace") or full in log.read_text(errors="replace"),
            "the disk is full",
        )
        ballast.unlink()
        held_against(live, meters, before)
        replay.finish()
        assert live.stop() == 0


def test_everything_twice_in_any_order_three_months_late(
    live: LiveStack, request: pytest.FixtureRequest
) -> None:
    meters = some_meters(live, request, meters=3, hours=24 * 91)
    before = counted(live)
    messages = meters.messages + meters.messages
    messages = messages[::7] + [m for n, m in enumerate(messages) if n % 7]
    replay = Replay(live.ready["mqtt311"], messages[::-1])
    replay.finish()
    held_against(live, meters, before)
    with live.connect() as connection:
        flags = connection.execute(
            "SELECT DISTINCT quality FROM reading WHERE device_id = ANY(%s)", [list(meters.devices.values())]
        ).fetchall()
        days = connection.execute(
            "SELECT count(DISTINCT day) FROM usage WHERE unit_id = ANY(%s)", [meters.units]
        ).fetchone()
    assert flags == [(0,)], "as good as if it had come in time"
    assert days is not None
    assert days[0] >= 91


def test_a_clock_that_jumps(
    place: Path, mosquitto: TestBroker, dsn: str, request: pytest.FixtureRequest
) -> None:
    """Forth by three days and back by five: nothing is lost, and what cannot be trusted says so."""
    folder = place / "jump"
    folder.mkdir()
    clock = folder / "now"
    right = datetime.now(UTC)

    def turn(by: timedelta) -> None:
        half = folder / "now.new"
        half.write_text((right + by).isoformat())
        half.replace(clock)

    turn(timedelta(0))
    variables = {
        "ANJU_DATABASE_URL": dsn,
        "ANJU_MQTT_URL": mosquitto.url,
        "ANJU_MQTT_BOUND": "hm/v1/+/#",
        "ANJU_NOW_FILE": str(clock),
    }
    with LiveStack(folder, **variables) as live:
        meters = some_meters(live, request, meters=6, hours=24 * 7)
        before = counted(live)
        replay = Replay(mosquitto.url, meters.messages)
        for part, by in ((0.3, timedelta(days=3)), (0.6, timedelta(days=-5)), (1.0, timedelta(0))):
            turn(by)
            replay.send(part)
            replay.wait_confirmed(part)
            live.settle()
        held_against(live, meters, before)
        replay.finish()
        with live.connect() as connection:
            found = connection.execute(
                "SELECT count(*) FILTER (WHERE quality & 1 = 1),"
                " count(*) FILTER (WHERE (quality & 1 = 1) <> (time > received_at + %s))"
                " FROM reading WHERE device_id = ANY(%s)",
                [POLICY.ingest.future_tolerance, list(meters.devices.values())],
            ).fetchone()
        assert found is not None
        assert found[0] > 0, "some were read after the time at which they arrived"
        assert found[1] == 0, "what lies ahead of its arrival is in doubt, and nothing else"
        assert live.stop() == 0


POISON = [
    b"",
    b"\x00" * 100,
    b"\xff\xfe{}",
    b"[" * 100_000,
    b'{"seq":1,"at":"2026-11-24T08:00:00Z","readings":[{"ch":"energy_kwh","v":1e999}]}',
    b'{"seq":1,"at":"2026-11-24T08:00:00Z","readings":[{"ch":"\\u0000","v":1}]}',
    b'{"seq":1,"at":"9999-12-31T23:59:59Z","readings":[{"ch":"energy_kwh","v":1}]}',
    b'{"seq":' + b"9" * 10_000 + b"}",
    b"x" * 300_000,
]


def test_poison_among_good_messages(live: LiveStack, request: pytest.FixtureRequest) -> None:
    meters = some_meters(live, request, meters=4, hours=48)
    before = counted(live)
    device = next(iter(meters.devices))
    bad = [(topic_of(device, kind), payload) for payload in POISON for kind in Kind if kind in ("m", "e")]
    # an unknown device's topic, and topics of no format
    bad += [("hm/v1/nobody-of-us/up/m", b"{}"), ("hm/v2/x", b"{}"), ("gw/nobody/at/all", b"\x00")]
    mixed = [message for pair in zip(meters.messages, bad * 20, strict=False) for message in pair]
    mixed += meters.messages[len(mixed) // 2 :]
    replay = Replay(live.ready["mqtt311"], mixed)
    replay.finish()
    held_against(live, meters, before, refused=len(bad))


def test_five_thousand_devices_that_come_back_at_once(
    place: Path, mosquitto: TestBroker, dsn: str, request: pytest.FixtureRequest
) -> None:
    """After a power cut every device connects, and sends what was not confirmed, in the same second."""
    folder = place / "storm"
    folder.mkdir()
    variables = {"ANJU_DATABASE_URL": dsn, "ANJU_MQTT_URL": mosquitto.url, "ANJU_MQTT_BOUND": "hm/v1/+/#"}
    with LiveStack(folder, **variables) as live:
        meters = some_meters(live, request, meters=MANY_DEVICES, hours=2, installed=False)
        before = counted(live)
        by_device: dict[str, list[tuple[str, bytes]]] = {}
        for topic, payload in meters.messages:
            by_device.setdefault(topic, []).append((topic, payload))

        def power_cut() -> None:
            mosquitto.stop()
            mosquitto.start_again()

        asyncio.run(reconnect_at_once(mosquitto.port, list(by_device.values()), power_cut))
        held_against(live, meters, before)
        assert live.stop() == 0
