"""Rows whose time is over go, on ordinary tables and by chunk; what is younger stays."""

from datetime import UTC, date, datetime, timedelta

import pytest

from storage.migrate import migrate
from storage.pool import Connection, connect
from storage.retention import TIMES, apply_retention
from storage.timescale import promote, tables
from tests.timescale.chunks import compress

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 200


def fill(connection: Connection) -> None:
    """Twenty rows a day, in the order of time, in every table; the last day is 19 July 2026."""
    days = {"first": FIRST, "days": DAYS - 1}
    connection.execute("INSERT INTO replay (at, by, scope, outcome) VALUES (%s, 'test', '{}', '{}')", [FIRST])
    for insert in (
        "reading (time, received_at, value, device_id, channel, decoder)"
        " SELECT at + make_interval(mins => n), at, n, n, 1, 101",
        "event (time, received_at, device_id, type, decoder, dedupe_key)"
        " SELECT at + make_interval(mins => n), at, n, 1, 101, 'key'",
        "reading_archive (time, received_at, value, device_id, channel, quality, decoder, replay_id)"
        " SELECT at + make_interval(mins => n), at, n, n, 1, 0, 101, 1",
        "event_archive (time, received_at, device_id, type, method, result, quality, decoder, dedupe_key,"
        " replay_id) SELECT at + make_interval(mins => n), at, n, 1, 0, 0, 0, 101, 'key', 1",
        "journal (received_at, messages, raw_bytes, block)"
        " SELECT at + make_interval(mins => n), 1, 9, 'block'",
        "quarantine (message_hash, topic, payload, reason, decoder, first_at, last_at)"
        " SELECT sha256(format('%%s %%s', at, n)::bytea), 't', 'p', 'r', 101, at, at",
        "usage (computed_at, day, unit_id, channel, amount, covered_min, lag_h)"
        " SELECT at, at::date, n, 1, '{}', '{}', '{}'",
        "unit_day (computed_at, day, unit_id, energy_seen_h, water_seen_h, absent)"
        " SELECT at, at::date, n, 24, 24, false",
    ):
        connection.execute(
            f"INSERT INTO {insert}"  # pyright: ignore[reportArgumentType]
            " FROM (SELECT %(first)s + make_interval(days => day) AS at, n"
            " FROM generate_series(0, %(days)s) day, generate_series(1, 20) n ORDER BY 1, 2) rows",
            days,
        )
    connection.commit()


def oldest(connection: Connection, table: str) -> date:
    row = connection.execute(f"SELECT min({TIMES[table]})::date FROM {table}").fetchone()  # pyright: ignore[reportArgumentType]
    assert row is not None
    return row[0]


def count(connection: Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # pyright: ignore[reportArgumentType]
    assert row is not None
    return row[0]


@pytest.mark.parametrize("table", TIMES)
def test_an_ordinary_table_keeps_what_is_younger_to_the_day(connection: Connection, table: str) -> None:
    fill(connection)
    first = FIRST + timedelta(days=70)
    removed = list(apply_retention(connection, before={table: first}, pages=4))
    assert sum(one.rows for one in removed) == 70 * 20
    assert len(removed) > 1
    assert oldest(connection, table) == first.date()
    assert {other: count(connection, other) for other in TIMES if other != table} == dict.fromkeys(
        TIMES.keys() - {table}, DAYS * 20
    )
    assert sum(one.rows for one in apply_retention(connection, before={table: first})) == 0


def test_what_was_removed_before_it_stopped_is_gone_for_good(connection: Connection, dsn: str) -> None:
    fill(connection)
    steps = apply_retention(connection, before={"reading": FIRST + timedelta(days=70)}, pages=4)
    first = next(steps).rows
    steps.close()
    with connect(dsn, name="test") as other:
        assert count(other, "reading") == DAYS * 20 - first
        rest = apply_retention(other, before={"reading": FIRST + timedelta(days=70)}, pages=4)
        assert first + sum(one.rows for one in rest) == 70 * 20


@pytest.mark.xdist_group("timescale")
def test_a_promoted_table_loses_whole_chunks_in_rows_or_columns(timescale: str) -> None:
    migrate(timescale)
    promote(timescale, columnstore_after=timedelta(days=21))
    with connect(timescale, name="test") as connection:
        fill(connection)
        # the newest chunk of each stays in rows
        connection.execute(
            "SELECT compress_chunk(c) FROM show_chunks('reading', older_than => '2026-06-01'::timestamptz) c"
        )
        connection.commit()
        first = FIRST + timedelta(days=180)
        removed = list(apply_retention(connection, before=dict.fromkeys(TIMES, first)))
        assert {one.table for one in removed if one.chunks} == set(tables())
        for table in TIMES:
            assert oldest(connection, table) <= first.date()
            assert first.date() - oldest(connection, table) < timedelta(days=85)
        assert oldest(connection, "quarantine") == first.date()
        assert (
            count(connection, "reading") == (DAYS - (oldest(connection, "reading") - FIRST.date()).days) * 20
        )
        again = apply_retention(connection, before=dict.fromkeys(TIMES, first))
        assert sum(one.rows + one.chunks for one in again) == 0
        compress(connection)
        assert count(connection, "journal") > 0
