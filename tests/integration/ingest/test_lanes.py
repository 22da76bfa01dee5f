"""Batches that are stored beside each other leave the tables that they leave one after the other."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.bound import Bound
from ingest.message import Message
from ingest.pipeline import Pipeline
from ingest.underway import Batch, UnderWay
from storage.pool import Connection, connect
from tests.integration.ingest.conftest import BOUND, NOW, RULES, TALLY, Rows, Site, reading, sent
from tests.integration.ingest.test_idempotence import CONTENT, messages
from tests.waiting import wait_until
from wire.envelope import SETTLE, Kind, topic_of

AWAY = (psycopg.OperationalError, psycopg.InterfaceError)


class Ingest:
    """A pipeline with lanes, and what it has acknowledged."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.acknowledged: list[Message] = []
        self.under_way = UnderWay(lambda batch: self.acknowledged.extend(batch.messages))
        self._open()

    def _open(self) -> None:
        self.connections = [connect(self._dsn, name="test") for _ in range(4)]
        self.pipeline = Pipeline(
            self.connections[0],
            beside=self.connections[1:],
            bound=Bound(BOUND),
            rules=lambda _: RULES,
            now=lambda: NOW,
            source="ingest-test",
        )
        # As after each start. What a process before this one left is made out with the first batch.
        self.pipeline.expect_redelivery()

    def put(self, messages: list[Message], *, more: bool = True) -> None:
        self.under_way.add(messages)
        self.go_on(more=more)

    def go_on(self, *, more: bool = True) -> None:
        while (batch := self.under_way.waiting()) is not None:
            try:
                self._raise(batch)
                self.pipeline.put(batch, self.under_way, more=more)
            except AWAY:
                self.pipeline.close()
                self.under_way.forget()
                self._open()

    def finish(self) -> None:
        while len(self.under_way):
            self.under_way.rest()
            self.go_on(more=False)

    @staticmethod
    def _raise(batch: Batch) -> None:
        if isinstance(batch.error, AWAY):
            raise batch.error


@contextmanager
def running(dsn: str) -> Iterator[Ingest]:
    ingest = Ingest(dsn)
    try:
        yield ingest
    finally:
        ingest.pipeline.close()


def content(connection: Connection) -> list[list[tuple]]:
    connection.commit()
    found = [
        connection.execute(f"SELECT {columns} FROM {table} ORDER BY {columns}".encode()).fetchall()
        for table, columns in CONTENT.items()
    ]
    connection.commit()
    return found


def numbered(first: int, count: int = 5) -> list[Message]:
    return [
        reading(n, at=f"{NOW - timedelta(hours=2) + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ}", seq=n)
        for n in range(first, first + count)
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(messages, min_size=1, max_size=5), min_size=2, max_size=8),
    seed=st.integers(0, 2**32),
)
def test_beside_each_other_and_killed_between_they_leave_the_same_tables(
    dsn: str, site: Site, connection: Connection, batches: list[list[Message]], seed: int
) -> None:
    random = Random(seed)
    # So that not all of them meet.
    batches = [[*numbered(50 * n), *batch] for n, batch in enumerate(batches)]
    found: list[list[list[tuple]]] = []
    for kills in (False, True):
        connection.execute(f"TRUNCATE {', '.join(CONTENT)}, ingest_tally".encode())
        connection.commit()
        with running(dsn) as ingest:
            for batch in batches:
                ingest.put(batch)
                if kills and random.random() < 0.4:
                    for killed in random.sample(ingest.connections, random.randint(1, 4)):
                        connection.execute("SELECT pg_terminate_backend(%s)", [killed.info.backend_pid])
                        connection.commit()
            ingest.finish()
            assert ingest.acknowledged == [message for batch in batches for message in batch]
        found.append(content(connection))
    alone = Pipeline(connection, bound=Bound(BOUND), rules=lambda _: RULES, now=lambda: NOW, source="alone")
    connection.execute(f"TRUNCATE {', '.join(CONTENT)}".encode())
    for batch in batches:
        alone.store(batch)
    assert found == [content(connection)] * 2


