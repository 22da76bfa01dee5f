import base64
import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import gateway_json
from devices.decoders.reports import DecodeError, Report
from devices.profiles import load_profiles
from tests.unit.devices.messages import alike, meant, messages, microseconds, readings, source
from wire.reasons import Reason

MESSAGES = messages("gateway_json")
FRAME = "FE FE 68 72 00 32 09 17 20 68 91 08 33 33 34 33 B9 34 33 33 6D 16"
WATER = (
    "FE FE 68 10 26 13 06 07 00 33 78 81 16 1F 90 04 00 68 00 00 2C"
    " 00 00 00 00 2C 00 00 00 00 00 00 00 00 00 73 16"
)


def parse(payload: object, **options: str) -> tuple[Report, ...]:
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return gateway_json.parse("gateway-json/up", content, options).reports


@pytest.mark.parametrize("found", MESSAGES, ids=source)
def test_a_published_message_becomes_what_it_says(found: dict) -> None:
    options = {**load_profiles()[found["profile"]].options, **found.get("options", {})}
    (report,) = gateway_json.parse(found["topic"], found["payload"].encode(), options).reports
    assert (report.address, report.counted) == (found["address"], found["counted"])
    assert (report.at_us, report.local_at) == (microseconds(found.get("at")), found.get("local_at"))
    assert readings(meant(report, found["child"])) == pytest.approx(found["readings"])


def test_the_profile_says_where_everything_stands() -> None:
    told = {
        "sn": 8,
        "t": "2026-11-24 16:00:00",
        "d": {"list": [{"id": 101, "v": [{"tag": "kwh", "value": "12.5"}, {"tag": "u", "value": 231}]}]},
    }
    (report,) = parse(
        told, list="d.list", address="id", time="t", values="v", name="tag", value="value", counted="sn"
    )
    assert (report.address, report.counted) == ("101", "8.0")
    assert report.local_at == datetime(2026, 11, 24, 16)  # noqa: DTZ001
    assert report.fields == {"kwh": "12.5", "u": 231.0}


def test_a_list_is_its_parts_and_an_object_one() -> None:
    assert [report.fields for report in parse([{"a": 1}, {"a": 2}])] == [{"a": 1.0}, {"a": 2.0}]
    assert [(report.address, report.fields) for report in parse({"a": {"b": 1}})] == [(None, {"a.b": 1.0})]


@pytest.mark.parametrize(
    "spelled", [FRAME, FRAME.replace(" ", "").lower(), base64.b64encode(bytes.fromhex(FRAME)).decode()]
)
def test_a_frame_in_json_is_read_as_a_frame_and_has_the_message_s_time(spelled: str) -> None:
    (report,) = parse({"ts": 1795507200, "data": spelled}, frame="data", time="ts", time_format="s")
    assert (report.address, report.fields, report.at_us) == (
        "201709320072",
        {"00010000": 1.86},
        1795507200000000,
    )


def test_a_water_meter_s_frame_is_read_too() -> None:
    (report,) = parse({"data": WATER}, frame="data")
    assert (report.address, report.fields["current"]) == ("78330007061326", 68.0)


def test_a_meter_s_own_time_comes_before_the_message_s() -> None:
    own = "6810437632510000008116901F0047700100295148010029202005282058240000A716"
    (report,) = parse({"ts": 1795507200, "data": own}, frame="data", time="ts", time_format="s")
    assert (report.at_us, report.local_at) == (None, datetime(2020, 5, 28, 20, 58, 24))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"id": "m", "t": "soon"}, Reason.invalid_time),
        ({"id": "m", "t": "20261324000000"}, Reason.invalid_time),
        ({"t": "20261124000000"}, Reason.invalid_shape),
        ({"id": "m", "f": "68 no"}, Reason.invalid_frame),
        ({"id": "m", "f": "6801"}, Reason.invalid_frame),
    ],
)
def test_what_is_wrong_with_a_part_refuses_that_part(part: dict, reason: Reason) -> None:
    wrong, good = parse(
        [part, {"id": "n", "t": "20261124000000", "v": 1}],
        address="id",
        time="t",
        time_format="digits",
        frame="f",
    )
    assert wrong.refusal is not None
    assert wrong.refusal.reason is reason
    assert (good.refusal, good.fields["v"]) == (None, 1.0)


@pytest.mark.parametrize(
    ("payload", "options"), [(b"[]", {}), (b"7", {}), (b'{"batch": 1}', {"list": "batch"}), (b"{", {})]
)
def test_a_message_without_parts_is_refused(payload: bytes, options: dict[str, str]) -> None:
    with pytest.raises(DecodeError):
        parse(payload, **options)


PLACES = ["batch", "device_id", "timestamp", "metrics", "metrics.voltage", "msgId", "unit"]


@given(
    alike(MESSAGES),
    st.dictionaries(
        st.sampled_from(["list", "address", "time", "values", "name", "frame", "counted"]),
        st.sampled_from(PLACES),
    ),
    st.sampled_from(["iso", "s", "ms", "digits"]),
)
def test_any_bytes_give_reports_or_a_named_refusal(
    payload: bytes, options: dict[str, str], time_format: str
) -> None:
    try:
        reports = parse(payload, **options, time_format=time_format)
    except DecodeError:
        return
    for report in reports:
        meant(report, "edgelogger-meter")
