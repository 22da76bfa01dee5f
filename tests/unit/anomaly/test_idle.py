"""The idle clock on homes made of arrays."""

import dataclasses
from datetime import date, timedelta

import numpy as np
import pytest

from anomaly.findings import Finding
from policy.periods import Period
from tests.unit.anomaly.homes import FIRST, POLICY, Home, findings, lived_in, window

LEAD = POLICY.idle.lead_days
#: The day on which the home is left.
LEFT = 40


def vacancy(home: Home, day: int) -> Finding | None:
    found = findings(home, day, kind="vacancy")
    return found[0] if found else None


def test_people_at_home_are_no_lead() -> None:
    home = lived_in(200, lock=True)
    assert findings(home, *range(200)) == []


def test_a_lead_comes_on_the_day_the_clock_reaches_the_step() -> None:
    home = lived_in(120).empty(LEFT, 120)
    assert vacancy(home, LEFT + LEAD - 2) is None
    found = vacancy(home, LEFT + LEAD - 1)
    assert found is not None
    assert found.since.date() == FIRST + timedelta(
        days=LEFT - 1
    )  # local midnight is 16:00 UTC the day before
    assert found.since.hour == 16
    assert found.since_pm_days == 0.5
    assert found.evidence[0].zh == f"{LEAD}天没有生活迹象，电和水两个来源一致；无离家报备"
    assert (
        found.evidence[0].en
        == f"No sign of life for {LEAD} days; electricity and water agree; no absence registered"
    )


def test_any_sign_of_life_sets_the_clock_back() -> None:
    home = lived_in(140).empty(LEFT, LEFT + 30).empty(LEFT + 31, 140)
    assert vacancy(home, LEFT + LEAD) is None
    assert vacancy(home, LEFT + 31 + LEAD - 1) is not None


@pytest.mark.parametrize("sources", [("kwh",), ("litres",), ("kwh", "litres")])
def test_unknown_days_neither_count_nor_set_back(sources: tuple[str, ...]) -> None:
    home = lived_in(140).empty(LEFT, 140).without(LEFT + 10, LEFT + 20, *sources)
    assert vacancy(home, LEFT + LEAD - 1) is None
    assert vacancy(home, LEFT + LEAD + 8) is None
    found = vacancy(home, LEFT + LEAD + 9)
    assert found is not None
    assert found.evidence[0].numbers == {"days": LEAD, "unknown_days": 10, "absent_days": 0}
    assert found.quality()["sources"]["energy"] == {  # pyright: ignore[reportIndexIssue]
        "known_days": LEAD + (0 if "kwh" in sources else 10),
        "days": LEAD + 10,
    }
    assert any("10天" in item.zh for item in found.unknown)


def test_one_source_alone_is_no_evidence() -> None:
    home = lived_in(140).empty(LEFT, 140)
    assert findings(home.without(0, 140, "litres"), *range(LEFT, 140)) == []
    assert findings(home.without(0, 140, "kwh"), *range(LEFT, 140)) == []


def test_a_meter_that_stands_still_beside_a_live_one_is_no_vacancy() -> None:
    home = lived_in(140)
    still = dataclasses.replace(
        home, litres=np.where(np.arange(home.litres.size) < 24 * LEFT, home.litres, 0)
    )
    assert findings(still, *range(140)) == []


def test_a_lock_that_is_long_silent_is_no_second_witness() -> None:
    """Dead water meter, people at work nights: electricity quiet, the lock's battery empty."""
    home = lived_in(140, lock=True).empty(LEFT, 140).without(LEFT, 140, "litres")
    assert findings(home, *range(140)) == []


def test_a_lock_that_tells_of_itself_is_a_second_witness() -> None:
    home = lived_in(140, lock=True).empty(LEFT, 140).without(LEFT, 140, "litres")
    home = dataclasses.replace(home, heard=range(LEFT, 140, 5))
    found = vacancy(home, LEFT + LEAD - 1)
    assert found is not None
    assert found.evidence[0].zh == f"{LEAD}天没有生活迹象，电和门两个来源一致；无离家报备"
    assert {item.code: item.weight for item in found.evidence}["water_missing"] == 0


