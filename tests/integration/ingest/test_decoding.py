"""Vendors' own decoders: a message waits with its batch, and is replaced by what its script makes of it."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from devices import registry
from devices.codecs.runner import Runner
from devices.codecs.scripts import Scripts
from devices.installations import Installation, install_all
from ingest.bound import Bound
from ingest.decoding import Decoding
from ingest.message import Message
from ingest.pipeline import Pipeline
from ingest.replay import Outcome, Scope, replay
from storage.pool import Connection, connect
from tests.homes import make_estate, make_units
from tests.integration.ingest.conftest import INSTALLED, NOW, RULES, Rows, make_pipeline, sent
from tests.unit.devices.hostile import DEADLY, ENDLESS
from tests.waiting import wait_until
from tests.workers import working
from wire.channels import BY_NAME, EVENTS
from wire.events import EventType
from wire.quality import Quality
from wire.reasons import Reason

SERVER, CONTACTS = "lns-1", ("24e124538b223213", "24e124538b223214", "24e124538b223215")
TEMPERATURE = BY_NAME["temperature_c"].code


@pytest.fixture
def contacts(connection: Connection) -> list[int]:
    """Contacts whose uplinks need the example's script."""
    estate_id = make_estate(connection)
    (unit_id,) = make_units(connection, 1)
    registry.register_device(connection, code=SERVER, profile="chirpstack-server", estate_id=estate_id)
    ids = [
        registry.register_device(
            connection,
            code=f"contact-{n}",
            profile="example-codec",
            estate_id=estate_id,
            gateway=SERVER,
            address=eui,
        )
        for n, eui in enumerate(CONTACTS)
    ]
    install_all(
        connection, [Installation(device_id=ids[0], channel=EVENTS, unit_id=unit_id, valid_from=INSTALLED)]
    )
    connection.commit()
    return ids


@pytest.fixture
def pipeline(connection: Connection, contacts: list[int]) -> Pipeline:
    return make_pipeline(connection, bound=("gw/+/#",))


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as opened:
        yield opened


@pytest.fixture
def decode(connection: Connection, runner: Runner, tmp_path: Path) -> Callable[[], None]:
    """Decode all that waits; scripts in the test's folder stand before ours."""

    def run() -> None:
        connection.commit()
        decoding = Decoding(rules=lambda _: RULES, now=lambda: NOW, scripts=Scripts(tmp_path), runner=runner)
        while decoding.run(connection):
            pass

    return run


def uplink(data: bytes = b"\x01\x00\xd7", *, contact: int = 0, count: int = 1, at: datetime = NOW) -> Message:
    eui = CONTACTS[contact]
    said = {
        "deduplicationId": f"00000000-0000-0000-0000-{count:012d}",
        "time": (at - timedelta(minutes=1)).isoformat(),
        "deviceInfo": {"devEui": eui},
        "fCnt": count,
        "fPort": 85,
        "data": base64.b64encode(data).decode(),
    }
    return sent(json.dumps(said), topic=f"gw/{SERVER}/application/a/device/{eui}/event/up", received=at)


EVENTS_OF = "SELECT device_id, type, quality, journal_id IS NOT NULL FROM event ORDER BY device_id, time"
TODOS = "SELECT count(*), coalesce(sum(attempts), 0)::int FROM decode_todo"


def test_a_message_waits_with_its_batch(pipeline: Pipeline, rows: Rows, contacts: list[int]) -> None:
    message = uplink()
    pipeline.store([message])
    assert rows("SELECT device_id, payload, quality, attempts FROM decode_todo") == [
        (contacts[0], message.payload, 0, 0)
    ]
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]


def test_what_its_script_makes_of_it_takes_its_place(
    pipeline: Pipeline, rows: Rows, contacts: list[int], decode: Callable[[], None]
) -> None:
    pipeline.store([uplink(), uplink(b"\x00\xff\xf6", contact=1)])
    decode()
    assert rows(TODOS) == [(0, 0)]
    assert rows(EVENTS_OF) == [
        (contacts[0], EventType.door_opened, Quality.STATE, True),
        (contacts[1], EventType.door_closed, Quality.STATE, True),
    ]
    at = datetime(2026, 11, 24, 8, 59, tzinfo=UTC)
    assert rows("SELECT channel, value, time, decoder FROM reading ORDER BY value") == [
        (TEMPERATURE, -1.0, at, 601),
        (TEMPERATURE, 21.5, at, 601),
    ]
    # The installed one marks the day of its home.
    assert rows("SELECT channel FROM usage_dirty") == [(EVENTS,)]
    assert rows("SELECT readings, events, quarantined FROM ingest_tally WHERE source = 'scripts'") == [
        (2, 2, 0)
    ]


