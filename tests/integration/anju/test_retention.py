from datetime import datetime, timedelta

import pytest

from anju import retention, worker
from anju.work import Work
from storage import watermark
from storage.pool import Connection, connect
from tests.integration.usage.meters import (
    EPOCH,
    WATER,
    at,
    hourly,
    make_meter,
    make_unit,
    tell,
    usage_rows,
)
from tests.waiting import wait_until
from tests.workers import BOOKS, NOW, wait_settled, working

KEPT = datetime(2025, 10, 24, tzinfo=NOW.tzinfo)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_LOOK_EVERY_S", 0.3)
    monkeypatch.setattr(worker, "_FETCH_EVERY_S", 0.05)


def last_day(connection: Connection, hours: int, *, before: datetime = KEPT) -> int:
    """A meter that was read every hour up to that moment and for two days after; its unit."""
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    since = (before - at(0)) / timedelta(days=1)
    tell(connection, device, hourly(range(hours + 48), day=since - hours / 24))
    connection.commit()
    return unit


def oldest(connection: Connection) -> object:
    row = connection.execute("SELECT min(time) FROM reading").fetchone()
    connection.rollback()
    return row and row[0]


def derive(connection: Connection, work: Work) -> None:
    while work.recompute(connection):
        connection.commit()
    connection.commit()


def test_the_worker_removes_what_is_too_old_once_a_day_where_it_may(connection: Connection, dsn: str) -> None:
    last_day(connection, 72)
    with working(dsn), connect(dsn, name="eye", autocommit=True) as eye:
        wait_settled(eye)
    assert oldest(connection) < KEPT
    assert retention.is_due(connection, NOW)
    connection.commit()
    with working(dsn, retention=True), connect(dsn, name="eye", autocommit=True) as eye:
        wait_until(lambda: not retention.is_due(eye, NOW), what="old readings are removed")
        wait_settled(eye)
    assert oldest(connection) == KEPT
    assert watermark.reached(connection, "retention") == NOW
    assert retention.is_due(connection, NOW + timedelta(days=1))


def test_hours_outlive_the_readings_they_rest_on(connection: Connection) -> None:
    unit = last_day(connection, 72)
    work = Work(books=BOOKS, now=lambda: NOW)
    derive(connection, work)
    before = usage_rows(connection)
    for _ in work.remove_old(connection):
        pass
    assert oldest(connection) == KEPT
    connection.execute(
        "INSERT INTO usage_dirty SELECT DISTINCT unit_id, channel, marked::date"
        " FROM usage, generate_series(%s::date, %s, '1 day') marked",
        [KEPT.date() - timedelta(days=10), KEPT.date() + timedelta(days=2)],
    )
    derive(connection, work)
    assert usage_rows(connection) == before
    assert before[unit, WATER, (KEPT.date() - EPOCH.date()).days - 20_400] == 24


def test_history_from_before_what_is_kept_still_becomes_hours(connection: Connection) -> None:
    work = Work(books=BOOKS, now=lambda: NOW)
    unit = last_day(connection, 48)
    derive(connection, work)
    for _ in work.remove_old(connection):
        pass
    device = connection.execute("SELECT device_id FROM installation").fetchone()
    assert device is not None
    old = KEPT - timedelta(days=300)
    tell(connection, device[0], hourly(range(25), day=(old - at(0)) / timedelta(days=1)))
    derive(connection, work)
    assert usage_rows(connection)[unit, WATER, (old.date() - EPOCH.date()).days - 20_400] == 24


def test_without_an_estate_nothing_is_removed(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO reading (time, received_at, value, device_id, channel, decoder)"
        " VALUES ('2001-01-01', '2001-01-01', 1, 1, 1, 101)"
    )
    connection.commit()
    for _ in Work(books=BOOKS, now=lambda: NOW).remove_old(connection):
        pass
    assert oldest(connection) is not None
    assert retention.first_derived(connection) is None
