"""Every kind of bad input: where it lands, that it is counted, that it stops nothing and reaches no usage."""

import json
from collections.abc import Iterator

import pytest

from devices import registry
from ingest.message import Message
from ingest.pipeline import Pipeline
from storage.pool import Connection
from tests.integration.ingest.conftest import (
    AT,
    TALLY,
    Rows,
    Site,
    event,
    reading,
    sent,
)
from wire.envelope import Kind, topic_of
from wire.quality import Quality
from wire.reasons import Reason

ONE = f'{{"seq":1,"at":"{AT}","readings":[{{"ch":"energy_kwh","v":1}}]}}'


@pytest.fixture(autouse=True)
def good_messages_still_arrive(site: Site, pipeline: Pipeline, rows: Rows) -> Iterator[None]:
    """Whatever came, the next good message is stored, and every message is in the journal."""
    yield
    before = rows("SELECT count(*) FROM reading")[0][0]
    pipeline.store([reading(99, at="2026-11-24T08:59:00Z", seq=99)])
    assert rows("SELECT count(*) FROM reading") == [(before + 1,)]


def quarantined(rows: Rows, pipeline: Pipeline, message: Message) -> Reason:
    """Send it alone and, by the other way into the tables, again among good ones: one row with its reason,
    counted, and nothing else of it."""
    pipeline.store([message])
    assert rows(TALLY) == [(1, 0, 0, 0, 0, 1)]
    pipeline.expect_redelivery()
    pipeline.store([reading(1), message, event()])
    assert rows(TALLY) == [(4, 1, 1, 0, 0, 1)]
    ((topic, payload, reason, repeats),) = rows("SELECT topic, payload, reason, repeats FROM quarantine")
    assert (topic, payload, repeats) == (message.topic, message.payload, 1)
    assert rows("SELECT sum(messages) FROM journal") == [(4,)]
    return Reason(reason)


NOT_JSON = ["on", "{", '{"seq":1,', "<xml/>", ONE + "}", "'" + ONE + "'", "\ufeff" + ONE]
WRONG_TYPES = [
    "null",
    "7",
    '"text"',
    "{}",
    ONE.replace('"v":1', '"v":"1"'),
    ONE.replace('"v":1', '"v":true'),
    ONE.replace('"v":1', '"v":null'),
    ONE.replace('"v":1', '"v":[1]'),
    ONE.replace('"seq":1', '"seq":"1"'),
    ONE.replace('"seq":1', '"seq":1.5'),
    ONE.replace('"seq":1', '"seq":-1'),
    ONE.replace('"seq":1', '"seq":' + "9" * 400),
    ONE.replace('"seq":1,', ""),
    ONE.replace('"seq":1', '"seq":1,"boot":"a"'),
    ONE.replace('"readings":[', '"readings":[[],'),
]
NO_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400]


@pytest.mark.parametrize("payload", NOT_JSON)
def test_not_json(rows: Rows, pipeline: Pipeline, payload: str) -> None:
    assert quarantined(rows, pipeline, sent(payload)) is Reason.invalid_json


@pytest.mark.parametrize("payload", WRONG_TYPES)
def test_wrong_types(rows: Rows, pipeline: Pipeline, payload: str) -> None:
    assert quarantined(rows, pipeline, sent(payload)) is Reason.invalid_shape


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_nan_and_infinity(rows: Rows, pipeline: Pipeline, number: str) -> None:
    assert quarantined(rows, pipeline, reading(number)) is Reason.not_finite


@pytest.mark.parametrize("payload", ["x" * 1_000_000, ONE[:-1] + f',"pad":"{"x" * 1_000_000}"}}'])
def test_a_payload_of_a_megabyte(rows: Rows, pipeline: Pipeline, payload: str) -> None:
    assert quarantined(rows, pipeline, sent(payload)) is Reason.payload_too_large


def test_an_unknown_device(rows: Rows, pipeline: Pipeline) -> None:
    assert quarantined(rows, pipeline, reading(1, device="nobody")) is Reason.unknown_device


