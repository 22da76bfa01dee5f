"""However messages are ordered, cut into batches and repeated, the tables come out the same."""

from itertools import groupby
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.message import Message
from storage.pool import Connection
from tests.integration.ingest.conftest import NOW, event, make_pipeline, make_site, reading, us
from wire.quality import Quality

CONTENT = {
    "reading": "time, received_at, value, device_id, channel, quality, decoder",
    "event": "time, received_at, value, device_id, type, method, result, quality, subject, dedupe_key",
    "quarantine": "message_hash, topic, payload, reason, decoder",
}
#: A message, and whether the broker binds its topic.
Sent = tuple[Message, bool]


def _late(message: Message, seconds: int) -> Message:
    return msgspec.structs.replace(message, received_us=us(NOW) + seconds * 1_000_000)


# Few keys, so that they meet; the second is ahead of the clock.
at = st.sampled_from(["2026-11-24T08:00:00Z", "2026-11-26T08:00:00Z"])
readings = st.builds(lambda value, at: reading(value, at=at), st.sampled_from([1, 2, 70.5, -1]), at)
events = st.builds(
    lambda kind, at, seq: event(kind, at=at, seq=seq),
    st.sampled_from(["smoke", "gas"]),
    at,
    st.integers(1, 2),
)
messages = st.builds(_late, readings | events, st.integers(0, 3))
sendings = st.lists(st.tuples(messages, st.booleans()), min_size=1, max_size=12)


@pytest.fixture
def place(connection: Connection) -> Connection:
    make_site(connection)
    return connection


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=sendings, seed=st.integers(0, 2**32))
def test_order_batches_and_repetition_leave_the_same_tables(
    place: Connection, sent: list[Sent], seed: int
) -> None:
    random = Random(seed)
    again = random.sample(sent, len(sent)) + random.choices(sent, k=random.randrange(4))
    assert _stored(place, sent, random) == _stored(place, again, random)


def _stored(connection: Connection, sent: list[Sent], random: Random) -> list[list[tuple]]:
    for table in CONTENT:
        connection.execute(f"TRUNCATE {table}")  # pyright: ignore[reportArgumentType]
    connection.commit()
    pipelines = {proven: make_pipeline(connection, bound=["#"] if proven else []) for proven in (True, False)}
    for (proven, _), group in groupby(sent, key=lambda one: (one[1], random.random() < 0.5)):
        if random.random() < 0.3:
            pipelines[proven].expect_redelivery()
        pipelines[proven].store([message for message, _ in group])
    return [
        connection.execute(f"SELECT {columns} FROM {table} ORDER BY {columns}").fetchall()  # pyright: ignore[reportArgumentType]
        for table, columns in CONTENT.items()
    ]


@pytest.mark.parametrize("conflict_first", [True, False])
def test_a_conflict_stays_flagged_when_its_value_is_confirmed(
    place: Connection, *, conflict_first: bool
) -> None:
    conflict = [_late(reading(1), 2), _late(reading(2), 2)]
    confirmed = [_late(reading(1), 0)]
    pipeline = make_pipeline(place)
    for batch in (conflict, confirmed) if conflict_first else (confirmed, conflict):
        pipeline.store(batch)
    found = place.execute("SELECT value, received_at, quality FROM reading").fetchall()
    assert found == [(1.0, NOW, Quality.CONFLICT)]
