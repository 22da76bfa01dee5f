"""Who a message is from, end to end: the real broker as we configure it, ingest, the database.

Bare vendor topics are what an open broker lets through; ours refuses them.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anju import mosquitto
from devices import registry
from ingest.message import Message
from storage.pool import Connection
from tests.brokers import TestBroker
from tests.homes import make_estate
from tests.integration.anju.guarded import Client, Guarded
from tests.integration.ingest.wires import Publisher, serving
from tests.waiting import wait_until
from wire.quality import Quality

UNPROVEN = int(Quality.IDENTITY_UNPROVEN)
CONTACT = json.dumps({"contact": False})
READING = json.dumps({"seq": 1, "at": "2026-11-24T08:00:00Z", "readings": [{"ch": "energy_kwh", "v": 1}]})

Rows = Callable[[str], list[tuple]]


@pytest.fixture
def devices(connection: Connection) -> dict[str, int]:
    """Two gateways with a child each, a meter that speaks for itself."""
    estate = make_estate(connection)
    registry.register_devices(
        connection,
        [
            registry.NewDevice(code="gw-a", profile="z2m-gateway", estate_id=estate),
            registry.NewDevice(code="gw-b", profile="z2m-gateway", estate_id=estate),
            registry.NewDevice(code="meter-1", profile="energy-register", estate_id=estate),
        ],
    )
    found = registry.register_devices(
        connection,
        [
            registry.NewDevice(
                code=f"door-{end}",
                profile="z2m-contact",
                estate_id=estate,
                gateway=f"gw-{end}",
                address=f"d{end}",
            )
            for end in "ab"
        ],
    )
    connection.commit()
    return found


@pytest.fixture
def rows(connection: Connection) -> Rows:
    def ask(query: str) -> list[tuple]:
        with connection.transaction():
            found = connection.execute(query)  # pyright: ignore[reportArgumentType, reportCallIssue]
            return found.fetchall()

    return ask


@pytest.fixture
def guarded(tmp_path: Path, dsn: str, devices: dict[str, int]) -> Iterator[Guarded]:
    made = Guarded(folder=tmp_path / "guarded", dsn=dsn)
    yield made
    made.stop()


def test_what_the_broker_binds_is_proven_and_a_gateway_speaks_for_its_children_only(
    guarded: Guarded, dsn: str, rows: Rows
) -> None:
    passwords = {code: guarded.issue(code) for code in ("gw-a", "meter-1")}
    said = guarded.configure()
    assert said["environment"]["ANJU_MQTT_BOUND"] == ",".join(mosquitto.BOUND)
    guarded.start()
    gateway, meter = (Client(guarded.port, user=code, password=p) for code, p in passwords.items())
    with serving(guarded.url(), dsn, bound=mosquitto.BOUND):
        gateway.publish("gw/gw-a/zigbee2mqtt/da", CONTACT)  # its child
        gateway.publish("gw/gw-a/zigbee2mqtt/db", CONTACT)  # another's child
        gateway.publish("gw/gw-a/zigbee2mqtt/meter-1", CONTACT)  # who speaks for itself
        gateway.publish("gw/gw-b/zigbee2mqtt/db", CONTACT)  # as if it were the other: the broker says no
        gateway.publish("zigbee2mqtt/da", CONTACT)  # without its prefix: the broker says no
        meter.publish("hm/v1/meter-1/up/m", READING)
        wait_until(lambda: rows("SELECT count(*) FROM reading") == [(1,)])
    assert rows("SELECT d.code, e.quality & 4 FROM event e JOIN device d ON d.id = e.device_id") == [
        ("door-a", 0)
    ]
    assert rows("SELECT quality & 4 FROM reading") == [(0,)]
    assert rows("SELECT topic, reason FROM quarantine ORDER BY topic") == [
        ("gw/gw-a/zigbee2mqtt/db", "unlisted_child"),
        ("gw/gw-a/zigbee2mqtt/meter-1", "unlisted_child"),
    ]
    for client in (gateway, meter):
        client.close()


def test_what_nobody_binds_is_kept_and_proves_nothing(
    broker: TestBroker, dsn: str, rows: Rows, devices: dict[str, int]
) -> None:
    publisher = Publisher(broker)
    with serving(broker.url, dsn, bound=["hm/v1/+/#"]):
        publisher.send(
            Message(topic="gw/gw-a/zigbee2mqtt/da", payload=CONTACT.encode(), received_us=0),
            Message(topic="zigbee2mqtt/db", payload=CONTACT.encode(), received_us=0),
            Message(topic="hm/v1/meter-1/up/m", payload=READING.encode(), received_us=0),
        )
        wait_until(lambda: rows("SELECT count(*) FROM reading") == [(1,)])
        wait_until(lambda: rows("SELECT count(*) FROM event") == [(2,)])
    publisher.close()
    found = rows("SELECT d.code, e.quality & 4 FROM event e JOIN device d ON d.id = e.device_id ORDER BY 1")
    assert found == [("door-a", UNPROVEN), ("door-b", UNPROVEN)]
    assert rows("SELECT quality & 4 FROM reading") == [(0,)]
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]
