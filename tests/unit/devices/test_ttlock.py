import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.decoders.elements import Element, Refusal
from devices.decoders.reports import DecodeError
from devices.decoders.ttlock import MAX_RECORDS, parse
from devices.mapping import element
from devices.profiles import load_profiles
from tests.unit.devices.samples import sample
from wire.channels import BY_NAME
from wire.events import EventType, Method, Result
from wire.reasons import Reason

UTC8 = ZoneInfo("Asia/Shanghai")
LOCK, SENSOR = (load_profiles()[f"ttlock-{name}"] for name in ("lock", "door-sensor"))
HASHED = "hmac:" + "0f" * 16


def form(name: str) -> bytes:
    """A callback as the receiver writes it."""
    return json.dumps(dict(parse_qsl(sample(f"ttlock/{name}.form").decode()))).encode()


def callback(*records: Any, lock: object = "163377") -> bytes:
    return json.dumps({"notifyType": "1", "lockId": lock, "records": json.dumps(records)}).encode()


def meant(payload: bytes, profile: Any = LOCK) -> list[Element]:
    return [element(report, profile, UTC8) for report in parse("ttlock", payload, {}).reports]


def happened(payload: bytes) -> list[tuple[int, int, int]]:
    return [(event.type, event.method, event.result) for one in meant(payload) for event in one.events]


def test_records_of_a_lock() -> None:
    by_app, by_code = meant(form("lock-records"))
    assert [(e.method, e.result) for e in by_app.events] == [(Method.key, Result.granted)]
    assert [(e.method, e.result) for e in by_code.events] == [(Method.code, Result.denied)]
    # The lock's own clock counts, not when its record was uploaded.
    assert by_app.events[0].time_us == datetime(2021, 6, 30, 4, 1, 43, tzinfo=UTC).timestamp() * 1e6
    assert [(r.channel, r.value) for r in by_app.readings] == [(BY_NAME["battery_pct"].code, 85)]
    assert {report.address for report in parse("ttlock", form("lock-records"), {}).reports} == {"163377"}


def test_a_record_that_nobody_knows_is_not_lost_in_silence() -> None:
    (one,) = meant(callback({"recordType": 99, "success": 1, "electricQuantity": 80}))
    assert one.events == ()
    assert one.refusal == Refusal(Reason.unknown_event, "record: 99/1")
    assert [reading.value for reading in one.readings] == [80]


def test_a_record_of_locking_is_nothing_to_look_into() -> None:
    (one,) = meant(callback({"recordType": 47, "success": 1}))
    assert (one.events, one.refusal) == ((), None)


def test_a_code_in_clear_is_nobodys_pseudonym() -> None:
    (_, report) = parse("ttlock", form("lock-records"), {}).reports
    assert "710577" not in str(report.fields) + str(report.counted)
    (one,) = meant(
        callback({"recordType": 4, "success": 1, "lockDate": 1625025703000, "keyboardPwd": HASHED})
    )
    assert one.events[0].subject == HASHED


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"recordType": 7, "success": 1}, (EventType.entry, Method.card, Result.granted)),
        ({"recordType": "8", "success": "0"}, (EventType.entry, Method.finger, Result.denied)),
        ({"recordType": -5, "success": 1}, (EventType.entry, Method.face, Result.granted)),
        ({"recordType": -4, "success": 1}, (EventType.entry, Method.qr, Result.granted)),
        ({"recordType": 55, "success": 1}, (EventType.entry, Method.remote, Result.granted)),
        ({"recordType": 44, "success": 1}, (EventType.tamper, Method.none, Result.none)),
        # The lock's own table: 7 is a code that failed, and no card.
        ({"recordTypeFromLock": 7}, (EventType.entry, Method.code, Result.denied)),
        ({"recordTypeFromLock": 17}, (EventType.entry, Method.card, Result.granted)),
        ({"recordTypeFromLock": 20}, (EventType.entry, Method.finger, Result.granted)),
        # With both, the cloud's counts.
        (
            {"recordType": 4, "recordTypeFromLock": 17, "success": 1},
            (EventType.entry, Method.code, Result.granted),
        ),
    ],
)
def test_two_tables_of_codes(record: dict[str, Any], expected: tuple[int, int, int]) -> None:
    assert happened(callback(record | {"lockDate": 1625025703000})) == [expected]


def test_a_record_is_known_by_lock_time_type_success_and_code() -> None:
    first: dict[str, Any] = {"recordType": 4, "success": 1, "lockDate": 1625025703000, "keyboardPwd": HASHED}
    others = [{"recordType": 7}, {"success": 0}, {"keyboardPwd": "hmac:" + "1f" * 16}]
    keys = [meant(callback(first | other))[0].events[0].dedupe_key for other in [{}, *others]]
    assert len(set(keys)) == len(keys)
    # Sent again, with another upload and another battery, it is the same.
    again = meant(callback(first | {"serverDate": 1, "electricQuantity": 1}))[0].events[0]
    assert again.dedupe_key == keys[0]


@pytest.mark.parametrize(
    ("name", "profile", "address", "kind"),
    [
        ("door-sensor", SENSOR, "100123", EventType.door_opened),
        ("wifi-lock-offline", LOCK, "163377", EventType.offline),
    ],
)
def test_other_callbacks_carry_no_time(name: str, profile: Any, address: str, kind: EventType) -> None:
    (report,) = parse("ttlock", form(name), {}).reports
    (event,) = element(report, profile, UTC8).events
    assert (report.address, event.type, event.time_us) == (address, kind, None)


def test_a_request_that_failed_is_nothing_a_lock_says() -> None:
    assert parse("ttlock", b'{"notifyType":"4","lockId":"1"}', {}).reports == ()


def test_one_bad_record_costs_itself_only() -> None:
    good: dict[str, Any] = {"recordType": 7, "success": 1, "lockDate": 1625025703000}
    first, second, third = parse("ttlock", callback(good, 7, good | {"lockDate": "soon"}), {}).reports
    assert (first.refusal, first.at_us is None) == (None, False)
    assert second.refusal is not None
    assert (third.refusal, third.at_us) == (None, None)
    # What is quarantined of it can be decoded again, alone.
    assert parse("ttlock", first.raw, {}).reports == (first,)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.empty),
        (b"{}", Reason.invalid_shape),
        (b'{"notifyType":"9"}', Reason.nothing_known),
        (b'{"notifyType":"1","lockId":"1"}', Reason.invalid_shape),
        (b'{"notifyType":"1","lockId":"1","records":"[{"}', Reason.invalid_json),
        (callback(*[{}] * (MAX_RECORDS + 1)), Reason.array_too_long),
        (b'{"notifyType":"7"}', Reason.invalid_shape),
    ],
)
def test_what_is_none_is_refused_by_name(payload: bytes, reason: Reason) -> None:
    with pytest.raises(DecodeError) as refused:
        parse("ttlock", payload, {})
    assert refused.value.refusal.reason is reason


texts = st.sampled_from(
    [
        "notifyType",
        "1",
        "3",
        "7",
        "lockId",
        "records",
        "recordType",
        "success",
        "lockDate",
        "\ud800",
        "[{}]",
        "-",
    ]
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=40)
    | st.dictionaries(texts, values).map(json.dumps).map(str.encode)
    | st.lists(values, max_size=3).map(lambda records: callback(*records))
)
def test_no_bytes_stop_it(payload: bytes) -> None:
    with suppress(DecodeError):
        for report in parse("ttlock", payload, {}).reports:
            element(report, LOCK, UTC8)
