"""What one batch leaves in the database."""

import json
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import msgspec
import psycopg
import pytest

from devices import registry
from ingest.journal import read_block
from ingest.pipeline import Pipeline
from storage.pool import Connection, connect
from tests.homes import make_estate
from tests.integration.ingest.conftest import (
    AT,
    ENERGY,
    NOW,
    TALLY,
    WATER,
    Rows,
    Site,
    event,
    make_pipeline,
    reading,
    sent,
)
from wire.channels import EVENTS
from wire.envelope import SETTLE, Kind, topic_of
from wire.quality import Quality

TODAY = date(2026, 11, 24)


def test_a_reading_is_stored_as_the_device_said_it(site: Site, pipeline: Pipeline, rows: Rows) -> None:
    pipeline.store([reading(1234.56)])
    assert rows("SELECT time, received_at, value, device_id, channel, quality, decoder FROM reading") == [
        (datetime(2026, 11, 24, 8, tzinfo=UTC), NOW, 1234.56, site.devices["home-1"], ENERGY, 0, 101)
    ]
    assert rows("SELECT count(*) FROM reading JOIN journal ON journal.id = journal_id") == [(1,)]


def test_an_event_is_stored_as_the_device_said_it(site: Site, pipeline: Pipeline, rows: Rows) -> None:
    pipeline.store([event("entry", subject="p-7", method="face", result="granted", seq=18)])
    pipeline.store([event("door_left_open", value=12.5, seq=19, boot=3)])
    found = rows("SELECT type, method, result, subject, value, quality FROM event ORDER BY type")
    assert found == [(1, 2, 1, "p-7", None, 0), (4, 0, 0, None, 12.5, 0)]
    assert [key.split("-")[0] for (key,) in rows("SELECT dedupe_key FROM event ORDER BY type")] == [
        "18",
        "3.19",
    ]


def test_the_day_of_a_reading_is_marked_for_its_unit(site: Site, pipeline: Pipeline, rows: Rows) -> None:
    pipeline.store(
        [
            reading(1, at="2026-11-23T23:59:59+08:00"),
            reading(2, at="2026-11-24T07:59:59+08:00"),
            reading(5, channel="water_l", device="home-2"),
            reading(21, channel="temperature_c"),
            reading(1, device="bare-1"),
            event("door_opened"),
        ]
    )
    one, two = site.units
    assert set(rows("SELECT unit_id, channel, day FROM usage_dirty")) == {
        (one, ENERGY, date(2026, 11, 23)),
        (two, WATER, TODAY),
        (one, EVENTS, TODAY),
    }


def test_the_worker_is_woken(dsn: str, site: Site, pipeline: Pipeline) -> None:
    with connect(dsn, name="test", autocommit=True) as listener:
        listener.execute("LISTEN usage_dirty")
        pipeline.store([reading(1)])
        assert [n.channel for n in listener.notifies(timeout=5, stop_after=1)] == ["usage_dirty"]


def test_the_journal_holds_the_batch_as_it_came(site: Site, pipeline: Pipeline, rows: Rows) -> None:
    batch = [reading(1), sent(b"\xff\x00", topic="hm/other"), event("smoke")]
    batch[1] = msgspec.structs.replace(batch[1], properties={"retain": True})
    pipeline.store(batch)
    ((count, size, redacted, first, block),) = rows(
        "SELECT messages, raw_bytes, redacted, received_at, block FROM journal"
    )
    assert (count, size, redacted, first) == (3, sum(len(m.payload) for m in batch), [], NOW)
    kept = read_block(block)
    assert [(m.topic, m.payload) for m in kept] == [(m.topic, m.payload) for m in batch]
    assert kept[1].properties == {"retain": True}


def test_a_block_of_the_journal_is_never_changed(
    site: Site, pipeline: Pipeline, connection: Connection
) -> None:
    pipeline.store([reading(1)])
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        connection.execute("UPDATE journal SET block = ''")


def test_personal_keys_are_cut_before_the_journal_and_listed(
    site: Site, pipeline: Pipeline, rows: Rows
) -> None:
    good = {
        "seq": 1,
        "at": AT,
        "type": "entry",
        "idCard": "110101199003078888",
        "info": {"personName": "张三"},
    }
    bad = {"seq": 1, "keyboardPwd": "4711"}
    events = topic_of("home-1", Kind.events)
    pipeline.store([sent(json.dumps(m, ensure_ascii=False), topic=events) for m in (good, bad)])
    ((block, redacted),) = rows("SELECT block, redacted FROM journal")
    kept = b"".join(m.payload for m in read_block(block)) + b"".join(*rows("SELECT payload FROM quarantine"))
    assert redacted == ["idcard", "keyboardpwd", "personname"]
    assert not any(secret.encode() in kept for secret in ("1990", "张三", "4711"))
    assert rows("SELECT count(*) FROM event") == [(1,)]


