import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from devices import formats
from devices.decoders.elements import DecodedEvent, Refusal
from devices.decoders.face_gate import parse
from devices.decoders.reports import ACK_CODE, ACK_ID, ACK_OK, DecodeError, Parsed, Value
from devices.mapping import element
from devices.profiles import load_profiles
from tests.unit.devices.samples import sample
from wire.events import EventType, Method, Result
from wire.reasons import Reason

ID = "005a213b000b93cc"
REC, SNAP, ACK = (f"mqtt/face/{ID}/{last}" for last in ("Rec", "Snap", "Ack"))
BASIC = "mqtt/face/basic"
SHANGHAI = ZoneInfo("Asia/Shanghai")
PROFILE = load_profiles()["face-gate"]


def events(parsed: Parsed) -> list[DecodedEvent]:
    found = [element(report, PROFILE, SHANGHAI) for report in parsed.reports]
    assert all(one.refusal is None for one in found), found
    return [event for one in found for event in one.events]


def said(parsed: Parsed) -> list[tuple[str, dict[str, Any]]]:
    return [(answer.topic, json.loads(answer.payload)) for answer in parsed.answers]


def record(**info: object) -> bytes:
    good = {
        "facesluiceId": ID,
        "customId": "p-17",
        "RecordID": "389",
        "VerifyStatus": "1",
        "time": "2024-08-22 13:33:33",
    }
    return json.dumps({"operator": "RecPush", "info": good | info}).encode()


@pytest.mark.parametrize(
    ("name", "topic", "address", "happened", "at", "subject"),
    [
        (
            "rec-push-mqtt-v1.25",
            REC,
            ID,
            (EventType.entry, Method.face, Result.granted),
            datetime(2024, 8, 22, 5, 33, 33, tzinfo=UTC),
            "EMP10001",
        ),
        # Enrolled at the gate itself: it knows its own number only.
        (
            "rec-push-firmware-1026700",
            "mqtt/face/1026700/Rec",
            "1026700",
            (EventType.entry, Method.face, Result.granted),
            datetime(2026, 4, 10, 2, 0, 7, tzinfo=UTC),
            "#3",
        ),
        (
            "verify-push-http-v1.13",
            "face-gate",
            "123555",
            (EventType.entry, Method.face, Result.granted),
            datetime(2024, 6, 24, 1, 56, 15, tzinfo=UTC),
            "123",
        ),
        (
            "str-snap-push-mqtt-v1.25",
            SNAP,
            ID,
            (EventType.entry, Method.face, Result.denied),
            datetime(2024, 8, 22, 4, 0, 30, tzinfo=UTC),
            None,
        ),
        (
            "snap-push-http-v1.13",
            "face-gate",
            "1299517",
            (EventType.entry, Method.face, Result.denied),
            datetime(2024, 5, 28, 11, 0, 38, tzinfo=UTC),
            None,
        ),
        # With an AlarmAction it is no stranger.
        (
            "snap-push-alarm-http-v1.13",
            "face-gate",
            ID,
            (EventType.device_alarm, Method.none, Result.none),
            datetime(2024, 5, 28, 9, 18, 40, tzinfo=UTC),
            None,
        ),
        (
            "tem-high-snap-push-mqtt-v1.25",
            SNAP,
            ID,
            (EventType.overheating, Method.none, Result.none),
            datetime(2024, 8, 22, 3, 1, 2, tzinfo=UTC),
            None,
        ),
        (
            "online-mqtt-v1.25",
            BASIC,
            ID,
            (EventType.online, Method.none, Result.none),
            datetime(2024, 8, 22, 7, 11, 10, tzinfo=UTC),
            None,
        ),
    ],
)
def test_what_gates_send(
    name: str,
    topic: str,
    address: str,
    happened: tuple[EventType, Method, Result],
    at: datetime,
    subject: str | None,
) -> None:
    parsed = parse(topic, sample(f"face_gate/{name}.json"), {})
    (event,) = events(parsed)
    assert parsed.reports[0].address == address
    assert (event.type, event.method, event.result) == happened
    assert event.time_us == at.timestamp() * 1e6
    assert event.subject == subject
    assert not any(
        "Wang" in str(value) or "1101" in str(value) for value in parsed.reports[0].fields.values()
    )


@pytest.mark.parametrize(
    ("info", "happened"),
    [
        ({"VerifyStatus": 1, "VerifyType": 2}, (Method.card, Result.granted)),
        ({"VerifyStatus": 1.0, "VerfyType": "3"}, (Method.face, Result.granted)),
        ({"VerifyStatus": "2"}, (Method.face, Result.denied)),
        ({"VerifyStatus": "3", "VerfyType": 1}, (Method.face, Result.denied)),
        # In a way that nobody knows, but let in all the same.
        ({"VerifyStatus": 1, "VerifyType": 0}, (Method.none, Result.granted)),
        ({"VerifyStatus": 1, "VerifyType": 24}, (Method.none, Result.granted)),
        ({"VerifyStatus": 2, "VerifyType": 24}, (Method.none, Result.denied)),
    ],
)
def test_whether_somebody_was_let_in(info: dict[str, Any], happened: tuple[Method, Result]) -> None:
    assert [(event.method, event.result) for event in events(parse(REC, record(**info), {}))] == [happened]


