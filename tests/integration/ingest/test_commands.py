"""Commands over a real broker to a device that answers, and what answers may do."""

import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

import policy
from devices import commands
from devices.commands import Asker, Wanted
from ingest import dispatch
from ingest.message import Message
from ingest.pipeline import Pipeline
from storage.pool import Connection, connect
from tests.brokers import TestBroker
from tests.integration.ingest.conftest import NOW, Rows, Site, make_pipeline, sent, us
from tests.integration.ingest.wires import Publisher, serving
from tests.told import ToldDevice
from tests.waiting import wait_until
from wire.envelope import Kind, command_topic, topic_of

RULES = policy.load("anhe").on(NOW.date()).command
LI = Asker(by="account:li", everything=True)
BROKERS = pytest.mark.parametrize("broker", ["iotcore", "mosquitto"], indirect=True)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, try again soon."""
    monkeypatch.setattr(dispatch, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(dispatch, "RETRY_S", 0.2)


@pytest.fixture
def device(broker: TestBroker) -> Iterator[ToldDevice]:
    made = ToldDevice(broker.port, "home-1")
    yield made
    made.close()


def _ask(dsn: str, *, device: str = "home-1", name: str = "restart", command_id: UUID | None = None) -> UUID:
    wanted = Wanted(id=command_id or uuid4(), device=device, name=name, arguments={})
    with connect(dsn, name="test") as connection:
        return commands.ask(connection, wanted, asker=LI, rules=RULES, now=NOW).id


def _status(rows: Rows, command_id: UUID) -> str:
    return rows(f"SELECT status FROM command WHERE id = '{command_id}'")[0][0]


@BROKERS
@pytest.mark.usefixtures("quick")
def test_a_command_reaches_its_device_and_its_answer_comes_back(
    broker: TestBroker, dsn: str, site: Site, rows: Rows, device: ToldDevice
) -> None:
    with serving(broker.url, dsn):
        command_id = _ask(dsn)
        wait_until(lambda: _status(rows, command_id) == "acknowledged", what="the device has answered")
    [message] = device.told
    assert json.loads(message.payload) == {
        "id": str(command_id),
        "name": "restart",
        "args": {},
        "expires_at": "2026-11-24T09:10:00Z",
        "issuer": "anju",
    }
    assert (message.qos, message.retain) == (1, False)
    properties = vars(message.properties)
    assert properties["CorrelationData"] == str(command_id).encode()
    assert 0 < properties["MessageExpiryInterval"] <= 600
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]


@BROKERS
@pytest.mark.usefixtures("quick")
def test_a_device_that_comes_later_gets_it_then_and_nothing_is_retained(
    broker: TestBroker, dsn: str, site: Site, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "AGAIN_AFTER", timedelta(0))
    with serving(broker.url, dsn):
        command_id = _ask(dsn)
        wait_until(lambda: rows("SELECT attempts FROM command")[0][0] >= 2, what="it was sent again")
        late = ToldDevice(broker.port, "home-1")
        wait_until(lambda: _status(rows, command_id) == "acknowledged", what="the device has answered")
        attempts = rows("SELECT attempts FROM command")
        later = ToldDevice(broker.port, "home-2")
        again = _ask(dsn, device="home-2")
        wait_until(lambda: _status(rows, again) == "acknowledged", what="another device has answered")
        assert (late.done, later.done) == ([str(command_id)], [str(again)])
        assert rows(f"SELECT attempts FROM command WHERE id = '{command_id}'") == attempts
        newcomer = ToldDevice(broker.port, "home-1")
        assert newcomer.told == []
        for one in (late, later, newcomer):
            one.close()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("broker", ["mosquitto"], indirect=True)
def test_commands_wait_for_the_broker(broker: TestBroker, dsn: str, site: Site, rows: Rows) -> None:
    with serving(broker.url, dsn):
        broker.stop()
        command_id = _ask(dsn)
        broker.start_again()
        device = ToldDevice(broker.port, "home-1")
        wait_until(lambda: _status(rows, command_id) == "acknowledged", what="the device has answered")
        assert device.done == [str(command_id)]
        device.close()


@pytest.mark.usefixtures("quick")
def test_ingest_does_not_take_what_is_said_to_devices_for_a_message(
    broker: TestBroker, dsn: str, site: Site, rows: Rows
) -> None:
    publisher = Publisher(broker)
    with serving(broker.url, dsn):
        publisher.send(Message(topic=command_topic("home-1"), payload=b"{}", received_us=0))
        publisher.send(sent('{"seq":1,"at":"2026-11-24T08:00:00Z","readings":[{"ch":"energy_kwh","v":1}]}'))
        wait_until(lambda: rows("SELECT count(*) FROM reading") == [(1,)])
        assert rows("SELECT count(*) FROM quarantine") == [(0,)]
    publisher.close()


# --- answers, without a broker -------------------------------------------------------------------------


@pytest.fixture
def asked(dsn: str, site: Site, connection: Connection) -> UUID:
    """A command that was sent to home-1."""
    command_id = _ask(dsn)
    connection.execute("UPDATE command SET status = 'sent', attempts = 1, sent_at = %s", [NOW])
    connection.commit()
    return command_id


def _rsp(command_id: object, result: str = "done", *, device: str = "home-1", **more: str) -> Message:
    payload = json.dumps({"id": str(command_id), "result": result} | more)
    return sent(payload, topic=topic_of(device, Kind.answers), received=NOW + timedelta(seconds=2))


def test_an_answer_ends_the_command(pipeline: Pipeline, asked: UUID, rows: Rows) -> None:
    pipeline.store([_rsp(asked, "failed", detail="jammed"), _rsp(asked)])
    found = rows("SELECT status, answer->>'ok', answer->>'detail', ended_at FROM command")
    assert found == [("failed", "false", "jammed", NOW + timedelta(seconds=2))]
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (lambda known: _rsp(known, device="home-2"), "unknown_command"),
        (lambda _: _rsp(uuid4()), "unknown_command"),
        (lambda _: _rsp("17"), "unknown_command"),
        (lambda known: _rsp(known, "perhaps"), "invalid_shape"),
        (lambda known: replace_payload(_rsp(known), b"[]"), "invalid_shape"),
        (lambda known: replace_payload(_rsp(known), b"{"), "invalid_json"),
        (lambda known: _rsp(known, detail="\x00"), "invalid_shape"),
    ],
)
def test_what_is_no_answer_to_a_command_of_that_device_is_quarantined(
    pipeline: Pipeline, asked: UUID, rows: Rows, message, reason: str
) -> None:
    pipeline.store([message(asked)])
    assert rows("SELECT reason FROM quarantine") == [(reason,)]
    assert _status(rows, asked) == "sent"


def replace_payload(message: Message, payload: bytes) -> Message:
    return Message(topic=message.topic, payload=payload, received_us=message.received_us)


def test_an_answer_that_proves_nobody_ends_nothing(connection: Connection, asked: UUID, rows: Rows) -> None:
    make_pipeline(connection, bound=["hm/v1/+/up/m"]).store([_rsp(asked)])
    assert rows("SELECT reason FROM quarantine") == [("unproven_answer",)]
    assert _status(rows, asked) == "sent"


def test_a_face_gate_closes_a_command_by_its_message_id(
    connection: Connection, asked: UUID, rows: Rows
) -> None:
    # That gates are told anything is yet to come: here the command was sent by whatever way.
    connection.execute("UPDATE device SET profile = 'face-gate', address = '1234567' WHERE code = 'home-1'")
    connection.execute("UPDATE registry_version SET version = version + 1")
    connection.commit()
    payload = json.dumps(
        {"messageId": str(asked), "operator": "Unlock-Ack", "code": "200", "info": {"result": "ok"}}
    )
    message = Message(topic="gw/home-1/mqtt/face/1234567/Ack", payload=payload.encode(), received_us=us(NOW))
    make_pipeline(connection, bound=["gw/+/#"]).store([message])
    assert rows("SELECT reason FROM quarantine") == []
    assert _status(rows, asked) == "acknowledged"