def test_a_message_that_comes_again_is_stored_once(
    pipeline: Pipeline, rows: Rows, decode: Callable[[], None]
) -> None:
    for _ in range(2):
        pipeline.store([uplink(), uplink()])
        decode()
    assert rows("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM reading)") == [(1, 1)]


def test_a_sender_that_was_not_proven_stays_so(
    connection: Connection, contacts: list[int], rows: Rows, decode: Callable[[], None]
) -> None:
    make_pipeline(connection, bound=()).store([uplink()])
    decode()
    ((_, _, quality, _),) = rows(EVENTS_OF)
    assert quality & Quality.IDENTITY_UNPROVEN


@pytest.mark.parametrize(
    "script", [*list(ENDLESS.values())[:3], *DEADLY.values()], ids=[*list(ENDLESS)[:3], *DEADLY]
)
def test_a_script_that_fails_costs_its_own_message_only(
    pipeline: Pipeline, rows: Rows, decode: Callable[[], None], tmp_path: Path, script: str
) -> None:
    # The first byte chooses who meets the hostile part: one message of three.
    good = Scripts().read("example").replace("decodeUplink", "good")
    body = script.replace("decodeUplink", "bad")
    whole = "bad" not in body
    (tmp_path / "example.js").write_text(
        script
        if whole
        else f"{body}\n{good}\nfunction decodeUplink(i) {{ return (i.bytes[0] === 9 ? bad : good)(i) }}"
    )
    bad = uplink(b"\x09", contact=1)
    pipeline.store([uplink(), bad, uplink(contact=2)])
    decode()
    assert rows(TODOS) == [(0, 0)]
    found = rows("SELECT reason, payload, decoder FROM quarantine ORDER BY id")
    assert (str(Reason.script_failed), bad.payload, 601) in found
    if not whole and not body.startswith(("import", "(", "JSON", "while")):
        assert len(found) == 1
        assert rows("SELECT count(*) FROM event") == [(2,)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ('{"nothing": 1}', Reason.nothing_known),
        ('{"temperature": "warm"}', Reason.invalid_shape),
        ('{"temperature": 1e9}', Reason.value_out_of_range),
        ("null", Reason.nothing_known),
    ],
)
def test_what_a_script_makes_is_judged_like_any_message(
    pipeline: Pipeline, rows: Rows, decode: Callable[[], None], tmp_path: Path, data: str, reason: Reason
) -> None:
    (tmp_path / "example.js").write_text(f"function decodeUplink() {{ return {{data: {data}}} }}")
    pipeline.store([uplink()])
    decode()
    assert rows("SELECT reason FROM quarantine") == [(str(reason),)]


def test_a_script_that_is_missing_is_named(
    pipeline: Pipeline, rows: Rows, decode: Callable[[], None], tmp_path: Path
) -> None:
    (tmp_path / "example.js").write_bytes(b"\xff")
    pipeline.store([uplink()])
    decode()
    ((reason, detail),) = rows("SELECT reason, detail FROM quarantine")
    assert reason == str(Reason.script_failed)
    assert "example.js" in detail


def test_a_device_that_lost_its_script_leaves_nothing_waiting(
    pipeline: Pipeline, connection: Connection, rows: Rows, decode: Callable[[], None]
) -> None:
    pipeline.store([uplink()])
    connection.execute("UPDATE device SET profile = 'lorawan-any' WHERE code = 'contact-0'")
    connection.execute("UPDATE registry_version SET version = version + 1")
    decode()
    assert rows(TODOS) == [(0, 0)]
    assert rows("SELECT reason FROM quarantine") == [(str(Reason.script_failed),)]


def test_a_message_that_brings_the_worker_down_is_given_up(
    pipeline: Pipeline, connection: Connection, rows: Rows, decode: Callable[[], None]
) -> None:
    pipeline.store([uplink(), uplink(contact=1)])
    connection.execute(
        "UPDATE decode_todo SET attempts = %s WHERE id = (SELECT min(id) FROM decode_todo)",
        [RULES.script_attempts],
    )
    decode()
    assert rows("SELECT reason FROM quarantine") == [(str(Reason.script_failed),)]
    assert rows("SELECT count(*) FROM event") == [(1,)]


