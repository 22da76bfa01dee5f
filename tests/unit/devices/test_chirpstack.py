"""What becomes of a network server's messages."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders.chirpstack import parse
from devices.decoders.elements import Refusal
from devices.decoders.reports import DecodeError, Frame, Parsed, Report
from devices.mapping import element
from devices.profiles import load_profiles
from wire.reasons import Reason

EUI = "24E124136B502217"
NOW = "2026-11-24T08:00:00.123456789+00:00"
NOW_US = 1_795_507_200_123_456


def message(**more: object) -> bytes:
    return json.dumps(
        {
            "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
            "time": NOW,
            "deviceInfo": {
                "devEui": EUI,
                "deviceProfileName": "Milesight EM300-ZLD",
                "deviceName": "kitchen",
            },
            **more,
        }
    ).encode()


def said(event: str, payload: bytes, eui: str = EUI.lower()) -> Parsed:
    return parse(f"application/7f1a/device/{eui}/event/{event}", payload, {})


def report(event: str, **more: object) -> Report:
    (found,) = said(event, message(**more)).reports
    return found


def test_an_uplink_is_of_its_device_in_the_words_of_its_codec() -> None:
    found = report("up", fCnt=12, fPort=85, data="AXVc", object={"battery": 92, "leakage_status": "leak"})
    assert (found.address, found.at_us) == (EUI.lower(), NOW_US)
    assert found.fields == {"battery": 92.0, "leakage_status": "leak"}
    assert found.about == "Milesight EM300-ZLD"


def test_an_uplink_is_counted_by_the_server_and_not_by_a_counter_that_starts_again() -> None:
    assert report("up", fCnt=12, object={"a": 1}).counted == "3ac7e3c4-4401-4b8d-9386-a5c902f9202d"


@pytest.mark.parametrize("decoded", [{}, {"object": None}, {"object": {}}])
def test_what_the_server_has_no_codec_for_waits_for_the_vendors_own(decoded: Mapping[str, object]) -> None:
    found = report("up", fPort=85, data=base64.b64encode(b"\x01\x75\x5c").decode(), **decoded)
    assert (found.frame, dict(found.fields)) == (Frame(85, b"\x01\x75\x5c"), {})


def test_bytes_that_nobody_decodes_are_refused_with_what_is_missing() -> None:
    found = report("up", fPort=85, data=base64.b64encode(b"\x01\x75\x5c").decode())
    refusal = element(found, load_profiles()["lorawan-any"], UTC).refusal
    assert refusal == Refusal(Reason.nothing_known, "no decoded object and no script")


def test_an_uplink_of_the_network_alone_says_nothing() -> None:
    assert said("up", message(fPort=0)) == Parsed()


def test_a_status_is_battery_and_margin() -> None:
    found = report("status", margin=10, batteryLevel=75.3)
    assert found.fields == {"margin": 10.0, "batteryLevel": 75.3}
    assert found.units == {"batteryLevel": "%"}


@pytest.mark.parametrize("flag", ["batteryLevelUnavailable", "externalPowerSource"])
def test_what_cannot_say_or_has_no_battery_has_no_level(flag: str) -> None:
    assert report("status", margin=10, batteryLevel=0.0, **{flag: True}).fields == {"margin": 10.0}


def test_a_join_is_told() -> None:
    assert report("join", devAddr="00189440").fields == {"join": True}


@pytest.mark.parametrize(
    "code", ["UPLINK_CODEC", "UPLINK_F_CNT_RESET", "UPLINK_F_CNT_RETRANSMISSION", "EXPIRED"]
)
def test_what_the_server_could_not_do_is_kept_by_its_code(code: str) -> None:
    refusal = report("log", level="ERROR", code=code, description="decodeUplink: x is undefined").refusal
    assert refusal is not None
    assert (refusal.reason, refusal.detail) == (Reason.network_log, f"{code}: decodeUplink: x is undefined")


def test_what_the_server_only_remarks_is_none() -> None:
    assert said("log", message(level="INFO", code="RELAY_NEW_END_DEVICE")) == Parsed()


@pytest.mark.parametrize("event", ["ack", "txack", "location", "integration", "something-new"])
def test_confirmations_and_positions_are_left_in_the_journal(event: str) -> None:
    assert said(event, message(acknowledged=True)) == Parsed()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.empty),
        (b"{", Reason.invalid_json),
        (b"[]", Reason.invalid_shape),
        (b"{}", Reason.invalid_shape),
        (message(deviceInfo={"devEui": 5}), Reason.invalid_shape),
        (message(data="***"), Reason.invalid_frame),
        (message(data="é"), Reason.invalid_frame),
        (message(data=5), Reason.invalid_shape),
        (message(time="yesterday", object={"a": 1}), Reason.invalid_time),
    ],
)
def test_what_is_no_message_of_the_server_is_refused_by_name(payload: bytes, reason: Reason) -> None:
    with pytest.raises(DecodeError) as refused:
        said("up", payload)
    assert refused.value.refusal.reason is reason


def test_a_message_on_the_topic_of_another_device_is_refused() -> None:
    with pytest.raises(DecodeError) as refused:
        said("up", message(object={"a": 1}), eui="0000000000000001")
    assert refused.value.refusal.reason is Reason.wrong_sender


@given(
    st.sampled_from(["up", "status", "join", "log"]),
    st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
)
def test_no_bytes_stop_the_parser(event: str, payload: bytes) -> None:
    with suppress(DecodeError):
        said(event, payload)


@given(
    st.sampled_from(["up", "status", "join", "log"]),
    st.dictionaries(
        st.sampled_from(
            ["time", "deduplicationId", "fPort", "data", "object", "margin", "batteryLevel", "code"]
        ),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=20)
        | st.lists(st.integers(), max_size=3),
    ),
)
def test_no_value_of_a_key_stops_the_parser(event: str, more: dict[str, object]) -> None:
    with suppress(DecodeError):
        said(event, message(**more))
