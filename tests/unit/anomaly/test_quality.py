"""Turned clocks, stuck meters, silent locks, crossed meters, lumps; and what is none of them."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly import quality
from anomaly.ledger import Ledger
from anomaly.quality import Quality
from anomaly.quality_faults import CLOCK_SKEW, CROSSED, DOOR, ENERGY, LOCK_OUTAGE, LUMP, STUCK, WATER, Fault
from tests.unit.anomaly.homes import POLICY, Home, findings, lived_in, window

DAYS, CHANGE = 200, 120
RULES = POLICY.quality


def faults(homes: Home | Sequence[Home], day: int = DAYS - 1) -> list[Fault]:
    """What is found as of the evening of a day."""
    ledger = Ledger(window([homes] if isinstance(homes, Home) else homes), POLICY.signs)
    ledger.advance(24 * (day + 1))
    return Quality(ledger, RULES).faults(day)


def turned(
    home: Home, hours: int, first: int, end: int = DAYS, *, channels: Sequence[str] = ("kwh", "litres")
) -> Home:
    """The same home with its clocks off by some hours on some days."""
    days = slice(24 * first, 24 * end)
    changed = {name: getattr(home, name).copy() for name in channels}
    for name, values in changed.items():
        values[days] = np.roll(getattr(home, name), hours)[days]
    return dataclasses.replace(home, **changed)


def still(home: Home, first: int, end: int = DAYS, *, channel: str = "litres", amount: float = 0.0) -> Home:
    """The same home with a meter that stands still on some days."""
    values = getattr(home, channel).copy()
    values[24 * first : 24 * end] = amount
    return dataclasses.replace(home, **{channel: values})


def unlocked(home: Home, first: int, end: int = DAYS) -> Home:
    """The same home with nothing heard of its door on some days, but of the lock's battery."""
    assert home.doors is not None
    doors = home.doors.copy()
    doors[first:end] = 0
    return dataclasses.replace(home, doors=doors, heard=tuple(range(first, end)))


def unlike(days: int = DAYS) -> list[Home]:
    """Four homes of other hours and levels."""
    made = [lived_in(days, seed=seed) for seed in range(4)]
    return [
        dataclasses.replace(home, kwh=np.roll(home.kwh, 5 * n) * (1 + 1.5 * n)) for n, home in enumerate(made)
    ]


def exchanged(homes: list[Home], one: int, other: int, first: int, end: int = DAYS) -> list[Home]:
    """The same homes, two of them with each other's electricity on some days."""
    hours = slice(24 * first, 24 * end)
    a, b = homes[one].kwh.copy(), homes[other].kwh.copy()
    a[hours], b[hours] = homes[other].kwh[hours], homes[one].kwh[hours]
    found = list(homes)
    found[one], found[other] = (
        dataclasses.replace(homes[one], kwh=a),
        dataclasses.replace(homes[other], kwh=b),
    )
    return found


@pytest.mark.parametrize("hours", [-8, -5, 3, 8])
def test_a_clock_that_is_off_is_told_of_both_meters(hours: int) -> None:
    found = faults(turned(lived_in(DAYS, seed=1), hours, CHANGE), CHANGE + 30)
    assert [(one.kind, one.channel, one.until_h) for one in found] == [
        (CLOCK_SKEW, ENERGY, None),
        (CLOCK_SKEW, WATER, None),
    ]
    assert {one.numbers["hours"] for one in found} == {hours}
    assert all(abs(one.since_h - 24 * CHANGE) <= 48 for one in found)
    assert f"{abs(hours)}小时" in found[0].zh
    assert f"{abs(hours)} hours {'later' if hours > 0 else 'earlier'}" in found[0].en


def test_a_clock_that_is_right_again_is_over_and_is_not_told_as_the_other_way_round() -> None:
    found = faults(turned(lived_in(DAYS, seed=2), 8, 100, 150))
    assert {(one.kind, one.numbers["hours"]) for one in found} == {(CLOCK_SKEW, 8)}
    assert all(one.until_h is not None and abs(one.until_h - 24 * 150) <= 48 for one in found)
    assert quality.standing(found, 24 * DAYS, RULES) == []


@pytest.mark.parametrize("channel", ["kwh", "litres"])
def test_one_meter_that_is_turned_alone_is_a_timer(channel: str) -> None:
    assert faults(turned(lived_in(DAYS, seed=3), 8, CHANGE, channels=[channel])) == []


def test_what_is_known_of_one_meter_only_says_nothing_of_its_clock() -> None:
    home = turned(lived_in(DAYS, seed=3), 8, CHANGE).without(0, DAYS, "litres")
    assert faults(home) == []


def test_another_level_at_the_same_hours_is_no_clock() -> None:
    home = lived_in(DAYS, seed=4)
    kwh = home.kwh.copy()
    kwh[24 * CHANGE :] *= 2.5
    assert faults(dataclasses.replace(home, kwh=kwh)) == []


