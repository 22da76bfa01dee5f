"""Rows of weeks on homes made of arrays."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly import weeks
from anomaly.ledger import Ledger
from anomaly.week_fields import AT, FIELDS, METERS, POWER_HOURS
from anomaly.weeks import Span, Weeks
from anomaly.window import Window
from tests.unit.anomaly.homes import POLICY, Home, Told, lived_in, window
from wire.events import EventType, Method

DAYS = 70


def rows(homes: Home | Sequence[Home], *evenings: int) -> np.ndarray:
    made = window([homes] if isinstance(homes, Home) else homes)
    return _advanced(made, *evenings).rows


def _advanced(made: Window, *evenings: int) -> Weeks:
    ledger, found = Ledger(made, POLICY.signs), Weeks(made)
    for day in evenings or (made.calendar.days - 1,):
        ledger.advance(24 * (day + 1))
        found.advance(ledger, day)
    return found


def entry(day: int, hour: float, subject: int = 1, *, registered: bool = True, **more: object) -> Told:
    told = Told(hour=24 * day + hour, type=EventType.entry, method=Method.face, subject=subject)
    return dataclasses.replace(told, registered=registered, **more)


def with_door(told: Sequence[Told], days: int = DAYS) -> Home:
    return dataclasses.replace(lived_in(days, lock=True), told=sorted(told, key=lambda one: one.hour))


def test_a_week_goes_from_monday_to_sunday() -> None:
    calendar = window([lived_in(DAYS)]).calendar
    later = dataclasses.replace(calendar, first=calendar.day(2), days=DAYS - 2)
    assert Span.of(calendar) == Span(first=0, count=10)
    assert Span.of(later) == Span(first=5, count=9)
    assert Span.of(later).ended(later.index(calendar.day(12))) == 0
    assert Span.of(later).ended(later.index(calendar.day(13))) == 1
    assert Span.of(dataclasses.replace(calendar, days=3)).count == 0


def test_power_tells_level_and_hours() -> None:
    kwh = np.tile(np.repeat([0.1, 0.5], [17, 7]), DAYS)
    found = rows(dataclasses.replace(lived_in(DAYS), kwh=kwh))[0, 3]
    assert found[AT["power_level"]] == pytest.approx(np.log(kwh[:24].mean() + 0.01), abs=1e-3)
    assert found[POWER_HOURS] == pytest.approx(kwh[:24], abs=1e-5)
    assert found[AT["power_base"]] == pytest.approx(np.log(0.11), abs=1e-3)
    assert found[AT["power_alike"]] == pytest.approx(1, abs=1e-3)
    assert found[AT["power_work"]] == pytest.approx(0, abs=1e-5)


def test_what_is_not_known_is_not_zero() -> None:
    found = rows(lived_in(DAYS).without(14, 21, "kwh", "litres"))[0]
    meters = found[:, METERS]
    assert np.isnan(meters[2]).all()
    assert np.isfinite(meters[1]).all()
    assert found[2, AT["energy_days"]] == 0
    assert np.isnan(found[:, AT["known"]]).all()  # no lock


def test_entries_are_counted_by_who_and_how() -> None:
    told = [
        entry(7, 8.0),
        entry(7, 19.0, method=Method.code),
        entry(8, 10.0, 2, registered=False, fresh=True),  # a Tuesday
        entry(8, 19.0),
        entry(9, 20.0, 2, registered=False, method=Method.code),
        entry(12, 10.0, 3, registered=False, fresh=True),  # a Saturday
        entry(13, 11.0, -1, registered=False, method=Method.qr),
        Told(hour=24 * 13 + 12, type=EventType.door_opened),
    ]
    found = rows(with_door(told))[0, 1]
    expected = {
        "known": 3,
        "known_face": 2,
        "known_code": 1,
        "known_card": 0,
        "known_people": 1,
        "known_days": 2,
        "foreign": 4,
        "named": 3,
        "people": 2,
        "fresh_people": 2,
        "foreign_days": 4,
        "both_days": 1,
        "office": 1,
        "foreign_code": 1,
        "openings": 1,
    }
    assert {name: found[AT[name]] for name in expected} == expected
    assert rows(with_door(told))[0, 2, AT["known"]] == 0  # the lock was heard, nobody came


def test_heads_are_those_of_the_week() -> None:
    home = dataclasses.replace(
        lived_in(DAYS), residents=[(-50, 17), (-50, 900), (17, 900)], leases=[(-50, 15), (15, 900)]
    )
    found = rows(dataclasses.replace(home, absences=[(22, 30, 24 * 25)]))[0]
    assert found[:5, AT["heads"]].tolist() == [2, 2, 2, 2, 2]
    assert found[:5, AT["joined"]].tolist() == [0, 0, 1, 0, 0]
    assert found[:5, AT["left"]].tolist() == [0, 0, 1, 0, 0]
    assert found[:5, AT["lease_began"]].tolist() == [0, 0, 1, 0, 0]
    assert found[:5, AT["absent_days"]].tolist() == [0, 0, 0, 6, 2]


def test_peers_are_the_median_of_what_is_known() -> None:
    homes = [lived_in(DAYS, seed=seed) for seed in range(4)]
    homes[3] = homes[3].without(0, 70, "kwh", "litres")
    found = rows(homes)
    assert weeks.peers(found)[:, AT["power_level"]] == pytest.approx(
        np.median(found[:3, :, AT["power_level"]], axis=0)
    )
    nobody = rows(homes[3])
    assert np.isnan(weeks.peers(nobody)).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_step_by_step_is_as_at_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    homes = []
    for one in range(3):
        late = np.where(rng.random(24 * DAYS) < 0.05, rng.integers(0, 400, 24 * DAYS), 0)
        told = [
            entry(int(rng.integers(DAYS)), float(rng.uniform(0, 23)), registered=bool(rng.random() < 0.5))
            for _ in range(40)
        ]
        home = dataclasses.replace(lived_in(DAYS, seed=one, lock=True), delay_h=late)
        homes.append(dataclasses.replace(home, told=sorted(told, key=lambda found: found.hour)))
    evenings = sorted({int(day) for day in rng.integers(0, DAYS, 8)} | {DAYS - 1})
    np.testing.assert_array_equal(rows(homes, *evenings), rows(homes))


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([0.5, 2.0, 10.0]), st.integers(0, 50))
def test_more_of_everything_is_another_level_alone(factor: float, seed: int) -> None:
    home = lived_in(28, seed=seed)
    more = dataclasses.replace(home, kwh=home.kwh * factor, litres=home.litres * factor)
    one, other = rows(home)[0], rows(more)[0]
    for level, alone in (("power_level", 0.01), ("water_level", 0.5)):
        amount = np.exp(one[:, AT[level]]) - alone
        assert other[:, AT[level]] == pytest.approx(np.log(factor * amount + alone), abs=1e-3)
    assert other[:, POWER_HOURS] == pytest.approx(factor * one[:, POWER_HOURS], rel=1e-3)
    assert other[:, AT["power_alike"]] == pytest.approx(one[:, AT["power_alike"]], abs=1e-3)


def test_the_order_of_units_does_not_matter() -> None:
    homes = [lived_in(28, seed=seed, lock=seed % 2 == 0) for seed in range(4)]
    order = [2, 0, 3, 1]
    np.testing.assert_array_equal(rows([homes[i] for i in order]), rows(homes)[order])


def test_weeks_stand_by_themselves() -> None:
    """What comes before a week changes nothing in its row but signs of life: they know the standby."""
    home = lived_in(DAYS, seed=1)
    cut = dataclasses.replace(home, kwh=home.kwh[24 * 14 :], litres=home.litres[24 * 14 :])
    life = [AT["life_days"], AT["quiet_days"]]
    one, other = (np.delete(found[0], life, axis=1) for found in (rows(home)[:, 2:], rows(cut)))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("value", [0.0, np.nan, 0.3])
def test_bad_meters_do_no_harm(value: float) -> None:
    flat = np.full(24 * 28, value)
    found = rows([Home(kwh=flat, litres=flat), lived_in(28), Home(kwh=flat, litres=lived_in(28).litres)])
    assert found.shape == (3, 4, len(FIELDS))
    assert not np.isinf(found).any()
    assert np.isnan(found[0, :, AT["power_level"]]).all() == np.isnan(value)
