"""Meters, locks and detectors of other formats on their way into the tables."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from devices import registry
from devices.registry import NewDevice
from ingest.message import Message
from ingest.pipeline import Pipeline
from storage.pool import Connection
from tests.homes import make_estate
from tests.integration.ingest.conftest import NOW, Rows, make_pipeline, sent
from wire.events import EventType
from wire.quality import Quality

METER = "FE FE 68 72 00 32 09 17 20 68 91 08 33 33 34 33 B9 34 33 33 6D 16"
WATER = "FE FE FE FE 68 10 44 33 22 11 00 33 78 81 16 1F 90 00 00 77 66 05 2C 00 77 66 55 2C"
SEEN = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture
def bound(connection: Connection) -> Pipeline:
    """A gateway of every kind, each with its children, behind a broker that binds their prefixes."""
    estate_id = make_estate(connection)
    new = [
        NewDevice(code=code, profile=profile, estate_id=estate_id)
        for code, profile in {
            "dtu-1": "dlt645-gateway",
            "edge-1": "frames-json-gateway",
            "cloud-1": "huawei-cloud",
            "ali-1": "aliyun-cloud",
            "stick-1": "z2m-gateway",
        }.items()
    ]
    new += [
        NewDevice(code=code, profile=profile, estate_id=estate_id, gateway=gateway, address=address)
        for code, profile, gateway, address in [
            ("e-1", "dlt645-meter", "dtu-1", "201709320072"),
            ("e-2", "dlt645-meter", "dtu-1", "161"),
            ("w-1", "cjt188-water", "dtu-1", "0011223344"),
            ("e-3", "dlt645-meter", "edge-1", "201709320072"),
            ("w-2", "huawei-water", "cloud-1", "0012345678"),
            ("a-1", "aliyun-meter", "ali-1", "dn"),
            ("lock-1", "z2m-lock", "stick-1", "Front Door Lock"),
            ("door-1", "z2m-contact", "stick-1", "00158D0001D64498"),
        ]
    ]
    registry.register_devices(connection, new)
    connection.commit()
    return make_pipeline(connection, bound=["gw/+/#"])


def stored(rows: Rows) -> list[tuple]:
    return rows(
        "SELECT d.code, c.name, r.value, r.quality FROM reading r JOIN device d ON d.id = r.device_id"
        " JOIN channel c ON c.code = r.channel ORDER BY 1, 2"
    )


def happened(rows: Rows) -> list[tuple]:
    return rows(
        "SELECT d.code, e.type, e.subject, e.quality FROM event e JOIN device d ON d.id = e.device_id"
        " ORDER BY e.time, 1, 2"
    )


def test_a_serial_server_passes_on_frames_of_its_meters(bound: Pipeline, rows: Rows) -> None:
    bound.store([sent(bytes.fromhex(METER), topic="gw/dtu-1/dlt645/port1/up")])
    assert stored(rows) == [("e-1", "energy_kwh", 1.86, int(Quality.ARRIVAL_TIME))]


def test_an_address_is_known_without_its_leading_zeros(bound: Pipeline, rows: Rows) -> None:
    frame = "68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16"
    bound.store([sent(frame, topic="gw/dtu-1/dlt645/up")])
    assert stored(rows) == [("e-2", "energy_kwh", 0.26, int(Quality.ARRIVAL_TIME))]


def test_a_gateway_carries_the_other_meters_frames_too_in_the_estate_s_time(
    bound: Pipeline, rows: Rows
) -> None:
    body = bytes.fromhex(WATER)[4:] + bytes.fromhex("31 01 08 24 11 26 20 00 00")
    bound.store([sent(body + bytes([sum(body) & 0xFF, 0x16]), topic="gw/dtu-1/cjt188/up")])
    assert [row[:2] for row in stored(rows)] == [("w-1", "water_l")]
    ((at,),) = rows("SELECT time FROM reading")
    assert at == datetime(2026, 11, 24, 0, 1, 31, tzinfo=UTC)


def test_a_frame_in_json_has_the_gateway_s_time(bound: Pipeline, rows: Rows) -> None:
    told = json.dumps({"ts": SEEN.timestamp(), "data": METER})
    bound.store([sent(told, topic="gw/edge-1/gateway-json/up")] * 2)
    assert stored(rows) == [("e-3", "energy_kwh", 1.86, 0)]


def test_a_gateway_does_not_speak_for_another_s_meter(bound: Pipeline, rows: Rows) -> None:
    bound.store([sent(bytes.fromhex(METER), topic="gw/stick-1/dlt645/up")])
    assert stored(rows) == []
    assert rows("SELECT reason FROM quarantine") == [("unlisted_child",)]


def test_a_cloud_forwards_by_the_number_on_the_label(bound: Pipeline, rows: Rows) -> None:
    told = {
        "resource": "device.property",
        "notify_data": {
            "header": {"device_id": "6aa5_0012345678", "node_id": "0012345678"},
            "body": {
                "services": [
                    {
                        "service_id": "WaterMeterBasic",
                        "properties": {"currentReading": "46.3"},
                        "event_time": "20261124T080000Z",
                    }
                ]
            },
        },
    }
    bound.store([sent(json.dumps(told), topic="http/cloud-1/huawei-iot")])
    assert stored(rows) == [("w-2", "water_l", 46300.0, 0)]


def test_a_device_is_answered_each_time_it_asks_and_stored_once(bound: Pipeline, rows: Rows) -> None:
    told = json.dumps({"id": "5", "params": {"TotalActiveEnergy": {"value": 7, "time": 1795507200000}}})
    message = sent(told, topic="gw/ali-1//sys/pk/dn/thing/event/property/post")
    answers = [answer for _ in range(2) for answer in bound.store([message])]
    assert [answer.topic for answer in answers] == ["gw/ali-1//sys/pk/dn/thing/event/property/post_reply"] * 2
    assert json.loads(answers[0].payload) == {"id": "5", "code": 200, "data": {}}
    assert stored(rows) == [("a-1", "energy_kwh", 7.0, 0)]


def zigbee(told: dict, *, name: str = "Front Door Lock", retained: bool = False) -> Message:
    payload = json.dumps(told | {"last_seen": SEEN.isoformat()}).encode()
    return Message(
        topic=f"gw/stick-1/zigbee2mqtt/{name}",
        payload=payload,
        received_us=int(NOW.timestamp() * 1e6),
        properties={"retain": True} if retained else None,
    )


def test_what_a_lock_tells_live_happens_and_what_the_broker_kept_does_not(
    bound: Pipeline, rows: Rows
) -> None:
    told = {"action": "unlock", "action_source_name": "keypad", "action_user": 7, "battery": 98}
    bound.store([zigbee(told, retained=True)])
    assert happened(rows) == []
    bound.store([zigbee(told), zigbee(told)])
    assert happened(rows) == [("lock-1", EventType.entry, "7", 0)]
    assert stored(rows) == [("lock-1", "battery_pct", 98.0, 0)]


def test_a_contact_is_known_by_the_number_on_its_label(bound: Pipeline, rows: Rows) -> None:
    bound.store([zigbee({"contact": False}, name="0x00158d0001d64498")])
    assert happened(rows) == [("door-1", EventType.door_opened, None, int(Quality.STATE))]


def test_a_bridge_s_talk_of_itself_is_kept_in_the_journal_only(bound: Pipeline, rows: Rows) -> None:
    topics = ("bridge/devices", "bridge/logging", "bridge/state", "Front Door Lock/set")
    bound.store([sent('{"state": "online"}', topic=f"gw/stick-1/zigbee2mqtt/{topic}") for topic in topics])
    assert (happened(rows), rows("SELECT * FROM quarantine")) == ([], [])


def test_a_vendor_s_topic_without_a_prefix_proves_nothing(bound: Pipeline, rows: Rows) -> None:
    bound.store([sent(json.dumps({"contact": True}), topic="zigbee2mqtt/0x00158d0001d64498")])
    ((_, _, _, quality),) = happened(rows)
    assert quality & int(Quality.IDENTITY_UNPROVEN)


def test_a_large_message_of_strangers_is_refused_at_once(bound: Pipeline, rows: Rows) -> None:
    strangers = [
        {"device_id": f"x{n}", "services": [{"service_id": "M", "properties": {"v": "1" * 2600}}]}
        for n in range(1500)
    ]
    message = sent(
        json.dumps({"devices": strangers}),
        topic="gw/cloud-1/$oc/devices/a/sys/gateway/sub_devices/properties/report",
    )
    began = time.monotonic()
    bound.store([message])
    assert timedelta(seconds=time.monotonic() - began) < timedelta(seconds=2)
    assert rows("SELECT reason FROM quarantine") == [("unlisted_child",)]
