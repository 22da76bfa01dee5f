import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

import policy
from anju import settings
from anju.errors import BrokerAway
from anju.settings import Settings
from anju.settle import settle
from ingest import service
from storage.pool import Connection
from tests.brokers import TestBroker


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
    configured: Settings, connection: Connection
) -> None:
    with ingesting(configured):
        settled = settle(configured, timeout_s=10)
    assert settled.settled
    assert settled.as_json()["pending"] == {"marker": False, "dirty": 0, "jobs": 0}
    assert settled.in_words().startswith("settled after")
    assert connection.execute("SELECT count(*) FROM journal").fetchone() == (0,)


def test_without_ingest_it_times_out_and_says_what_is_missing(configured: Settings) -> None:
    settled = settle(configured, timeout_s=0.3)
    assert not settled.settled
    assert settled.in_words().endswith("pending: messages that are not stored")


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
    assert settled.as_json()["pending"] == {"marker": False, "dirty": 1, "jobs": 2}


def test_a_broker_that_is_away_is_one_line(configured: Settings, broker: TestBroker) -> None:
    broker.stop()
    with pytest.raises(BrokerAway, match=f"the broker at mqtt://127.0.0.1:{broker.port} cannot be reached"):
        settle(configured, timeout_s=1)
