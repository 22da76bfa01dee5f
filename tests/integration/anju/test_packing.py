import logging
from datetime import timedelta

import pytest

from anju import packing, worker
from anju.work import Work
from ingest.journal import make_block
from storage.pool import Connection, connect
from tests.integration.ingest.conftest import reading
from tests.waiting import wait_until
from tests.workers import BOOKS, NOW, wait_settled, working


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_LOOK_EVERY_S", 0.3)
    monkeypatch.setattr(worker, "_FETCH_EVERY_S", 0.05)


def journaled(connection: Connection, *, days_ago: int, block: bytes | None = None) -> None:
    connection.execute(
        "INSERT INTO journal (received_at, messages, raw_bytes, block) VALUES (%s, 1, 9, %s)",
        [NOW - timedelta(days=days_ago), block or make_block([reading(days_ago)])],
    )
    connection.commit()


def blocks(connection: Connection) -> tuple[int, int]:
    """Rows, and how many of them are packs."""
    row = connection.execute("SELECT count(*), count(first_id) FROM journal").fetchone()
    connection.rollback()
    assert row is not None
    return row[0], row[1]


def test_the_worker_packs_the_journal_once_a_day(connection: Connection, dsn: str) -> None:
    for days in (9, 8, 7, 1, 0):
        journaled(connection, days_ago=days)
    with working(dsn), connect(dsn, name="eye", autocommit=True) as eye:
        wait_until(lambda: not packing.is_due(eye, NOW), what="the journal is packed")
        wait_settled(eye)
    # what came one day ago to the second is not older than a day
    assert blocks(connection) == (3, 1)
    assert packing.is_due(connection, NOW + timedelta(days=1))


def test_a_damaged_journal_is_told_and_holds_up_nobody(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    journaled(connection, days_ago=9, block=b"damaged")
    journaled(connection, days_ago=8)
    with caplog.at_level(logging.ERROR):
        for _ in Work(books=BOOKS, now=lambda: NOW).pack(connection):
            pass
    (record,) = caplog.records
    assert "the journal is damaged" in record.getMessage()
    assert blocks(connection) == (2, 0)
    assert not packing.is_due(connection, NOW)