def test_an_outcome_that_nobody_knows_is_not_lost_in_silence() -> None:
    (report,) = parse(REC, record(VerifyStatus="0"), {}).reports
    found = element(report, PROFILE, SHANGHAI)
    assert found.events == ()
    assert found.refusal == Refusal(Reason.unknown_event, "verified: 0/")


@pytest.mark.parametrize(
    ("operator", "info", "kind"),
    [
        ("FireSmokeSnapPush", {"fire": 0, "smoke": 1}, EventType.smoke),
        ("FireSmokeSnapPush", {"Fire": 2, "Smoke": 0}, EventType.smoke),
        ("FireSmokeSnapPush", {}, EventType.smoke),
        ("FireSmokeSnapPush", {"fire": "0", "smoke": "0"}, None),
        ("ElectricalBicycleSnapPush", {"SnapOrRecordID": "7"}, EventType.electric_bicycle),
        ("ParabolicSnapPush", {"ID": 1005}, EventType.falling_object),
        ("BehaviorSnapPush", {"BehaviorType": 0}, EventType.device_alarm),
        ("CountInRegionPush", {"realtimeCount": 5}, None),
    ],
)
def test_alarms(operator: str, info: dict[str, Any], kind: EventType | None) -> None:
    payload = {"operator": operator, "info": {"deviceId": ID, "snapTime": "2024-08-22 11:01:02"} | info}
    found = events(parse(SNAP, json.dumps(payload).encode(), {}))
    assert [event.type for event in found] == ([] if kind is None else [kind])


@pytest.mark.parametrize("spelling", ["facesluiceId", "facesluiceld", "DeviceID", "deviceId"])
@pytest.mark.parametrize("outside", [True, False])
def test_every_spelling_of_the_device(spelling: str, outside: bool) -> None:
    info: dict[str, Any] = {"time": "2024-08-22 11:01:02"}
    message = {"operator": "HeartBeat", "info": info}
    (message if outside else info)[spelling] = ID
    (report,) = parse("mqtt/face/heartbeat", json.dumps(message).encode(), {}).reports
    assert report.address == ID
    assert report.fields["status"] == "heartbeat"


@pytest.mark.parametrize("spelling", ["RecordID", "nRecordIndex", "SnapID", "ID", "SnapOrRecordID"])
@pytest.mark.parametrize("number", ["389", 389, 389.0])
def test_a_record_has_one_key_in_every_spelling(spelling: str, number: object) -> None:
    (first,) = events(parse(REC, record(), {}))
    (other,) = events(parse(REC, record(**({"RecordID": None} | {spelling: number})), {}))
    assert other.dedupe_key == first.dedupe_key


def test_other_records_have_other_keys() -> None:
    payloads = [record(), record(RecordID="390"), record(RecordID=""), record(RecordID="", customId="p-18")]
    keys = [events(parse(REC, payload, {}))[0].dedupe_key for payload in payloads]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "spelling", ["time", "Time", "CreateTime", "snapTime", "SnapTime", "startTime", "StartTime"]
)
@pytest.mark.parametrize("written", ["2024-08-22 13:33:33", "2024-08-22T13:33:33"])
def test_times_are_of_the_estates_zone(spelling: str, written: str) -> None:
    (report,) = parse(REC, record(**({"time": None} | {spelling: written})), {}).reports
    assert report.local_at is not None
    assert report.local_at.isoformat() == "2024-08-22T13:33:33"


@pytest.mark.parametrize("written", ["yesterday", "2024-13-41 25:61:61", "", "2024-08-22", 17, None])
def test_a_time_that_cannot_be_read_is_no_time(written: object) -> None:
    (event,) = events(parse(REC, record(time=written), {}))
    assert event.time_us is None


def test_a_last_will_has_the_time_of_its_arrival() -> None:
    payload = {"operator": "Offline", "info": {"facesluiceId": ID, "time": "2024-08-22 15:11:10"}}
    parsed = parse(BASIC, json.dumps(payload).encode(), {})
    assert [(event.type, event.time_us) for event in events(parsed)] == [(EventType.offline, None)]
    assert parsed.answers == ()


@pytest.mark.parametrize(
    ("name", "topic", "kind", "number"),
    [
        ("rec-push-mqtt-v1.25", REC, 2, 389),
        ("str-snap-push-mqtt-v1.25", SNAP, 1, 946),
        ("snap-push-http-v1.13", "mqtt/face/1299517/Snap", 1, 37),
    ],
)
def test_what_has_a_number_is_confirmed(name: str, topic: str, kind: int, number: int) -> None:
    ((to, answer),) = said(parse(topic, sample(f"face_gate/{name}.json"), {}))
    assert to == topic.rpartition("/")[0]
    assert answer["operator"] == "PushAck"
    assert answer["info"] == {"PushAckType": kind, "SnapOrRecordID": number}
    assert answer["messageId"]


