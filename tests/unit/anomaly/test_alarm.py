"""What devices report, as homes made of arrays tell it."""

import dataclasses

import pytest

from anomaly.findings import Finding
from tests.unit.anomaly.homes import Told, findings, lived_in, walked, window
from wire.events import EventType

DAY = 30
AT = 24 * DAY + 14.5


def found(*told: Told, days: tuple[int, ...] = (DAY,)) -> list[Finding]:
    home = dataclasses.replace(lived_in(40), told=sorted(told, key=lambda one: one.hour))
    return findings(home, *days, kind="alarm")


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (EventType.smoke, "device"),
        (EventType.gas, "device"),
        (EventType.door_forced, "door"),
        (EventType.emergency_button, "device"),
        (EventType.electric_bicycle, "device"),
    ],
)
def test_an_alarm_is_found_with_its_time(kind: EventType, source: str) -> None:
    (finding,) = found(Told(hour=AT, type=kind))
    calendar = window([lived_in(1)]).calendar
    assert finding.since == calendar.instant(AT)
    assert finding.at == calendar.instant(24 * DAY + 15)
    assert finding.evidence[0].source == source
    assert "14:30" in finding.evidence[0].zh
    assert "14:30" in finding.evidence[0].en


def test_a_door_is_an_alarm_when_it_stood_open_for_long() -> None:
    assert found(Told(hour=AT, type=EventType.door_left_open, value=29)) == []
    (finding,) = found(Told(hour=AT, type=EventType.door_left_open, value=60))
    assert finding.since == window([lived_in(1)]).calendar.instant(AT - 1)
    assert "60分钟" in finding.evidence[0].zh


@pytest.mark.parametrize(
    "told",
    [
        Told(hour=AT, type=EventType.smoke_test),
        Told(hour=AT, type=EventType.smoke, value=0),
        Told(hour=AT, type=EventType.door_opened),
        Told(hour=AT, type=EventType.motion),
        Told(hour=AT, type=EventType.battery_low),
    ],
    ids=lambda one: one.type.name,
)
def test_what_is_no_alarm(told: Told) -> None:
    assert found(told) == []


def test_smoke_around_its_own_test_is_the_test() -> None:
    test = Told(hour=AT, type=EventType.smoke_test)
    assert found(test, Told(hour=AT + 0.1, type=EventType.smoke)) == []
    assert len(found(test, Told(hour=AT + 2, type=EventType.smoke))) == 1
    assert len(found(test, Told(hour=AT + 0.1, type=EventType.gas))) == 1


def test_an_alarm_that_repeats_is_one() -> None:
    again = [Told(hour=AT + n / 4, type=EventType.smoke) for n in range(40)]
    days = (DAY, DAY + 1)
    first, second = found(*again, days=days)
    assert (first.since, first.at) == (second.since, second.at)
    assert second.evidence[0].numbers["times"] == 40
    assert found(*again, days=(DAY + 3,)) == []


def test_after_a_day_it_is_a_new_one() -> None:
    (finding,) = found(Told(hour=AT - 40, type=EventType.gas), Told(hour=AT, type=EventType.gas), days=(DAY,))
    assert finding.since == window([lived_in(1)]).calendar.instant(AT)


def test_two_devices_are_said_together_the_graver_first() -> None:
    (finding,) = found(Told(hour=AT - 1, type=EventType.door_forced), Told(hour=AT, type=EventType.smoke))
    assert [item.code for item in finding.evidence] == ["alarm_smoke", "alarm_door_forced"]


def test_what_has_not_arrived_is_not_known() -> None:
    home = dataclasses.replace(lived_in(40), told=[Told(hour=AT, type=EventType.smoke)])
    calendar = window([home]).calendar
    assert walked([home], DAY, kind="alarm", now=calendar.instant(AT - 1)) == []
    (signal,) = walked([home], DAY, kind="alarm", now=calendar.instant(24 * DAY + 15))
    assert signal.at == calendar.instant(24 * DAY + 15)


def test_each_home_has_its_own() -> None:
    homes = [
        dataclasses.replace(lived_in(40), told=[Told(hour=AT, type=kind)])
        for kind in (EventType.smoke_test, EventType.smoke, EventType.gas)
    ]
    assert [signal.finding.unit for signal in walked(homes, DAY, kind="alarm")] == [1, 2]
