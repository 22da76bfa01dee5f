import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import huawei
from devices.decoders.reports import DecodeError, Report
from tests.unit.devices.messages import alike, meant, messages, microseconds, names, readings, source
from wire.reasons import Reason

MESSAGES = messages("huawei")


def parse(payload: object, *, topic: str = "/huawei/v1/devices/meter-1/data/json") -> tuple[Report, ...]:
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return huawei.parse(topic, content, {}).reports


@pytest.mark.parametrize("found", MESSAGES, ids=source)
def test_a_published_message_becomes_what_it_says(found: dict) -> None:
    reports = parse(found["payload"].encode(), topic=found["topic"])
    expected = found.get("report", [])
    assert [names(report) for report in reports] == [one["names"] for one in expected]
    for report, one in zip(reports, expected, strict=True):
        assert report.fields == one["fields"]
        assert report.at_us == microseconds(one.get("at"))
        assert report.refusal is None
        if "profile" in one:
            assert readings(meant(report, one["profile"])) == pytest.approx(one["readings"])


def test_a_gateway_speaks_for_its_sub_devices() -> None:
    service = {"service_id": "Meter", "properties": {"currentReading": 1}}
    told = {"devices": [{"device_id": "a", "services": [service]}, {"device_id": "b", "services": [service]}]}
    reports = parse(told, topic="$oc/devices/gw/sys/gateway/sub_devices/properties/report")
    assert [report.address for report in reports] == ["a", "b"]


def test_the_answer_to_a_command_is_no_reading() -> None:
    assert parse({"msgType": "deviceRsp", "mid": 3, "errcode": 0, "body": {"result": 1}}) == ()


def test_each_service_has_its_own_time_and_number() -> None:
    told = {
        "notifyType": "deviceDatasChanged",
        "deviceId": "a",
        "requestId": "r1",
        "services": [
            {"serviceId": "M", "data": {"v": 1}, "eventTime": "20260101T000000Z"},
            {"serviceId": "M", "data": {"v": 2}, "eventTime": "soon"},
            {"serviceId": "M", "data": {"v": 3}, "eventTime": "20260101T010000Z"},
        ],
    }
    first, wrong, last = parse(told)
    assert [report.counted for report in (first, wrong, last)] == ["r1.0", "r1.1", "r1.2"]
    assert wrong.fields == {}
    assert wrong.refusal is not None
    assert wrong.refusal.reason is Reason.invalid_time
    assert (last.at_us or 0) - (first.at_us or 0) == 3_600_000_000


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"a": 1}', b"nothing"])
def test_another_shape_is_refused(payload: bytes) -> None:
    with pytest.raises(DecodeError):
        parse(payload)


def test_more_services_than_a_message_has_are_refused() -> None:
    with pytest.raises(DecodeError):
        parse({"services": [{"service_id": "M"}] * 2001})


@given(st.sampled_from(huawei.UP) | st.text(max_size=20), alike(MESSAGES))
def test_any_bytes_give_reports_or_a_named_refusal(topic: str, payload: bytes) -> None:
    try:
        reports = parse(payload, topic=topic.replace("+", "a"))
    except DecodeError:
        return
    for report in reports:
        meant(report, "huawei-water")