def test_a_break_before_the_commit_leaves_the_row(
    pipeline: Pipeline, dsn: str, connection: Connection, rows: Rows, decode: Callable[[], None]
) -> None:
    pipeline.store([uplink()])
    connection.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'away' USING ERRCODE = '57P01'; END $$"
    )
    connection.execute("CREATE TRIGGER fail BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION fail()")
    connection.commit()
    with pytest.raises(psycopg.OperationalError):
        decode()
    assert rows(TODOS) == [(1, 1)]
    assert rows("SELECT count(*) FROM reading") == [(0,)]
    connection.execute("DROP TRIGGER fail ON event")
    decode()
    assert rows(TODOS) == [(0, 0)]
    assert rows("SELECT count(*) FROM event") == [(1,)]


def test_what_the_database_refuses_costs_itself_only(
    pipeline: Pipeline, connection: Connection, rows: Rows, decode: Callable[[], None]
) -> None:
    pipeline.store([uplink(), uplink(b"\x00\x00\x01", contact=1), uplink(contact=2)])
    connection.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF new.type = 3 THEN RAISE EXCEPTION 'no' USING ERRCODE = '23514'; END IF;"
        " RETURN new; END $$"
    )
    connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION refuse()")
    decode()
    assert rows(TODOS) == [(0, 0)]
    assert rows("SELECT reason FROM quarantine") == [(str(Reason.refused_by_database),)]
    assert rows("SELECT count(*) FROM event") == [(2,)]


def test_two_workers_store_a_message_once(
    pipeline: Pipeline, dsn: str, connection: Connection, rows: Rows, runner: Runner
) -> None:
    """One claimed it and was thought to be gone; another decoded it meanwhile."""
    pipeline.store([uplink(count=n, at=NOW - timedelta(minutes=n)) for n in range(5)])
    connection.commit()

    class Slow(Runner):
        def run(self, jobs: Any, *, limit_s: float) -> Any:
            outcomes = list(runner.run(jobs, limit_s=limit_s))
            with connect(dsn, name="other") as other:
                fast = Decoding(rules=lambda _: RULES, now=lambda: NOW, scripts=Scripts(), runner=runner)
                assert fast.run(other)
            return iter(outcomes)

    with Slow(children=0) as slow:
        Decoding(rules=lambda _: RULES, now=lambda: NOW, scripts=Scripts(), runner=slow).run(connection)
    assert rows("SELECT (SELECT count(*) FROM event), (SELECT sum(events)::int FROM ingest_tally)") == [
        (5, 5)
    ]


def test_the_worker_decodes_what_comes(
    pipeline: Pipeline, dsn: str, connection: Connection, rows: Rows
) -> None:
    decoding = Decoding(rules=lambda _: RULES, now=lambda: NOW, scripts=Scripts())
    with working(dsn, decoding=decoding):
        pipeline.store([uplink(count=n, at=NOW - timedelta(minutes=n)) for n in range(30)])
        connection.commit()

        def done() -> bool:
            connection.commit()
            return rows(TODOS) == [(0, 0)]

        wait_until(done, within_s=20, what="everything is decoded")
    assert rows("SELECT count(*) FROM event") == [(30,)]


def test_a_replay_runs_the_script_again(
    pipeline: Pipeline, dsn: str, rows: Rows, decode: Callable[[], None], tmp_path: Path
) -> None:
    pipeline.store([uplink(), uplink(contact=1)])
    decode()
    scope = Scope(since=NOW - timedelta(days=1), until=NOW + timedelta(days=1))

    def again(*, by: Path) -> Outcome:
        decoding = Decoding(rules=lambda _: RULES, now=lambda: NOW, scripts=Scripts(by))
        with connect(dsn, name="replay") as own:
            own.commit()
            return replay(
                own,
                scope,
                bound=Bound(["gw/+/#"]),
                rules=lambda _: RULES,
                now=NOW,
                by="system:test",
                decoding=decoding,
            )

    # By the same script nothing changes: rows do not go because their decoder did not run in ingest.
    same = again(by=tmp_path)
    assert (same.replaced, same.written) == (0, 0)
    assert rows("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM reading)") == [(2, 2)]
    better = Scripts().read("example").replace("/ 10", "/ 100")
    (tmp_path / "example.js").write_text(better)
    assert again(by=tmp_path).replaced == 2
    assert rows("SELECT DISTINCT value FROM reading") == [(2.15,)]
