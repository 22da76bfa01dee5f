"""Flow without a pause on homes made of arrays."""

import dataclasses
from datetime import datetime, timedelta

import numpy as np
import pytest

from anomaly.detectors import leak
from anomaly.findings import Finding
from tests.unit.anomaly.homes import POLICY, Home, findings, lived_in, window

RULES = POLICY.leak
START = 24 * 70 + 2


def with_flow(home: Home, litres_h: float, start: int = START, hours: int = 24 * 20) -> Home:
    litres = home.litres.copy()
    end = min(start + hours, litres.size)
    total = np.floor(np.cumsum(np.full(end - start, litres_h)))
    litres[start:end] += np.diff(total, prepend=0)
    return dataclasses.replace(home, litres=litres)


def first(home: Home, days: range = range(69, 80)) -> tuple[int, Finding] | None:
    for day in days:
        found = findings(home, day, kind="leak")
        if found:
            return day, found[0]
    return None


def hour_of(found: Finding) -> float:
    return window([lived_in(1)]).calendar.hour(found.since)


def local_midnight(day: int) -> datetime:
    return window([lived_in(1)]).calendar.instant(24 * day)


def test_people_are_no_lead() -> None:
    for seed in range(3):
        assert findings(lived_in(90, seed=seed), *range(90), kind="leak") == []


@pytest.mark.parametrize("litres_h", [3, 12, 72, 120])
def test_steady_flow_is_found_within_two_evenings_with_its_start(litres_h: float) -> None:
    found = first(with_flow(lived_in(90), litres_h))
    assert found is not None
    day, finding = found
    assert day - START // 24 <= 2
    assert abs(hour_of(finding) - START) <= 2
    hours = finding.evidence[0].numbers["hours"]
    assert finding.evidence[0].zh.startswith(f"持续用水{hours:.0f}小时")
    assert finding.evidence[0].en.startswith(f"Flow for {hours:.0f} hours")
    assert "仍在流" in finding.evidence[0].zh
    numbers = finding.evidence[0].numbers
    assert numbers["running"] is True
    assert numbers["ends_at"] == local_midnight(day + 1).isoformat()


def test_a_pause_is_said() -> None:
    home = with_flow(lived_in(90), 20, hours=40)
    found = first(home)
    assert found is not None
    later = findings(home, found[0], kind="leak")[0]
    assert "后停止" in later.evidence[0].zh
    assert later.evidence[0].numbers["running"] is False
    ended = datetime.fromisoformat(str(later.evidence[0].numbers["ends_at"]))
    assert abs(ended - (local_midnight(0) + timedelta(hours=START + 40))) <= timedelta(hours=2)
    assert findings(home, found[0] + 3, kind="leak") == []


def test_a_day_and_night_is_wanted() -> None:
    assert first(with_flow(lived_in(90), 20, hours=RULES.min_hours - 6)) is None


def test_an_hour_without_flow_ends_a_run() -> None:
    home = with_flow(lived_in(90), 20)
    litres = home.litres.copy()
    litres[START + 20 :: 20] = 0
    assert first(dataclasses.replace(home, litres=litres)) is None


def test_people_who_use_water_in_every_hour_are_uneven() -> None:
    home = lived_in(90)
    rng = np.random.default_rng(1)
    litres = home.litres.copy()
    litres[START : START + 200] = rng.integers(1, 80, 200)
    assert first(dataclasses.replace(home, litres=litres)) is None


def test_hours_spread_over_a_gap_neither_prove_nor_end() -> None:
    """An unknown hour stands for one that was only spread over a gap: usage gives it no coverage."""
    home = with_flow(lived_in(90), 20)
    litres = home.litres.copy()
    litres[START + 5 : START + 200 : 6] = np.nan
    whole, holed = first(home), first(dataclasses.replace(home, litres=litres))
    assert whole is not None
    assert holed is not None
    assert holed[1].evidence[0].numbers["hours"] < whole[1].evidence[0].numbers["hours"] + 24
    assert any("没有读数" in item.zh for item in holed[1].unknown)


def test_a_long_gap_ends_a_run() -> None:
    home = with_flow(lived_in(90), 20)
    litres = home.litres.copy()
    litres[START + 12 : START + 13 + RULES.bridge_hours] = np.nan
    found = first(dataclasses.replace(home, litres=litres))
    assert found is not None
    assert found[1].evidence[0].numbers["hours"] >= RULES.min_hours
    assert hour_of(found[1]) >= START + 13 + RULES.bridge_hours
    assert found[1].since_pm_days > RULES.bridge_hours / 24


def test_readings_that_stop_prove_no_flow() -> None:
    home = with_flow(lived_in(90), 20, hours=10).without(71, 90, "litres")
    assert first(home, range(70, 90)) is None


