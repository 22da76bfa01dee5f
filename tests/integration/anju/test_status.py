from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anju import settings, stack, status
from anju.stack import Stack
from storage import watermark
from storage.pool import Connection
from tests.estates import build_estates

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_an_empty_database_counts_nothing(connection: Connection) -> None:
    assert status.counters(connection) == {
        "messages": {"stored": 0},
        "readings": {"stored": 0, "duplicates": 0},
        "events": {"stored": 0, "duplicates": 0},
        "quarantine": {"total": 0, "by_reason": {}},
        "ingest": {"lag_seconds": None, "committed_at": None},
        "usage": {"dirty": 0},
        "worker": {"last_run": None},
        "signals": {"by_kind": {}},
        "leads": {"open": 0},
        "alerts": {"open": 0, "standing": 0},
        "devices": {"conditions": 0, "watched_at": None},
        "units": {"uncovered": None},
    }


def test_counters_add_up_over_days(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO ingest_tally (source, day, messages, readings, events, duplicates, event_duplicates,"
        " quarantined) VALUES ('ingest-0', '2026-11-23', 10, 20, 1, 2, 4, 1),"
        " ('import', '2026-11-24', 5, 6, 0, 1, 5, 0)"
    )
    connection.execute("INSERT INTO ingest_state VALUES ('ingest-0', %s, 0.25)", [NOW])
    connection.execute("INSERT INTO usage_dirty VALUES (1, 1, '2026-11-24'), (1, 1, '2026-11-24')")
    connection.execute(
        "INSERT INTO quarantine (message_hash, topic, payload, reason, decoder, first_at, last_at)"
        " VALUES ('a', 't', '', 'invalid_json', 101, %(now)s, %(now)s),"
        " ('b', 't', '', 'unknown_device', 101, %(now)s, %(now)s),"
        " ('c', 't', '', 'invalid_json', 101, %(now)s, %(now)s)",
        {"now": NOW},
    )
    watermark.advance(connection, status.WORKER_MARK, NOW)
    found = status.counters(connection)
    assert found["messages"] == {"stored": 15}
    assert found["readings"] == {"stored": 26, "duplicates": 3}
    assert found["events"] == {"stored": 1, "duplicates": 9}
    assert found["quarantine"] == {"total": 3, "by_reason": {"invalid_json": 2, "unknown_device": 1}}
    assert found["ingest"] == {"lag_seconds": 0.25, "committed_at": "2026-11-24T08:00:00Z"}
    assert found["usage"] == {"dirty": 2}
    assert found["worker"] == {"last_run": "2026-11-24T08:00:00Z"}


def test_the_lag_is_that_of_the_processes_that_committed_lately(connection: Connection) -> None:
    for client, ago_s, lag_s in [("gone", 60, 90.0), ("one", 59, 0.5), ("two", 0, 0.25)]:
        committed_at = NOW - timedelta(seconds=ago_s)
        connection.execute("INSERT INTO ingest_state VALUES (%s, %s, %s)", [client, committed_at, lag_s])
    assert status.counters(connection)["ingest"] == {
        "lag_seconds": 0.5,
        "committed_at": "2026-11-24T08:00:00Z",
    }


def test_a_stack_that_is_down_is_said_to_be(tmp_path: Path, dsn: str) -> None:
    down = status.look(settings.load(data_dir=tmp_path))
    assert (down.ready, down.counters) == (False, None)
    assert down.as_json() == {"ready": False}
    assert f"no stack runs on {tmp_path}" in down.in_words()

    elsewhere = status.look(settings.load(data_dir=tmp_path, database_url=dsn))
    assert elsewhere.counters is not None
    assert elsewhere.as_json()["messages"] == {"stored": 0}


def test_what_is_shown_has_no_password(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    stack.write(
        Stack(
            http="http://127.0.0.1:1",
            mqtt="mqtts://anju:hidden@broker:8883",
            mqtt311="mqtts://anju:hidden@broker:8883",
            dsn="postgresql://anju:hidden@127.0.0.1:1/anju",
            pids={"ingest": None},
        ),
        tmp_path,
    )
    shown = status.look(settings.load(data_dir=tmp_path)).as_json()
    assert (shown["dsn"], shown["mqtt"]) == ("postgresql://anju@127.0.0.1:1/anju", "mqtts://anju@broker:8883")
    assert (tmp_path / "run" / "stack.json").stat().st_mode & 0o777 == 0o600


def test_people_are_told_times_of_the_estates(
    dsn: str, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_estates(connection)
    watermark.advance(connection, status.WORKER_MARK, NOW)
    connection.commit()
    monkeypatch.setenv("ANJU_DATABASE_URL", dsn)
    found = status.look(settings.load(data_dir=tmp_path))
    assert "last_run 2026-11-24 16:00 +08:00" in found.in_words()
    assert found.as_json()["worker"] == {"last_run": "2026-11-24T08:00:00Z"}