def test_a_device_whose_profile_has_no_file(
    rows: Rows, pipeline: Pipeline, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    connection.execute("UPDATE device SET profile = 'sun-dial' WHERE code = 'home-2'")
    connection.commit()
    message = reading(1, device="home-2")
    assert quarantined(rows, pipeline, message) is Reason.unknown_device
    assert rows("SELECT detail FROM quarantine") == [
        ("home-2 is registered, but its profile sun-dial has no file",)
    ]
    registry.load(connection)
    assert caplog.text.count("sun-dial") == 1


def test_a_retired_device(rows: Rows, pipeline: Pipeline) -> None:
    assert quarantined(rows, pipeline, reading(1, device="old-1")) is Reason.retired_device


@pytest.mark.parametrize(
    "message",
    [
        reading(1, channel="energy_mwh"),
        # In the closed list, and not what this kind of device measures.
        reading(1, channel="co2_ppm"),
        reading(1, channel="a\\u0000b"),
        reading(1, channel="x" * 10_000),
    ],
    ids=["of nobody", "of others", "nul", "long"],
)
def test_an_unknown_channel(rows: Rows, pipeline: Pipeline, message: Message) -> None:
    assert quarantined(rows, pipeline, message) is Reason.unknown_channel


@pytest.mark.parametrize("more", [{"type_": "earthquake"}, {"type_": "entry", "method": "telepathy"}])
def test_an_unknown_event(rows: Rows, pipeline: Pipeline, more: dict) -> None:
    assert quarantined(rows, pipeline, event(**more)) is Reason.unknown_event


@pytest.mark.parametrize(
    "at",
    ["1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z"],
)
def test_times_that_no_meter_of_ours_can_have_seen(rows: Rows, pipeline: Pipeline, at: str) -> None:
    assert quarantined(rows, pipeline, reading(1, at=at)) is Reason.time_out_of_range


def test_an_event_of_1970(rows: Rows, pipeline: Pipeline) -> None:
    assert quarantined(rows, pipeline, event(at="1970-01-01T00:00:00Z")) is Reason.time_out_of_range


@pytest.mark.parametrize("at", ["2026-11-24T08:00:00", "2026-11-24", "2026-13-24T08:00:00Z", "yesterday", ""])
def test_no_time_or_a_time_without_a_zone(rows: Rows, pipeline: Pipeline, at: str) -> None:
    assert quarantined(rows, pipeline, reading(1, at=at)) is Reason.invalid_time


@pytest.mark.parametrize("value", [-1, 1e12, 1e300, -1e308])
def test_absurd_values(rows: Rows, pipeline: Pipeline, value: float) -> None:
    assert quarantined(rows, pipeline, reading(value)) is Reason.value_out_of_range


def test_an_array_of_51(rows: Rows, pipeline: Pipeline) -> None:
    payload = f"[{','.join([ONE] * 51)}]"
    assert quarantined(rows, pipeline, sent(payload)) is Reason.array_too_long


@pytest.mark.parametrize("payload", ["[]", "", ONE.replace('[{"ch":"energy_kwh","v":1}]', "[]")])
def test_nothing(rows: Rows, pipeline: Pipeline, payload: str) -> None:
    assert quarantined(rows, pipeline, sent(payload)) is Reason.empty


@pytest.mark.parametrize("payload", [b"\xff\xfe\x00", ONE.encode()[:-1] + b',"x":"\xc3("}', b"\x00\xffh\x01"])
def test_invalid_utf8(rows: Rows, pipeline: Pipeline, payload: bytes) -> None:
    assert quarantined(rows, pipeline, sent(payload)) is Reason.invalid_utf8


@pytest.mark.parametrize(
    "topic",
    ["hm/v1/home-1/up/x", "hm/v1/home-1/up/m/x", "hm/v1/a b/up/m", "hm/v2/home-1/up/m", "hm", "hm/表"],
)
def test_a_topic_with_another_shape(rows: Rows, pipeline: Pipeline, topic: str) -> None:
    assert quarantined(rows, pipeline, sent(ONE, topic=topic)) is Reason.unknown_topic


@pytest.mark.parametrize(
    "payload",
    [
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        ONE[:-1] + ',"x":' + "[" * 50_000 + "]" * 50_000 + "}",
        '{"a":' * 30_000 + "1" + "}" * 30_000,
    ],
    ids=["open", "closed", "beside", "objects"],
)
def test_deep_nesting(rows: Rows, pipeline: Pipeline, payload: str) -> None:
    assert quarantined(rows, pipeline, sent(payload)) is Reason.invalid_json


@pytest.mark.parametrize("subject", ["a\\u0000b", "\\u0000", "a\\nb"])
def test_control_characters_in_a_subject(rows: Rows, pipeline: Pipeline, subject: str) -> None:
    payload = f'{{"seq":1,"at":"{AT}","type":"entry","subject":"{subject}"}}'
    message = sent(payload, topic=topic_of("home-1", Kind.events))
    assert quarantined(rows, pipeline, message) is Reason.invalid_shape


@pytest.mark.parametrize("half", ["\\ud800", "\\udfff"])
def test_half_a_surrogate_pair(rows: Rows, pipeline: Pipeline, half: str) -> None:
    payload = f'{{"seq":1,"at":"{AT}","type":"entry","subject":"{half}"}}'
    message = sent(payload, topic=topic_of("home-1", Kind.events))
    assert quarantined(rows, pipeline, message) is Reason.invalid_json


def test_a_marker_that_is_none(rows: Rows, pipeline: Pipeline) -> None:
    message = sent('{"marker":"now"}', topic=topic_of("~settle", Kind.readings))
    assert quarantined(rows, pipeline, message) is Reason.unknown_device


def test_a_key_twice_means_the_last(rows: Rows, pipeline: Pipeline) -> None:
    pipeline.store([sent(ONE.replace('"seq":1', '"seq":1,"seq":2,"at":"1970-01-01T00:00:00Z"'))])
    assert rows(TALLY) == [(1, 1, 0, 0, 0, 0)]


def test_in_an_array_the_good_are_stored_and_the_bad_quarantined(rows: Rows, pipeline: Pipeline) -> None:
    bad = {
        "7": Reason.invalid_shape,
        ONE.replace('"v":1', '"v":NaN'): Reason.not_finite,
        ONE.replace('"v":1', '"v":1e12'): Reason.value_out_of_range,
        ONE.replace("energy_kwh", "bogus"): Reason.unknown_channel,
        ONE.replace("08:00:00Z", "08:00:00"): Reason.invalid_time,
    }
    good = [ONE.replace("08:00:00", f"08:{n:02}:00") for n in range(1, 46)]
    pipeline.store([sent(f"[{','.join([*good[:20], *bad, *good[20:]])}]")])
    assert rows(TALLY) == [(1, 45, 0, 0, 0, 5)]
    assert dict(rows("SELECT payload, reason FROM quarantine")) == {
        k.encode(): str(v) for k, v in bad.items()
    }


def test_of_one_element_the_good_readings_are_stored(rows: Rows, pipeline: Pipeline) -> None:
    readings = [{"ch": "water_l", "v": -5}, {"ch": "bogus", "v": 1}, {"ch": "energy_kwh", "v": 1}]
    pipeline.store([sent(json.dumps({"seq": 1, "at": AT, "readings": readings}))])
    assert rows("SELECT value FROM reading") == [(1.0,)]
    ((reason, detail),) = rows("SELECT reason, detail FROM quarantine")
    assert Reason(reason) is Reason.unknown_channel
    assert detail == "bogus; -5.0 on channel 2"


def test_nothing_of_a_suspect_clock_reaches_usage_unflagged(rows: Rows, pipeline: Pipeline) -> None:
    pipeline.store([reading(1, at="2011-01-01T00:00:00Z"), reading(1, at="2026-12-20T00:00:00Z")])
    assert rows("SELECT DISTINCT quality FROM reading") == [(Quality.CLOCK_SUSPECT,)]
    assert rows("SELECT * FROM usage_dirty") == []


def test_what_the_database_refuses_is_found_and_quarantined(
    connection: Connection, rows: Rows, pipeline: Pipeline
) -> None:
    connection.execute("ALTER TABLE reading ADD CONSTRAINT odd CHECK (value NOT IN (13, 17))")
    connection.commit()
    minutes = range(1, 40)
    pipeline.store([reading(n, at=f"2026-11-24T08:{n:02}:00Z", seq=n) for n in minutes])
    assert rows(TALLY) == [(39, 37, 0, 0, 0, 2)]
    assert [n for (n,) in rows("SELECT value FROM reading ORDER BY time")] == [
        n for n in minutes if n not in (13, 17)
    ]
    found = rows("SELECT reason, payload FROM quarantine ORDER BY first_at, id")
    assert [Reason(reason) for reason, _ in found] == [Reason.refused_by_database] * 2
    assert all(b'"v": 13' in payload or b'"v":13' in payload or b'"v":17' in payload for _, payload in found)
