"""What becomes of the JSON of wmbusmeters."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders.reports import DecodeError, Report
from devices.decoders.wmbusmeters import parse
from wire.reasons import Reason

#: As in the README of wmbusmeters, with the fields of a water meter.
WATER = {
    "_": "telegram",
    "media": "cold water",
    "meter": "kamwater",
    "name": "MyTapWater",
    "id": "12345678",
    "total_m3": 6.408,
    "target_m3": 6.408,
    "current_status": "DRY",
    "timestamp": "2026-11-24T08:00:00Z",
}


def report(**more: object) -> Report:
    (found,) = parse("wmbusmeters/MyTapWater", json.dumps(WATER | more).encode(), {}).reports
    return found


def test_a_meter_is_known_by_its_id_and_not_by_what_somebody_called_it() -> None:
    found = report(id="33AB21")
    assert found.address == "33ab21"
    assert found.fields == {
        "media": "cold water",
        "meter": "kamwater",
        "total_m3": 6.408,
        "target_m3": 6.408,
        "current_status": "DRY",
    }


def test_its_time_is_that_of_the_receiver() -> None:
    assert report().at_us == 1_795_507_200_000_000
    assert report(timestamp="2026-11-24T08:00:00").at_us == 1_795_507_200_000_000
    assert report(timestamp=None).at_us is None


def test_it_is_about_its_medium() -> None:
    assert report().about == "cold water"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.empty),
        (b"{}", Reason.invalid_shape),
        (b'{"id":5}', Reason.invalid_shape),
        (b'{"id":""}', Reason.invalid_shape),
        (b'{"id":"1","timestamp":"now"}', Reason.invalid_time),
        (b'{"id":"1","total_m3":NaN}', Reason.not_finite),
    ],
)
def test_what_is_no_meters_message_is_refused_by_name(payload: bytes, reason: Reason) -> None:
    with pytest.raises(DecodeError) as refused:
        parse("wmbusmeters", payload, {})
    assert refused.value.refusal.reason is reason


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_stop_the_parser(payload: bytes) -> None:
    with suppress(DecodeError):
        parse("wmbusmeters/x", payload, {})
