"""Face gates through the pipeline and over a real broker: who is believed, who is answered."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devices import registry
from ingest.journal import read_block
from ingest.message import Message
from ingest.pipeline import Pipeline
from storage.pool import Connection
from tests.brokers import TestBroker
from tests.gates import FaceGate
from tests.homes import make_estate
from tests.integration.ingest.conftest import NOW, Rows, make_pipeline, sent
from tests.integration.ingest.wires import serving
from tests.waiting import wait_until
from wire.events import EventType
from wire.quality import Quality
from wire.reasons import Reason

GATE, OTHER, RETIRED = "gate-1", "gate-2", "gate-3"
BOUND = ("hm/v1/+/#", "gw/+/#")
AT = "2026-11-24 16:13:33"


@pytest.fixture
def gates(connection: Connection) -> None:
    estate_id = make_estate(connection)
    for code, number in ((GATE, "1026700"), (OTHER, "1026701"), (RETIRED, "1026702")):
        registry.register_device(
            connection, code=code, profile="face-gate", estate_id=estate_id, address=number
        )
    registry.retire(connection, RETIRED)
    connection.commit()


@pytest.fixture
def pipeline(connection: Connection, gates: None) -> Pipeline:
    return make_pipeline(connection, bound=BOUND)


def push(number: str = "1026700", *, topic: str = "", received: datetime = NOW, **info: object) -> Message:
    said = {"facesluiceId": number, "customId": "p-17", "RecordID": "389", "VerifyStatus": "1", "time": AT}
    payload = json.dumps({"operator": "RecPush", "info": said | info})
    return sent(payload, topic=topic or f"gw/{GATE}/mqtt/face/{number}/Rec", received=received)


def confirmed(pipeline: Pipeline, *messages: Message) -> list[tuple[str, Any]]:
    answers = pipeline.store(messages)
    return [(a.topic, json.loads(a.payload)["info"].get("SnapOrRecordID")) for a in answers]


EVENTS = "SELECT type, time, subject, quality FROM event ORDER BY time"
REASONS = "SELECT reason FROM quarantine ORDER BY id"


def test_a_record_is_an_event_at_its_own_time_and_is_confirmed(pipeline: Pipeline, rows: Rows) -> None:
    assert confirmed(pipeline, push()) == [(f"gw/{GATE}/mqtt/face/1026700", 389)]
    at = datetime(2026, 11, 24, 8, 13, 33, tzinfo=UTC)
    assert rows(EVENTS) == [(EventType.entry, at, "p-17", 0)]


def test_a_record_that_comes_again_is_confirmed_again(pipeline: Pipeline, rows: Rows) -> None:
    messages = [push(), push(received=NOW + timedelta(seconds=10)), push(RecordID=389, similarity1="94.1")]
    assert len(confirmed(pipeline, *messages)) == 3
    assert len(confirmed(pipeline, push(received=NOW + timedelta(days=90)))) == 1
    assert rows("SELECT count(*) FROM event") == [(1,)]


def test_a_number_that_begins_again_after_a_wipe_is_another_record(pipeline: Pipeline, rows: Rows) -> None:
    confirmed(pipeline, push(), push(time="2026-11-24 16:50:00"))
    assert rows("SELECT count(*) FROM event") == [(2,)]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (push("nobody"), Reason.unlisted_child),
        (push("1026701"), Reason.unlisted_child),
        (push("1026701", topic=f"gw/{GATE}/mqtt/face/1026700/Rec"), Reason.wrong_sender),
        (push("nobody", topic="mqtt/face/nobody/Rec"), Reason.unknown_address),
        (push("1026702", topic=f"gw/{RETIRED}/mqtt/face/1026702/Rec"), Reason.retired_device),
        (push(time="1970-01-01 08:00:00"), Reason.time_out_of_range),
    ],
)
def test_what_is_quarantined_is_confirmed_all_the_same(
    pipeline: Pipeline, rows: Rows, message: Message, reason: Reason
) -> None:
    assert [number for _, number in confirmed(pipeline, message)] == [389]
    assert rows(REASONS) == [(str(reason),)]
    assert rows("SELECT count(*) FROM event") == [(0,)]


def test_a_gate_that_nobody_registered_is_answered_under_its_own_prefix(pipeline: Pipeline) -> None:
    assert confirmed(pipeline, push(topic="gw/stranger/mqtt/face/1026700/Rec")) == [
        ("gw/stranger/mqtt/face/1026700", 389)
    ]


def test_without_a_bound_prefix_it_proves_nothing(pipeline: Pipeline, rows: Rows) -> None:
    assert confirmed(pipeline, push(topic="mqtt/face/1026700/Rec")) == [("mqtt/face/1026700", 389)]
    ((_, _, _, quality),) = rows(EVENTS)
    assert quality == Quality.IDENTITY_UNPROVEN


def test_a_time_that_cannot_be_read_stands_at_its_arrival(pipeline: Pipeline, rows: Rows) -> None:
    confirmed(pipeline, push(time="0000-00-00 00:00:00"))
    ((_, time, _, quality),) = rows(EVENTS)
    assert (time, quality) == (NOW, Quality.ARRIVAL_TIME)


def test_a_heartbeat_is_kept_and_is_no_event(pipeline: Pipeline, rows: Rows) -> None:
    beat = {"operator": "HeartBeat", "info": {"facesluiceId": "1026700", "time": AT}}
    pipeline.store([sent(json.dumps(beat), topic=f"gw/{GATE}/mqtt/face/heartbeat")])
    assert rows(REASONS) == []
    assert rows(EVENTS) == []
    assert rows("SELECT messages FROM journal") == [(1,)]


def test_a_last_will_is_an_event_and_no_sign_of_life(pipeline: Pipeline, rows: Rows) -> None:
    def says(operator: str) -> Message:
        said = {"operator": operator, "info": {"facesluiceId": "1026700"}}
        return sent(json.dumps(said), topic=f"gw/{GATE}/mqtt/face/basic")

    pipeline.store([says("Offline")])
    assert rows("SELECT type FROM event") == [(EventType.offline,)]
    assert rows("SELECT count(*) FROM device_sign") == [(0,)]
    pipeline.store([says("Online")])
    assert rows("SELECT count(*) FROM device_sign") == [(1,)]


def test_what_is_said_to_gates_is_nothing_that_a_gate_says(pipeline: Pipeline, rows: Rows) -> None:
    pipeline.store([push(topic=f"gw/{GATE}/mqtt/face/1026700"), push(topic="mqtt/face/1026700")])
    assert rows("SELECT count(*) FROM journal") == [(0,)]


def test_nothing_personal_is_kept(pipeline: Pipeline, rows: Rows) -> None:
    picture = "data:image/jpeg;base64," + "QUJD" * 300_000
    pipeline.store(
        [push(personName="王小明", idCard="110101199001011234", telnum="13800000000", pic=picture)]
    )
    ((redacted, block),) = rows("SELECT redacted, block FROM journal")
    (kept,) = read_block(block)
    assert set(redacted) == {"personname", "idcard", "telnum", "pic"}
    assert not any(text in kept.payload for text in ("王小明".encode(), b"110101", b"13800", b"QUJD"))
    assert len(rows(EVENTS)) == 1


@pytest.mark.parametrize("broker", ["mosquitto"], indirect=True)
def test_a_gate_at_a_real_broker_gets_its_confirmations(
    broker: TestBroker, dsn: str, gates: None, connection: Connection, rows: Rows
) -> None:
    with (
        serving(broker.url, dsn, bound=BOUND),
        FaceGate(broker.port311, "1026700", prefix=f"gw/{GATE}/") as gate,
    ):
        gate.say("basic", {"operator": "Online", "info": {"facesluiceId": "1026700", "time": AT}})
        for number in range(20):
            gate.record(number)
        gate.record(20, VerifyStatus="nonsense", time="1970-01-01 00:00:00")
        wait_until(lambda: not gate.open, what="all records are confirmed")
        wait_until(lambda: any(one["operator"] == "Online-Ack" for one in gate.heard))
    connection.commit()
    assert rows("SELECT count(*) FROM event WHERE type = 1") == [(20,)]
