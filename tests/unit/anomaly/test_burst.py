"""Much water at once on homes made of arrays."""

import dataclasses

import numpy as np
import pytest

from anomaly.findings import Finding
from tests.unit.anomaly.homes import POLICY, Home, findings, lived_in, walked, window

DAY, HOUR = 70, 15
START = 24 * DAY + HOUR
RULES = POLICY.burst


def with_draw(home: Home, *litres: float, start: int = START) -> Home:
    """The same home with more water in some hours in a row."""
    changed = home.litres.copy()
    changed[start : start + len(litres)] += litres
    return dataclasses.replace(home, litres=changed)


def found(home: Home, *days: int) -> list[Finding]:
    return findings(home, *(days or (DAY,)), kind="burst")


def test_people_are_no_burst() -> None:
    assert found(lived_in(90), *range(30, 90)) == []


@pytest.mark.parametrize("litres", [(700,), (500, 500), (1200, 1200, 1200)])
def test_much_water_is_found_at_the_end_of_its_first_telling_hour(litres: tuple[float, ...]) -> None:
    (finding,) = found(with_draw(lived_in(90), *litres))
    calendar = window([lived_in(1)]).calendar
    tells = 1 if litres[0] >= RULES.hour_l else 2
    assert finding.since == calendar.instant(START)
    assert finding.at == calendar.instant(START + tells)
    assert f"{max(litres):.0f}"[:2] in finding.evidence[0].zh
    assert "L of water" in finding.evidence[0].en
    assert {item.code for item in finding.evidence} >= {"much_water", "most_before"}


@pytest.mark.parametrize("litres", [(560,), (400, 470), (300, 300, 300)])
def test_one_large_draw_is_no_burst(litres: tuple[float, ...]) -> None:
    assert found(with_draw(lived_in(90), *litres)) == []


def test_what_a_home_used_before_sets_the_bar() -> None:
    """A home that fills a pool now and then."""
    pool = with_draw(lived_in(90), 600, start=24 * 40 + 10)
    assert found(with_draw(pool, 800)) == []
    assert len(found(with_draw(pool, 1100))) == 1


def test_a_signal_is_of_the_hour_in_which_the_reading_came() -> None:
    """As of the evening, and as of an hour before it: the same."""
    home = with_draw(dataclasses.replace(lived_in(90), delay_h=2), 900)
    made = window([home])
    told = made.calendar.instant(START + 3)
    (evening,) = walked([home], DAY, kind="burst")
    (live,) = walked([home], DAY, kind="burst", now=told)
    assert evening.at == live.at == told
    assert evening.finding.since == live.finding.since
    before = made.calendar.instant(START + 2)
    assert walked([home], DAY, kind="burst", now=before) == []


def test_it_stays_the_same_while_it_lasts_over_midnight() -> None:
    home = with_draw(lived_in(90), *([900.0] * 30), start=24 * DAY + 20)
    first, second = (walked([home], day, kind="burst")[0] for day in (DAY, DAY + 1))
    assert (first.at, first.finding.since) == (second.at, second.finding.since)
    assert first.finding.evidence[0].numbers["running"] is True
    assert walked([home], DAY + 4, kind="burst") == []


def test_what_is_old_when_it_arrives_is_history() -> None:
    late = np.where(np.arange(24 * 90) // 24 == DAY, 24 * 5, 0)
    home = dataclasses.replace(with_draw(lived_in(90), 900), delay_h=late)
    assert found(home, *range(DAY, 80)) == []


def test_with_little_history_it_says_so() -> None:
    (finding,) = found(with_draw(lived_in(10), 900, start=24 * 5 + 3), 5)
    assert {item.code: item.weight for item in finding.evidence}["most_before_unknown"] == 0
    assert any("5 days" in item.en for item in finding.unknown)
    assert any("5天" in item.zh for item in finding.unknown)


def test_water_after_a_gap_is_no_flow_of_an_hour() -> None:
    """Usage spreads what came over a gap: those hours are unknown."""
    home = with_draw(lived_in(90), 900)
    assert found(home.without(DAY, DAY + 1, "litres"), DAY, DAY + 1) == []


def test_the_end_is_said() -> None:
    (finding,) = found(with_draw(lived_in(90), 900, 900))
    assert finding.evidence[0].numbers["running"] is False