def test_three_sources_weigh_more_than_two() -> None:
    two = vacancy(lived_in(140).empty(LEFT, 140), 100)
    home = dataclasses.replace(lived_in(140, lock=True).empty(LEFT, 140), heard=range(0, 140, 5))
    three = vacancy(home, 100)
    assert two is not None
    assert three is not None
    assert three.score > two.score


def test_somebody_at_the_door_sets_the_clock_back() -> None:
    home = lived_in(140, lock=True).empty(LEFT, 140)
    doors = home.doors.copy()  # pyright: ignore[reportOptionalMemberAccess]
    doors[LEFT + 20] = 1
    assert vacancy(dataclasses.replace(home, doors=doors), LEFT + LEAD + 5) is None


def test_a_leak_in_an_empty_home_is_flow_not_life() -> None:
    home = lived_in(140).empty(LEFT, 140, litres_h=30)
    found = vacancy(home, LEFT + LEAD - 1)
    assert found is not None
    assert "每小时约30升" in {item.code: item.zh for item in found.evidence}["water_none"]


def test_a_fridge_that_was_switched_off_does_not_look_like_people() -> None:
    home = lived_in(140).empty(LEFT, 140)
    kwh = home.kwh.copy()
    kwh[24 * LEFT : 24 * (LEFT + 60)] *= 0.25
    assert vacancy(dataclasses.replace(home, kwh=kwh), LEFT + LEAD - 1) is not None


def test_a_breaker_that_is_off_is_said_and_weighs_nothing() -> None:
    home = lived_in(140).empty(LEFT, 140)
    kwh = home.kwh.copy()
    kwh[24 * LEFT :] = 0
    off, on = vacancy(dataclasses.replace(home, kwh=kwh), 100), vacancy(home, 100)
    assert off is not None
    assert on is not None
    assert off.score < on.score
    assert any("核对设备" in item.zh for item in off.unknown)


@pytest.mark.parametrize(("step", "channel"), [(1.0, "kwh"), (100.0, "litres")])
def test_a_meter_in_coarse_steps_is_no_witness(step: float, channel: str) -> None:
    home = lived_in(140).empty(LEFT, 140)
    register = np.floor(np.cumsum(getattr(home, channel)) / step + 1e-6) * step
    coarse = dataclasses.replace(home, **{channel: np.diff(register, prepend=0)})
    assert findings(coarse, *range(LEFT, 140)) == []


def test_pulses_of_ten_litres_still_show_an_empty_home() -> None:
    home = lived_in(140).empty(LEFT, 140)
    register = np.floor(np.cumsum(home.litres) / 10 + 1e-6) * 10
    assert vacancy(dataclasses.replace(home, litres=np.diff(register, prepend=0)), LEFT + LEAD) is not None


def test_a_home_that_uses_very_little_is_lived_in() -> None:
    """Five litres a day and a lamp in the evening."""
    days = 200
    rng = np.random.default_rng(4)
    home = lived_in(days, seed=4).empty(0, days)
    litres, kwh = np.zeros((days, 24)), home.kwh.reshape(days, 24).copy()
    litres[np.arange(days), rng.integers(7, 22, days)] = 5
    kwh[:, 19:21] += 0.06
    quiet = dataclasses.replace(home, litres=litres.reshape(-1), kwh=kwh.reshape(-1))
    assert findings(quiet, *range(0, days, 7), days - 1) == []


# --- absences and leases --------------------------------------------------------------------------


def test_a_registered_absence_pauses_the_clock_and_does_not_set_it_back() -> None:
    home = lived_in(160).empty(LEFT, 160)
    away = dataclasses.replace(home, absences=[(LEFT + 20, LEFT + 50, 0)])
    assert vacancy(away, LEFT + LEAD + 28) is None
    found = vacancy(away, LEFT + LEAD + 29)
    assert found is not None
    assert found.evidence[0].numbers["absent_days"] == 30
    assert "另有30天已报备离家，不计入" in found.evidence[0].zh
    assert {item.code: item.weight for item in found.evidence}["absence_registered"] == -1


