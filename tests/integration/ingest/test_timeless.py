"""Values without a time of their own, sent faster than a clock of milliseconds can tell apart."""

from datetime import timedelta

import pytest

from devices import registry
from devices.registry import NewDevice
from ingest.bound import Bound
from ingest.message import Message
from ingest.replay import Scope, replay
from storage.pool import Connection
from tests.brokers import TestBroker
from tests.homes import make_estate
from tests.integration.ingest.conftest import NOW, RULES, Rows, make_pipeline
from tests.integration.ingest.wires import Publisher, listening, take
from wire.quality import Quality

BOUND = ("gw/+/#",)
TOPIC = "gw/dtu-1/dlt645/port1/up"
BROKER_FILTERS = ("gw/#",)
COUNT = 20
READINGS = "SELECT time, received_at, value, quality FROM reading ORDER BY time"


def frame(hundredths: int) -> bytes:
    """A register of energy as a meter sends it, without a time."""
    digits = bytes.fromhex(f"{hundredths:08d}")[::-1]
    body = bytes.fromhex("68 72 00 32 09 17 20 68 91 08")
    body += bytes((byte + 0x33) & 0xFF for byte in bytes.fromhex("00 00 01 00") + digits)
    return body + bytes([sum(body) & 0xFF, 0x16])


@pytest.fixture(autouse=True)
def _meter(connection: Connection) -> None:
    estate_id = make_estate(connection)
    new = [
        NewDevice(code="dtu-1", profile="dlt645-gateway", estate_id=estate_id),
        NewDevice(
            code="e-1", profile="dlt645-meter", estate_id=estate_id, gateway="dtu-1", address="201709320072"
        ),
    ]
    registry.register_devices(connection, new)
    connection.commit()


def received(broker: TestBroker, *payloads: bytes) -> list[Message]:
    """What ingest's client makes of messages that all come within one millisecond of its clock."""
    publisher = Publisher(broker)
    try:
        with listening(broker.url, filters=BROKER_FILTERS) as client:
            publisher.send(*(Message(topic=TOPIC, payload=one, received_us=0) for one in payloads))
            messages = take(client, len(payloads))
            client.acknowledge(messages)
            return messages
    finally:
        publisher.close()


def check_stored(connection: Connection, rows: Rows, messages: list[Message], values: list[float]) -> None:
    """All are stored, none as a conflict, and a replay changes nothing."""
    make_pipeline(connection, bound=BOUND).store(messages)
    stored = rows(READINGS)
    assert [row[2] for row in stored] == values
    assert {row[3] for row in stored} == {int(Quality.ARRIVAL_TIME)}
    connection.commit()
    outcome = replay(
        connection,
        Scope(since=NOW - timedelta(days=1), until=NOW + timedelta(days=1)),
        bound=Bound(BOUND),
        rules=lambda _: RULES,
        now=NOW,
        by="system:test",
    )
    assert (outcome.messages, outcome.replaced, outcome.written) == (len(messages), 0, 0)
    assert rows(READINGS) == stored


def test_frames_sent_quickly_do_not_overwrite_each_other(
    broker: TestBroker, connection: Connection, rows: Rows
) -> None:
    messages = received(broker, *(frame(number) for number in range(1, COUNT + 1)))
    check_stored(connection, rows, messages, [number / 100 for number in range(1, COUNT + 1)])


def test_frames_in_one_payload_are_no_conflict_nor_overwrite_the_next_message(
    broker: TestBroker, connection: Connection, rows: Rows
) -> None:
    payloads = [b"".join(map(frame, range(first, first + 3))) for first in (1, 4, 7)]
    messages = received(broker, *payloads)
    check_stored(connection, rows, messages, [number / 100 for number in range(1, 10)])
