"""When each device was last heard, by our clock and its own, and which numbers are missing."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices import registry
from ingest.message import Message
from ingest.pipeline import Pipeline
from ingest.signs import KEPT, Signs, put
from storage.pool import Connection
from tests.homes import make_estate
from tests.integration.ingest.conftest import NOW, Rows, Site, event, make_pipeline, reading, sent, us
from wire.envelope import Kind, topic_of

MINUTE = timedelta(minutes=1)
SIGN = "SELECT received_at, device_at, lag_s FROM device_sign ORDER BY device_id"
COUNTED = "SELECT boot, counter, missing::text FROM device_sign"


def arrived(message: Message, at: datetime) -> Message:
    return sent(message.payload, topic=message.topic, received=at)


def test_the_newest_message_decides_by_our_clock_and_its_own(
    site: Site, pipeline: Pipeline, rows: Rows
) -> None:
    pipeline.store([arrived(reading(1, at="2026-11-24T08:59:50Z"), NOW)])
    assert rows(SIGN) == [(NOW, datetime(2026, 11, 24, 8, 59, 50, tzinfo=UTC), 10)]
    # What comes later may be older by its own clock: it is what the device said last.
    pipeline.store([arrived(reading(1, at="2026-11-24T06:01:00Z", seq=2), NOW + MINUTE)])
    assert rows(SIGN) == [(NOW + MINUTE, datetime(2026, 11, 24, 6, 1, tzinfo=UTC), 3 * 3600)]


def test_of_an_array_the_newest_time_counts(site: Site, pipeline: Pipeline, rows: Rows) -> None:
    payloads = b",".join(reading(n, at=f"2026-11-24T0{n}:00:00Z", seq=n).payload for n in (3, 8, 5))
    pipeline.store([sent(b"[" + payloads + b"]")])
    assert rows(SIGN) == [(NOW, datetime(2026, 11, 24, 8, tzinfo=UTC), 3600)]
    assert rows("SELECT lag_low_s, lag_high_s FROM device_sign") == [(3600, 3600)]


def test_what_is_refused_was_heard_all_the_same(site: Site, pipeline: Pipeline, rows: Rows) -> None:
    pipeline.store([sent(b"what")])
    pipeline.store([reading(1, at="2001-01-01T00:00:00Z", device="home-2")])
    assert rows(SIGN) == [
        (NOW, None, None),
        (NOW, datetime(2001, 1, 1, tzinfo=UTC), (NOW - datetime(2001, 1, 1, tzinfo=UTC)).total_seconds()),
    ]


def test_nothing_else_than_its_own_traffic_is_a_sign(
    site: Site, pipeline: Pipeline, connection: Connection, rows: Rows
) -> None:
    make_pipeline(connection, bound=[]).store([reading(1), event()])
    pipeline.store(
        [
            msgspec.structs.replace(reading(1), properties={"retain": True}),
            sent(b"offline", topic=topic_of("home-1", Kind.state)),
            sent(b"{}", topic="hm/v1/home-1/down/cmd"),
        ]
    )
    assert rows(SIGN) == []


def test_a_will_says_that_a_connection_died_and_nothing_more(
    site: Site, pipeline: Pipeline, rows: Rows
) -> None:
    pipeline.store(
        [
            sent(b"online", topic=topic_of("home-1", Kind.state)),
            sent(b'"offline"', topic=topic_of("home-1", Kind.state), received=NOW + MINUTE),
            sent(b'{"model": "BX-1", "firmware": "2.1"}', topic=topic_of("home-1", Kind.meta)),
        ]
    )
    assert rows("SELECT type, quality, time FROM event ORDER BY time") == [
        (50, 512 + 32, NOW),
        (51, 512 + 32, NOW + MINUTE),
    ]
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        (Kind.state, b"dead", "invalid_shape"),
        (Kind.state, b"", "invalid_shape"),
        (Kind.meta, b"[]", "invalid_shape"),
        (Kind.meta, b"{", "invalid_json"),
        (Kind.meta, b"", "empty"),
    ],
)
def test_state_and_description_of_another_shape_are_quarantined(
    site: Site, pipeline: Pipeline, rows: Rows, kind: Kind, payload: bytes, reason: str
) -> None:
    pipeline.store([sent(payload, topic=topic_of("home-1", kind))])
    assert rows("SELECT reason FROM quarantine") == [(reason,)]


def test_a_gap_is_counted_and_filled_again_by_what_comes_late(
    site: Site, pipeline: Pipeline, rows: Rows
) -> None:
    pipeline.store([numbered(5), numbered(6), numbered(9)])
    assert rows(COUNTED) == [(None, 9, "{[7,9)}")]
    pipeline.store([numbered(6), numbered(9)])
    assert rows(COUNTED) == [(None, 9, "{[7,9)}")]
    pipeline.store([numbered(12)])
    assert rows(COUNTED) == [(None, 12, "{[7,9),[10,12)}")]
    pipeline.store([numbered(8), numbered(10), numbered(7)])
    assert rows(COUNTED) == [(None, 12, "{[11,12)}")]


def test_what_a_device_kept_for_months_fills_its_gap(site: Site, pipeline: Pipeline, rows: Rows) -> None:
    start = datetime(2026, 8, 24, 0, tzinfo=UTC)
    pipeline.store([numbered(1, at=start)])
    pipeline.store([numbered(2001, at=start + 2000 * timedelta(hours=1))])
    assert rows(COUNTED) == [(None, 2001, "{[2,2001)}")]
    for first in (2, 1002):
        pipeline.store([numbered(n, at=start + n * timedelta(hours=1)) for n in range(first, first + 999)])
    assert rows(COUNTED) == [(None, 2001, "{[1001,1002)}")]


@pytest.mark.parametrize("boots", [(None, None), (3, 4), (None, 1)])
def test_a_restart_begins_anew(
    site: Site, pipeline: Pipeline, rows: Rows, boots: tuple[int | None, int | None]
) -> None:
    before, after = boots
    pipeline.store([numbered(900, boot=before), numbered(905, boot=before)])
    pipeline.store([numbered(1, at=NOW - 2 * MINUTE, boot=after), numbered(2, at=NOW - MINUTE, boot=after)])
    assert rows(COUNTED) == [(after, 2, "{}")]
    # What was sent before the restart and comes only now says nothing of the numbers since.
    pipeline.store([numbered(903, boot=before, at=NOW - timedelta(hours=3))])
    assert rows(COUNTED) == [(after, 2, "{}")]


def test_numbers_that_no_device_can_have_reached_harm_nobody(
    site: Site, pipeline: Pipeline, rows: Rows
) -> None:
    pipeline.store([numbered(2**63 - 1), numbered(3)])
    pipeline.store([numbered(2**62 - 1), numbered(4)])
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]
    assert rows("SELECT counter FROM device_sign") == [(2**62 - 1,)]
    assert rows("SELECT sum(upper(r) - lower(r)) FROM device_sign, unnest(missing) r") == [(KEPT,)]


def test_a_gateway_is_heard_in_every_child(connection: Connection, rows: Rows) -> None:
    estate = make_estate(connection)
    new = [
        registry.NewDevice(code=code, profile="energy-register", estate_id=estate) for code in ("gate", "kid")
    ]
    ids = registry.register_devices(connection, new)
    signs = Signs()
    signs.begin(us(NOW), own=True)
    signs.heard(ids["gate"])
    signs.said(ids["kid"], us(NOW - MINUTE), counter=None, boot=None)
    put(connection, signs)
    signs = Signs()
    signs.begin(us(NOW + MINUTE), own=True)
    signs.heard(ids["gate"])
    put(connection, signs)
    assert rows("SELECT received_at, device_at FROM device_sign ORDER BY device_id") == [
        (NOW + MINUTE, None),
        (NOW, NOW - MINUTE),
    ]


def test_the_range_of_lags_fades(site: Site, pipeline: Pipeline, rows: Rows) -> None:
    pipeline.store([arrived(reading(1, at="2026-11-24T08:00:00Z"), NOW)])
    for n in range(60):
        at = NOW + (n + 1) * MINUTE
        pipeline.store([arrived(reading(1, at=f"{at - MINUTE:%FT%TZ}", seq=n + 2), at)])
    ((low, high),) = rows("SELECT lag_low_s, lag_high_s FROM device_sign")
    assert low == 60
    assert 60 <= high < 62


numbers = st.lists(st.integers(0, 40), min_size=1, max_size=60)


@given(order=numbers, cuts=st.lists(st.integers(1, 9), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_any_order_and_any_batches_exactly_what_never_came_is_missing(
    connection: Connection, order: Sequence[int], cuts: Sequence[int]
) -> None:
    connection.execute("TRUNCATE device_sign")
    left, first_batch = list(order), None
    for size in [*cuts, len(order)]:
        batch, left = left[:size], left[size:]
        if not batch:
            break
        first_batch = first_batch or batch
        signs = Signs()
        for number in batch:
            signs.begin(us(NOW), own=True)
            # All within the hour that disorder may span.
            signs.said(1, us(NOW) - 1_000_000 * (60 - number), counter=number, boot=None)
        put(connection, signs)
    assert first_batch is not None
    expected = set(range(min(first_batch), max(order) + 1)) - set(order)
    found = connection.execute(
        "SELECT generate_series(lower(r), upper(r) - 1) FROM device_sign, unnest(missing) r"
    ).fetchall()
    assert {number for (number,) in found} == expected


def numbered(seq: int, *, at: datetime = NOW - timedelta(hours=2), boot: int | None = None) -> Message:
    """A reading with a number; the value follows the time, so that nothing contradicts."""
    restarts = "" if boot is None else f'"boot":{boot},'
    return sent(
        f'{{"seq":{seq},{restarts}"at":"{at:%Y-%m-%dT%H:%M:%SZ}",'
        f'"readings":[{{"ch":"energy_kwh","v":{us(at) // 10**9}}}]}}'
    )
