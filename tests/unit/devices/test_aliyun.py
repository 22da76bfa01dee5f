import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import aliyun
from devices.decoders.reports import DecodeError, Parsed
from tests.unit.devices.messages import alike, events, meant, messages, microseconds, names, readings, source

MESSAGES = messages("aliyun")
TOPIC = "/sys/pk/dn/thing/event/property/post"


def parse(payload: object, *, topic: str = TOPIC) -> Parsed:
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return aliyun.parse(topic, content, {})


@pytest.mark.parametrize("found", MESSAGES, ids=source)
def test_a_published_message_becomes_what_it_says(found: dict) -> None:
    parsed = parse(found["payload"].encode(), topic=found["topic"])
    assert [names(report) for report in parsed.reports] == [one["names"] for one in found["report"]]
    for report, one in zip(parsed.reports, found["report"], strict=True):
        assert report.fields == one["fields"]
        assert report.at_us == microseconds(one.get("at"))
        assert report.counted == one.get("counted")
        if "profile" in one:
            assert readings(meant(report, one["profile"])) == pytest.approx(one["readings"])
    said = [(answer.topic, answer.payload.decode()) for answer in parsed.answers]
    assert said == ([(f"{found['topic']}_reply", found["answer"])] if "answer" in found else [])


def test_an_event_has_its_name() -> None:
    told = {"id": "9", "params": {"value": {"level": 2}, "time": 1795507200000}}
    (report,) = parse(told, topic="/sys/pk/dn/thing/event/WaterLeak/post").reports
    assert report.fields == {"WaterLeak": True, "WaterLeak.level": 2.0}
    assert events(meant(report, "aliyun-meter")) == [["water_leak"]]


def test_a_forwarded_event_is_called_by_its_identifier() -> None:
    told = {
        "identifier": "LowBattery",
        "productKey": "pk",
        "deviceName": "dn",
        "value": {},
        "time": 1795507200000,
    }
    (report,) = parse(told, topic="aliyun-iot").reports
    assert (report.address, report.fields) == ("pk/dn", {"LowBattery": True})


def test_a_gateway_packs_what_its_sub_devices_say() -> None:
    told = {
        "id": 1,
        "params": {
            "properties": {"Voltage": 230},
            "subDevices": [
                {
                    "identity": {"productKey": "pk2", "deviceName": "a"},
                    "properties": {"TotalWaterConsumption": {"value": 1, "time": 1795507200000}},
                    "events": {"WaterLeak": {"value": {}, "time": 1795507200000}},
                }
            ],
        },
    }
    reports = parse(told, topic="/sys/pk/gw/thing/event/property/pack/post").reports
    assert [(report.address, dict(report.fields)) for report in reports] == [
        ("pk/gw", {"Voltage": 230.0}),
        ("pk2/a", {"TotalWaterConsumption": 1.0}),
        ("pk2/a", {"WaterLeak": True}),
    ]


def test_who_is_refused_is_answered_all_the_same() -> None:
    with pytest.raises(DecodeError) as refused:
        parse({"id": 7, "params": {}})
    assert [answer.topic for answer in refused.value.answers] == [f"{TOPIC}_reply"]


def test_a_time_that_cannot_be_refuses_its_own_properties_only() -> None:
    told = {"params": {"a": {"value": 1, "time": "soon"}, "b": {"value": 2, "time": 1795507200000}}}
    wrong, good = parse(told).reports
    assert wrong.refusal is not None
    assert (good.fields, good.refusal) == ({"b": 2.0}, None)


@given(st.sampled_from(aliyun.UP) | st.text(max_size=20), alike(MESSAGES))
def test_any_bytes_give_reports_or_a_named_refusal(topic: str, payload: bytes) -> None:
    try:
        reports = parse(payload, topic=topic.replace("+", "a")).reports
    except DecodeError:
        return
    for report in reports:
        meant(report, "aliyun-meter")
