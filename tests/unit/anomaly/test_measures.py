"""Measures of weeks, on rows made of homes."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.ledger import Ledger
from anomaly.measures import DOOR, HISTORY, ITEMS, MEASURES, PLACE, Nature, measures
from anomaly.week_fields import AT, FIELDS, METERS
from anomaly.weeks import Weeks, peers
from tests.unit.anomaly.homes import POLICY, Home, lived_in, window

NATURE = Nature(
    power={recent: np.eye(17) for recent in (3, 6)},
    water={recent: np.eye(11) for recent in (3, 6)},
    usual=np.zeros(METERS.stop),
)


def rows(homes: list[Home]) -> np.ndarray:
    made = window(homes)
    ledger, found = Ledger(made, POLICY.signs), Weeks(made)
    ledger.advance(made.calendar.hours)
    found.advance(ledger, made.calendar.days - 1)
    return found.rows


def test_every_measure_belongs_to_one_item() -> None:
    members = [name for item in ITEMS.values() for name in item]
    assert sorted(members) == sorted(MEASURES)
    assert set(DOOR) == {name for item, of in ITEMS.items() if item in _DOOR_ITEMS for name in of}


_DOOR_ITEMS = (
    "strangers",
    "own_entries",
    "own_way",
    "each_own",
    "different_people",
    "new_people",
    "office_hours",
    "codes",
    "openings",
)


def test_a_new_household_is_a_shift_and_the_season_is_none() -> None:
    days, change = 7 * 30, 7 * 22
    homes = [lived_in(days, seed=seed) for seed in range(9)]
    season = np.repeat(np.linspace(1, 3, days), 24)
    homes = [dataclasses.replace(home, kwh=home.kwh * season) for home in homes]
    kwh = homes[0].kwh.copy()
    kwh[24 * change :] = np.roll(kwh[24 * change :], 9) * 2
    homes[0] = dataclasses.replace(homes[0], kwh=kwh)
    table = rows(homes)
    found = measures(table, peers(table), NATURE)[:, -1]
    shift = found[:, PLACE["power_shift_6"]]
    assert shift[0] > 2 * shift[1:].max()
    assert found[0, PLACE["power_level_6"]] == pytest.approx(np.log(2), abs=0.1)
    assert np.abs(found[1:, PLACE["power_level_6"]]).max() < 0.15


def test_a_turned_day_is_told_from_another() -> None:
    days = 7 * 24
    turned, other = lived_in(days, seed=1), lived_in(days, seed=2)
    kwh = turned.kwh.copy()
    kwh[24 * 140 :] = np.roll(kwh[24 * 140 :], 8)
    table = rows([dataclasses.replace(turned, kwh=kwh), other])
    found = measures(table, peers(table), NATURE)[:, -1, PLACE["power_turned"]]
    assert found[0] > 0.5
    assert found[1] < 0


def test_what_is_not_known_is_not_measured() -> None:
    days = 7 * 20
    nothing = np.full(24 * days, np.nan)
    table = rows([Home(kwh=nothing, litres=nothing), *(lived_in(days, seed=seed) for seed in range(3))])
    found = measures(table, peers(table), NATURE)
    at = [PLACE[name] for name in MEASURES if name not in ("joined", "heads")]
    life = [PLACE[name] for name in ("quiet_now", "quiet_before", "quiet_most")]
    assert np.isnan(found[0, :, [one for one in at if one not in life]]).all()
    assert np.isnan(found[1, :, [PLACE[name] for name in DOOR]]).all()
    assert np.isfinite(found[1, -1, PLACE["power_shift_6"]])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 70), st.integers(1, 4))
def test_the_latest_weeks_are_as_among_all(seed: int, weeks: int, latest: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.gamma(2.0, 1.0, (3, weeks, len(FIELDS))).astype(np.float32)
    table[rng.random(table.shape[:2]) < 0.2, : AT["heads"]] = np.nan
    common = peers(table)
    whole = measures(table, common, NATURE)[:, -latest:]
    assert HISTORY >= 39
    np.testing.assert_allclose(measures(table, common, NATURE, latest), whole, rtol=1e-3, atol=1e-3)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([0.5, 3.0]))
def test_more_of_everything_changes_levels_alone(factor: float) -> None:
    days = 7 * 26
    homes = [lived_in(days, seed=seed) for seed in range(5)]
    more = [dataclasses.replace(home, kwh=home.kwh * factor) for home in homes]
    one, other = (measures(table, peers(table), NATURE)[:, -1] for table in (rows(homes), rows(more)))
    at = [PLACE[name] for name in MEASURES if name.startswith("power_shift") or name in ("work", "day_share")]
    np.testing.assert_allclose(one[:, at], other[:, at], atol=0.12)
