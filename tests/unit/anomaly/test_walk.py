"""What must not matter: order of homes, cut into blocks, the week of the year, how a range is cut."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from anomaly.signals import Signal
from anomaly.sweep import walk
from tests.unit.anomaly.homes import NOW, POLICY, Home, Told, lived_in, window
from tests.unit.anomaly.test_burst import with_draw
from tests.unit.anomaly.test_leak import with_flow
from tests.unit.anomaly.test_overload import with_load
from tests.unit.anomaly.test_silence import elder, silent
from wire.events import EventType

DAYS = 130
EVENINGS = range(80, DAYS, 7)


@pytest.fixture(scope="module")
def homes() -> list[Home]:
    """One of each kind: plain, empty, leaking, unread, away, late, with a lock, in danger."""
    late = np.where(np.arange(DAYS * 24) // 24 % 9 == 0, 150, 1)
    return [
        lived_in(DAYS, seed=1),
        lived_in(DAYS, seed=2).empty(40, DAYS),
        with_flow(lived_in(DAYS, seed=3), 20, start=24 * 85),
        lived_in(DAYS, seed=4).without(0, DAYS, "kwh", "litres"),
        dataclasses.replace(lived_in(DAYS, seed=5).empty(40, DAYS), absences=[(50, 60, 24 * 55)]),
        dataclasses.replace(lived_in(DAYS, seed=6).empty(30, DAYS), delay_h=late),
        lived_in(DAYS, seed=7, lock=True).empty(60, DAYS),
        with_flow(lived_in(DAYS, seed=8, lock=True).empty(50, DAYS), 5, start=24 * 90),
        silent(elder(days=DAYS, seed=9), 107, 110),
        with_draw(lived_in(DAYS, seed=10), 900, 800, start=24 * 94 + 7),
        with_load(lived_in(DAYS, seed=11), 9, start=24 * 108 + 20),
        dataclasses.replace(lived_in(DAYS), told=[Told(hour=24 * 101 + 3.2, type=EventType.smoke)]),
    ]


def said(homes: Sequence[Home], evenings: Sequence[int] = EVENINGS) -> list[dict[str, object]]:
    made = window(homes)
    days = [made.calendar.day(day) for day in evenings]
    return [shown(signal) for signal in walk(made, POLICY, days, now=NOW)]


def shown(signal: Signal) -> dict[str, object]:
    finding = signal.finding
    return {
        "unit": finding.unit,
        "kind": finding.kind,
        "as_of": signal.as_of,
        "at": finding.at,
        "since": finding.since,
        "score": finding.score,
        "evidence": [item.as_json() for item in finding.evidence],
        "quality": finding.quality(),
    }


def in_order(found: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(found, key=lambda one: (str(one["as_of"]), str(one["unit"]), str(one["kind"])))


def test_every_kind_of_home_is_represented(homes: list[Home]) -> None:
    found = {(one["unit"], one["kind"]) for one in said(homes)}
    assert {(1, "vacancy"), (2, "leak"), (5, "vacancy"), (6, "vacancy"), (7, "leak")} <= found
    assert {(8, "elder_silence"), (9, "burst"), (10, "overload"), (11, "alarm")} <= found
    assert not {unit for unit, _ in found} & {0, 3}


def test_the_same_input_says_the_same(homes: list[Home]) -> None:
    assert said(homes) == said(homes)


def test_the_order_of_homes_does_not_matter(homes: list[Home]) -> None:
    order = [5, 2, 7, 11, 0, 10, 1, 6, 9, 3, 8, 4]
    turned = [one | {"unit": order[int(str(one["unit"]))]} for one in said([homes[i] for i in order])]
    assert in_order(turned) == in_order(said(homes))


def test_blocks_do_not_matter(homes: list[Home]) -> None:
    halves = said(homes[:3]) + [one | {"unit": int(str(one["unit"])) + 3} for one in said(homes[3:])]
    assert in_order(halves) == in_order(said(homes))


def test_a_range_says_what_its_evenings_say_one_by_one(homes: list[Home]) -> None:
    one_by_one = [one for evening in EVENINGS for one in said(homes, [evening])]
    assert in_order(one_by_one) == in_order(said(homes))


def test_later_data_do_not_change_an_earlier_evening(homes: list[Home]) -> None:
    """A window that ends on the evening says what a longer one says of it."""
    end = 110
    short = [
        dataclasses.replace(
            home,
            kwh=home.kwh[: 24 * end],
            litres=home.litres[: 24 * end],
            doors=None if home.doors is None else home.doors[:end],
            told=[told for told in home.told if told.hour < 24 * end],
            delay_h=home.delay_h if isinstance(home.delay_h, int) else home.delay_h[: 24 * end],
        )
        for home in homes
    ]
    assert said(short, [end - 1]) == said(homes, [end - 1])


def test_a_shift_by_whole_weeks_shifts_the_findings(homes: list[Home]) -> None:
    made = window(homes)
    calendar = made.calendar
    later = dataclasses.replace(made, calendar=dataclasses.replace(calendar, first=calendar.day(21)))
    before = list(walk(made, POLICY, [calendar.day(100)], now=NOW))
    after = list(walk(later, POLICY, [calendar.day(121)], now=NOW))
    assert before
    assert [(a.finding.since - b.finding.since).days for a, b in zip(after, before, strict=True)] == [
        21
    ] * len(before)
    assert [a.finding.score for a in after] == [b.finding.score for b in before]


def test_no_homes_and_no_data_say_nothing() -> None:
    assert said([lived_in(30).without(0, 30, "kwh", "litres")], [29]) == []