@pytest.mark.parametrize(("channel", "amount"), [("litres", 0.0), ("kwh", 0.0), ("litres", 7.0)])
def test_a_meter_that_stands_still_beside_life_is_stuck(channel: str, amount: float) -> None:
    found = faults(still(lived_in(DAYS, seed=5), CHANGE, channel=channel, amount=amount), CHANGE + 20)
    assert [(one.kind, one.channel, one.since_h, one.until_h) for one in found] == [
        (STUCK, WATER if channel == "litres" else ENERGY, 24 * CHANGE, None)
    ]


def test_a_stuck_meter_needs_its_days_and_ends_when_it_moves() -> None:
    home = still(lived_in(DAYS, seed=5), CHANGE, CHANGE + 30)
    assert faults(home, CHANGE + RULES.still_days - 2) == []
    assert len(faults(home, CHANGE + RULES.still_days - 1)) == 1
    over = faults(home, CHANGE + 35)
    assert [one.until_h for one in over] == [24 * (CHANGE + 30)]


def test_the_door_shows_life_beside_a_stuck_meter() -> None:
    home = still(lived_in(DAYS, seed=6, lock=True), CHANGE)
    home = dataclasses.replace(home, kwh=np.where(np.arange(home.kwh.size) < 24 * CHANGE, home.kwh, 0.05))
    assert {one.kind for one in faults(home, CHANGE + 25)} == {STUCK}


@pytest.mark.parametrize("lock", [False, True])
def test_an_empty_home_is_no_fault(lock: bool) -> None:
    assert faults(lived_in(DAYS, seed=7, lock=lock).empty(CHANGE, DAYS)) == []


def test_a_registered_absence_shows_no_life() -> None:
    home = still(lived_in(DAYS, seed=5), CHANGE, CHANGE + 40)
    away = dataclasses.replace(home, absences=[(CHANGE, CHANGE + 40, 24 * CHANGE)])
    assert faults(away, CHANGE + 30) == []


def test_a_lock_without_openings_beside_life_is_out_until_it_is_heard() -> None:
    home = unlocked(lived_in(DAYS, seed=8, lock=True), CHANGE, CHANGE + 30)
    assert faults(home, CHANGE + RULES.lock_days - 2) == []
    found = faults(home, CHANGE + 20)
    assert [(one.kind, one.channel, one.since_h, one.until_h) for one in found] == [
        (LOCK_OUTAGE, DOOR, 24 * CHANGE, None)
    ]
    assert [one.until_h for one in faults(home, CHANGE + 40)] == [24 * (CHANGE + 30)]


def test_a_lock_that_was_silent_as_long_before_is_not_out() -> None:
    home = unlocked(unlocked(lived_in(DAYS, seed=8, lock=True), 60, 68), CHANGE)
    assert faults(home, CHANGE + 11) == []


def test_crossed_meters_are_told_of_both_homes_and_are_over_when_exchanged_back() -> None:
    homes = exchanged(unlike(), 0, 2, CHANGE, CHANGE + 40)
    found = faults(homes, CHANGE + 30)
    assert [(one.kind, one.unit, one.other, one.channel, one.until_h) for one in found] == [
        (CROSSED, 0, 2, ENERGY, None),
        (CROSSED, 2, 0, ENERGY, None),
    ]
    assert all(abs(one.since_h - 24 * CHANGE) <= 24 for one in found)
    assert faults(unlike()) == []
    over = faults(homes)
    assert {(one.unit, one.other) for one in over} == {(0, 2), (2, 0)}
    assert all(one.until_h is not None and abs(one.until_h - 24 * (CHANGE + 40)) <= 24 * 14 for one in over)


def test_one_home_that_becomes_like_another_is_no_crossing() -> None:
    homes = unlike()
    copied = homes[0].kwh.copy()
    copied[24 * CHANGE :] = homes[2].kwh[24 * CHANGE :]
    homes[0] = dataclasses.replace(homes[0], kwh=copied)
    assert faults(homes, CHANGE + 30) == []


def test_homes_that_fit_several_others_are_not_told() -> None:
    homes = unlike()
    twin = dataclasses.replace(homes[2], litres=homes[3].litres)
    both = exchanged([*homes, twin], 0, 2, CHANGE)
    both[4] = dataclasses.replace(twin, kwh=both[2].kwh)
    assert faults(both, CHANGE + 30) == []


def test_what_was_used_over_a_gap_and_stands_in_one_hour_is_a_lump_for_some_days() -> None:
    home = lived_in(DAYS, seed=9).without(CHANGE, CHANGE + 1, "kwh")
    kwh = home.kwh.copy()
    kwh[24 * (CHANGE + 1)] += 12.0
    lumped = dataclasses.replace(home, kwh=kwh)
    found = faults(lumped, CHANGE + 10)
    assert [(one.kind, one.since_h, one.until_h) for one in found] == [
        (LUMP, 24 * (CHANGE + 1), 24 * (CHANGE + 1) + 1)
    ]
    assert quality.standing(found, 24 * (CHANGE + 10), RULES) == found
    assert quality.standing(found, 24 * (CHANGE + 40), RULES) == []
    assert faults(home, CHANGE + 10) == []


