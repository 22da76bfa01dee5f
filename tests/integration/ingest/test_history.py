"""Past readings and events brought in in bulk: the same rules as for messages."""

from datetime import UTC, date, datetime
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.history import PastEvent, Stored, store_events, store_readings
from ingest.pipeline import Pipeline
from storage.pool import Connection
from tests.integration.ingest.conftest import (
    ENERGY,
    NOW,
    TALLY,
    Rows,
    Site,
    event,
    make_site,
    reading,
    us,
)
from wire.channels import EVENTS
from wire.events import EventType
from wire.quality import Quality

START = us(datetime(2025, 11, 1, tzinfo=UTC))
HOUR = 3_600_000_000
DAY = 24 * HOUR


def bring(
    connection: Connection, site: Site, times, values, *, device: str = "home-1", received=None, **more
):
    times = np.asarray(times)
    return store_readings(
        connection,
        device_id=site.devices[device],
        channel=ENERGY,
        time_us=times,
        received_us=times + HOUR if received is None else received,
        value=np.asarray(values, float),
        **more,
    )


def test_a_year_is_stored_marked_and_counted(connection: Connection, site: Site, rows: Rows) -> None:
    times = START + HOUR * np.arange(24 * 365)
    assert bring(connection, site, times, np.arange(times.size)) == Stored(stored=8760, duplicates=0)
    assert rows("SELECT count(*), min(value), max(value), min(quality), max(decoder) FROM reading") == [
        (8760, 0, 8759, Quality.IMPORTED, 1)
    ]
    assert rows("SELECT DISTINCT received_at - time, journal_id FROM reading")[0][1] is None
    assert rows("SELECT unit_id, channel, count(*), min(day), max(day) FROM usage_dirty GROUP BY 1, 2") == [
        (site.units[0], ENERGY, 365, date(2025, 11, 1), date(2026, 10, 31))
    ]
    assert rows(TALLY) == [(0, 8760, 0, 0, 0, 0)]
    assert rows("SELECT source, day FROM ingest_tally") == [("import", date(2026, 11, 1))]


def test_importing_again_changes_nothing_and_marks_nothing(
    connection: Connection, site: Site, rows: Rows
) -> None:
    times = START + HOUR * np.arange(48)
    bring(connection, site, times, np.arange(48))
    before = rows("SELECT * FROM reading ORDER BY time")
    assert len(rows("DELETE FROM usage_dirty RETURNING *")) == 2
    assert bring(connection, site, times, np.arange(48)) == Stored(stored=0, duplicates=48)
    assert rows("SELECT * FROM reading ORDER BY time") == before
    assert rows("SELECT * FROM usage_dirty") == []


def test_an_import_that_overlaps_adds_what_is_new(connection: Connection, site: Site, rows: Rows) -> None:
    bring(connection, site, START + HOUR * np.arange(30), np.arange(30))
    rows("DELETE FROM usage_dirty RETURNING *")
    longer = bring(connection, site, START + HOUR * np.arange(72), np.arange(72))
    assert longer == Stored(stored=42, duplicates=30)
    assert {day for (day,) in rows("SELECT day FROM usage_dirty")} == {date(2025, 11, 2), date(2025, 11, 3)}


def test_nothing_is_nothing(connection: Connection, site: Site, rows: Rows) -> None:
    assert bring(connection, site, np.array([], np.int64), []) == Stored(stored=0, duplicates=0)
    assert store_events(connection, []) == Stored(stored=0, duplicates=0)
    assert rows("SELECT * FROM ingest_tally") == []


def test_history_of_a_device_that_hangs_nowhere_marks_nothing(
    connection: Connection, site: Site, rows: Rows
) -> None:
    assert bring(connection, site, [START], [1], device="bare-1").stored == 1
    assert rows("SELECT * FROM usage_dirty") == []


def test_readings_before_the_installation_belong_to_nobody(
    connection: Connection, site: Site, rows: Rows
) -> None:
    bring(connection, site, [us(datetime(2019, 12, 31, tzinfo=UTC)), START], [1, 2])
    assert rows("SELECT day FROM usage_dirty") == [(date(2025, 11, 1),)]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(connection: Connection, site: Site, value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        bring(connection, site, [START], [value])


def test_columns_of_different_lengths_are_refused(connection: Connection, site: Site) -> None:
    with pytest.raises(ValueError, match="length"):
        bring(connection, site, [START, START + HOUR], [1])


def test_flags_can_be_given_row_by_row(connection: Connection, site: Site, rows: Rows) -> None:
    flags = [Quality.IMPORTED, Quality.IMPORTED | Quality.CLOCK_SUSPECT]
    bring(connection, site, [START, START + DAY], [1, 2], quality=flags)
    assert rows("SELECT quality FROM reading ORDER BY time") == [(8,), (9,)]
    assert rows("SELECT day FROM usage_dirty") == [(date(2025, 11, 1),)]


def test_a_message_and_an_import_meet_under_one_key(
    connection: Connection, site: Site, pipeline: Pipeline, rows: Rows
) -> None:
    pipeline.store([reading(5, at="2026-11-24T08:00:00Z"), reading(5, at="2026-11-24T08:30:00Z")])
    moments = [us(datetime(2026, 11, 24, 8, minute, tzinfo=UTC)) for minute in (0, 30)]
    assert bring(connection, site, moments, [5, 4], received=np.full(2, us(NOW) + 1)).duplicates == 2
    assert rows("SELECT value, quality FROM reading ORDER BY time") == [
        (5.0, 0),
        (4.0, Quality.IMPORTED | Quality.CONFLICT),
    ]


# Few times and values, so that they meet.
series = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from([0.0, -0.0, 1.0, 2.0]),
        st.integers(0, 2),
        st.sampled_from([Quality.IMPORTED, Quality.IMPORTED | Quality.IDENTITY_UNPROVEN]),
    ),
    min_size=1,
    max_size=10,
)