def test_an_alarm_is_confirmed_as_something_else() -> None:
    payload = {"operator": "ElectricalBicycleSnapPush", "messageId": "m-1", "info": {"SnapOrRecordID": "7"}}
    ((_, answer),) = said(parse(SNAP, json.dumps(payload).encode(), {}))
    assert (answer["messageId"], answer["info"]) == ("m-1", {"PushAckType": 3, "SnapOrRecordID": 7})


def test_the_confirmation_that_one_integrator_sends() -> None:
    ((_, answer),) = said(parse(REC, record(), {"ack": "RecPushAck"}))
    told = {"customId": "p-17", "result": "success", "timestamp": "2024-08-22 13:33:33"}
    assert answer == {"operator": "RecPushAck", "info": told}


def test_no_confirmation_where_the_profile_wants_none() -> None:
    assert parse(REC, record(), {"ack": "none"}).answers == ()


def test_a_gate_that_comes_online_is_answered() -> None:
    ((to, answer),) = said(parse(BASIC, sample("face_gate/online-mqtt-v1.25.json"), {}))
    assert (to, answer["operator"]) == (f"mqtt/face/{ID}", "Online-Ack")
    assert answer["info"] == {"facesluiceId": ID, "result": "ok"}


def test_a_gate_on_the_topic_of_another_is_refused_and_answered_all_the_same() -> None:
    with pytest.raises(DecodeError) as refused:
        parse("mqtt/face/other/Rec", record(), {})
    assert refused.value.refusal.reason is Reason.wrong_sender
    assert [answer.topic for answer in refused.value.answers] == ["mqtt/face/other"]


@pytest.mark.parametrize("device", ["a/b", "+", "#", "x" * 65, "门"])
def test_no_answer_goes_to_a_topic_that_is_none(device: str) -> None:
    payload = {"operator": "Online", "info": {"facesluiceId": device}}
    assert parse(BASIC, json.dumps(payload).encode(), {}).answers == ()


@pytest.mark.parametrize(
    ("message", "done", "code"),
    [
        ({"operator": "EditPerson-Ack", "code": "200", "info": {"result": "ok"}}, True, "200"),
        ({"operator": "EditPerson-Ack", "code": 478, "info": {"result": "fail"}}, False, "478"),
        ({"operator": "DelPerson-Ack", "info": {"result": "fail"}}, False, "fail"),
    ],
)
def test_answers_to_commands(message: dict[str, Any], done: bool, code: str) -> None:
    payload = message | {"messageId": "c-1"}
    (report,) = (parsed := parse(ACK, json.dumps(payload).encode(), {})).reports
    assert (report.address, parsed.answers) == (ID, ())
    assert [report.fields[name] for name in (ACK_ID, ACK_OK, ACK_CODE)] == ["c-1", done, code]


def test_the_answer_to_a_batch_has_no_code() -> None:
    (report,) = parse(ACK, sample("face_gate/add-persons-ack-mqtt-v1.25.json"), {}).reports
    assert (report.fields[ACK_ID], report.fields[ACK_OK]) == ("BATCH-ADD-20240822-001", True)


def test_what_gates_say_is_not_what_is_said_to_them() -> None:
    for topic in (REC, SNAP, ACK, BASIC, "mqtt/face/heartbeat"):
        assert formats.of_topic(topic) is formats.FORMATS["face-gate"]
        assert not formats.heard(f"gw/g-1/{topic}")
    assert formats.heard(f"mqtt/face/{ID}")
    assert formats.heard(f"gw/g-1/mqtt/face/{ID}")
    assert "face-gate" not in formats.FILTERS


keys = st.sampled_from(
    [
        *(
            "operator",
            "info",
            "facesluiceId",
            "customId",
            "personId",
            "RecordID",
            "VerifyStatus",
            "VerfyType",
        ),
        *("time", "code", "messageId", "fire", "AlarmAction", "similarity1", "result"),
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["RecPush", "SnapPush", "Online", "HeartBeat", "X-Ack", ID, "2024-08-22 13:33:33"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=10,
)
options: st.SearchStrategy[dict[str, Value]] = st.sampled_from([{}, {"ack": "RecPushAck"}, {"ack": "none"}])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([REC, SNAP, ACK, BASIC, "face-gate"]),
    st.dictionaries(keys, values, max_size=6).map(json.dumps).map(str.encode) | st.binary(max_size=40),
    options,
)
@example(REC, b'{"operator":"RecPush","info":{"RecordID":1' + b"0" * 5000 + b"}}", {})
@example(REC, b'{"operator":"RecPush","info":{"customId":"\\ud800"}}', {})
@example(REC, record(time="0001-01-01 00:00:00"), {})
def test_no_bytes_stop_it(topic: str, payload: bytes, chosen: dict[str, Value]) -> None:
    with suppress(DecodeError):
        for report in parse(topic, payload, chosen).reports:
            element(report, PROFILE, SHANGHAI)
