"""Older people alone who give no sign of life, on homes made of arrays."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.signals import Signal
from tests.unit.anomaly.homes import POLICY, Home, Told, lived_in, standby, walked, window
from wire.events import EventType, Method

DAYS, DAY = 90, 70
KIND = "elder_silence"
RULES = POLICY.elder_silence


def outing(day: int, leaves: float = 9.5, returns: float | None = 11.2) -> list[Told]:
    """Somebody goes out, and comes back by the reader."""
    told = [Told(hour=24 * day + leaves, type=EventType.door_opened)]
    if returns is not None:
        back = 24 * day + returns
        told += [
            Told(hour=back, type=EventType.entry, method=Method.card, subject=1, registered=True),
            Told(hour=back + 5 / 3600, type=EventType.door_opened),
        ]
    return told


def elder(*, lock: bool = True, days: int = DAYS, seed: int = 0) -> Home:
    """Goes shopping each morning."""
    told = [one for day in range(days) for one in outing(day)] if lock else []
    doors = np.full(days, 3) if lock else None
    return dataclasses.replace(lived_in(days, seed=seed), told=told, doors=doors, elder_alone=True)


def silent(home: Home, first: int, end: int, *, registered: Sequence[tuple[int, int, int]] = ()) -> Home:
    """The same home without a sign on some days; nobody went out."""
    told = [one for one in home.told if not 24 * first <= one.hour < 24 * end]
    return dataclasses.replace(home.empty(first, end), told=told, absences=registered)


def said(home: Home, *days: int) -> list[Signal]:
    return walked([home], *(days or (DAY,)), kind=KIND)


def hours_after(signal: Signal) -> float:
    """From the beginning of the silence."""
    return window([lived_in(1)]).calendar.hour(signal.at) - 24 * DAY


def test_ordinary_days_say_nothing() -> None:
    assert said(elder(), *range(35, DAYS)) == []
    assert said(elder(lock=False), *range(35, DAYS)) == []


def test_with_a_lock_it_is_noticed_within_the_day() -> None:
    signal = said(silent(elder(), DAY, DAY + 2))[0]
    assert RULES.min_hours - 2 <= hours_after(signal) <= RULES.min_hours + 4
    codes = {item.code: item for item in signal.finding.evidence}
    assert codes["came_in_last"].weight == 2
    assert "没有人出门" in codes["came_in_last"].zh
    assert "无生活迹象" in codes["no_sign"].zh or "没有生活迹象" in codes["no_sign"].zh
    assert "called" not in codes["no_sign"].en


def test_without_a_lock_it_takes_longer_and_asks_for_a_call() -> None:
    home = silent(elder(lock=False), DAY, DAY + 2)
    signal = said(home, DAY + 1)[0]
    assert hours_after(signal) >= RULES.min_hours_unlocked - 2
    assert "请先打电话" in signal.finding.evidence[0].zh
    assert "please call" in signal.finding.evidence[0].en
    assert any("not covered well" in item.en for item in signal.finding.unknown)
    locked = said(silent(elder(), DAY, DAY + 2), DAY + 1)[0]
    assert locked.finding.score > signal.finding.score


def test_only_older_people_alone_are_watched() -> None:
    assert said(dataclasses.replace(silent(elder(), DAY, DAY + 2), elder_alone=False)) == []


def test_who_went_out_is_not_missed() -> None:
    home = silent(elder(), DAY, DAY + 6)
    left = sorted([*home.told, *outing(DAY - 1, 22.9, None)], key=lambda one: one.hour)
    assert said(dataclasses.replace(home, told=left), *range(DAY, DAY + 6)) == []


def test_a_key_is_no_proof_that_somebody_went_out() -> None:
    """Openings without a reader in all weeks: the lock does not tell who comes; ask for a call."""
    told = [Told(hour=24 * day + hour, type=EventType.door_opened) for day in range(DAY) for hour in (10, 12)]
    home = dataclasses.replace(silent(elder(), DAY, DAY + 2), told=told)
    signal = said(home, DAY + 1)[0]
    assert {item.code for item in signal.finding.evidence} >= {"no_lock"}


def test_a_registered_absence_is_respected_and_its_hours_do_not_count() -> None:
    away = (DAY, DAY + 4, 24 * (DAY - 3))
    home = silent(elder(lock=False), DAY, DAY + 8, registered=[away])
    assert said(home, *range(DAY, DAY + 4)) == []
    signal = said(home, DAY + 5)[0]
    assert hours_after(signal) >= 24 * 4 + RULES.min_hours_unlocked - 4


def test_motion_and_buttons_are_signs() -> None:
    home = silent(elder(), DAY, DAY + 2)
    for kind in (EventType.motion, EventType.emergency_button):
        stirs = [Told(hour=24 * DAY + hour, type=kind) for hour in range(2, 48, 8)]
        told = sorted([*home.told, *stirs], key=lambda one: one.hour)
        assert said(dataclasses.replace(home, told=told), DAY, DAY + 1) == []


def test_missing_data_are_no_silence() -> None:
    assert said(elder().without(DAY, DAY + 10, "kwh", "litres"), *range(DAY, DAY + 10)) == []


def test_one_meter_alone_counts_half() -> None:
    both = said(silent(elder(), DAY, DAY + 4), DAY + 1)[0]
    home = silent(elder(), DAY, DAY + 4).without(DAY - 1, DAY + 4, "litres")
    one = said(home, DAY + 1, DAY + 2)[0]
    assert one.at > both.at
    assert {item.code: item.weight for item in one.finding.evidence}["one_meter"] == -1


def test_late_data_are_known_late() -> None:
    home = silent(elder(), DAY, DAY + 3)
    prompt, late = (said(dataclasses.replace(home, delay_h=delay), DAY)[0] for delay in (0, 4))
    assert (late.at - prompt.at).total_seconds() == 4 * 3600
    assert late.finding.since == prompt.finding.since


def test_it_stays_the_same_until_it_ends() -> None:
    home = silent(elder(), DAY, DAY + 3)
    signals = said(home, *range(DAY, DAY + 8))
    assert [signal.as_of for signal in signals][:3] == [signal.as_of for signal in signals[:3]]
    assert len({(signal.at, signal.finding.since) for signal in signals}) == 1
    assert 3 <= len(signals) <= 5
    assert signals[0].finding.evidence[0].numbers["running"] is True
    assert signals[-1].finding.evidence[0].numbers["running"] is False


def test_a_home_that_is_often_as_quiet_is_given_more_time() -> None:
    home = elder()
    for day in range(20, DAY - 5, 7):
        home = silent(home, day, day + 1)
    usual, rare = said(silent(home, DAY, DAY + 3), DAY + 1), said(silent(elder(), DAY, DAY + 3), DAY + 1)
    assert not usual or usual[0].at > rare[0].at


def test_a_home_that_is_mostly_empty_is_another_question() -> None:
    home = silent(elder(lock=False), 40, 69)
    assert said(silent(home, DAY, DAY + 3), DAY, DAY + 1, DAY + 2) == []


def test_too_little_history_says_nothing() -> None:
    home = silent(elder(days=30), 20, 24)
    assert said(home, *range(20, 26)) == []


def test_a_lock_that_fell_silent_is_no_witness() -> None:
    home = silent(elder(), DAY, DAY + 2)
    doors = np.where(np.arange(DAYS) < DAY - 20, 3, 0)
    told = [one for one in home.told if one.hour < 24 * (DAY - 20)]
    signal = said(dataclasses.replace(home, told=told, doors=doors), DAY + 1)[0]
    assert {item.code for item in signal.finding.evidence} >= {"no_lock"}


def test_a_leak_does_not_hide_that_nobody_stirs() -> None:
    home = silent(elder(), DAY, DAY + 3)
    dripping = dataclasses.replace(home, litres=home.litres + 6)
    assert said(dripping, DAY, DAY + 1)


def test_as_much_of_everything_says_the_same() -> None:
    home = silent(elder(), DAY, DAY + 2)
    more = dataclasses.replace(home, kwh=3 * home.kwh, litres=3 * home.litres)
    assert [signal.at for signal in said(more)] == [signal.at for signal in said(home)]


ODD = st.sampled_from([np.nan, 0.0, 1.0, 0.05, 1e6])


@settings(max_examples=20, deadline=None)
@given(kwh=ODD, litres=ODD, lock=st.booleans(), lease=st.sampled_from([(), ((DAY + 1, 500),)]))
def test_odd_homes_raise_nothing_and_break_nothing(
    kwh: float, litres: float, lock: bool, lease: tuple[tuple[int, int], ...]
) -> None:
    """A year of zeros, of one constant, of nothing; no lock; a lease that starts tomorrow."""
    home = dataclasses.replace(
        elder(lock=lock, days=75),
        kwh=np.full(24 * 75, kwh),
        litres=np.full(24 * 75, litres),
        leases=lease,
        contract_kw=np.nan,
    )
    for day in (0, 1, 40, 74):
        for signal in walked([home], day):
            assert signal.finding.evidence
            assert signal.finding.kind != "burst" or litres >= POLICY.burst.sustained_l


def test_nobody_who_never_stirred_is_missed() -> None:
    """Meters that never showed life are not lived in, or do not count."""
    flat = dataclasses.replace(
        elder(lock=False), kwh=standby(DAYS), litres=np.zeros(24 * DAYS), elder_alone=True
    )
    assert said(flat, 40, DAY) == []


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_homes_does_not_matter(seed: int) -> None:
    homes = [elder(seed=seed), silent(elder(seed=seed + 1), DAY, DAY + 2), elder(lock=False, seed=seed + 2)]
    forth = walked(homes, DAY, kind=KIND)
    back = walked(homes[::-1], DAY, kind=KIND)
    assert [signal.finding.unit for signal in forth] == [1]
    assert [2 - signal.finding.unit for signal in back] == [1]
    assert forth[0].at == back[0].at