def test_what_is_faulty_is_unknown_in_a_masked_window_and_nothing_else() -> None:
    homes = [
        still(lived_in(DAYS, seed=5), CHANGE),
        unlocked(lived_in(DAYS, seed=8, lock=True), CHANGE),
        lived_in(DAYS, seed=1, lock=True),
    ]
    made = window(homes)
    masked = quality.masked(made, faults(homes))
    assert np.isnan(masked.water.amount[0, 24 * CHANGE :]).all()
    assert np.array_equal(masked.water.amount[:, : 24 * CHANGE], made.water.amount[:, : 24 * CHANGE])
    assert np.array_equal(masked.water.amount[1:], made.water.amount[1:])
    assert np.array_equal(masked.energy.amount, made.energy.amount)
    heard = masked.lock_heard
    assert heard.start[heard.unit == 1].max() == CHANGE - 1
    assert (heard.unit == 2).sum() == (made.lock_heard.unit == 2).sum()


def test_hidden_days_are_those_of_the_source() -> None:
    found = faults(still(lived_in(DAYS, seed=5), CHANGE, CHANGE + 30))
    table = quality.hidden(found, quality.OF_DAYS, units=1, first=CHANGE - 5, end=CHANGE + 40)
    assert table.sum(axis=2).tolist() == [[0], [30], [0]]
    assert table[1, 0, 5:35].all()
    assert not quality.hidden(found, (), units=1, first=0, end=DAYS).any()


@pytest.mark.parametrize(
    "home",
    [
        turned(lived_in(DAYS, seed=1), 8, CHANGE),
        still(lived_in(DAYS, seed=5), CHANGE),
        still(lived_in(DAYS, seed=6, lock=True), CHANGE),
        unlocked(lived_in(DAYS, seed=8, lock=True), CHANGE),
    ],
)
def test_a_fault_raises_no_lead_of_an_empty_home(home: Home) -> None:
    assert findings(home, *range(CHANGE, DAYS, 7), kind="vacancy") == []


@pytest.mark.parametrize("fill", [np.nan, 0.0, 0.3])
def test_meters_that_say_nothing_are_no_reason_to_say_anything(fill: float) -> None:
    odd = Home(kwh=np.full(24 * DAYS, fill), litres=np.full(24 * DAYS, fill))
    assert faults([odd, lived_in(DAYS, seed=1)]) == []


def test_a_window_shorter_than_a_week_is_no_trouble() -> None:
    assert faults(lived_in(5, seed=1), 4) == []


def mixed() -> list[Home]:
    """One of each."""
    late = np.where(np.arange(DAYS * 24) // 24 % 9 == 0, 24 * 20, 1)
    return [
        turned(lived_in(DAYS, seed=1), 8, 100, 150),
        dataclasses.replace(turned(lived_in(DAYS, seed=2), -5, CHANGE), delay_h=late),
        still(lived_in(DAYS, seed=5), CHANGE),
        unlocked(lived_in(DAYS, seed=8, lock=True), CHANGE),
        *exchanged(unlike(), 1, 3, 110),
    ]


MIXED = window(mixed())


@settings(max_examples=12, deadline=None)
@given(st.sets(st.integers(60, DAYS - 1), min_size=1, max_size=5))
def test_a_walk_says_of_an_evening_what_the_evening_says_by_itself(evenings: set[int]) -> None:
    ledger = Ledger(MIXED, POLICY.signs)
    walked = Quality(ledger, RULES)
    for day in sorted(evenings):
        ledger.advance(24 * (day + 1))
        alone = Ledger(MIXED, POLICY.signs)
        alone.advance(24 * (day + 1))
        assert walked.faults(day) == Quality(alone, RULES).faults(day)


def test_the_faults_of_a_week_do_not_hang_on_where_a_walk_begins() -> None:
    ledgers = [Ledger(MIXED, POLICY.signs) for _ in range(2)]
    one, other = (Quality(ledger, RULES) for ledger in ledgers)
    for day in range(150, 171):
        known = one.known(day, 24 * DAYS)
        ledgers[0].advance(24 * (day + 1))
        if day >= 165:
            assert other.known(day, 24 * DAYS) == known
            ledgers[1].advance(24 * (day + 1))


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(8)), st.floats(0.5, 3))
def test_order_and_scale_do_not_matter(order: list[int], scale: float) -> None:
    """Electricity is left as it is: what counts as standby has a floor of its own."""
    homes = mixed()
    moved = [
        dataclasses.replace(homes[i], litres=np.where(homes[i].litres > 0, homes[i].litres * scale, 0))
        for i in order
    ]
    before, after = faults(homes), faults(moved)

    def keys(found: list[Fault], place: Sequence[int]) -> set[tuple[object, ...]]:
        return {
            (
                place[one.unit],
                one.kind,
                one.channel,
                one.until_h is None,
                None if one.other is None else place[one.other],
            )
            for one in found
        }

    assert keys(after, order) == keys(before, range(8))
