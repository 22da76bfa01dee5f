"""The short way of plain readings leads where the long way leads."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import policy
from devices.decoders import plain
from devices.profiles import load_profiles
from devices.registry import Device, Registry
from ingest.bound import Bound
from ingest.content import Sorted
from ingest.limits import limits_of
from ingest.message import Message
from ingest.rates import Rates
from ingest.sorting import Sorter
from wire.envelope import MAX_ELEMENTS
from wire.reasons import Reason

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000
#: So tight that a sender of some messages meets its rate.
LIMITS = replace(limits_of(policy.load("anhe").on(NOW.date()).ingest), token_us=1_500_000, burst_us=3_000_000)
PROFILES = load_profiles()


def device(number: int, profile: str, *, active: bool = True) -> Device:
    return Device(
        id=number,
        code=f"d{number}",
        profile=PROFILES[profile],
        active=active,
        zone=ZoneInfo("Asia/Shanghai"),
    )


DEVICES = [device(1, "home-native"), device(2, "energy-register"), device(3, "home-native", active=False)]
REGISTRY = Registry(version=1, devices={d.code: d for d in DEVICES}, services=MappingProxyType({}))

_times = st.one_of(
    st.integers(-400 * 86_400, 400 * 86_400).map(
        lambda s: f"{NOW + timedelta(seconds=s):%Y-%m-%dT%H:%M:%SZ}"
    ),
    st.sampled_from(["2026-11-24T08:00:00.25Z", "2026-11-24T16:00:00+08:00", "2026-11-24T08:00:00", "", 7]),
)
_values = st.one_of(
    st.floats(-10, 200), st.sampled_from([-0.0, 0, 5, 1e7, 1e300, "1", None, True]), st.integers(0, 10**20)
)
_channels = st.sampled_from(["energy_kwh", "water_l", "energy_kwh", "nonsense", "co2_ppm", ""])
_reading = st.fixed_dictionaries(
    {"ch": _channels, "v": _values}, optional={"name": st.just("Zhang San"), "unit": st.just("kWh")}
)
_element = st.fixed_dictionaries(
    {
        "seq": st.one_of(st.integers(0, 50), st.sampled_from([-1, 2**64, "1", 1.5])),
        "at": _times,
        "readings": st.lists(_reading, max_size=3),
    },
    optional={"boot": st.integers(-1, 3), "phone": st.just("13800138000"), "idCard": st.just("1")},
)
_payload = st.one_of(
    _element.map(lambda one: json.dumps(one).encode()),
    st.lists(_element, max_size=4).map(lambda many: json.dumps(many).encode()),
    st.binary(max_size=30),
    st.sampled_from(
        [
            b'{"\\u0073eq":1,"at":"2026-11-24T08:00:00Z","readings":[{"ch":"energy_kwh","v":1}]}',
            b'{"seq":1,"seq":2,"at":"2026-11-24T08:00:00Z","readings":[{"ch":"energy_kwh","v":1}]}',
            b' \n{"seq":1,"at":"2026-11-24T08:00:00Z","readings":[{"ch":"energy_kwh","v":NaN}]}',
            b'{"seq":1,"at":"2026-11-24T08:00:00Z","readings":[{"ch":"energy_kwh","v":1}]} ',
        ]
    ),
)
_message = st.builds(
    lambda code, kind, payload, late_s, retain: Message(
        topic=f"hm/v1/{code}/up/{kind}",
        payload=payload,
        received_us=NOW_US + late_s * 1_000_000,
        properties={"retain": True} if retain else None,
    ),
    st.sampled_from(["d1", "d1", "d2", "d3", "stranger"]),
    st.sampled_from(["m", "m", "m", "e"]),
    _payload,
    st.integers(0, 3),
    st.booleans(),
)


def said(content: Sorted) -> dict[str, object]:
    return {
        "messages": content.messages,
        "redacted": content.redacted,
        "readings": content.readings.rows.tolist(),
        "quarantined": {key: asdict(row) for key, row in content.quarantined.items()},
        "seen": (content.readings.seen, content.seen_events),
        "signs": content.signs.found,
        "judged": content.judged,
    }


def both_ways(messages: list[Message], bound: str) -> tuple[Sorted, Sorted]:
    """What they say the short way and the long way, each from buckets that are full."""

    def sort() -> Sorted:
        sorter = Sorter(registry=REGISTRY, limits=LIMITS, bound=Bound([bound]), rates=Rates())
        return sorter.sort(messages)

    short = sort()
    with patch.object(plain, "decode", lambda _: None):
        return short, sort()


@pytest.mark.parametrize("bound", ["hm/#", "hm/v1/d2/#", "hm/v1/+/up/m", "hm/v1/+/up/e", "hm/v1/d1/up/m"])
@given(st.lists(_message, max_size=10))
def test_the_short_way_and_the_long_way_say_the_same(bound: str, messages: list[Message]) -> None:
    short, long = both_ways(messages, bound)
    assert said(short) == said(long)


@pytest.mark.parametrize("bound", ["hm/#", "hm/v1/d2/#", "hm/v1/+/up/e"])
def test_both_ways_meet_the_rate_with_the_same_message_and_unproven_ones_have_a_bucket_of_their_own(
    bound: str,
) -> None:
    good = [
        f'{{"seq":{n},"at":"2026-11-24T08:0{n}:00Z","readings":[{{"ch":"energy_kwh","v":{n}}}]}}'
        for n in range(8)
    ]
    messages = [
        Message(topic=f"hm/v1/d1/up/{kind}", payload=payload.encode(), received_us=NOW_US)
        for payload, kind in zip(good, "mememmmm", strict=True)
    ]
    short, long = both_ways(messages, bound)
    assert said(short) == said(long)
    limited = [q.times for q in short.quarantined.values() if q.refusal.reason is Reason.rate_limited]
    # One bucket holds two; where one topic is proven and the other is not, there are two buckets.
    assert limited == ([4] if bound.endswith("e") else [6])


def test_it_is_taken_by_plain_readings_and_by_nothing_else() -> None:
    good = '{"seq":1,"at":"2026-11-24T08:00:00Z","boot":3,"readings":[{"ch":"energy_kwh","v":-0.0}]}'
    (element,) = plain.decode(good.encode()) or []
    assert (element.at, element.seq, element.boot) == (NOW - timedelta(hours=1), 1, 3)
    assert len(plain.decode(f"[{','.join([good] * MAX_ELEMENTS)}]".encode()) or []) == MAX_ELEMENTS
    for other in (
        f"[{','.join([good] * (MAX_ELEMENTS + 1))}]",
        "[]",
        "",
        good.replace('"boot"', '"name"'),
        good.replace('"v"', '"phone":1,"v"'),
        good + " " * 300_000,
        "[" * 5000,
    ):
        assert plain.decode(other.encode()) is None
    assert plain.decode(good.encode("utf-16")) is None