def test_an_absence_pauses_from_the_moment_it_is_known() -> None:
    """Registered late: evenings before that do not know of it."""
    home = lived_in(160).empty(LEFT, 160)
    known = LEFT + LEAD + 5
    away = dataclasses.replace(home, absences=[(LEFT, 160, 24 * known)])
    assert vacancy(away, known - 2) is not None
    assert vacancy(away, known - 1) is None


def test_coming_home_early_from_a_registered_absence_sets_the_clock_back() -> None:
    home = lived_in(160).empty(LEFT, LEFT + 30).empty(LEFT + 32, 160)
    away = dataclasses.replace(home, absences=[(LEFT + 25, LEFT + 40, 0)])
    assert vacancy(away, LEFT + LEAD + 20) is None


def test_the_clock_starts_anew_with_a_lease() -> None:
    home = lived_in(160).empty(LEFT, 160)
    let = dataclasses.replace(home, leases=[(-300, LEFT + 10), (LEFT + 30, 900)])
    assert vacancy(let, LEFT + LEAD + 5) is None
    found = vacancy(let, LEFT + 30 + LEAD - 1)
    assert found is not None
    assert found.evidence[0].first == FIRST + timedelta(days=LEFT + 30)


def test_a_home_that_is_not_let_is_not_idle() -> None:
    home = dataclasses.replace(lived_in(160).empty(LEFT, 160), leases=[(-300, LEFT + 1)])
    assert findings(home, *range(LEFT, 160)) == []


# --- silence --------------------------------------------------------------------------------------


def test_without_news_the_clock_falls_silent() -> None:
    home = lived_in(140).empty(LEFT, 140).without(LEFT + LEAD, 140, "kwh", "litres")
    last = LEFT + LEAD - 1
    assert vacancy(home, last + POLICY.idle.fresh_days - 1) is not None
    assert vacancy(home, last + POLICY.idle.fresh_days) is None


def test_no_data_no_finding() -> None:
    nothing = lived_in(140).without(0, 140, "kwh", "litres")
    assert findings(nothing, *range(140)) == []


def test_a_home_that_was_empty_since_the_data_begin_is_at_least_that_long_empty() -> None:
    home = lived_in(140).empty(2, 140)
    kwh, litres = home.kwh.copy(), home.litres.copy()
    kwh[:48], litres[:48] = np.nan, np.nan
    litres[60] = 1.0  # the meter moved once, too little to be anybody
    found = vacancy(dataclasses.replace(home, kwh=kwh, litres=litres), 100)
    assert found is not None
    assert found.evidence[0].zh.startswith("至少")
    assert found.since_pm_days > 2


# --- the limit of the law -------------------------------------------------------------------------


def limit_day(home: Home, days: int) -> int | None:
    """The first day on which the legal limit is said to be passed."""
    for day in range(150, days):
        if findings(home, day, kind="idle_limit"):
            return day
    return None


@pytest.mark.parametrize("left", [40, 54, 84])
def test_the_legal_limit_is_six_calendar_months_from_the_last_day_with_life(left: int) -> None:
    home = lived_in(300, seed=left).empty(left, 300)
    passed = limit_day(home, 300)
    last_alive = FIRST + timedelta(days=left - 1)
    assert passed is not None
    assert FIRST + timedelta(days=passed) == Period(months=6).after(last_alive) + timedelta(days=1)


def test_days_that_do_not_count_prolong_the_legal_limit() -> None:
    home = lived_in(300).empty(LEFT, 300)
    plain = limit_day(home, 300)
    gap = limit_day(home.without(100, 110, "kwh"), 300)
    away = limit_day(dataclasses.replace(home, absences=[(120, 140, 0)]), 300)
    assert plain is not None
    assert (gap, away) == (plain + 10, plain + 20)


