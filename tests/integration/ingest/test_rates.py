"""A device that sends more than one may: the excess is counted, stays in the journal, and can be replayed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from devices import registry
from ingest import journal
from ingest.bound import Bound
from ingest.message import Message
from ingest.pipeline import Pipeline
from ingest.replay import Scope, replay
from ingest.underway import UnderWay
from storage.pool import Connection, connect
from tests.homes import make_estate
from tests.integration.ingest.conftest import NOW, RULES, TALLY, Rows, Site, reading, sent
from wire.envelope import Kind, topic_of

SLOW = replace(RULES, rate_per_minute=60, rate_burst=100)
BOUND = Bound(("hm/v1/+/#",))


@pytest.fixture
def slow(connection: Connection, site: Site) -> Pipeline:
    """A pipeline that grants a hundred messages at once and one a second."""
    return Pipeline(connection, bound=BOUND, rules=lambda _: SLOW, now=lambda: NOW, source="ingest-test")


def _flood(count: int, *, first: int = 0, device: str = "home-1", after_s: float = 0) -> list[Message]:
    """So many readings, a second apart, that all arrive at one moment."""
    return [
        sent(
            f'{{"seq":{n},"at":"2026-11-24T0{n // 3600}:{n // 60 % 60:02}:{n % 60:02}Z",'
            f'"readings":[{{"ch":"energy_kwh","v":{n}}}]}}',
            topic=topic_of(device, Kind.readings),
            received=NOW + timedelta(seconds=after_s),
        )
        for n in range(first, first + count)
    ]


def test_the_excess_is_one_row_that_counts(slow: Pipeline, rows: Rows) -> None:
    slow.store([*_flood(250), *_flood(1, device="home-2")])
    slow.store(_flood(250, first=250, after_s=1))
    assert rows("SELECT count(*) FROM reading") == [(102,)]
    assert rows("SELECT reason, repeats + 1, detail FROM quarantine") == [
        ("rate_limited", 399, "home-1 sends more than one device may")
    ]
    # Nothing is lost, and nothing is counted twice.
    assert sum(len(journal.read_block(block)) for (block,) in rows("SELECT block FROM journal")) == 501
    assert rows(TALLY)[0][:2] == (501, 102)


def test_each_minute_has_a_row_of_its_own(slow: Pipeline, rows: Rows) -> None:
    slow.store(_flood(250))
    slow.store(_flood(250, first=250, after_s=60))
    assert rows("SELECT repeats + 1 FROM quarantine ORDER BY first_at") == [(150,), (190,)]


def test_the_device_s_sign_says_how_many_and_when(slow: Pipeline, site: Site, rows: Rows) -> None:
    slow.store(_flood(150))
    slow.store(_flood(50, first=150, after_s=2))
    assert rows("SELECT device_id, limited, limited_at FROM device_sign WHERE limited > 0") == [
        (site.devices["home-1"], 98, NOW + timedelta(seconds=2))
    ]


def test_a_replay_brings_the_excess_in(slow: Pipeline, connection: Connection, rows: Rows) -> None:
    slow.store(_flood(250))
    slow.store(_flood(250, first=250, after_s=1))
    outcome = replay(
        connection,
        Scope(since=NOW - timedelta(hours=1), until=NOW + timedelta(hours=1), quarantined=True,
              reason="rate_limited"),
        bound=BOUND, rules=lambda _: SLOW, now=NOW, by="system:test",
    )  # fmt: skip
    assert outcome.blocks == 2
    assert rows("SELECT count(*) FROM reading") == [(500,)]
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]


def test_a_batch_that_meets_a_key_and_is_stored_again_takes_its_tokens_once(
    slow: Pipeline, rows: Rows
) -> None:
    slow.store(_flood(60))
    slow.store(_flood(30, first=59))  # the first of them is there already: a UniqueViolation
    assert rows("SELECT count(*) FROM reading") == [(89,)]
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]


def test_a_batch_that_is_halved_takes_its_tokens_once(
    slow: Pipeline, connection: Connection, rows: Rows
) -> None:
    connection.execute("ALTER TABLE reading ADD CONSTRAINT odd CHECK (value <> 13)")
    connection.commit()
    slow.store(_flood(60))
    assert rows("SELECT count(*) FROM reading") == [(59,)]
    assert rows("SELECT reason FROM quarantine") == [("refused_by_database",)]
    slow.store(_flood(50, first=60))
    # A hundred at once; the one that the database refused took no token in the end.
    assert rows("SELECT repeats + 1 FROM quarantine WHERE reason = 'rate_limited'") == [(9,)]


def test_a_batch_that_failed_beside_others_takes_its_tokens_once(
    connection: Connection, dsn: str, site: Site, rows: Rows
) -> None:
    connection.execute("ALTER TABLE reading ADD CONSTRAINT odd CHECK (value <> 63)")
    connection.commit()
    under_way = UnderWay(lambda _: None)
    pipeline = Pipeline(
        connect(dsn, name="test"), beside=[connect(dsn, name="test") for _ in range(2)], bound=BOUND,
        rules=lambda _: SLOW, now=lambda: NOW, source="ingest-test",
    )  # fmt: skip
    pipeline.store(_flood(10))
    for first in (10, 40, 70):
        under_way.add(_flood(30, first=first))
    while len(under_way):
        while (batch := under_way.waiting()) is not None:
            pipeline.put(batch, under_way, more=True)
        under_way.rest()
    pipeline.close()
    assert rows("SELECT count(*) FROM reading") == [(99,)]
    assert rows("SELECT reason FROM quarantine") == [("refused_by_database",)]


def test_who_pretends_to_be_a_device_uses_up_nothing_of_it(
    connection: Connection, site: Site, rows: Rows
) -> None:
    bound = Bound(("hm/v1/home-1/up/m",))
    pipeline = Pipeline(connection, bound=bound, rules=lambda _: SLOW, now=lambda: NOW, source="ingest-test")
    forged = [
        Message(topic=topic_of("home-1", Kind.events), payload=m.payload, received_us=m.received_us)
        for m in _flood(300)
    ]
    pipeline.store(forged)
    pipeline.store(_flood(100))
    assert rows("SELECT count(*) FROM reading") == [(100,)]
    assert rows("SELECT repeats + 1 FROM quarantine WHERE reason = 'rate_limited'") == [(200,)]


def test_a_gateway_has_the_rate_of_all_it_speaks_for(
    slow: Pipeline, connection: Connection, rows: Rows
) -> None:
    estate = make_estate(connection)
    for n in range(2):
        registry.register_device(
            connection, code=f"child-{n}", profile="home-native", estate_id=estate, gateway="home-1",
            address=f"{n}",
        )  # fmt: skip
    connection.commit()
    slow.store(_flood(400))
    assert rows("SELECT count(*) FROM reading") == [(300,)]


def test_three_months_of_backlog_come_through(connection: Connection, site: Site, rows: Rows) -> None:
    pipeline = Pipeline(connection, bound=BOUND, rules=lambda _: RULES, now=lambda: NOW, source="ingest-test")
    # A reading a minute, fifty a message: only how many messages come at once plays a part.
    pipeline.store([reading(1, seq=n) for n in range(92 * 1440 // 50 + 1)])
    # One a quarter of an hour, each by itself.
    pipeline.store([reading(1, seq=n, device="home-2") for n in range(92 * 96)])
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]
