import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import policy
from anju import settings, worker
from anju.errors import BrokerAway
from anju.settings import Settings
from anju.settle import settle
from ingest import service
from policy.book import FOLDER
from storage import watermark
from storage.pool import Connection
from tests import workers
from tests.brokers import TestBroker
from tests.homes import make_units
from tests.waiting import wait_until
from tests.workers import working


@contextmanager
def ingesting(to: Settings) -> Iterator[None]:
    """The real ingest in a thread, subscribed."""
    assert to.database_url
    assert to.mqtt_url
    stop, subscribed = threading.Event(), threading.Event()
    book = policy.load(to.city)
    thread = threading.Thread(
        target=service.run,
        kwargs={
            "dsn": to.database_url,
            "mqtt_url": to.mqtt_url,
            "bound": (),
            "rules": lambda now: book.on(now.date()).ingest,
            "now": lambda: datetime.now(UTC),
            "stop": stop,
            "on_subscribed": subscribed.set,
        },
    )
    thread.start()
    assert subscribed.wait(10)
    yield
    stop.set()
    thread.join(15)


@pytest.fixture
def configured(dsn: str, broker: TestBroker) -> Settings:
    return settings.load(database_url=dsn, mqtt_url=broker.url)


@pytest.mark.parametrize("broker", ["iotcore", "mosquitto"], indirect=True)
def test_it_returns_when_its_marker_is_committed_and_counts_nothing(
    configured: Settings, connection: Connection, dsn: str
) -> None:
    with ingesting(configured), working(dsn):
        settled = settle(configured, timeout_s=10)
    assert settled.settled
    assert settled.as_json()["pending"] == {"marker": False, "todos": 0, "dirty": 0, "jobs": 0}
    assert settled.in_words().startswith("settled after")
    assert connection.execute("SELECT count(*) FROM journal").fetchone() == (0,)


def test_without_ingest_it_times_out_and_says_what_is_missing(configured: Settings) -> None:
    settled = settle(configured, timeout_s=0.3)
    assert not settled.settled
    assert settled.in_words().endswith("pending: messages that are not stored")


def test_without_a_worker_it_times_out(configured: Settings) -> None:
    with ingesting(configured):
        settled = settle(configured, timeout_s=1)
    assert settled.in_words().endswith("pending: 2 jobs")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that looks for what is stale when it is told to, and not by itself."""
    monkeypatch.setattr(worker, "_LOOK_EVERY_S", 1000.0)
    monkeypatch.setattr(worker, "_REST", 0.0)


@pytest.mark.usefixtures("patient")
def test_after_midnight_it_waits_for_leads_of_the_new_day(
    configured: Settings, connection: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No mark and no job says that a day has begun."""
    make_units(connection, 1)
    connection.commit()
    with ingesting(configured), working(dsn):
        wait_until(lambda: swept(connection) == workers.NOW, what="the first sweep")
        tomorrow = workers.NOW + timedelta(days=1)
        monkeypatch.setattr(workers, "NOW", tomorrow)
        assert settle(configured, timeout_s=20).settled
        assert swept(connection) == tomorrow


@pytest.mark.usefixtures("patient")
def test_it_waits_for_leads_by_a_policy_that_is_new(
    configured: Settings, connection: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A worker that was started with other rules, on the same day, and with nothing new to read."""
    make_units(connection, 1)
    connection.commit()
    with ingesting(configured):
        with working(dsn):
            assert settle(configured, timeout_s=20).settled
        before = watermark.noted(connection, "leads_swept")["policies"]
        for file in FOLDER.glob("*.toml"):
            text = file.read_text(encoding="utf-8")
            changed = text.replace('key = "leak_min_hours"\nvalue = 24', 'key = "leak_min_hours"\nvalue = 30')
            (tmp_path / file.name).write_text(changed, encoding="utf-8")
        monkeypatch.setattr(workers, "BOOKS", {"anhe": policy.load("anhe", tmp_path)})
        with working(dsn):
            assert settle(configured, timeout_s=20).settled
            after = watermark.noted(connection, "leads_swept")["policies"]
    assert before != after == [workers.BOOKS["anhe"].on(workers.NOW.date()).version]


def swept(connection: Connection) -> datetime | None:
    """When the newest sweep was made."""
    connection.rollback()
    return watermark.reached(connection, "leads_swept")


def test_marks_and_due_jobs_keep_it_waiting(configured: Settings, connection: Connection) -> None:
    connection.execute("INSERT INTO usage_dirty VALUES (1, 1, '2026-11-24')")
    connection.execute(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, scheduled_at) VALUES"
        " ('work', 'due', 'todo', NULL), ('work', 'running', 'doing', NULL),"
        " ('work', 'later', 'todo', '2999-01-01'), ('work', 'given up', 'failed', NULL)"
    )
    connection.commit()
    with ingesting(configured):
        settled = settle(configured, timeout_s=1)
    assert settled.as_json()["pending"] == {"marker": False, "todos": 0, "dirty": 1, "jobs": 2}


def test_a_broker_that_is_away_is_one_line(configured: Settings, broker: TestBroker) -> None:
    broker.stop()
    with pytest.raises(BrokerAway, match=f"the broker at mqtt://127.0.0.1:{broker.port} cannot be reached"):
        settle(configured, timeout_s=1)
