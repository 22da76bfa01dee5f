"""Power above the contract on homes made of arrays."""

import dataclasses

import numpy as np
import pytest

from anomaly.detectors import overload
from anomaly.findings import Finding
from tests.unit.anomaly.homes import Home, findings, lived_in, walked, window

DAY, HOUR = 50, 19
START = 24 * DAY + HOUR
CONTRACT = 8.0


def with_load(home: Home, kw: float, *, start: int = START, hours: int = 1) -> Home:
    kwh = home.kwh.copy()
    kwh[start : start + hours] = kw
    return dataclasses.replace(home, kwh=kwh, contract_kw=CONTRACT)


def found(home: Home, *days: int) -> list[Finding]:
    return findings(home, *(days or (DAY,)), kind="overload")


def test_people_within_their_contract_are_none() -> None:
    assert found(with_load(lived_in(60), 7.9), *range(20, 60)) == []


def test_an_hour_above_the_contract_is_found_at_its_end() -> None:
    (finding,) = found(with_load(lived_in(60), 9.3))
    calendar = window([lived_in(1)]).calendar
    assert (finding.since, finding.at) == (calendar.instant(START), calendar.instant(START + 1))
    assert "8千瓦" in finding.evidence[0].zh
    assert "9.3 kW" in finding.evidence[0].en


def test_an_hour_after_a_gap_is_no_load() -> None:
    """A concentrator adds what it missed to the first hour."""
    home = with_load(lived_in(60), 20)
    kwh = home.kwh.copy()
    kwh[START - 3 : START] = np.nan
    assert found(dataclasses.replace(home, kwh=kwh)) == []


def test_far_beyond_the_contract_the_reading_is_wrong() -> None:
    assert found(with_load(lived_in(60), 4.5 * CONTRACT)) == []


@pytest.mark.parametrize("contract_kw", [np.nan, 0.0, -1.0])
def test_without_a_contract_nobody_can_say(contract_kw: float) -> None:
    home = dataclasses.replace(with_load(lived_in(60), 9.3), contract_kw=contract_kw)
    assert found(home) == []
    why = overload.why_silent(contract_kw)
    assert why is not None
    assert "报装容量" in why.zh
    assert overload.why_silent(CONTRACT) is None


def test_days_near_each_other_are_one_time() -> None:
    home = lived_in(60)
    for day in (40, 42, 44):
        home = with_load(home, 10, start=24 * day + HOUR, hours=2)
    signals = [walked([home], day, kind="overload")[0] for day in (40, 42, 44)]
    assert len({signal.at for signal in signals}) == 1
    assert len({signal.finding.since for signal in signals}) == 1
    assert {item.code: item.numbers for item in signals[-1].finding.evidence}["above_again"] == {"days": 3}
    assert walked([home], 43, kind="overload") == []


def test_after_a_quiet_time_it_is_a_new_one() -> None:
    home = with_load(with_load(lived_in(60), 10, start=24 * 30 + HOUR), 10)
    assert found(home)[0].since == window([home]).calendar.instant(START)


def test_what_arrives_late_is_known_late() -> None:
    home = dataclasses.replace(with_load(lived_in(60), 9.3), delay_h=3)
    (signal,) = walked([home], DAY, kind="overload")
    assert signal.at == window([home]).calendar.instant(START + 4)


def test_twice_the_load_of_twice_the_contract_says_the_same() -> None:
    home = with_load(lived_in(60), 9.3)
    twice = dataclasses.replace(home, kwh=2 * home.kwh, contract_kw=2 * CONTRACT)
    assert [one.since for one in found(twice)] == [one.since for one in found(home)]
    assert [one.score for one in found(twice)] == [one.score for one in found(home)]