@pytest.fixture
def ingest(dsn: str, site: Site) -> Iterator[Ingest]:
    with running(dsn) as started:
        for n in range(3):  # the first goes alone, and all three by way of staging
            started.put(numbered(1000 + 10 * n))
        started.finish()
        started.acknowledged.clear()
        yield started


@contextmanager
def held_up(connection: Connection, message: Message) -> Iterator[None]:
    """Somebody else is just writing what a message says: who stores it waits for him."""
    held = json.loads(message.payload)
    with connection.transaction(force_rollback=True):
        connection.execute(
            "INSERT INTO reading (time, received_at, value, device_id, channel, quality, decoder)"
            " SELECT %s, %s, 0, device_id, channel, 0, 101 FROM reading LIMIT 1",
            [held["at"], NOW],
        )
        yield


def stored(rows: Rows, value: int) -> bool:
    return bool(rows(f"SELECT 1 FROM reading WHERE value = {value}"))


def test_one_that_takes_long_holds_up_no_other_but_its_acknowledgement(
    dsn: str, ingest: Ingest, connection: Connection, rows: Rows
) -> None:
    with connect(dsn, name="test") as other:
        with held_up(other, numbered(1)[2]):
            ingest.put(numbered(1))
            ingest.put(numbered(11))
            wait_until(lambda: stored(rows, 15), what="the second is stored")
            assert not stored(rows, 1)
            assert ingest.acknowledged == []
        ingest.finish()
    assert ingest.acknowledged == numbered(1) + numbered(11)
    connection.commit()
    assert rows(TALLY) == [(25, 25, 0, 0, 0, 0)]


def test_a_marker_is_committed_behind_all_that_came_before_it(
    dsn: str, ingest: Ingest, connection: Connection, rows: Rows
) -> None:
    marker = sent(json.dumps({"marker": str(uuid4())}), topic=topic_of(SETTLE, Kind.readings))
    threads: list[bool] = []
    with connect(dsn, name="test") as other:
        other.execute("SELECT 1")
        with held_up(other, numbered(1)[2]):
            ingest.put(numbered(1))
            assert len(ingest.under_way) == 1
            # Putting the marker waits for the batch, so somebody lets that go on meanwhile.
            release = connect(dsn, name="test", autocommit=True)

            def let_go() -> None:
                wait_until(lambda: ingest.under_way.waiting() is not None, what="the marker waits")
                threads.append(not release.execute("SELECT 1 FROM ingest_marker").fetchall())
                release.execute("SELECT pg_terminate_backend(%s)", [other.info.backend_pid])

            thread = threading.Thread(target=let_go)
            thread.start()
            ingest.put([marker])
            thread.join()
            release.close()
    ingest.finish()
    assert threads == [True]
    assert stored(rows, 1)
    assert len(rows("SELECT 1 FROM ingest_marker")) == 1


def test_batches_that_say_the_same_never_run_beside_each_other(ingest: Ingest, rows: Rows) -> None:
    for _ in range(4):
        ingest.put([*numbered(1), *reversed(numbered(6))])
        ingest.put([*numbered(6), *reversed(numbered(1))])
    ingest.finish()
    assert rows(TALLY) == [(15 + 80, 15 + 10, 0, 70, 0, 0)]


def test_what_the_database_refuses_is_found_and_the_rest_is_stored(
    ingest: Ingest, connection: Connection, rows: Rows
) -> None:
    connection.execute("ALTER TABLE reading ADD CONSTRAINT no_three CHECK (value <> 3)")
    connection.commit()
    ingest.put(numbered(1))
    ingest.put(numbered(11))
    ingest.finish()
    assert ingest.acknowledged == numbered(1) + numbered(11)
    assert rows("SELECT reason FROM quarantine") == [("refused_by_database",)]
    assert rows("SELECT count(*) FROM reading WHERE value < 100") == [(9,)]


def test_signs_of_batches_beside_each_other_are_written_when_all_is_done(ingest: Ingest, rows: Rows) -> None:
    for n in range(4):
        ingest.put(numbered(2000 + 5 * n))
    ingest.finish()
    ingest.pipeline.write_signs()
    assert rows("SELECT counter FROM device_sign") == [(2019,)]
