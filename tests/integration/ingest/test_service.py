"""The service at both real brokers: sessions, redelivery, outages, shutdown."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.errors import BrokerAddressInvalid, FilterInvalid
from ingest.journal import read_block
from ingest.service import run
from storage.errors import SchemaBehind
from storage.pool import Connection
from tests.brokers import TestBroker
from tests.integration.ingest.conftest import (
    NOW,
    RULES,
    TALLY,
    Rows,
    Site,
    event,
    reading,
    sent,
)
from tests.integration.ingest.wires import Line, Publisher, listening, serving, take
from tests.waiting import wait_until
from wire.envelope import SETTLE, Kind, topic_of
from wire.quality import Quality
from wire.reasons import Reason

BOTH = pytest.mark.parametrize("broker", ["iotcore", "mosquitto"], indirect=True)


@pytest.fixture
def publisher(broker: TestBroker) -> Iterator[Publisher]:
    opened = Publisher(broker)
    yield opened
    opened.close()


@pytest.fixture
def stored(connection: Connection):
    """How many readings are stored, at this moment."""

    def count() -> int:
        connection.commit()
        row = connection.execute("SELECT count(*) FROM reading").fetchone()
        assert row is not None
        return row[0]

    return count


def readings(count: int, *, first: int = 0):
    start = NOW - timedelta(hours=2)
    return [
        reading(n, at=f"{start + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ}", seq=n)
        for n in range(first, first + count)
    ]


@BOTH
def test_what_is_published_is_stored_before_a_marker_sent_after_it(
    broker: TestBroker, dsn: str, site: Site, publisher: Publisher, rows: Rows, connection: Connection
) -> None:
    marker = uuid4()
    with serving(broker.url, dsn):
        publisher.send(*readings(500), event())
        publisher.send(sent(json.dumps({"marker": str(marker)}), topic=topic_of(SETTLE, Kind.readings)))

        def settled() -> bool:
            connection.commit()
            return rows("SELECT marker FROM ingest_marker") == [(marker,)]

        wait_until(settled, what="the marker is committed")
    assert rows(TALLY) == [(501, 500, 1, 0, 0, 0)]
    assert rows("SELECT sum(messages) FROM journal") == [(501,)]


@BOTH
def test_what_is_published_while_ingest_is_away_comes_when_it_is_back(
    broker: TestBroker, dsn: str, site: Site, publisher: Publisher, rows: Rows, stored
) -> None:
    with serving(broker.url, dsn):
        publisher.send(*readings(10))
        wait_until(lambda: stored() == 10)
    publisher.send(*readings(700, first=10))
    assert stored() == 10
    with serving(broker.url, dsn):
        wait_until(lambda: stored() == 710)
    assert rows(TALLY) == [(710, 710, 0, 0, 0, 0)]


@BOTH
def test_what_was_taken_and_not_acknowledged_comes_again(
    broker: TestBroker, dsn: str, site: Site, publisher: Publisher, rows: Rows, stored
) -> None:
    with listening(broker.url) as lost:
        publisher.send(*readings(80))
        take(lost, 80)
        assert lost.acknowledge([]) == 0
    with serving(broker.url, dsn):
        wait_until(lambda: stored() == 80)
    assert rows(TALLY) == [(80, 80, 0, 0, 0, 0)]


@BOTH
def test_no_acknowledgement_crosses_a_reconnect(broker: TestBroker, site: Site, publisher: Publisher) -> None:
    line = Line(broker.port)
    try:
        with listening(line.url) as client:
            publisher.send(*readings(40))
            before = take(client, 40)
            line.cut()
            after = take(client, 40)
            assert [m.payload for m in after] == [m.payload for m in before]
            assert after[0].epoch > before[0].epoch
            # The old packet ids are the new ones: an acknowledgement by them would lose these messages.
            assert {m.packet_id for m in before} & {m.packet_id for m in after}
            assert client.acknowledge(before) == 0
            assert client.acknowledge(after[:15]) == 15
        wait_until(lambda: line.carried == 0, what="the broker has heard the end of that connection")
        with listening(broker.url) as client:
            assert [m.payload for m in take(client, 25)] == [m.payload for m in after[15:]]
            assert client.take(within_s=0.2) == []
    finally:
        line.close()


@BOTH
def test_a_line_that_breaks_again_and_again_loses_nothing(
    broker: TestBroker, dsn: str, site: Site, publisher: Publisher, rows: Rows, stored
) -> None:
    line = Line(broker.port)
    try:
        with serving(line.url, dsn):
            for part in range(3):
                publisher.send(*readings(300, first=300 * part))
                line.cut()
            wait_until(lambda: stored() == 900, within_s=20)
    finally:
        line.close()
    assert rows("SELECT count(DISTINCT value) FROM reading") == [(900,)]
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]


@BOTH
def test_a_clean_stop_keeps_what_has_arrived_and_leaves_the_rest_to_the_next_start(
    broker: TestBroker, dsn: str, site: Site, publisher: Publisher, rows: Rows, stored
) -> None:
    with serving(broker.url, dsn) as stop:
        threading.Timer(0.05, stop.set).start()
        publisher.send(*readings(2000))
        wait_until(stop.is_set)
    with serving(broker.url, dsn):
        wait_until(lambda: stored() == 2000)
    ((_, read, _, _, _, quarantined),) = rows(TALLY)
    assert (read, quarantined) == (2000, 0)


@BOTH
def test_a_retained_message_is_stored_once(
    broker: TestBroker, dsn: str, site: Site, publisher: Publisher, rows: Rows, stored
) -> None:
    publisher.send(reading(7), retain=True)
    for _ in range(2):
        with serving(broker.url, dsn):
            publisher.send(reading(8, at="2026-11-24T08:30:00Z"))
            wait_until(lambda: stored() == 2)
    assert rows("SELECT count(*) FROM reading") == [(2,)]
    blocks = [read_block(block) for (block,) in rows("SELECT block FROM journal ORDER BY id")]
    assert {m.payload: m.properties for m in blocks[0]}[reading(7).payload] == {"retain": True}


@BOTH
def test_bad_input_over_the_wire_lands_where_it_should_and_stops_nothing(
    broker: TestBroker, dsn: str, site: Site, publisher: Publisher, rows: Rows, stored
) -> None:
    good = reading(1).payload.decode()
    array = (
        f"[{good},{good.replace('1.0', '2').replace('08:00', '08:01')},7,{reading('NaN').payload.decode()}]"
    )
    with serving(broker.url, dsn):
        publisher.send(
            sent(b"x" * 1_000_000),
            sent(b"\xff\xfe"),
            sent("not json"),
            sent(b""),
            sent(array),
            sent(good, topic="hm/v1/home-1/up/m/x"),
            sent(good, topic="hm/v2/home-1/up/m"),
            reading(1, device="nobody"),
        )
        publisher.send(reading(3, at="2026-11-24T08:45:00Z"), qos=0)
        wait_until(lambda: stored() == 3)
    assert sorted(rows("SELECT reason, count(*)::int FROM quarantine GROUP BY reason")) == sorted(
        (str(reason), count)
        for reason, count in {
            Reason.payload_too_large: 1,
            Reason.invalid_utf8: 1,
            Reason.invalid_json: 1,
            Reason.empty: 1,
            Reason.invalid_shape: 1,
            Reason.not_finite: 1,
            Reason.unknown_topic: 2,
            Reason.unknown_device: 1,
        }.items()
    )


@BOTH
def test_a_topic_that_is_not_bound_is_stored_as_unproven(
    broker: TestBroker, dsn: str, site: Site, publisher: Publisher, rows: Rows, stored
) -> None:
    with serving(broker.url, dsn, bound=["hm/v1/home-1/#"]):
        publisher.send(reading(1), reading(2, device="home-2"))
        wait_until(lambda: stored() == 2)
    assert rows("SELECT value, quality FROM reading ORDER BY value") == [
        (1.0, 0),
        (2.0, Quality.IDENTITY_UNPROVEN),
    ]
    assert len(rows("SELECT * FROM usage_dirty")) == 1


@BOTH
def test_properties_of_a_publisher_are_in_the_journal(
    broker: TestBroker, dsn: str, site: Site, publisher: Publisher, rows: Rows, stored
) -> None:
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = ("firmware", "2.1")
    properties.ContentType = "application/json"
    with serving(broker.url, dsn):
        publisher.send(reading(1), properties=properties)
        wait_until(lambda: stored() == 1)
    ((block,),) = rows("SELECT block FROM journal")
    (message,) = read_block(block)
    assert message.properties == {"UserProperty": [["firmware", "2.1"]], "ContentType": "application/json"}


@BOTH
def test_the_database_away_stops_reading_and_loses_nothing(
    broker: TestBroker,
    dsn: str,
    server_dsn: str,
    site: Site,
    publisher: Publisher,
    rows: Rows,
    connection: Connection,
) -> None:
    name = connection.info.dbname
    with serving(broker.url, dsn), psycopg.connect(server_dsn, autocommit=True) as admin:
        publisher.send(*readings(10))
        connection.close()
        _allow_connections(admin, name, allowed=False)
        publisher.send(*readings(700, first=10))
        _allow_connections(admin, name, allowed=True)
        with psycopg.connect(dsn, autocommit=True) as again:

            def all_stored() -> bool:
                return again.execute("SELECT count(*) FROM reading").fetchone() == (710,)

            wait_until(all_stored, within_s=20, what="everything is stored")
            assert again.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)


def _allow_connections(admin: psycopg.Connection, name: str, *, allowed: bool) -> None:
    admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {allowed}')  # pyright: ignore[reportArgumentType]
    if not allowed:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        ).fetchall()


@pytest.mark.parametrize("broker", ["mosquitto"], indirect=True)
def test_a_broker_that_comes_late_and_goes_is_waited_for(
    broker: TestBroker, dsn: str, site: Site, rows: Rows, stored
) -> None:
    with serving(broker.url, dsn):
        broker.stop()
        broker.start_again()
        publisher = Publisher(broker)
        publisher.send(*readings(50))
        wait_until(lambda: stored() == 50, within_s=20)
        publisher.close()


def test_a_wrong_setting_stops_the_start(dsn: str) -> None:
    common = {"dsn": dsn, "rules": lambda _: RULES, "now": lambda: NOW, "stop": threading.Event()}
    with pytest.raises(BrokerAddressInvalid):
        run(mqtt_url="http://broker", bound=[], **common)
    with pytest.raises(FilterInvalid):
        run(mqtt_url="mqtt://broker", bound=["a/#/b"], **common)


def test_a_database_of_another_version_stops_the_start(server_dsn: str) -> None:
    with pytest.raises(SchemaBehind):
        run(
            dsn=psycopg.conninfo.make_conninfo(server_dsn, dbname="template1"),
            mqtt_url="mqtt://127.0.0.1:1",
            bound=[],
            rules=lambda _: RULES,
            now=lambda: NOW,
            stop=threading.Event(),
        )
