import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.decoders.elements import DecodedEvent, Refusal
from devices.decoders.hikvision import parse
from devices.decoders.reports import DecodeError, Parsed
from devices.mapping import element
from devices.profiles import load_profiles
from tests.unit.devices.samples import sample
from wire.events import EventType, Method, Result
from wire.reasons import Reason

SHANGHAI = ZoneInfo("Asia/Shanghai")
PROFILE = load_profiles()["hikvision-access"]
FACE, CARD = "hikvision/face-passed-ds-k1t673dx.json", "hikvision/card-ds-k1t343efwx.xml"


def parsed(payload: bytes) -> Parsed:
    return parse("hikvision", payload, {})


def events(payload: bytes) -> list[DecodedEvent]:
    found = [element(report, PROFILE, SHANGHAI) for report in parsed(payload).reports]
    assert all(one.refusal is None for one in found)
    return [event for one in found for event in one.events]


def posted(major: object, minor: object, **event: object) -> bytes:
    alert = {
        "eventType": "AccessControllerEvent",
        "dateTime": "2026-11-24T16:13:33+08:00",
        "AccessControllerEvent": {"majorEventType": major, "subEventType": minor, "serialNo": 7} | event,
    }
    return json.dumps(alert).encode()


def test_a_face_that_passed() -> None:
    (event,) = events(sample(FACE))
    assert (event.type, event.method, event.result) == (EventType.entry, Method.face, Result.granted)
    assert event.time_us == datetime(2026, 11, 24, 8, 13, 33, tzinfo=UTC).timestamp() * 1e6
    assert event.subject == "1017"
    (report,) = parsed(sample(FACE)).reports
    assert (report.fields["serialNo"], report.fields["frontSerialNo"]) == (25523, 25522)
    assert "Wang" not in str(report.fields)


def test_a_card_in_xml() -> None:
    (event,) = events(sample(CARD))
    assert (event.type, event.method, event.result) == (EventType.entry, Method.card, Result.granted)
    # A number in clear is nobody's pseudonym.
    assert event.subject is None
    hashed = sample(CARD).replace(b"00481234", b"hmac:00ff")
    assert events(hashed)[0].subject == "hmac:00ff"


@pytest.mark.parametrize(
    ("pair", "happened"),
    [
        ((5, 75), (EventType.entry, Method.face, Result.granted)),
        (("5", "76"), (EventType.entry, Method.face, Result.denied)),
        ((5.0, 38), (EventType.entry, Method.finger, Result.granted)),
        ((5, 1), (EventType.entry, Method.card, Result.granted)),
        ((5, 9), (EventType.entry, Method.card, Result.denied)),
        ((5, 21), (EventType.door_opened, Method.none, Result.none)),
        ((5, 22), (EventType.door_closed, Method.none, Result.none)),
        ((3, 1024), (EventType.entry, Method.remote, Result.granted)),
        ((5, 23), None),
    ],
)
def test_the_pair_says_what_happened(
    pair: tuple[object, object], happened: tuple[EventType, Method, Result] | None
) -> None:
    found = [(event.type, event.method, event.result) for event in events(posted(*pair))]
    assert found == ([] if happened is None else [happened])


@pytest.mark.parametrize("pair", [(3, 75), (5, 1024), (5, 999)])
def test_a_pair_that_nobody_knows_is_not_lost_in_silence(pair: tuple[int, int]) -> None:
    """Neither number means anything alone."""
    (report,) = parsed(posted(*pair)).reports
    found = element(report, PROFILE, SHANGHAI)
    assert found.events == ()
    assert found.refusal == Refusal(Reason.unknown_event, f"code: {pair[0]}/{pair[1]}")


def test_events_of_other_types_are_none_of_a_door() -> None:
    assert parsed(b'{"eventType":"videoloss","eventState":"inactive"}') == Parsed()
    assert (
        parsed(b"<EventNotificationAlert><eventType>heartBeat</eventType></EventNotificationAlert>")
        == Parsed()
    )


@pytest.mark.parametrize(("front", "counter"), [(6, 7), (None, 7), (4, None)])
def test_numbers_count_where_each_follows_the_last(front: int | None, counter: int | None) -> None:
    (report,) = parsed(posted(5, 75, frontSerialNo=front)).reports
    assert report.counter == counter


def test_an_alert_in_an_alert() -> None:
    (event,) = events(b'{"EventNotificationAlert":' + posted(5, 75) + b"}")
    assert event.type == EventType.entry


def test_the_key_is_of_the_number_the_pair_and_the_person() -> None:
    payloads = [posted(5, 75), posted(5, 75, serialNo=8), posted(5, 76)]
    payloads += [posted(5, 75, serialNo=None), posted(5, 75, serialNo=None, employeeNoString="1")]
    keys = [events(payload)[0].dedupe_key for payload in payloads]
    assert len(set(keys)) == len(keys)
    # The panel counts how often it posted the same.
    assert events(posted(5, 75, activePostCount=2))[0].dedupe_key == keys[0]


@pytest.mark.parametrize(("written", "at"), [("2026-11-24T16:13:33", False), ("soon", None), ("", None)])
def test_a_time_without_an_offset_is_of_the_estates_zone(written: str, at: bool | None) -> None:
    payload = posted(5, 75).replace(b"2026-11-24T16:13:33+08:00", written.encode())
    (report,) = parsed(payload).reports
    assert report.at_us is None
    assert (report.local_at is None) == (at is None)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.empty),
        (b"<a>", Reason.invalid_xml),
        (b"<a/>", Reason.invalid_shape),
        (b"[1]", Reason.invalid_shape),
        (b"\xff\xd8\xff", Reason.invalid_utf8),
        (b'{"eventType":"AccessControllerEvent"}', Reason.invalid_shape),
        (b'{"eventType":"AccessControllerEvent","AccessControllerEvent":[]}', Reason.invalid_shape),
        (b"<a>" * 40 + b"</a>" * 40, Reason.invalid_xml),
        (b"<a>" + b"<b/>" * 3000 + b"</a>", Reason.invalid_xml),
    ],
)
def test_what_is_none_is_refused_by_name(payload: bytes, reason: Reason) -> None:
    with pytest.raises(DecodeError) as refused:
        parsed(payload)
    assert refused.value.refusal.reason is reason


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))


@pytest.mark.parametrize(
    "payload",
    [
        f"<?xml version='1.0'?><!DOCTYPE a [{LAUGHS}]><a>&l9;</a>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a>x</a>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
    ],
)
def test_a_document_that_defines_something_is_refused(payload: str) -> None:
    with pytest.raises(DecodeError) as refused:
        parsed(payload.encode())
    assert refused.value.refusal.detail == "a document type"


texts = st.sampled_from(
    ["eventType", "AccessControllerEvent", "majorEventType", "serialNo", "dateTime", "5", "75", "x", "\ud800"]
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=10,
)
marks = st.sampled_from(
    ["<a>", "</a>", "<eventType>", "</eventType>", "<a/>", "&amp;", "&x;", "<!--", "-->", "x"]
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=40)
    | st.dictionaries(texts, values).map(json.dumps).map(str.encode)
    | st.lists(marks, max_size=12).map("".join).map(str.encode)
)
def test_no_bytes_stop_it(payload: bytes) -> None:
    with suppress(DecodeError):
        for report in parsed(payload).reports:
            element(report, PROFILE, SHANGHAI)
