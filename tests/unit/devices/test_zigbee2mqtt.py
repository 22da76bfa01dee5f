import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import zigbee2mqtt
from devices.decoders.elements import Refusal
from devices.decoders.reports import RETAINED, DecodeError, Report
from tests.unit.devices.messages import alike, events, meant, messages, microseconds, readings, source
from wire.reasons import Reason

MESSAGES = messages("zigbee2mqtt")


def parse(topic: str, payload: str | bytes, **options: bool) -> tuple[Report, ...]:
    content = payload.encode() if isinstance(payload, str) else payload
    return zigbee2mqtt.parse(topic, content, options).reports


@pytest.mark.parametrize("found", MESSAGES, ids=source)
def test_a_published_message_becomes_what_it_says(found: dict) -> None:
    reports = parse(found["topic"], found["payload"])
    if found.get("nothing"):
        assert reports == ()
        return
    (report,) = reports
    assert report.address == found.get("address", found["topic"].removeprefix("zigbee2mqtt/"))
    assert report.aliases == tuple(found.get("aliases", ()))
    assert report.at_us == microseconds(found.get("at"))
    made = meant(report, found["profile"])
    assert events(made) == found.get("events", [])
    assert readings(made) == pytest.approx(found.get("readings", {}))
    assert made.refusal is None


def test_false_contact_is_an_open_door() -> None:
    for contact, said in ((False, "door_opened"), (True, "door_closed")):
        made = meant(parse("zigbee2mqtt/door", json.dumps({"contact": contact}))[0], "z2m-contact")
        assert events(made) == [[said]]
        assert made.events[0].is_state


@pytest.mark.parametrize(
    ("action", "source_name", "said"),
    [
        ("unlock", "rfid", ["entry", "card", "granted", "3"]),
        ("unlock", "fingerprint", ["entry", "finger", "granted", "3"]),
        ("unlock", "rf", ["entry", "remote", "granted", "3"]),
        ("unlock_failure_invalid_pin_or_id", "keypad", ["entry", "code", "denied", "3"]),
        ("key_unlock", "manual", ["entry", "key", "granted"]),
        ("unlock", "manual", ["door_opened"]),
        ("manual_unlock", None, ["door_opened"]),
        ("fingerprint_unlock", None, ["entry", "finger", "granted", "3"]),
        # In a way that nobody names.
        ("unlock", None, ["entry", "granted", "3"]),
        ("unlock", "bluetooth", ["entry", "granted", "3"]),
        ("palm_unlock", None, ["entry", "granted", "3"]),
        ("unlock_failure_invalid_schedule", None, ["entry", "denied", "3"]),
    ],
)
def test_how_a_lock_was_opened_is_told_by_the_source(
    action: str, source_name: str | None, said: list[str]
) -> None:
    told = {"action": action, "action_source_name": source_name, "action_user": 3, "lock_state": "unlocked"}
    assert events(meant(parse("zigbee2mqtt/lock", json.dumps(told))[0], "z2m-lock")) == [said]


@pytest.mark.parametrize("action", ["lock", "auto_lock", "schedule_unlock", "lock_failure_invalid_schedule"])
@pytest.mark.parametrize("source_name", ["keypad", None])
def test_a_lock_that_locks_lets_nobody_in(action: str, source_name: str | None) -> None:
    told = {"action": action, "action_source_name": source_name, "lock_state": "locked"}
    made = meant(parse("zigbee2mqtt/lock", json.dumps(told))[0], "z2m-lock")
    assert (events(made), made.refusal) == ([], None)


def test_an_action_that_nobody_knows_is_not_lost_in_silence() -> None:
    told = json.dumps({"action": "opened_from_afar", "battery": 90})
    made = meant(parse("zigbee2mqtt/lock", told)[0], "z2m-lock")
    assert made.refusal == Refusal(Reason.unknown_event, "action.unknown: opened_from_afar")
    assert readings(made) == {"battery_pct": 90}


def test_a_lock_that_does_not_close_is_jammed_once() -> None:
    told = json.dumps({"lock_state": "not_fully_locked"})
    made = meant(parse("zigbee2mqtt/lock", told)[0], "z2m-lock")
    assert events(made) == [["lock_jammed"]]
    assert made.events[0].is_state


def test_a_retained_message_is_a_state_and_never_an_event() -> None:
    told = {"action": "unlock", "action_source_name": "keypad", "lock_state": "not_fully_locked"}
    seen = json.dumps(told | {"last_seen": "2026-11-24T08:00:00Z"})
    (report,) = parse("zigbee2mqtt/lock", seen, **{RETAINED: True})
    assert events(meant(report, "z2m-lock")) == [["lock_jammed"]]
    # Without a time it would be taken for news.
    assert parse("zigbee2mqtt/lock", json.dumps(told), **{RETAINED: True}) == ()
    assert parse("zigbee2mqtt/lock/availability", "offline", **{RETAINED: True}) == ()


def test_a_message_of_the_radio_alone_says_nothing() -> None:
    assert parse("zigbee2mqtt/lock", '{"linkquality": 44, "update": {"state": "idle"}, "action": ""}') == ()
    assert parse("zigbee2mqtt/lock", b"") == ()


@pytest.mark.parametrize("topic", ["zigbee2mqtt", "zigbee2mqtt/", "zigbee2mqtt//"])
def test_a_topic_without_a_name_is_refused(topic: str) -> None:
    # The filter zigbee2mqtt/# takes them all.
    with pytest.raises(DecodeError):
        parse(topic, '{"contact": true}')


@pytest.mark.parametrize("payload", ["unlocked", "[1]", "{", '{"last_seen": "yesterday", "contact": true}'])
def test_what_is_no_message_of_a_device_is_refused(payload: str) -> None:
    with pytest.raises(DecodeError):
        parse("zigbee2mqtt/lock", payload)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=3), alike(MESSAGES), st.booleans())
def test_any_bytes_give_reports_or_a_named_refusal(levels: list[str], payload: bytes, retained: bool) -> None:
    try:
        reports = parse("/".join(["zigbee2mqtt", *levels]), payload, **{RETAINED: retained})
    except DecodeError:
        return
    for report in reports:
        meant(report, "z2m-lock")
