import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from anju import worker
from anju.jobs import Kind, request
from anju.work import Work
from storage import watermark
from storage.pool import Connection, connect
from tests.integration.usage.meters import (
    WATER,
    assert_as_from_scratch,
    at,
    hourly,
    make_meter,
    make_unit,
    tell,
    usage_rows,
)
from tests.waiting import wait_until
from tests.workers import NOW, settled, wait_settled, working
from usage import recompute as usage_recompute


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """As patient as a test can be."""
    monkeypatch.setattr(worker, "_LOOK_EVERY_S", 0.3)
    monkeypatch.setattr(worker, "_FETCH_EVERY_S", 0.05)
    monkeypatch.setattr(worker, "_PAUSE_S", 0.05)
    monkeypatch.setattr(worker, "_SILENT_FOR_S", 1.5)
    monkeypatch.setattr(worker, "_SIGN_EVERY_S", 0.2)


@pytest.fixture
def eye(dsn: str) -> Iterator[Connection]:
    """Looks from outside."""
    with connect(dsn, name="eye", autocommit=True) as opened:
        yield opened


def swept(eye: Connection) -> object:
    """Up to which change of usage leads go."""
    return watermark.noted(eye, "leads_swept").get("serial")


def test_marks_become_usage_day_features_and_a_sweep(
    connection: Connection, dsn: str, eye: Connection
) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    tell(connection, device, hourly(range(48)))
    connection.commit()
    with working(dsn):
        wait_settled(eye)
        assert swept(eye) == 1
        assert eye.execute("SELECT count(*) FROM unit_day WHERE unit_id = %s", [unit]).fetchone() == (3,)
        tell(connection, device, hourly([48, 50], day=2))
        connection.execute("NOTIFY usage_dirty")
        connection.commit()
        wait_settled(eye)
        assert swept(eye) == 2
    assert usage_rows(eye)[unit, WATER, 2] == 2
    assert_as_from_scratch(eye, unit)
    assert watermark.reached(eye, "worker") == NOW
    assert watermark.reached(eye, "leads") == NOW


def test_a_mark_that_nobody_announced_is_found(connection: Connection, dsn: str, eye: Connection) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    with working(dsn):
        wait_settled(eye)
        tell(connection, device, hourly(range(5)))
        connection.commit()
        wait_settled(eye)
    assert_as_from_scratch(eye, unit)


