"""What nobody's device sends but anybody can: each format refuses it, or reads it, at once."""

import json
import time
from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from devices.decoders.reports import DecodeError
from devices.formats import FORMATS
from devices.mapping import element
from devices.profiles import load_profiles

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: Of processor time, for a message of at most a few MiB.
LIMIT_S = 3.0

FALSE_START = bytes.fromhex("68 68 68 68 68 68 68 68 91 FF")
WATER_START = bytes.fromhex("68 10 68 10 68 10 68 10 68 81 FF")
ROW = {"serviceId": "a", "device_id": "b", "value": 1, "time": "x", "name": "n", "address": "c"}

HOSTILE: dict[str, Callable[[], bytes]] = {
    "open brackets": lambda: b"[" * 1_000_000,
    "open objects": lambda: b'{"a":' * 200_000,
    "deep but closed": lambda: b'{"a":' * 900 + b"1" + b"}" * 900,
    "starts": lambda: b"\x68" * 60_000,
    "false starts": lambda: FALSE_START * 6_000,
    "false starts in digits": lambda: (FALSE_START * 6_000).hex().encode(),
    "false water meters": lambda: WATER_START * 5_500,
    "preambles": lambda: b"\xfe" * 60_000,
    "a digit without end": lambda: b"1" * 1_000_000,
    "a number of 4,000 digits": lambda: b'{"id": ' + b"9" * 4_000 + b', "time": ' + b"9" * 4_000 + b"}",
    "many keys": lambda: json.dumps({f"k{n}": n for n in range(100_000)}).encode(),
    "many rows": lambda: json.dumps({"data": [ROW] * 20_000, "msgType": "deviceReq"}).encode(),
    "a list of rows": lambda: json.dumps([ROW] * 20_000).encode(),
    "rows for every format": lambda: json.dumps(
        {
            key: [ROW] * 5_000
            for key in ("services", "devices", "batch", "items", "objects", "params", "records")
        }
    ).encode(),
    "a name without end": lambda: json.dumps({"n" * 1_000_000: {"m" * 1_000_000: 1}}).encode(),
    "a text without end": lambda: json.dumps({"object": {"a": "x" * 2_000_000}}).encode(),
    "escapes": lambda: b'{"a": "' + b"\\u0000" * 200_000 + b'"}',
    "backslashes": lambda: b'{"records": "' + b"\\\\" * 500_000 + b'"}',
    "blanks": lambda: b" " * 2_000_000,
    "times": lambda: json.dumps({"time": "2" * 100_000, "Time": "-" * 100_000, "last_seen": 1e300}).encode(),
    "xml": lambda: b"<a>" * 300_000,
    "entities": lambda: (
        b'<!DOCTYPE a [<!ENTITY b "' + b"c" * 100_000 + b'">]><a>' + b"&b;" * 10_000 + b"</a>"
    ),
}


@cache
def written(hostile: str) -> bytes:
    return HOSTILE[hostile]()


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", FORMATS)
def test_a_hostile_payload_is_dealt_with_at_once(name: str, hostile: str) -> None:
    found = FORMATS[name]
    payload = written(hostile)
    profiles = [profile for profile in load_profiles().values() if profile.format == name]
    topics = [topic.replace("+", "a").replace("#", "a") for topic in (*found.up, *found.http)]
    began = time.process_time()
    for topic in topics[:1]:
        for options in [{}, *(profile.options for profile in profiles if profile.options)][:2]:
            try:
                parsed = found.parse(topic, payload, options)
            except DecodeError:
                continue
            for report in parsed.reports[:20]:
                for profile in profiles:
                    element(report, profile, SHANGHAI)
    assert time.process_time() - began < LIMIT_S


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("level", ["", "a", "/", "é\U0001f525", "availability", "up", "x" * 1000])
def test_any_topic_that_the_filters_take_is_dealt_with(name: str, level: str) -> None:
    found = FORMATS[name]
    for pattern in (*found.up, *found.http):
        # A filter that ends in /# takes its parent too.
        for topic in (
            pattern.replace("+", level).replace("#", level),
            pattern.removesuffix("/#").replace("+", level),
        ):
            for payload in (b"", b"{}", b"[]", b'{"a": 1}', b"on", b"<a/>"):
                try:
                    found.parse(topic, payload, {})
                except DecodeError:
                    continue
