import json
import re
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices.decoders.native import decode
from wire.channels import CHANNELS
from wire.commands import COMMANDS
from wire.envelope import (
    AnswerMessage,
    CommandMessage,
    EventMessage,
    Kind,
    MeterMessage,
    Topic,
    command_topic,
    is_device_code,
    is_down,
    parse_topic,
    topic_of,
)
from wire.events import EventType, Method, Result

AT = "2026-11-24T08:00:00Z"
SCHEMA = json.loads(resources.files("wire").joinpath("schema/native-v1.json").read_text(encoding="utf-8"))

formats = jsonschema.FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_a_moment(text: object) -> bool:
    # The pattern has settled the shape; what is left is whether there is such a day and hour.
    if isinstance(text, str) and re.match(r"\d{4}-", text):
        datetime.fromisoformat(re.sub(r"(\.\d+)?([Zz])$", "", text)[:19])
    return True


def validator(payload: str) -> jsonschema.Draft202012Validator:
    part = {"$ref": f"#/$defs/{payload}", "$defs": SCHEMA["$defs"]}
    return jsonschema.Draft202012Validator(part, format_checker=formats)


BY_KIND = {Kind.readings: validator("meter_payload"), Kind.events: validator("event_payload")}


@pytest.mark.parametrize("device", ["a", "m-1", "A.b_c-9", "x" * 64, "~settle"])
@pytest.mark.parametrize("kind", list(Kind))
def test_a_topic_says_device_and_kind(device: str, kind: Kind) -> None:
    assert parse_topic(topic_of(device, kind)) == Topic(device, kind)


@pytest.mark.parametrize(
    "topic",
    [
        "hm/v1/d/up/x",
        "hm/v1/d/up/m/more",
        "hm/v1/d/down/m",
        "hm/v1/d/up",
        "hm/v2/d/up/m",
        "hm/v1//up/m",
        "hm/v1/a/b/up/m",
        "hm/v1/表/up/m",
        "hm/v1/a b/up/m",
        "hm/v1/~other/up/m",
        f"hm/v1/{'x' * 65}/up/m",
        "HM/v1/d/up/m",
        "hm/v1/d/up/m\n",
        "",
    ],
)
def test_any_other_topic_is_not_ours(topic: str) -> None:
    assert parse_topic(topic) is None


def test_what_is_said_to_a_device_is_known_by_its_topic() -> None:
    assert is_down(command_topic("lock-1"))
    assert parse_topic(command_topic("lock-1")) is None
    assert not is_down(topic_of("lock-1", Kind.answers))
    assert not is_down("hm/v1/a/b/down/cmd")


def test_nobody_can_be_called_like_the_settle_marker() -> None:
    assert is_device_code("meter-1")
    assert not is_device_code("~settle")
    assert not is_device_code("meter-1\n")


def test_the_schema_lists_what_the_closed_lists_hold() -> None:
    event = SCHEMA["$defs"]["event_message"]["properties"]
    assert SCHEMA["$defs"]["reading"]["properties"]["ch"]["enum"] == [c.name for c in CHANNELS]
    assert event["type"]["enum"] == [e.name for e in EventType]
    assert SCHEMA["$defs"]["command_message"]["properties"]["name"]["enum"] == list(COMMANDS)
    assert event["method"]["enum"] == [*(m.name for m in Method), None]
    assert event["result"]["enum"] == [*(r.name for r in Result), None]


def test_the_schema_names_the_keys_of_the_structs() -> None:
    for name, struct in (
        ("meter_message", MeterMessage),
        ("event_message", EventMessage),
        ("command_message", CommandMessage),
        ("answer_message", AnswerMessage),
    ):
        assert set(SCHEMA["$defs"][name]["properties"]) == set(struct.__struct_fields__)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


# Near misses on purpose: every key is mostly right and now and then absent, null or of another type.
def _mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    wrong = st.none() | st.booleans() | st.text(max_size=3) | st.integers(-2, 2) | st.just([]) | st.just({})
    return st.one_of(right, right, right, right, right, right, wrong)


counters = st.integers(0, 2**63 - 1) | st.integers(-1, 2**64)
instants = st.one_of(
    st.sampled_from(
        [
            AT,
            "2026-11-24T16:00:00+08:00",
            "2026-11-24 08:00:00.123Z",
            "2026-02-29T08:00:00Z",
            "2026-11-24T08:00:00",
            "2026-11-24",
            "2026-11-24T08:00Z",
            "2026-11-24T25:00:00Z",
            "2026-11-24t08:00:00.123456z",
            "20261124T080000Z",
        ]
    ),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
)
# JSON Schema takes 1.0 for an integer, we do not: a whole number is written without a fraction.
fractions = st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: value != int(value))
numbers = fractions | st.integers(-9, 10**18)
reading = st.fixed_dictionaries(
    {"ch": _mostly(st.sampled_from([c.name for c in CHANNELS])), "v": _mostly(numbers)}
)
meter_message = st.fixed_dictionaries(
    {"seq": _mostly(counters), "at": _mostly(instants)},
    optional={
        "readings": _mostly(st.lists(_mostly(reading), max_size=3)),
        "boot": _mostly(counters),
        "note": st.text(max_size=3),
    },
)
event_message = st.fixed_dictionaries(
    {
        "seq": _mostly(counters),
        "at": _mostly(instants),
        "type": _mostly(st.sampled_from([e.name for e in EventType])),
    },
    optional={
        "subject": _mostly(st.text(max_size=140)),
        "method": _mostly(st.sampled_from([m.name for m in Method])),
        "result": _mostly(st.sampled_from([r.name for r in Result])),
        "value": _mostly(numbers),
        "boot": _mostly(counters),
    },
)


@settings(max_examples=400)
@given(st.one_of(meter_message, st.lists(meter_message, max_size=3)))
@example([{"seq": 1, "at": AT, "readings": [{"ch": "water_l", "v": 1}]}] * 50)
@example([{"seq": 1, "at": AT, "readings": [{"ch": "water_l", "v": 1}]}] * 51)
@example({"seq": 1, "at": AT, "readings": []})
def test_schema_and_structs_agree_on_readings(document: object) -> None:
    assert BY_KIND[Kind.readings].is_valid(document) == _is_decoded(Kind.readings, document)


@settings(max_examples=400)
@given(st.one_of(event_message, st.lists(event_message, max_size=3)))
@example({"seq": 1, "at": AT, "type": "smoke"})
@example({"seq": 1, "at": AT, "type": "smoke", "subject": "a\x00"})
@example({"seq": 1, "at": AT, "type": "smoke", "subject": "a\n"})
@example({"seq": 1, "at": AT, "type": "smoke", "subject": "x" * 129})
@example({"seq": 1, "at": AT, "type": "earthquake"})
def test_schema_and_structs_agree_on_events(document: object) -> None:
    assert BY_KIND[Kind.events].is_valid(document) == _is_decoded(Kind.events, document)


def _is_decoded(kind: Kind, document: object) -> bool:
    return all(element.refusal is None for element in decode(kind, json.dumps(document).encode()))