def test_nothing_is_swept_twice_for_nothing(
    connection: Connection, dsn: str, eye: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    sweeps: list[int] = []
    sweep = Work.sweep
    monkeypatch.setattr(Work, "sweep", lambda self, c: (sweeps.append(1), sweep(self, c))[1])
    tell(connection, device, hourly(range(5)))
    connection.commit()
    with working(dsn):
        wait_settled(eye)
        before = len(sweeps)
        connection.execute("INSERT INTO usage_dirty VALUES (%s, %s, %s)", [unit, WATER, at(0).date()])
        connection.execute("NOTIFY usage_dirty")
        connection.commit()
        wait_settled(eye)
        request(connection, Kind.sweep)
        connection.commit()
        wait_settled(eye)
        assert len(sweeps) == before


def test_settled_means_that_leads_rest_on_everything(
    connection: Connection, dsn: str, eye: Connection
) -> None:
    """Whenever neither a mark nor a job is left, the newest change has been swept."""
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    with working(dsn):
        for day in range(12):
            tell(connection, device, hourly([day * 100, day * 100 + 7], day=day))
            connection.execute("NOTIFY usage_dirty")
            connection.commit()
            wait_settled(eye)
            with connect(dsn, name="check") as check:
                assert watermark.noted(check, "usage")["serial"] == swept(check) == day + 1


def test_what_fails_is_tried_again_and_counts_as_pending_meanwhile(
    connection: Connection, dsn: str, eye: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    tell(connection, device, hourly(range(5)))
    connection.commit()
    sweep, failures = Work.sweep, iter([RuntimeError("not yet"), RuntimeError("nor now")])
    pending: list[bool] = []

    def failing(self: Work, asked: Connection) -> None:
        failure = next(failures, None)
        if failure:
            pending.append(settled(eye))
            raise failure
        sweep(self, asked)

    monkeypatch.setattr(Work, "sweep", failing)
    monkeypatch.setattr(worker, "_PAUSE_S", 0.4)
    with working(dsn):
        wait_settled(eye)
    assert pending == [False, False]
    assert swept(eye) == 1


def test_a_stop_leaves_marks_and_the_next_start_finds_them(
    connection: Connection, dsn: str, eye: Connection
) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    with working(dsn) as stops:
        stops[0].set()
    tell(connection, device, hourly(range(5)))
    connection.commit()
    assert not settled(eye)
    with working(dsn):
        wait_settled(eye)
    assert_as_from_scratch(eye, unit)


def test_a_sweep_that_rests_when_a_stop_comes_waits_for_the_next_start(
    connection: Connection, dsn: str, eye: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    tell(connection, device, hourly(range(5)))
    connection.commit()
    with monkeypatch.context() as patience:
        patience.setattr(worker, "_REST", 1e6)
        with working(dsn):
            wait_settled(eye)
            tell(connection, device, hourly(range(50, 55), day=1))
            connection.execute("NOTIFY usage_dirty")
            connection.commit()
            wait_until(lambda: watermark.noted(eye, "usage")["serial"] == 2, what="usage is up to date")
            assert not settled(eye)
    assert swept(eye) == 1
    assert not settled(eye)
    with working(dsn):
        wait_settled(eye)
    assert swept(eye) == 2


def test_a_worker_whose_connections_break_goes_on(connection: Connection, dsn: str, eye: Connection) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    with working(dsn):
        wait_settled(eye)
        for day in range(3):
            eye.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND application_name IN ('anju worker', '')"
            )
            tell(connection, device, hourly(range(day * 50, day * 50 + 5), day=day))
            connection.commit()
            wait_settled(eye)
    assert_as_from_scratch(eye, unit)


def test_a_killed_worker_leaves_nothing_undone(connection: Connection, dsn: str, eye: Connection) -> None:
    """kill -9 in the middle of a transaction; another worker finds the orphaned job."""
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    tell(connection, device, hourly(range(30)))
    connection.commit()
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [usage_recompute._LOCK])
    process = subprocess.Popen([sys.executable, "-c", _VICTIM, dsn], env=os.environ)
    try:
        wait_until(
            lambda: eye.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").rowcount,
            what="the worker is in its transaction",
        )
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    connection.rollback()
    left = eye.execute("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'recompute'")
    assert left.fetchall() == [("doing",)]
    with working(dsn):
        wait_settled(eye)
    assert_as_from_scratch(eye, unit)
    assert swept(eye) == 1


_VICTIM = """
import sys, policy
from datetime import UTC, datetime
from anju import worker
now = datetime(2026, 11, 24, 9, tzinfo=UTC)
worker.run(dsn=sys.argv[1], books={"anhe": policy.load("anhe")}, now=lambda: now)
"""


def test_sigterm_ends_the_process(dsn: str, eye: Connection) -> None:
    process = subprocess.Popen([sys.executable, "-c", _VICTIM, dsn], env=os.environ)
    wait_until(
        lambda: eye.execute("SELECT FROM pg_stat_activity WHERE query ILIKE 'listen usage_dirty'").rowcount,
        what="the worker listens",
    )
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_at_most_one_job_of_a_kind_waits(connection: Connection, eye: Connection) -> None:
    for _ in range(3):
        request(connection, Kind.sweep)
    request(connection, Kind.recompute)
    connection.commit()
    assert eye.execute(
        "SELECT task_name, count(*) FROM procrastinate_jobs GROUP BY 1 ORDER BY 1"
    ).fetchall() == [
        ("recompute", 1),
        ("sweep", 1),
    ]


def test_a_waiting_job_cannot_begin_before_what_asked_for_it_is_there(
    connection: Connection, eye: Connection
) -> None:
    """Else it would look too early, and nothing would wait afterwards."""
    fetch: Callable[[], object] = lambda: eye.execute(  # noqa: E731
        "SELECT id FROM procrastinate_fetch_job_v2(NULL, NULL)"
    ).fetchone()
    request(connection, Kind.sweep)
    connection.commit()
    request(connection, Kind.sweep)
    assert fetch() == (None,)
    connection.commit()
    assert fetch() != (None,)
