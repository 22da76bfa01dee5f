"""Our own statements on chunks that are laid out by column: what plain PostgreSQL does, they do."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

import policy
from anju.work import Work
from devices import lookups
from devices.decoders import native
from ingest.bound import Bound
from ingest.message import Message
from ingest.packs import pack
from ingest.replay import Scope, replay
from storage.migrate import migrate
from storage.pool import Connection, connect
from storage.timescale import promote
from tests.integration.ingest.conftest import NOW, RULES, event, make_pipeline, make_site, reading
from tests.timescale.chunks import compress, compressed, contents

pytestmark = pytest.mark.xdist_group("timescale")
BOOKS = {"anhe": policy.load("anhe")}
FIRST, LAST = datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 9, 20, tzinfo=UTC)


@pytest.fixture
def promoted(timescale: str) -> Iterator[Connection]:
    """A promoted database with a site."""
    migrate(timescale)
    promote(timescale, columnstore_after=timedelta(days=21))
    with connect(timescale, name="test") as connection:
        lookups.fill(connection)
        make_site(connection)
        yield connection


@pytest.fixture
def plain(connection: Connection) -> Connection:
    """The same on plain PostgreSQL."""
    make_site(connection)
    return connection


def hourly(value: Callable[[int], float], *, step: int = 1, after: int = 0) -> list[Message]:
    """Registers of both homes, every so many hours, so many minutes past the hour."""
    hours = int((LAST - FIRST) / timedelta(hours=1))
    return [
        reading(value(n), at=(FIRST + timedelta(hours=n, minutes=after)).isoformat(), device=device, seq=n)
        for n in range(0, hours, step)
        for device in ("home-1", "home-2")
    ]


def store(connection: Connection, messages: list[Message], *, size: int = 200) -> None:
    pipeline = make_pipeline(connection)
    for first in range(0, len(messages), size):
        pipeline.store(messages[first : first + size])


def derive(connection: Connection) -> None:
    """What the worker does with the marks."""
    work = Work(books=BOOKS, now=lambda: NOW)
    while work.recompute(connection):
        connection.commit()
    connection.commit()


def test_late_repeated_and_conflicting_messages_leave_what_plain_postgresql_would_keep(
    promoted: Connection, plain: Connection
) -> None:
    sent = hourly(lambda n: 100 + n / 10) + [
        event("door_opened", at=(FIRST + timedelta(days=n)).isoformat(), seq=n) for n in range(50)
    ]
    # between those, on top of those with the same and with another value, and on both sides of a chunk
    late = hourly(lambda n: 100 + n / 10 + 0.05, step=24, after=30)
    late += sent[:60] + hourly(lambda n: 99 + n / 10, step=48) + sent[-20:]
    for connection in (promoted, plain):
        store(connection, sent)
        derive(connection)
        if connection is promoted:
            assert compress(connection) > 4
            assert all(compressed(connection, "reading"))
        store(connection, late)
        derive(connection)
    assert contents(promoted) == contents(plain)
    flagged = promoted.execute("SELECT count(*) FROM reading WHERE quality & 2 = 2").fetchone()
    assert flagged is not None
    assert flagged[0] > 0
    compress(promoted)
    assert contents(promoted) == contents(plain)


def test_a_clean_late_batch_goes_straight_into_a_compressed_chunk(promoted: Connection) -> None:
    store(promoted, hourly(float, step=2))
    compress(promoted)
    pipeline = make_pipeline(promoted)
    for number in range(4):  # the first ones after a start go by way of the staging table
        pipeline.store([reading(1, at=NOW.isoformat(), device="home-1", seq=number)])
    late = hourly(lambda n: n + 0.5, step=24, after=30)
    pipeline.store(late)
    found = promoted.execute("SELECT count(*) FROM reading WHERE value <> trunc(value)").fetchone()
    assert found == (len(late),)
    assert promoted.execute("SELECT sum(duplicates) FROM ingest_tally").fetchone() == (3,)


def test_a_batch_may_touch_more_compressed_rows_than_the_server_allows_by_itself(
    promoted: Connection,
) -> None:
    promoted.execute(
        "INSERT INTO reading (time, received_at, value, device_id, channel, decoder)"
        " SELECT %(first)s::timestamptz + make_interval(mins => m), %(first)s, m, d, 1, 101"
        " FROM generate_series(1, 150) d, generate_series(0, 999) m",
        {"first": FIRST},
    )
    compress(promoted)
    changed = promoted.execute(
        "INSERT INTO reading AS r (time, received_at, value, device_id, channel, decoder)"
        " SELECT %(first)s::timestamptz + make_interval(mins => 500), %(first)s, -1, d, 1, 101"
        " FROM generate_series(1, 150) d"
        " ON CONFLICT (device_id, channel, time) DO UPDATE SET value = least(r.value, excluded.value)"
        " RETURNING r.xmax = 0",
        {"first": FIRST},
    ).fetchall()
    assert changed == [(False,)] * 150


def test_rows_can_be_taken_out_of_compressed_chunks_and_put_back(promoted: Connection) -> None:
    """What replay and a corrected binding do."""
    store(promoted, hourly(float))
    derive(promoted)
    before = contents(promoted)
    compress(promoted)
    for table, time in (("reading", "time"), ("usage", "day")):
        promoted.execute(f"CREATE TEMP TABLE kept_{table} (LIKE {table})")  # pyright: ignore[reportArgumentType]
        gone = promoted.execute(
            f"WITH gone AS (DELETE FROM {table} WHERE {time} >= '2026-08-20' AND {time} < '2026-08-25'"  # pyright: ignore[reportArgumentType]
            f" RETURNING *) INSERT INTO kept_{table} SELECT * FROM gone"
        ).rowcount
        assert gone > 0
        assert len(contents(promoted)[table]) == len(before[table]) - gone
        promoted.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")  # pyright: ignore[reportArgumentType]
    assert contents(promoted) == before


def test_a_replay_swaps_rows_of_compressed_chunks_from_a_packed_journal(
    promoted: Connection, plain: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for connection in (promoted, plain):
        store(connection, hourly(lambda n: 10 + n / 4, step=6))
        derive(connection)
    # what came was of before, and is old by now
    assert pack(promoted, before=NOW + timedelta(days=1), whole_before=NOW + timedelta(days=1))
    promoted.commit()
    compress(promoted)
    monkeypatch.setattr(native, "DECODER", 102)
    for connection in (promoted, plain):
        outcome = replay(
            connection,
            Scope(since=NOW - timedelta(days=1), until=NOW + timedelta(days=1)),
            bound=Bound(["hm/v1/+/#"]),
            rules=lambda _: RULES,
            now=NOW,
            by="system:test",
        )
        assert outcome.replaced == outcome.written > 300
        derive(connection)
    assert contents(promoted) == contents(plain)
    assert promoted.execute("SELECT DISTINCT decoder FROM reading").fetchall() == [(102,)]


def test_the_worker_derives_compressed_days_anew(promoted: Connection, plain: Connection) -> None:
    for connection in (promoted, plain):
        store(connection, hourly(lambda n: 10 + n / 4))
        derive(connection)
        if connection is promoted:
            compress(connection)
        connection.execute("DELETE FROM reading WHERE time >= '2026-08-10' AND time < '2026-08-13'")
        connection.execute(
            "INSERT INTO usage_dirty SELECT unit_id, channel, day FROM usage"
            " WHERE day BETWEEN '2026-08-10' AND '2026-08-12'"
        )
        derive(connection)
    assert contents(promoted) == contents(plain)
    assert contents(plain)["usage"]
