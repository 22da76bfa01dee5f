"""The last days as messages of the native format."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from anju import demo
from anju.demo import estate, households, people, plan, replay
from anju.demo.replay import HomeData
from anju.demo.simulator import Outgoing
from devices.decoders import native
from wire.envelope import parse_topic

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
ANCHOR = estate.local_day(NOW)


@pytest.fixture(scope="module")
def homes() -> list[plan.Home]:
    return plan.make(households.read(Path(demo.__file__).parent / "data"), ANCHOR)


def _data(homes: list[plan.Home], since: datetime, until: datetime) -> list[HomeData]:
    today = date(1970, 1, 1) + timedelta(days=ANCHOR)
    return [
        replay.home_data(
            home,
            people.tenancy(home, today),
            ANCHOR,
            since_us=int(since.timestamp() * 1_000_000),
            until=until,
        )
        for home in homes
    ]


def _decoded(messages: list[Outgoing]) -> list[tuple[str, int | None, int | str, float | str | None]]:
    rows: list[tuple[str, int | None, int | str, float | str | None]] = []
    for message in messages:
        topic = parse_topic(message.topic)
        assert topic is not None
        for element in native.decode(topic.kind, message.payload):
            assert element.refusal is None
            rows += [(topic.device, r.time_us, r.channel, r.value) for r in element.readings]
            rows += [(topic.device, e.time_us, f"event {e.type}", e.subject) for e in element.events]
    return rows


def test_every_message_is_native_and_every_device_is_registered(homes: list[plan.Home]) -> None:
    messages = replay.messages(_data(homes[:16], NOW - timedelta(days=1), NOW))
    codes = {row.values["code"] for row in estate.rows(homes, ANCHOR, city="anhe").rows["devices"]}
    assert {device for device, *_ in _decoded(messages)} <= codes
    assert len(codes) == len({code for code in codes if isinstance(code, str)})


def test_history_and_replay_share_no_reading_and_leave_none_out(homes: list[plan.Home]) -> None:
    start, middle = NOW - timedelta(days=3), NOW - timedelta(days=1)
    whole = _decoded(replay.messages(_data(homes[:8], start, NOW)))
    parts = _decoded(replay.messages(_data(homes[:8], start, middle)))
    parts += _decoded(replay.messages(_data(homes[:8], middle, NOW)))
    assert sorted(map(str, parts)) == sorted(map(str, whole))


def test_some_devices_send_what_they_kept_as_arrays_of_at_most_50(homes: list[plan.Home]) -> None:
    messages = replay.messages(_data(homes, NOW - timedelta(days=1), NOW))
    sizes = [len(found) for m in messages if isinstance(found := msgspec.json.decode(m.payload), list)]
    assert sizes
    assert max(sizes) == 50
    assert len(sizes) < len(messages) / 10


def test_counters_of_a_device_rise(homes: list[plan.Home]) -> None:
    messages = replay.messages(_data(homes[:8], NOW - timedelta(days=2), NOW))
    by_device: dict[str, list[tuple[str, int]]] = {}
    for message in messages:
        found = msgspec.json.decode(message.payload)
        for element in found if isinstance(found, list) else [found]:
            by_device.setdefault(message.topic.split("/")[2], []).append((element["at"], element["seq"]))
    for seen in by_device.values():
        counters = [counter for _, counter in sorted(seen, key=lambda found: (found[0], found[1]))]
        assert counters == sorted(set(counters))


def test_nobody_in_the_demo_can_be_called_or_has_an_id_number(homes: list[plan.Home]) -> None:
    residents = estate.rows(homes, ANCHOR, city="anhe").rows["residents"]
    assert {row.values["id_no"] for row in residents} == {""}
    assert all(str(row.values["phone"]).startswith("1000000") for row in residents if row.values["phone"])