@pytest.fixture
def place(connection: Connection) -> tuple[Connection, Site]:
    return connection, make_site(connection)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_rows=series, seed=st.integers(0, 2**32))
def test_order_and_parts_of_an_import_leave_the_same_table(
    place: tuple[Connection, Site], given_rows: list[tuple], seed: int
) -> None:
    connection, site = place
    random = Random(seed)
    shuffled = random.sample(given_rows, len(given_rows)) + random.choices(given_rows, k=2)
    cut = random.randrange(len(shuffled))
    outcomes = []
    for parts in ([given_rows], [shuffled[:cut], shuffled[cut:]]):
        connection.execute("TRUNCATE reading")
        stored = 0
        for part in parts:
            hour, value, late, quality = zip(*part, strict=True) if part else ([], [], [], [])
            times = START + HOUR * np.array(hour, np.int64)
            received = times + np.array(late, np.int64)
            stored += bring(
                connection, site, times, value, received=received, quality=np.array(quality)
            ).stored
        table = "SELECT time, received_at, value::text, quality FROM reading ORDER BY time"
        outcomes.append((stored, connection.execute(table).fetchall()))
    assert outcomes[0] == outcomes[1]


def door(site: Site, at_us: int, **more) -> PastEvent:
    return PastEvent(
        device_id=site.devices["home-1"],
        type=EventType.door_opened,
        time_us=at_us,
        received_us=at_us + 1,
        **more,
    )


def test_past_events_are_stored_once_and_marked(connection: Connection, site: Site, rows: Rows) -> None:
    given_rows = [door(site, START), door(site, START), door(site, START + DAY, subject="p-1", value=2.0)]
    assert store_events(connection, given_rows) == Stored(stored=2, duplicates=1)
    assert store_events(connection, given_rows[::-1]) == Stored(stored=0, duplicates=3)
    assert rows("SELECT type, subject, value, quality, decoder, journal_id FROM event ORDER BY time") == [
        (2, None, None, 8, 1, None),
        (2, "p-1", 2.0, 8, 1, None),
    ]
    assert set(rows("SELECT unit_id, channel, day FROM usage_dirty")) == {
        (site.units[0], EVENTS, date(2025, 11, 1)),
        (site.units[0], EVENTS, date(2025, 11, 2)),
    }
    assert rows(TALLY) == [(0, 0, 2, 0, 4, 0)]


def test_different_events_of_one_moment_are_kept(connection: Connection, site: Site) -> None:
    given_rows = [door(site, START), door(site, START, subject="p-1"), door(site, START, value=1.0)]
    assert store_events(connection, given_rows).stored == 3


@pytest.mark.parametrize("message_first", [True, False])
def test_the_same_event_from_a_message_and_from_an_import_stands_twice(
    connection: Connection, site: Site, pipeline: Pipeline, rows: Rows, *, message_first: bool
) -> None:
    """A message is known by its `seq` as well; docs/reference/import-files.md says so."""
    message = event("door_opened", at="2025-11-01T00:00:00Z")
    if message_first:
        pipeline.store([message])
    store_events(connection, [door(site, START)])
    connection.commit()
    if not message_first:
        pipeline.store([message])
    assert rows("SELECT time, type, decoder FROM event ORDER BY decoder") == [
        (datetime(2025, 11, 1, tzinfo=UTC), EventType.door_opened, 1),
        (datetime(2025, 11, 1, tzinfo=UTC), EventType.door_opened, 101),
    ]


@pytest.mark.parametrize("quality", [1 << 16, [0, 1 << 16], -1])
def test_a_quality_that_would_wrap_into_other_flags_is_refused(
    connection: Connection, site: Site, rows: Rows, quality: int | list[int]
) -> None:
    with pytest.raises(ValueError, match="quality"):
        bring(connection, site, [START, START + HOUR], [1, 2], quality=quality)
    assert rows("SELECT count(*) FROM reading") == [(0,)]