def test_a_home_back_from_a_holiday_does_not_look_strange_to_itself() -> None:
    """Its own habit of the last weeks is an empty home: an ordinary home's stands in."""
    home = lived_in(120)
    litres = home.litres.reshape(-1, 24).copy()
    litres[:, 6:23] = np.maximum(litres[:, 6:23], 3)  # they use a little in each waking hour
    home = dataclasses.replace(home, litres=litres.reshape(-1)).empty(40, 85)
    assert findings(home, *range(85, 100), kind="leak") == []


def test_with_little_history_an_ordinary_home_stands_in() -> None:
    home = with_flow(lived_in(20), 20, start=24 * 4)
    found = first(home, range(4, 10))
    assert found is not None
    assert found[0] <= 6


def test_what_flows_for_months_is_said_and_that_it_is_nothing_new() -> None:
    home = with_flow(lived_in(120), 8, start=0, hours=24 * 120)
    (found,) = findings(home, 119, kind="leak")
    assert found.evidence[0].zh.startswith("持续用水至少")
    assert found.since_pm_days > RULES.memory_days / 2
    assert {item.code: item.weight for item in found.evidence}["flow_rare"] == -1
    fresh = with_flow(lived_in(90), 8)
    assert found.score < findings(fresh, 75, kind="leak")[0].score


def test_a_leak_in_an_empty_home_is_found() -> None:
    assert first(lived_in(100).empty(70, 100, litres_h=30)) is not None


def test_a_meter_in_coarse_steps_cannot_show_a_pause() -> None:
    home = with_flow(lived_in(90), 120)
    register = np.floor(np.cumsum(home.litres) / 10 + 1e-6) * 10
    assert first(dataclasses.replace(home, litres=np.diff(register, prepend=0))) is None


def test_late_hours_of_a_run_that_ended_long_ago_are_no_news() -> None:
    home = with_flow(lived_in(100), 20, hours=60)
    at = np.arange(home.litres.size)
    delay = np.where((at >= START) & (at < START + 60), 24 * 95 - at, 0)
    late = dataclasses.replace(home, delay_h=delay)
    assert findings(late, *range(70, 100), kind="leak") == []


def test_earlier_runs_that_ended_speak_against() -> None:
    home = with_flow(with_flow(lived_in(90), 20, start=24 * 50, hours=60), 20)
    found = first(home)
    assert found is not None
    assert {item.code: item.weight for item in found[1].evidence}["earlier_runs"] == -1


def test_words_and_weights_follow_the_policy() -> None:
    """The night, how far back, and what counts as a habit are the policy's, not the detector's."""
    home = with_flow(with_flow(lived_in(90), 20, start=24 * 50, hours=60), 20)
    signs = dataclasses.replace(POLICY.signs, night_from_h=1, night_to_h=6)
    changed = dataclasses.replace(RULES, memory_days=60, night_days=21, night_factor=9.9, habit_share=0.0)
    rules = dataclasses.replace(POLICY, signs=signs, leak=changed)
    (before,), (after,) = findings(home, 73, kind="leak"), findings(home, 73, kind="leak", rules=rules)
    plain, other = ({item.code: item for item in found.evidence} for found in (before, after))
    assert "夜里2—5时最小用水：之前四周" in plain["night_flow"].zh
    assert "(01:00 to 06:00): about 0 L in the three weeks before" in other["night_flow"].en
    assert "近三个月" in plain["earlier_runs"].zh
    assert "in the last two months" in other["earlier_runs"].en
    assert (plain["flow_rare"].weight > 0, other["flow_rare"].weight) == (True, -1)


def test_how_late_a_run_is_news_is_policy() -> None:
    home = with_flow(lived_in(90), 20, hours=30)
    found = first(home)
    assert found is not None
    late = dataclasses.replace(POLICY, leak=dataclasses.replace(RULES, news_hours=200, latest_hours=200))
    assert findings(home, found[0] + 4, kind="leak") == []
    assert findings(home, found[0] + 4, kind="leak", rules=late)


def test_longer_runs_score_higher() -> None:
    home = with_flow(lived_in(90), 20)
    found = first(home)
    assert found is not None
    later = findings(home, found[0] + 4, kind="leak")[0]
    assert later.score > found[1].score
    assert later.since == found[1].since


def test_no_sentence_says_leak() -> None:
    found = first(with_flow(lived_in(90), 3))
    assert found is not None
    for item in found[1].evidence:
        assert -3 <= item.weight <= 3
        if item.weight:
            assert "漏" not in item.zh
            assert "leak" not in item.en.lower()


@pytest.mark.parametrize("litres", [np.nan, 0.0, 5.0], ids=["nothing", "zeros", "constant"])
def test_runs_of_any_row_are_counted(litres: float) -> None:
    row = np.full((2, 48), litres, dtype=np.float32)
    found = leak.runs(row, np.ones((2, 24), dtype=np.float32), RULES)
    flowing = litres == 5.0
    assert found.hours[0, -1] == (48 if flowing else 0)
    assert found.gain[0, -1] == (48 if flowing else 0)
