"""Workers in threads of a test, and what is still pending."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import policy
from anju import worker
from ingest.decoding import Decoding
from storage.pool import Connection
from tests.waiting import wait_until

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
BOOKS = {"anhe": policy.load("anhe")}
PENDING = (
    "SELECT (SELECT count(*) FROM usage_dirty),"
    " (SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing'))"
)


@contextmanager
def working(
    dsn: str, *, count: int = 1, retention: bool = False, decoding: Decoding | None = None
) -> Iterator[list[threading.Event]]:
    """Workers that hear; each has an event that stops it."""
    stops: list[threading.Event] = []
    threads: list[threading.Thread] = []
    failed: list[BaseException] = []

    def body(stop: threading.Event, ready: threading.Event) -> None:
        try:
            worker.run(
                dsn=dsn,
                books=BOOKS,
                now=lambda: NOW,
                retention=retention,
                decoding=decoding,
                ready=ready.set,
                stop=stop,
            )
        except BaseException as error:
            failed.append(error)
            raise

    for _ in range(count):
        stop, ready = threading.Event(), threading.Event()
        thread = threading.Thread(target=body, args=(stop, ready))
        thread.start()
        stops.append(stop)
        threads.append(thread)
        wait_until(lambda ready=ready: ready.is_set() or failed, what="the worker is ready")
    try:
        yield stops
    finally:
        for stop in stops:
            stop.set()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)
        assert not failed


def settled(eye: Connection) -> bool:
    return eye.execute(PENDING).fetchone() == (0, 0)


def wait_settled(eye: Connection, *, within_s: float = 20) -> None:
    wait_until(lambda: settled(eye), within_s=within_s, what="no mark and no job is left")
