"""The promotion to TimescaleDB: fresh, filled, repeated, interrupted."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from anju import processes
from devices import lookups
from ingest.journal import read_block
from storage import timescale as room
from storage.errors import PromotionRefused
from storage.migrate import head, migrate
from storage.pool import Connection, connect
from storage.timescale import LAYOUTS, hypertables, probe, promote
from tests.integration.ingest.conftest import event, make_pipeline, make_site, reading
from tests.timescale import server
from tests.timescale.chunks import compress, compressed, contents

pytestmark = pytest.mark.xdist_group("timescale")
AFTER = timedelta(days=21)
NAMES = {"reading", "event", "usage", "unit_day", "journal"}
VIEWS, HERE = "timescaledb_information", "WHERE hypertable_schema = current_schema()"
CATALOGUE = (
    f"SELECT hypertable_name, num_chunks, compression_enabled FROM {VIEWS}.hypertables {HERE}",
    f"SELECT hypertable_name, column_name, time_interval FROM {VIEWS}.dimensions {HERE}",
    f"SELECT hypertable::text, segmentby, orderby FROM {VIEWS}.hypertable_columnstore_settings",
    f"SELECT job_id, proc_name, hypertable_name, config FROM {VIEWS}.jobs {HERE}",
    "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = current_schema()",
)


def test_plain_postgresql_is_found_as_such_and_stays_as_it_is(dsn: str, connection: Connection) -> None:
    before = connection.execute(CATALOGUE[-1]).fetchall()
    connection.commit()
    found = promote(dsn, columnstore_after=AFTER)
    assert found == probe(connection)
    assert (found.installed, found.columnstore, str(found)) == (None, False, "plain PostgreSQL")
    assert hypertables(connection) == frozenset()
    assert connection.execute(CATALOGUE[-1]).fetchall() == before


def test_a_fresh_database_gets_hypertables_and_keeps_its_own_indexes_alone(timescale: str) -> None:
    migrate(timescale)
    with connect(timescale, name="test") as connection:
        before = _indexes(connection)
    found = promote(timescale, columnstore_after=AFTER)
    assert found.columnstore
    with connect(timescale, name="test") as connection:
        assert hypertables(connection) == NAMES
        assert _indexes(connection) == before
        ages = connection.execute(
            f"SELECT hypertable_name, config->>'compress_after' FROM {VIEWS}.jobs {HERE}"
        ).fetchall()
        assert dict(ages) == dict.fromkeys(NAMES, "21 days")
        unlimited = connection.execute("SELECT setconfig::text FROM pg_db_role_setting").fetchall()
        assert any("max_tuples_decompressed_per_dml_transaction=0" in row[0] for row in unlimited)


def test_what_is_in_place_moves_along_and_can_be_read_as_before(timescale: str) -> None:
    migrate(timescale)
    with connect(timescale, name="test") as connection:
        _fill(connection)
        before, views = contents(connection), _views(connection)
    promote(timescale, columnstore_after=AFTER)
    with connect(timescale, name="test") as connection:
        assert (contents(connection), _views(connection)) == (before, views)
        assert len(compressed(connection, "reading")) > 1
        assert compress(connection) >= len(NAMES) - 2  # no usage and no features yet
        assert all(compressed(connection, "reading"))
        assert (contents(connection), _views(connection)) == (before, views)
        blocks = [row[0] for row in connection.execute("SELECT block FROM journal ORDER BY id")]
        assert sum(len(read_block(block)) for block in blocks) == len(_messages())


def test_a_second_promotion_changes_nothing(timescale: str) -> None:
    migrate(timescale)
    with connect(timescale, name="test") as connection:
        _fill(connection)
    promote(timescale, columnstore_after=AFTER)
    with connect(timescale, name="test") as connection:
        compress(connection)
        before = _catalogue(connection)
    migrate(timescale)
    promote(timescale, columnstore_after=AFTER)
    with connect(timescale, name="test") as connection:
        assert _catalogue(connection) == before
        assert all(compressed(connection, "reading"))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.table)
def test_an_interrupted_promotion_goes_on(
    timescale: str, layout: room.Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(timescale)
    with connect(timescale, name="test") as connection:
        _fill(connection)
        rows = contents(connection)
    # a name that is refused, after the table became a hypertable and before its columnstore
    broken = replace(layout, segment_by="nobody")
    with monkeypatch.context() as patch:
        patch.setattr(room, "LAYOUTS", [broken if one == layout else one for one in LAYOUTS])
        with pytest.raises(psycopg.Error):
            promote(timescale, columnstore_after=AFTER)
    promote(timescale, columnstore_after=AFTER)
    with connect(timescale, name="test") as connection:
        assert hypertables(connection) == NAMES
        jobs = connection.execute(f"SELECT count(*) FROM {VIEWS}.jobs {HERE}").fetchone()
        assert jobs == (len(NAMES),)
        assert contents(connection) == rows


def test_another_age_and_another_length_of_chunks_replace_the_old(
    timescale: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(timescale)
    promote(timescale, columnstore_after=AFTER)
    longer = [replace(one, chunk=timedelta(days=200)) for one in LAYOUTS]
    monkeypatch.setattr(room, "LAYOUTS", longer)
    promote(timescale, columnstore_after=timedelta(days=5))
    with connect(timescale, name="test") as connection:
        ages = connection.execute(f"SELECT config->>'compress_after' FROM {VIEWS}.jobs {HERE}").fetchall()
        assert ages == [("5 days",)] * len(NAMES)
        chunks = connection.execute(
            f"SELECT DISTINCT time_interval FROM {VIEWS}.dimensions {HERE}"
        ).fetchall()
        assert chunks == [(timedelta(days=200),)]


def test_the_servers_own_job_lays_out_what_is_old_enough_and_takes_up_what_came_late(timescale: str) -> None:
    migrate(timescale)
    promote(timescale, columnstore_after=AFTER)
    with connect(timescale, name="test") as connection:
        _fill(connection)
        recent = datetime.now(UTC).isoformat(timespec="seconds")
        make_pipeline(connection).store([reading(900, at=recent, seq=900)])
    _run_job(timescale, "reading")
    with connect(timescale, name="test") as connection:
        chunks = connection.execute(
            f"SELECT is_compressed, range_end <= %s FROM {VIEWS}.chunks"
            f" {HERE} AND hypertable_name = 'reading'",
            [datetime.now(UTC) - AFTER],
        ).fetchall()
        assert [is_compressed for is_compressed, _ in chunks] == [is_old for _, is_old in chunks]
        assert {is_old for _, is_old in chunks} == {True, False}
        make_pipeline(connection).store([reading(3.5, at="2026-08-01T08:07:00Z", seq=901)])
        assert _unordered(connection) == 1
    _run_job(timescale, "reading")
    with connect(timescale, name="test") as connection:
        assert _unordered(connection) == 0
        stored = connection.execute(
            "SELECT value FROM reading WHERE time = '2026-08-01T08:07:00Z'"
        ).fetchall()
        assert stored == [(3.5,)]


def test_the_journal_stays_append_only(timescale: str) -> None:
    migrate(timescale)
    with connect(timescale, name="test") as connection:
        _fill(connection)
    promote(timescale, columnstore_after=AFTER)
    with connect(timescale, name="test") as connection:
        for _ in ("rows", "columns"):
            with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
                connection.execute("UPDATE journal SET messages = 0")
            connection.rollback()
            compress(connection)


def _messages() -> list:
    """A reading a day of two devices over 160 days up to 24 November, and a door event a week."""
    days = [datetime(2026, 11, 24, 8, tzinfo=UTC) - timedelta(days=n) for n in range(160)]
    readings = [
        reading(100 + n, at=day.isoformat(), device=device, seq=n)
        for n, day in enumerate(reversed(days))
        for device in ("home-1", "home-2")
    ]
    return readings + [event("door_opened", at=day.isoformat(), seq=n) for n, day in enumerate(days[::7])]


def _fill(connection: Connection) -> None:
    lookups.fill(connection)
    make_site(connection)
    pipeline = make_pipeline(connection)
    messages = _messages()
    for first in range(0, len(messages), 50):
        pipeline.store(messages[first : first + 50])


def _run_job(dsn: str, table: str) -> None:
    """What the scheduler does by itself on a real server."""
    with connect(dsn, name="test", autocommit=True) as connection:
        row = connection.execute(
            f"SELECT job_id FROM {VIEWS}.jobs {HERE} AND hypertable_name = %s", [table]
        ).fetchone()
        assert row is not None
        connection.execute("CALL run_job(%s)", [row[0]])


def _unordered(connection: Connection) -> int:
    """Chunks of readings that are laid out by column and hold rows besides."""
    row = connection.execute(
        "SELECT count(*) FROM _timescaledb_catalog.chunk c JOIN _timescaledb_catalog.hypertable h"
        " ON h.id = c.hypertable_id WHERE h.table_name = 'reading' AND h.schema_name = current_schema()"
        " AND c.status & 1 = 1 AND c.status & 10 > 0"
    ).fetchone()
    assert row is not None
    return row[0]


def _views(connection: Connection) -> Sequence[object]:
    return (
        connection.execute("SELECT count(*), sum(value), max(time) FROM v_reading").fetchall(),
        connection.execute("SELECT count(*), max(time) FROM v_event").fetchall(),
        connection.execute("SELECT * FROM last_heard(1, 0::smallint, '2026-01-01', 0)").fetchall(),
    )


def _indexes(connection: Connection) -> list[tuple]:
    return sorted(connection.execute(CATALOGUE[-1]).fetchall())


def _catalogue(connection: Connection) -> list[list[str]]:
    return [
        sorted(repr(row) for row in connection.execute(query).fetchall())  # pyright: ignore[reportArgumentType]
        for query in CATALOGUE
    ]


def test_a_migration_ends_with_the_promotion_and_says_so(timescale: str) -> None:
    said = processes.migrate(timescale)
    assert re.fullmatch(rf"{head()} on TimescaleDB \S+ \(licence timescale\), with columnstore", said)
    with connect(timescale, name="test") as connection:
        assert hypertables(connection) == NAMES


@pytest.mark.skipif(server.is_real(), reason="takes the role of the one session that PGlite has")
def test_a_role_that_does_not_own_the_database_is_told_so(timescale: str) -> None:
    migrate(timescale)
    with psycopg.connect(timescale, autocommit=True) as connection:
        connection.execute("CREATE ROLE stranger")
        connection.execute("SET ROLE stranger")
        try:
            with pytest.raises(PromotionRefused, match="must be owner of database"):
                promote(timescale, columnstore_after=AFTER)
        finally:
            connection.execute("RESET ROLE")
            connection.execute("DROP ROLE stranger")


def test_later_migrations_meet_a_promoted_database_with_compressed_chunks(timescale: str) -> None:
    """The first promotion was of revision 0009: whatever comes after it must run on hypertables."""
    assert migrate(timescale, to="0009") == "0009"
    promote(timescale, columnstore_after=AFTER)
    with connect(timescale, name="test") as connection:
        for insert in (
            "reading (time, received_at, value, device_id, channel, decoder) SELECT at, at, 1, 1, 1, 101",
            "event (time, received_at, device_id, type, decoder, dedupe_key) SELECT at, at, 1, 1, 101, 'key'",
            "journal (received_at, messages, raw_bytes, block) SELECT at, 1, 1, 'block'",
            "usage (computed_at, day, unit_id, channel, amount, covered_min, lag_h)"
            " SELECT at, at::date, 1, 1, '{}', '{}', '{}'",
            "unit_day (computed_at, day, unit_id, energy_seen_h, water_seen_h, absent)"
            " SELECT at, at::date, 1, 24, 24, false",
        ):
            connection.execute(
                f"INSERT INTO {insert} FROM generate_series("  # pyright: ignore[reportArgumentType]
                "timestamptz '2026-01-01', '2026-03-01', '1 day') at"
            )
        assert compress(connection) >= len(NAMES)
    assert migrate(timescale) == head()
    promote(timescale, columnstore_after=AFTER)
    with connect(timescale, name="test") as connection:
        assert connection.execute("SELECT count(*) FROM journal WHERE first_id IS NULL").fetchone() == (60,)
        assert all(compressed(connection, "journal"))