def test_past_the_limit_both_kinds_are_said_with_the_date() -> None:
    found = findings(lived_in(300).empty(LEFT, 300), 299)
    assert [one.kind for one in found] == ["vacancy", "idle_limit"]
    end = Period(months=6).after(FIRST + timedelta(days=LEFT - 1))
    assert f"法定期限至{end}，已超过" in found[1].evidence[0].zh
    assert found[1].evidence[0].weight == 3
    assert found[1].evidence[0].numbers["limit_on"] == end.isoformat()
    assert "limit_on" not in found[0].evidence[0].numbers


def test_an_end_of_month_is_not_shortened() -> None:
    """Last seen on 31 August: the six months end on the last of February."""
    days = 250
    left = (date(2025, 9, 1) - FIRST).days - 180
    rules = dataclasses.replace(POLICY.idle, limit=Period(months=2))
    home = lived_in(days).empty(left, days)
    last_alive = FIRST + timedelta(days=left - 1)
    end = (Period(months=2).after(last_alive) - FIRST).days
    policy = dataclasses.replace(POLICY, idle=rules)
    assert findings(home, end, kind="idle_limit", rules=policy) == []
    assert len(findings(home, end + 1, kind="idle_limit", rules=policy)) == 1


# --- words ----------------------------------------------------------------------------------------


def test_no_sentence_accuses() -> None:
    home = dataclasses.replace(
        lived_in(300).empty(LEFT, 300).without(100, 150, "kwh"), absences=[(60, 70, 0)]
    )
    for found in findings(home, 120, 299):
        for item in found.evidence:
            assert -3 <= item.weight <= 3
            assert not any(word in item.zh for word in ("违", "转租", "空置", "嫌疑", "应当退回"))
            assert item.zh
            assert item.en
        assert 0 < found.score < 1
        assert {item["zh"] for item in found.quality()["unknown"]}  # pyright: ignore[reportGeneralTypeIssues]


def test_a_home_that_somebody_looks_in_on_is_a_lead_and_says_so() -> None:
    """Visits stop the legal clock, and not the question."""
    home = lived_in(200).empty(100, 200)
    kwh, litres = home.kwh.copy(), home.litres.copy()
    for day in (128, 156, 184):
        hours = slice(24 * day, 24 * (day + 1))
        lived = lived_in(200)
        kwh[hours], litres[hours] = lived.kwh[hours], lived.litres[hours]
    home = dataclasses.replace(home, kwh=kwh, litres=litres)
    assert findings(home, 150, kind="vacancy") == []
    (found,) = findings(home, 165, kind="vacancy")
    assert abs((window([home]).calendar.hour(found.since) / 24) - 100) <= found.since_pm_days
    top = found.evidence[0]
    assert top.en.startswith("No sign of life on 64 of 66 days")
    assert top.zh.startswith("66天中有64天没有生活迹象")
    looked_in = next(one for one in found.evidence if one.code == "looked_in")
    assert (looked_in.weight, looked_in.numbers) == (-1, {"days_with_life": 2})
    assert findings(home, 165, kind="idle_limit") == []


@pytest.mark.parametrize("away", [(25, 10), (4, 3), (21, 14)])
def test_people_who_come_home_are_no_lead(away: tuple[int, int]) -> None:
    """Away for long again and again, or home at weekends only."""
    gone, there = away
    home = lived_in(200)
    for start in range(60, 200 - gone, gone + there):
        home = home.empty(start, start + gone)
    assert findings(home, *range(120, 200, 10), kind="vacancy") == []


def test_a_registered_absence_excuses_a_home_that_is_looked_in_on() -> None:
    home = lived_in(200).empty(100, 150).empty(151, 200)
    assert findings(home, 170, kind="vacancy")
    assert findings(dataclasses.replace(home, absences=[(160, 165, 0)]), 170, kind="vacancy") == []