def test_everything_is_counted(site: Site, pipeline: Pipeline, rows: Rows) -> None:
    batch = [
        reading(1),
        reading(1),
        reading(2, seq=2, at="2026-11-24T08:30:00Z"),
        event(),
        event(),
        sent("x"),
    ]
    pipeline.store(batch)
    assert rows(TALLY) == [(6, 2, 1, 1, 1, 1)]
    pipeline.store(batch)
    assert rows(TALLY) == [(12, 2, 1, 4, 3, 1)]
    assert rows("SELECT count(*) FROM reading UNION ALL SELECT count(*) FROM event") == [(2,), (1,)]
    assert rows("SELECT repeats FROM quarantine") == [(1,)]
    assert rows("SELECT day, source FROM ingest_tally") == [(TODAY, "ingest-test")]
    assert rows("SELECT client_id, committed_at, lag_s FROM ingest_state") == [("ingest-test", NOW, 0.0)]


def test_what_was_there_already_marks_no_day(site: Site, pipeline: Pipeline, rows: Rows) -> None:
    pipeline.store([reading(1), event()])
    assert len(rows("DELETE FROM usage_dirty RETURNING *")) == 2
    pipeline.store([reading(1), event()])
    assert rows("SELECT * FROM usage_dirty") == []
    pipeline.store([reading(0.5)])
    assert rows("SELECT day FROM usage_dirty") == [(TODAY,)]


def test_a_marker_is_committed_and_leaves_no_other_trace(site: Site, pipeline: Pipeline, rows: Rows) -> None:
    marker = uuid4()
    topic = topic_of(SETTLE, Kind.readings)
    pipeline.store([reading(1), sent(json.dumps({"marker": str(marker)}), topic=topic)])
    assert rows("SELECT marker, committed_at FROM ingest_marker") == [(marker, NOW)]
    assert rows(TALLY) == [(1, 1, 0, 0, 0, 0)]
    assert rows("SELECT messages FROM journal") == [(1,)]
    pipeline.store([sent(json.dumps({"marker": str(marker)}), topic=topic)])
    assert rows("SELECT count(*) FROM journal") == [(1,)]


def test_markers_that_nobody_waits_for_are_swept(
    connection: Connection, site: Site, pipeline: Pipeline, rows: Rows
) -> None:
    connection.execute("INSERT INTO ingest_marker VALUES (%s, %s)", [uuid4(), NOW - timedelta(days=2)])
    marker = uuid4()
    pipeline.store([sent(json.dumps({"marker": str(marker)}), topic=topic_of(SETTLE, Kind.readings))])
    assert rows("SELECT marker FROM ingest_marker") == [(marker,)]


def test_a_device_registered_since_the_last_batch_is_known(
    dsn: str, connection: Connection, site: Site, pipeline: Pipeline, rows: Rows
) -> None:
    pipeline.store([reading(1)])
    with connect(dsn, name="test") as other:
        estate_id = make_estate(other)
        registry.register_device(other, code="late-1", profile="water-register", estate_id=estate_id)
    pipeline.store([reading(2, channel="water_l", device="late-1")])
    assert rows("SELECT count(*) FROM reading") == [(2,)]
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]


@pytest.mark.parametrize(
    ("bound", "quality"),
    [
        (["hm/v1/+/#"], 0),
        (["hm/v1/home-1/#"], 0),
        (["hm/v1/home-2/#", "other/#"], Quality.IDENTITY_UNPROVEN),
        ([], Quality.IDENTITY_UNPROVEN),
    ],
)
def test_a_topic_that_the_broker_does_not_bind_proves_nobody(
    connection: Connection, site: Site, rows: Rows, bound: list[str], quality: int
) -> None:
    make_pipeline(connection, bound=bound).store([reading(1), event()])
    assert rows("SELECT quality FROM reading UNION ALL SELECT quality FROM event") == [(quality,)] * 2
    assert bool(rows("SELECT * FROM usage_dirty")) == (quality == 0)


@pytest.mark.parametrize(
    ("at", "quality"),
    [
        ("2026-11-24T09:10:00Z", 0),
        ("2026-11-24T09:10:01Z", Quality.CLOCK_SUSPECT),
        ("2026-11-30T09:00:00Z", Quality.CLOCK_SUSPECT),
        ("2026-08-25T09:00:00Z", 0),
        ("2026-08-24T08:59:59Z", Quality.CLOCK_SUSPECT),
        ("2015-01-01T00:00:00Z", Quality.CLOCK_SUSPECT),
    ],
)
def test_a_clock_beyond_tolerance_is_flagged_and_marks_no_day(
    site: Site, pipeline: Pipeline, rows: Rows, at: str, quality: int
) -> None:
    pipeline.store([reading(1, at=at), event(at=at)])
    assert rows("SELECT quality FROM reading UNION ALL SELECT quality FROM event") == [(quality,)] * 2
    assert bool(rows("SELECT * FROM usage_dirty")) == (quality == 0)


def test_between_soft_and_hard_limit_a_value_is_kept_and_flagged(
    site: Site, pipeline: Pipeline, rows: Rows
) -> None:
    pipeline.store([reading(70, channel="temperature_c")])
    assert rows("SELECT value, quality FROM reading") == [(70.0, Quality.SOFT_LIMIT)]
